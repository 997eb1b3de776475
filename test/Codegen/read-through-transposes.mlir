// One stored order serves consumers that want others.
// RUN: lig-opt %s -split-input-file -lig-pack-parameters | FileCheck %s

// Slices that make up the whole are read where they lie, one of them the other
// way around.
// CHECK: #[[TURNED:.+]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-LABEL: module @slices
module @slices {
  // CHECK: share.param @w : tensor<16x8xf32>
  // CHECK-NOT: share.param
  share.param @w : tensor<16x8xf32> = dense<2.0> : tensor<16x8xf32>
  // CHECK: func.func @main
  func.func @main(%x: tensor<4x8xf32>, %z: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
    // CHECK: %[[TOP:.+]] = tensor.extract_slice %{{.+}}[0, 0] [8, 8] [1, 1]
    // CHECK: %[[LOW:.+]] = tensor.extract_slice %{{.+}}[8, 0] [8, 8] [1, 1]
    %w = share.get @w : tensor<16x8xf32>
    %top = tensor.extract_slice %w[0, 0] [8, 8] [1, 1] : tensor<16x8xf32> to tensor<8x8xf32>
    %low = tensor.extract_slice %w[8, 0] [8, 8] [1, 1] : tensor<16x8xf32> to tensor<8x8xf32>
    %e = tensor.empty() : tensor<8x8xf32>
    %t = linalg.transpose ins(%low : tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) permutation = [1, 0]
    // CHECK: linalg.matmul ins(%{{.+}}, %[[TOP]]
    %a = linalg.matmul ins(%x, %top : tensor<4x8xf32>, tensor<8x8xf32>) outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
    %b = linalg.matmul ins(%x, %low : tensor<4x8xf32>, tensor<8x8xf32>) outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
    // CHECK: linalg.generic {indexing_maps = [#{{.+}}, #[[TURNED]], #{{.+}}]{{.*}} ins(%{{.+}}, %[[LOW]]
    %c = linalg.matmul ins(%a, %t : tensor<4x8xf32>, tensor<8x8xf32>) outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
    return %b, %c : tensor<4x8xf32>, tensor<4x8xf32>
  }
}

// -----

// A small part of a large parameter is all that is read: only it is stored.
// CHECK-LABEL: module @part
module @part {
  // CHECK-NOT: share.param @w :
  // CHECK: share.param @w.packed {{.*}} : tensor<2x8xf32>
  // CHECK-NOT: share.param
  share.param @w : tensor<16x8xf32> = dense<2.0> : tensor<16x8xf32>
  func.func @main(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
    %w = share.get @w : tensor<16x8xf32>
    %part = tensor.extract_slice %w[4, 0] [2, 8] [1, 1] : tensor<16x8xf32> to tensor<2x8xf32>
    %e = tensor.empty() : tensor<2x8xf32>
    %y = linalg.add ins(%x, %part : tensor<2x8xf32>, tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
    return %y : tensor<2x8xf32>
  }
}

// -----

// Nobody reads the parameter as it is, but two orders are asked for: the more
// frequent one is stored, and the third consumer reads that.
// CHECK: #[[MAP:.+]] = affine_map<(d0, d1, d2) -> (d2, d0, d1)>
// CHECK-LABEL: module @orders
module @orders {
  // CHECK: share.param @w.packed {{.*}} : tensor<4x8x6xf32>
  // CHECK-NOT: share.param
  share.param @w : tensor<6x8x4xf32> = dense<2.0> : tensor<6x8x4xf32>
  func.func @main(%x: tensor<4x8x6xf32>, %u: tensor<8x6x4xf32>) -> (tensor<4x8x6xf32>, tensor<4x8x6xf32>, tensor<8x6x4xf32>) {
    // CHECK: %[[W:.+]] = share.get @w.packed
    // CHECK: linalg.generic {indexing_maps = [#{{.+}}, #[[MAP]], #{{.+}}]
    %w = share.get @w : tensor<6x8x4xf32>
    %e1 = tensor.empty() : tensor<4x8x6xf32>
    %e2 = tensor.empty() : tensor<8x6x4xf32>
    %p = linalg.transpose ins(%w : tensor<6x8x4xf32>) outs(%e2 : tensor<8x6x4xf32>) permutation = [1, 0, 2]
    %q = linalg.transpose ins(%w : tensor<6x8x4xf32>) outs(%e1 : tensor<4x8x6xf32>) permutation = [2, 1, 0]
    %r = linalg.transpose ins(%w : tensor<6x8x4xf32>) outs(%e1 : tensor<4x8x6xf32>) permutation = [2, 1, 0]
    %a = linalg.add ins(%u, %p : tensor<8x6x4xf32>, tensor<8x6x4xf32>) outs(%e2 : tensor<8x6x4xf32>) -> tensor<8x6x4xf32>
    %b = linalg.add ins(%x, %q : tensor<4x8x6xf32>, tensor<4x8x6xf32>) outs(%e1 : tensor<4x8x6xf32>) -> tensor<4x8x6xf32>
    %c = linalg.mul ins(%x, %r : tensor<4x8x6xf32>, tensor<4x8x6xf32>) outs(%e1 : tensor<4x8x6xf32>) -> tensor<4x8x6xf32>
    return %b, %c, %a : tensor<4x8x6xf32>, tensor<4x8x6xf32>, tensor<8x6x4xf32>
  }
}

// -----

// A value that comes at run time cannot be packed: it is not copied either.
// CHECK-LABEL: module @unknown
module @unknown {
  // CHECK: share.param @w : tensor<8x4xf32>
  share.param @w : tensor<8x4xf32>
  func.func @main(%x: tensor<2x4xf32>, %z: tensor<2x8xf32>) -> tensor<2x8xf32> {
    // CHECK-NOT: linalg.transpose
    %w = share.get @w : tensor<8x4xf32>
    %e = tensor.empty() : tensor<4x8xf32>
    %t = linalg.transpose ins(%w : tensor<8x4xf32>) outs(%e : tensor<4x8xf32>) permutation = [1, 0]
    %y = linalg.matmul ins(%x, %t : tensor<2x4xf32>, tensor<4x8xf32>) outs(%z : tensor<2x8xf32>) -> tensor<2x8xf32>
    return %y : tensor<2x8xf32>
  }
}
