// A parameter is stored in one order and read in any.
// RUN: lig-opt %s -split-input-file -lig-order-parameters | FileCheck %s

// Two uses of one transpose share one packed parameter; the original is gone.
// CHECK-LABEL: module @transposes
module @transposes {
  // CHECK-NOT: share.param @w :
  // CHECK: share.param @w.packed {share.packed_from = "w"} : tensor<3x2xf32> = dense<{{\[\[}}1.000000e+00, 4.000000e+00], [2.000000e+00, 5.000000e+00], [3.000000e+00, 6.000000e+00]]>
  // CHECK-NOT: share.param
  share.param @w : tensor<2x3xf32> = dense<[[1., 2., 3.], [4., 5., 6.]]> : tensor<2x3xf32>
  // CHECK: func.func @main
  // CHECK-NOT: linalg.transpose
  func.func @main() -> (tensor<3x2xf32>, tensor<3x2xf32>) {
    %w = share.get @w : tensor<2x3xf32>
    %e = tensor.empty() : tensor<3x2xf32>
    %0 = linalg.transpose ins(%w : tensor<2x3xf32>) outs(%e : tensor<3x2xf32>) permutation = [1, 0]
    %v = share.get @w : tensor<2x3xf32>
    %1 = linalg.transpose ins(%v : tensor<2x3xf32>) outs(%e : tensor<3x2xf32>) permutation = [1, 0]
    // CHECK: share.get @w.packed :
    // CHECK: share.get @w.packed :
    return %0, %1 : tensor<3x2xf32>, tensor<3x2xf32>
  }
}

// -----

// Slices that make up the whole are read where they lie, one of them the other
// way around.
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
    // CHECK: %[[T:.+]] = share.get_strided @w offset 64 strides [1, 8] : tensor<8x8xf32>
    // CHECK: linalg.matmul ins(%{{.+}}, %[[TOP]]
    %a = linalg.matmul ins(%x, %top : tensor<4x8xf32>, tensor<8x8xf32>) outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
    %b = linalg.matmul ins(%x, %low : tensor<4x8xf32>, tensor<8x8xf32>) outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
    // CHECK: linalg.matmul ins(%{{.+}}, %[[T]]
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
// CHECK-LABEL: module @orders
module @orders {
  // CHECK: share.param @w.packed {{.*}} : tensor<4x8x6xf32>
  // CHECK-NOT: share.param
  share.param @w : tensor<6x8x4xf32> = dense<2.0> : tensor<6x8x4xf32>
  func.func @main(%x: tensor<4x8x6xf32>, %u: tensor<8x6x4xf32>) -> (tensor<4x8x6xf32>, tensor<4x8x6xf32>, tensor<8x6x4xf32>) {
    // CHECK: share.get_strided @w.packed offset 0 strides [6, 1, 48] : tensor<8x6x4xf32>
    // CHECK: share.get @w.packed
    // CHECK: share.get @w.packed
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
    // CHECK: share.get_strided @w offset 0 strides [1, 4] : tensor<4x8xf32>
    %w = share.get @w : tensor<8x4xf32>
    %e = tensor.empty() : tensor<4x8xf32>
    %t = linalg.transpose ins(%w : tensor<8x4xf32>) outs(%e : tensor<4x8xf32>) permutation = [1, 0]
    %y = linalg.matmul ins(%x, %t : tensor<2x4xf32>, tensor<4x8xf32>) outs(%z : tensor<2x8xf32>) -> tensor<2x8xf32>
    return %y : tensor<2x8xf32>
  }
}

// -----

// Columns, every second row, the last first: slices and reversals of a weight
// that is read as it is as well. A view of a view is one view.
// CHECK-LABEL: module @slices_and_reversals
module @slices_and_reversals {
  // CHECK: share.param @w : tensor<16x12xf32>
  // CHECK-NOT: share.param
  share.param @w : tensor<16x12xf32> = dense<2.0> : tensor<16x12xf32>
  func.func @main(%x: tensor<16x12xf32>) -> (tensor<16x12xf32>, tensor<16x4xf32>, tensor<4x8xf32>) {
    %w = share.get @w : tensor<16x12xf32>
    %e = tensor.empty() : tensor<16x12xf32>
    // CHECK: share.get_strided @w offset 4 strides [12, 1] : tensor<16x4xf32>
    %columns = tensor.extract_slice %w[0, 4] [16, 4] [1, 1] : tensor<16x12xf32> to tensor<16x4xf32>
    %rows = tensor.extract_slice %columns[0, 0] [8, 4] [2, 1] : tensor<16x4xf32> to tensor<8x4xf32>
    %turned_room = tensor.empty() : tensor<8x4xf32>
    %turned = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (7 - d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>],
        iterator_types = ["parallel", "parallel"]} ins(%rows : tensor<8x4xf32>) outs(%turned_room : tensor<8x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<8x4xf32>
    %t_room = tensor.empty() : tensor<4x8xf32>
    // CHECK: share.get_strided @w offset 172 strides [1, -24] : tensor<4x8xf32>
    %t = linalg.transpose ins(%turned : tensor<8x4xf32>) outs(%t_room : tensor<4x8xf32>) permutation = [1, 0]
    %sum = linalg.add ins(%x, %w : tensor<16x12xf32>, tensor<16x12xf32>) outs(%e : tensor<16x12xf32>) -> tensor<16x12xf32>
    return %sum, %columns, %t : tensor<16x12xf32>, tensor<16x4xf32>, tensor<4x8xf32>
  }
}

// -----

// Tied in both orientations: one copy, the second product reads by columns.
// CHECK-LABEL: module @tied
module @tied {
  // CHECK: share.param @w : tensor<8x4xf32>
  // CHECK-NOT: share.param
  share.param @w : tensor<8x4xf32> = dense_resource<w> : tensor<8x4xf32>
  // CHECK: func.func @main
  func.func @main(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
    // CHECK: %[[W:.+]] = share.get @w
    // CHECK: %[[T:.+]] = share.get_strided @w offset 0 strides [1, 4] : tensor<4x8xf32>
    %w = share.get @w : tensor<8x4xf32>
    %e = tensor.empty() : tensor<4x8xf32>
    %t = linalg.transpose ins(%w : tensor<8x4xf32>) outs(%e : tensor<4x8xf32>) permutation = [1, 0]
    %e1 = tensor.empty() : tensor<2x4xf32>
    %e2 = tensor.empty() : tensor<2x8xf32>
    // CHECK: linalg.matmul ins(%{{.+}}, %[[W]]
    %h = linalg.matmul ins(%x, %w : tensor<2x8xf32>, tensor<8x4xf32>) outs(%e1 : tensor<2x4xf32>) -> tensor<2x4xf32>
    // CHECK: linalg.matmul ins(%{{.+}}, %[[T]]
    %y = linalg.matmul ins(%h, %t : tensor<2x4xf32>, tensor<4x8xf32>) outs(%e2 : tensor<2x8xf32>) -> tensor<2x8xf32>
    return %y : tensor<2x8xf32>
  }
}

{-#
  dialect_resources: {
    builtin: {
      w: "0x040000000000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F"
    }
  }
#-}

// -----

// Elements that are repeated one by one, as an image is enlarged, lie at no
// equal distances.
// CHECK-LABEL: module @repeats_elements
module @repeats_elements {
  // CHECK-NOT: get_strided
  share.param @w : tensor<2x2xf32> = dense<[[1., 2.], [3., 4.]]> : tensor<2x2xf32>
  func.func @main() -> tensor<2x6xf32> {
    %w = share.get @w : tensor<2x2xf32>
    %room = tensor.empty() : tensor<2x2x3xf32>
    %b = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
                         iterator_types = ["parallel", "parallel", "parallel"]}
        ins(%w : tensor<2x2xf32>) outs(%room : tensor<2x2x3xf32>) {
    ^bb0(%v: f32, %o: f32):
      linalg.yield %v : f32
    } -> tensor<2x2x3xf32>
    %y = tensor.collapse_shape %b [[0], [1, 2]] : tensor<2x2x3xf32> into tensor<2x6xf32>
    return %y : tensor<2x6xf32>
  }
}
