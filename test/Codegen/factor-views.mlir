// A product with a computed weight is a product with its parts.
// RUN: lig-opt %s -split-input-file -lig-factor-views -canonicalize -cse | FileCheck %s

// One factor for all, and one for each column, multiply the sums.
// CHECK-LABEL: func.func @scales_sums
// CHECK: %[[W:.+]] = share.get @w
// CHECK: %[[SUMS:.+]] = linalg.generic {{.*}} ins(%{{.+}}, %[[W]] :
// CHECK: linalg.generic {{.*}} ins(%{{.+}}, %[[SUMS]], %{{.+}} :
// CHECK: arith.mulf {{.*}} %cst
module @scales {
  share.param @w : tensor<8x4xf32>
  share.param @s : tensor<4xf32>
  func.func @scales_sums(%x: tensor<2x8xf32>, %start: tensor<2x4xf32>) -> tensor<2x4xf32> {
    %w = share.get @w : tensor<8x4xf32>
    %s = share.get @s : tensor<4xf32>
    %half = arith.constant 0.5 : f32
    %e = tensor.empty() : tensor<8x4xf32>
    %v = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
        iterator_types = ["parallel", "parallel"]} ins(%w, %s : tensor<8x4xf32>, tensor<4xf32>) outs(%e : tensor<8x4xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.mulf %half, %p : f32
      linalg.yield %q : f32
    } -> tensor<8x4xf32>
    %y = linalg.matmul ins(%x, %v : tensor<2x8xf32>, tensor<8x4xf32>) outs(%start : tensor<2x4xf32>) -> tensor<2x4xf32>
    return %y : tensor<2x4xf32>
  }
}

// -----

// The shared base once, the delta as two narrow products.
// CHECK-LABEL: func.func @low_rank
// CHECK-DAG: %[[W:.+]] = share.get @w
// CHECK-DAG: %[[B:.+]] = share.get @b
// CHECK-DAG: %[[A:.+]] = share.get @a
// CHECK-NOT: tensor<16x16xf32>) outs
// CHECK: linalg.generic {{.*}} ins(%{{.+}}, %[[W]] : {{.*}}) outs(%{{.+}} : tensor<2x16xf32>)
// CHECK: %[[XB:.+]] = linalg.generic {{.*}} ins(%{{.+}}, %[[B]] : {{.*}}) outs(%{{.+}} : tensor<2x2xf32>)
// CHECK: linalg.generic {{.*}} ins(%[[XB]], %[[A]] :
module @delta {
  share.param @w : tensor<16x16xf32>
  share.param @b : tensor<16x2xf32>
  share.param @a : tensor<2x16xf32>
  func.func @low_rank(%x: tensor<2x16xf32>, %start: tensor<2x16xf32>) -> tensor<2x16xf32> {
    %w = share.get @w : tensor<16x16xf32>
    %b = share.get @b : tensor<16x2xf32>
    %a = share.get @a : tensor<2x16xf32>
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<16x16xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<16x16xf32>) -> tensor<16x16xf32>
    %d = linalg.matmul ins(%b, %a : tensor<16x2xf32>, tensor<2x16xf32>) outs(%f : tensor<16x16xf32>) -> tensor<16x16xf32>
    %v = linalg.add ins(%w, %d : tensor<16x16xf32>, tensor<16x16xf32>) outs(%e : tensor<16x16xf32>) -> tensor<16x16xf32>
    %y = linalg.matmul ins(%x, %v : tensor<2x16xf32>, tensor<16x16xf32>) outs(%start : tensor<2x16xf32>) -> tensor<2x16xf32>
    return %y : tensor<2x16xf32>
  }
}

// -----

// A square of a weight is not linear in it, and a product of full rank is no
// cheaper taken apart.
// CHECK-LABEL: func.func @leaves_alone
// CHECK: arith.mulf
// CHECK-COUNT-3: linalg.{{generic|matmul}}
module @others {
  share.param @w : tensor<8x8xf32>
  func.func @leaves_alone(%x: tensor<2x8xf32>, %start: tensor<2x8xf32>) -> tensor<2x8xf32> {
    %w = share.get @w : tensor<8x8xf32>
    %e = tensor.empty() : tensor<8x8xf32>
    %zero = arith.constant 0.0 : f32
    %v = linalg.mul ins(%w, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) -> tensor<8x8xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<8x8xf32>) -> tensor<8x8xf32>
    %p = linalg.matmul ins(%w, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%f : tensor<8x8xf32>) -> tensor<8x8xf32>
    %y = linalg.matmul ins(%x, %v : tensor<2x8xf32>, tensor<8x8xf32>) outs(%start : tensor<2x8xf32>) -> tensor<2x8xf32>
    %z = linalg.matmul ins(%y, %p : tensor<2x8xf32>, tensor<8x8xf32>) outs(%start : tensor<2x8xf32>) -> tensor<2x8xf32>
    return %z : tensor<2x8xf32>
  }
}
