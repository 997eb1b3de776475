// RUN: lig-opt %s -share-drop-unread | FileCheck %s
// What nothing reads goes, in one run also what only that read.

// CHECK-LABEL: module @drops
module @drops {
  // CHECK: share.param @read
  // CHECK-NEXT: share.param @viewed
  // CHECK-NEXT: share.param trainable @trained
  // CHECK-NEXT: share.param mutable @state
  // CHECK-NEXT: share.view @view
  // CHECK-NOT: share.param
  // CHECK-NOT: share.view
  share.param @read : tensor<2xf32> = dense<1.0> : tensor<2xf32>
  share.param @viewed : tensor<2xf32> = dense<2.0> : tensor<2xf32>
  share.param @unread : tensor<2xf32> = dense<3.0> : tensor<2xf32>
  share.param trainable @trained : tensor<2xf32> = dense<1.0> : tensor<2xf32>
  share.param mutable @state : tensor<2xf32> = dense<1.0> : tensor<2xf32>
  share.view @view : tensor<1xf32> {
    %w = share.get @viewed : tensor<2xf32>
    %s = tensor.extract_slice %w[1] [1] [1] : tensor<2xf32> to tensor<1xf32>
    share.yield %s : tensor<1xf32>
  }
  share.view @unread_view : tensor<1xf32> {
    %w = share.get @unread : tensor<2xf32>
    %s = tensor.extract_slice %w[1] [1] [1] : tensor<2xf32> to tensor<1xf32>
    share.yield %s : tensor<1xf32>
  }
  // CHECK: func.func @main
  func.func @main() -> (tensor<2xf32>, tensor<1xf32>) {
    %r = share.get @read : tensor<2xf32>
    %v = share.get @view : tensor<1xf32>
    return %r, %v : tensor<2xf32>, tensor<1xf32>
  }
}
