// What a body does to its slice of a stacked parameter is done to the stack.
// RUN: lig-opt %s -net-hoist-slices -canonicalize -cse | FileCheck %s
// RUN: lig-opt %s -net-hoist-slices -canonicalize -cse -lig-pack-parameters -lig-order-parameters | FileCheck %s --check-prefix=PACKED

// PACKED: share.param @w.packed {{.*}} : tensor<2x4x8xf32>
// PACKED: func.func @transposes
// PACKED-NOT: linalg.transpose
// PACKED: func.func @scales

module @hoists {
  share.param @w : tensor<2x8x4xf32> = dense_resource<w> : tensor<2x8x4xf32>
  share.param @kept : tensor<2x4x4xf32> = dense_resource<kept> : tensor<2x4x4xf32>
  share.param @row : tensor<2x4xf32> = dense<[[1., 2., 3., 4.], [5., 6., 7., 8.]]> : tensor<2x4xf32>
  share.param trainable @trained : tensor<2x4x4xf32> = dense<1.0> : tensor<2x4x4xf32>

  // Two moves, one after the other.
  // CHECK: func.func @transposes
  func.func @transposes(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
    // CHECK: %[[W:.*]] = share.get @w : tensor<2x8x4xf32>
    // CHECK: %[[E:.*]] = tensor.expand_shape %[[W]] {{\[}}[0], [1], [2, 3]] output_shape [2, 8, 2, 2]
    // CHECK: %[[T:.*]] = linalg.transpose ins(%[[E]] : {{.*}}) outs(%{{.*}} : tensor<2x2x2x8xf32>) permutation = [0, 2, 3, 1]
    // CHECK: %[[C:.*]] = tensor.collapse_shape %[[T]] {{\[}}[0], [1, 2], [3]] : tensor<2x2x2x8xf32> into tensor<2x4x8xf32>
    // CHECK: net.scan {{.*}} over(%[[C]] : tensor<2x4x8xf32>)
    // CHECK: ^bb0(%{{.*}}: index, %[[S:.*]]: tensor<4x8xf32>, %[[M:.*]]: tensor<4x8xf32>):
    // CHECK-NOT: linalg.transpose
    // CHECK: linalg.add ins(%[[S]], %[[M]]
    %two = arith.constant 2 : index
    %w = share.get @w : tensor<2x8x4xf32>
    %r = net.scan %two init(%x : tensor<4x8xf32>) over(%w : tensor<2x8x4xf32>) {
    ^bb0(%i: index, %s: tensor<4x8xf32>, %m: tensor<8x4xf32>):
      %e = tensor.empty() : tensor<2x2x8xf32>
      %f = tensor.empty() : tensor<4x8xf32>
      %a = tensor.expand_shape %m [[0], [1, 2]] output_shape [8, 2, 2] : tensor<8x4xf32> into tensor<8x2x2xf32>
      %t = linalg.transpose ins(%a : tensor<8x2x2xf32>) outs(%e : tensor<2x2x8xf32>) permutation = [1, 2, 0]
      %c = tensor.collapse_shape %t [[0, 1], [2]] : tensor<2x2x8xf32> into tensor<4x8xf32>
      %y = linalg.add ins(%s, %c : tensor<4x8xf32>, tensor<4x8xf32>) outs(%f : tensor<4x8xf32>) -> tensor<4x8xf32>
      net.yield %y : tensor<4x8xf32>
    }
    return %r : tensor<4x8xf32>
  }

  // Arithmetic with a constant; the repetition along the batch stays.
  // CHECK: func.func @scales
  func.func @scales(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
    // CHECK: %[[ROW:.*]] = share.get @row
    // CHECK: %[[D:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]} ins(%[[ROW]] : tensor<2x4xf32>)
    // CHECK: net.scan {{.*}} over(%[[D]] : tensor<2x4xf32>)
    // CHECK: ^bb0(%{{.*}}: index, %{{.*}}: tensor<3x4xf32>, %[[B:.*]]: tensor<4xf32>):
    // CHECK: linalg.broadcast ins(%[[B]]
    %two = arith.constant 2 : index
    %half = arith.constant 0.5 : f32
    %row = share.get @row : tensor<2x4xf32>
    %r = net.scan %two init(%x : tensor<3x4xf32>) over(%row : tensor<2x4xf32>) {
    ^bb0(%i: index, %s: tensor<3x4xf32>, %b: tensor<4xf32>):
      %e = tensor.empty() : tensor<4xf32>
      %f = tensor.empty() : tensor<3x4xf32>
      %d = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
          ins(%b : tensor<4xf32>) outs(%e : tensor<4xf32>) {
      ^bb0(%in: f32, %out: f32):
        %p = arith.mulf %in, %half : f32
        linalg.yield %p : f32
      } -> tensor<4xf32>
      %c = linalg.broadcast ins(%d : tensor<4xf32>) outs(%f : tensor<3x4xf32>) dimensions = [0]
      %y = linalg.add ins(%s, %c : tensor<3x4xf32>, tensor<3x4xf32>) outs(%f : tensor<3x4xf32>) -> tensor<3x4xf32>
      net.yield %y : tensor<3x4xf32>
    }
    return %r : tensor<3x4xf32>
  }

  // A slice that is also read as it is, and parameters that change.
  // CHECK: func.func @keeps
  func.func @keeps(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
    // CHECK: %[[K:.*]] = share.get @kept
    // CHECK: %[[T:.*]] = share.get @trained
    // CHECK-NOT: linalg
    // CHECK: net.scan {{.*}} over(%[[K]], %[[T]] : tensor<2x4x4xf32>, tensor<2x4x4xf32>)
    // CHECK-COUNT-2: linalg.transpose
    %two = arith.constant 2 : index
    %w = share.get @kept : tensor<2x4x4xf32>
    %v = share.get @trained : tensor<2x4x4xf32>
    %r = net.scan %two init(%x : tensor<4x4xf32>) over(%w, %v : tensor<2x4x4xf32>, tensor<2x4x4xf32>) {
    ^bb0(%i: index, %s: tensor<4x4xf32>, %m: tensor<4x4xf32>, %n: tensor<4x4xf32>):
      %e = tensor.empty() : tensor<4x4xf32>
      %t = linalg.transpose ins(%m : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) permutation = [1, 0]
      %u = linalg.transpose ins(%n : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) permutation = [1, 0]
      %a = linalg.add ins(%s, %t : tensor<4x4xf32>, tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
      %b = linalg.add ins(%a, %m : tensor<4x4xf32>, tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
      %y = linalg.add ins(%b, %u : tensor<4x4xf32>, tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
      net.yield %y : tensor<4x4xf32>
    }
    return %r : tensor<4x4xf32>
  }
}

{-# dialect_resources: { builtin: {
  w: "0x04000000000000000000803F0000004000004040000080400000A0400000C0400000E0400000004100001041000020410000304100004041000050410000604100007041000080410000884100009041000098410000A0410000A8410000B0410000B8410000C0410000C8410000D0410000D8410000E0410000E8410000F0410000F84100000042000004420000084200000C4200001042000014420000184200001C4200002042000024420000284200002C4200003042000034420000384200003C4200004042000044420000484200004C4200005042000054420000584200005C4200006042000064420000684200006C4200007042000074420000784200007C42",
  kept: "0x04000000000000000000803F0000004000004040000080400000A0400000C0400000E0400000004100001041000020410000304100004041000050410000604100007041000080410000884100009041000098410000A0410000A8410000B0410000B8410000C0410000C8410000D0410000D8410000E0410000E8410000F0410000F841" } } #-}
