// Every form of the dialect reads back as it was printed, also through bytecode.
// RUN: lig-opt %s | lig-opt | FileCheck %s
// RUN: lig-opt %s --emit-bytecode | lig-opt | FileCheck %s

// CHECK-LABEL: module @parameters
module @parameters {
  // CHECK: share.param @w : tensor<2x3xf32> = dense<1.000000e+00> : tensor<2x3xf32>
  share.param @w : tensor<2x3xf32> = dense<1.0> : tensor<2x3xf32>
  // CHECK: share.param trainable @t : tensor<4xf32>
  share.param trainable @t : tensor<4xf32>
  // CHECK: share.param mutable @m : tensor<4xf32> = #share.file<"a.safetensors", "m">
  share.param mutable @m : tensor<4xf32> = #share.file<"a.safetensors", "m">
  // CHECK: share.view @wt : tensor<3x2xf32> {
  share.view @wt : tensor<3x2xf32> {
    // CHECK: %[[W:.+]] = share.get @w : tensor<2x3xf32>
    %w = share.get @w : tensor<2x3xf32>
    %e = tensor.empty() : tensor<3x2xf32>
    %t = linalg.transpose ins(%w : tensor<2x3xf32>) outs(%e : tensor<3x2xf32>) permutation = [1, 0]
    // CHECK: share.yield
    share.yield %t : tensor<3x2xf32>
  }
  // CHECK: func.func @use
  func.func @use() -> tensor<3x2xf32> {
    // CHECK: %wt = share.get @wt : tensor<3x2xf32>
    %0 = share.get @wt : tensor<3x2xf32>
    return %0 : tensor<3x2xf32>
  }
}
