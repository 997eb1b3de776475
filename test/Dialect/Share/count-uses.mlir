// Every parameter says how often it is read, also by way of views.
// RUN: lig-opt %s -share-count-uses | FileCheck %s

module @counts {
  // CHECK: share.param @twice {share.uses = 2 : i64}
  share.param @twice : tensor<4xf32> = dense<1.0> : tensor<4xf32>
  // CHECK: share.param @seen {share.uses = 1 : i64}
  share.param @seen : tensor<2x4xf32> = dense<2.0> : tensor<2x4xf32>
  // CHECK: share.param @unread {share.uses = 0 : i64}
  share.param @unread : tensor<4xf32> = dense<3.0> : tensor<4xf32>
  share.view @v : tensor<4x2xf32> {
    %s = share.get @seen : tensor<2x4xf32>
    %e = tensor.empty() : tensor<4x2xf32>
    %t = linalg.transpose ins(%s : tensor<2x4xf32>) outs(%e : tensor<4x2xf32>) permutation = [1, 0]
    share.yield %t : tensor<4x2xf32>
  }
  func.func @main() -> (tensor<4xf32>, tensor<4xf32>, tensor<4x2xf32>) attributes {net.entry} {
    %a = share.get @twice : tensor<4xf32>
    %b = share.get @twice : tensor<4xf32>
    %v = share.get @v : tensor<4x2xf32>
    return %a, %b, %v : tensor<4xf32>, tensor<4xf32>, tensor<4x2xf32>
  }
}
