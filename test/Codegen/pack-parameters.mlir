// What depends on parameters alone is computed at compile time, once.
// RUN: lig-opt %s -split-input-file -lig-pack-parameters | FileCheck %s

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

// Moves of every kind, to the end of the expression.
// CHECK-LABEL: module @moves
module @moves {
  // CHECK: share.param @w.packed {{.*}} : tensor<2x3xi32> = dense<{{\[\[}}0, 4, 3], [0, 9, 9]]>
  share.param @w : tensor<4xi32> = dense<[1, 2, 3, 4]> : tensor<4xi32>
  func.func @main() -> tensor<2x3xi32> {
    %w = share.get @w : tensor<4xi32>
    %z = arith.constant 0 : i32
    %s = tensor.extract_slice %w[2] [2] [1] : tensor<4xi32> to tensor<2xi32>
    %e = tensor.empty() : tensor<2xi32>
    %r = linalg.generic {indexing_maps = [affine_map<(d0) -> (1 - d0)>, affine_map<(d0) -> (d0)>],
        iterator_types = ["parallel"]} ins(%s : tensor<2xi32>) outs(%e : tensor<2xi32>) {
    ^bb0(%in: i32, %out: i32):
      linalg.yield %in : i32
    } -> tensor<2xi32>
    %p = tensor.pad %r low[1] high[0] {
    ^bb0(%i: index):
      tensor.yield %z : i32
    } : tensor<2xi32> to tensor<3xi32>
    %c9 = arith.constant 9 : i32
    %e2 = tensor.empty() : tensor<3xi32>
    %f = linalg.fill ins(%c9 : i32) outs(%e2 : tensor<3xi32>) -> tensor<3xi32>
    %f0 = tensor.extract_slice %f[0] [2] [1] : tensor<3xi32> to tensor<2xi32>
    %fp = tensor.pad %f0 low[1] high[0] {
    ^bb0(%i: index):
      tensor.yield %z : i32
    } : tensor<2xi32> to tensor<3xi32>
    %c = tensor.concat dim(0) %p, %fp : (tensor<3xi32>, tensor<3xi32>) -> tensor<6xi32>
    %x = tensor.expand_shape %c [[0, 1]] output_shape [2, 3] : tensor<6xi32> into tensor<2x3xi32>
    return %x : tensor<2x3xi32>
  }
}

// -----

// Arithmetic rounds as the element type does: 2^24 + 1 is not an f32.
// CHECK-LABEL: module @computes
module @computes {
  // CHECK: share.param @w.packed {{.*}} = dense<[0x4B800000, 1.500000e+00]>
  share.param @w : tensor<2xf32> = dense<[16777216.0, 0.5]> : tensor<2xf32>
  func.func @main() -> tensor<2xf32> {
    %w = share.get @w : tensor<2xf32>
    %one = arith.constant 1.0 : f32
    %e = tensor.empty() : tensor<2xf32>
    %r = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>],
        iterator_types = ["parallel"]} ins(%w : tensor<2xf32>) outs(%e : tensor<2xf32>) {
    ^bb0(%in: f32, %out: f32):
      %s = arith.addf %in, %one : f32
      linalg.yield %s : f32
    } -> tensor<2xf32>
    return %r : tensor<2xf32>
  }
}

// -----

// A broadcast would cost room, a reshape costs nothing, a trainable parameter
// changes, and what reads an input is not known: all stay.
// CHECK-LABEL: module @leaves_alone
module @leaves_alone {
  // CHECK-NOT: share.packed_from
  share.param @b : tensor<4xf32> = dense<[1., 2., 3., 4.]> : tensor<4xf32>
  share.param trainable @t : tensor<1x4xf32> = dense<[[1., 2., 3., 4.]]> : tensor<1x4xf32>
  func.func @main(%x: tensor<4xf32>) -> (tensor<32x4xf32>, tensor<2x2xf32>, tensor<4x1xf32>, tensor<4xf32>) {
    %b = share.get @b : tensor<4xf32>
    %t = share.get @t : tensor<1x4xf32>
    %e = tensor.empty() : tensor<32x4xf32>
    // CHECK: linalg.broadcast
    %0 = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<32x4xf32>) dimensions = [0]
    // CHECK: tensor.expand_shape
    %1 = tensor.expand_shape %b [[0, 1]] output_shape [2, 2] : tensor<4xf32> into tensor<2x2xf32>
    %e2 = tensor.empty() : tensor<4x1xf32>
    // CHECK: linalg.transpose
    %2 = linalg.transpose ins(%t : tensor<1x4xf32>) outs(%e2 : tensor<4x1xf32>) permutation = [1, 0]
    // CHECK: linalg.add
    %3 = linalg.add ins(%x, %b : tensor<4xf32>, tensor<4xf32>) outs(%x : tensor<4xf32>) -> tensor<4xf32>
    return %0, %1, %2, %3 : tensor<32x4xf32>, tensor<2x2xf32>, tensor<4x1xf32>, tensor<4xf32>
  }
}

// -----

// Tied in both orientations: one copy, the second product reads by columns.
// CHECK: #[[COLUMNS:.+]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-LABEL: module @tied
module @tied {
  // CHECK: share.param @w : tensor<8x4xf32>
  // CHECK-NOT: share.param
  share.param @w : tensor<8x4xf32> = dense_resource<w> : tensor<8x4xf32>
  // CHECK: func.func @main
  func.func @main(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
    // CHECK: %[[W:.+]] = share.get @w
    %w = share.get @w : tensor<8x4xf32>
    %e = tensor.empty() : tensor<4x8xf32>
    %t = linalg.transpose ins(%w : tensor<8x4xf32>) outs(%e : tensor<4x8xf32>) permutation = [1, 0]
    %e1 = tensor.empty() : tensor<2x4xf32>
    %e2 = tensor.empty() : tensor<2x8xf32>
    // CHECK: linalg.matmul ins(%{{.+}}, %[[W]]
    %h = linalg.matmul ins(%x, %w : tensor<2x8xf32>, tensor<8x4xf32>) outs(%e1 : tensor<2x4xf32>) -> tensor<2x4xf32>
    // CHECK: linalg.generic {indexing_maps = [#{{.+}}, #[[COLUMNS]], #{{.+}}]{{.*}} ins(%{{.+}}, %[[W]]
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
