// Test of MergeScaled.cpp: what it ties, what it leaves alone.

// CHECK-LABEL: module @ties
module @ties {
  // CHECK: share.param @w : tensor<4xf32>
  share.param @w : tensor<4xf32> = dense<[1.5, -2.0, 3.25, 0.0]> : tensor<4xf32>
  // CHECK: share.view @half : tensor<4xf32> {
  // CHECK-NEXT: %[[W:.+]] = share.get @w
  // CHECK-NEXT: %[[HALF:.+]] = arith.constant 5.000000e-01 : f32
  // CHECK: linalg.generic {{.*}} ins(%[[W]]
  // CHECK: arith.mulf %{{.+}}, %[[HALF]]
  share.param @half : tensor<4xf32> = dense<[0.75, -1.0, 1.625, 0.0]> : tensor<4xf32>
  // CHECK: share.view @negative
  // CHECK: arith.constant -4.000000e+00 : f32
  share.param @negative : tensor<4xf32> = dense<[-6.0, 8.0, -13.0, -0.0]> : tensor<4xf32>
  // CHECK: share.get @half
  func.func @main() -> tensor<4xf32> {
    %h = share.get @half : tensor<4xf32>
    return %h : tensor<4xf32>
  }
}

// -----

// No power of two, another zero, another shape or type, trainable, all zero, and
// a factor at which the last element would be rounded away.
// CHECK-LABEL: module @leaves_alone
module @leaves_alone {
  // CHECK-COUNT-8: share.param
  // CHECK-NOT: share.view
  share.param @w : tensor<4xf32> = dense<[1.5, -2.0, 3.25, 0.0]> : tensor<4xf32>
  share.param @third : tensor<4xf32> = dense<[4.5, -6.0, 9.75, 0.0]> : tensor<4xf32>
  share.param @zero : tensor<4xf32> = dense<[3.0, -4.0, 6.5, -0.0]> : tensor<4xf32>
  share.param @shape : tensor<2x2xf32> = dense<[[3.0, -4.0], [6.5, 0.0]]> : tensor<2x2xf32>
  share.param @type : tensor<4xf64> = dense<[3.0, -4.0, 6.5, 0.0]> : tensor<4xf64>
  share.param trainable @trained : tensor<4xf32> = dense<[3.0, -4.0, 6.5, 0.0]> : tensor<4xf32>
  share.param @zeros : tensor<4xf32> = dense<0.0> : tensor<4xf32>
  share.param @large : tensor<2xf32> = dense<[1.0e30, 1.0]> : tensor<2xf32>
}
