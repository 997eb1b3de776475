// Upstream's patterns work inside views and leave symbols and uses alone.
// RUN: lig-opt %s -canonicalize -cse | FileCheck %s

// CHECK-LABEL: module @views
module @views {
  share.param @w : tensor<2x3xf32> = dense<1.0> : tensor<2x3xf32>
  // Two transposes cancel.
  // CHECK: share.view @same
  // CHECK-NEXT: %[[W:.+]] = share.get @w
  // CHECK-NEXT: share.yield %[[W]]
  share.view @same : tensor<2x3xf32> {
    %w = share.get @w : tensor<2x3xf32>
    %e = tensor.empty() : tensor<3x2xf32>
    %t = linalg.transpose ins(%w : tensor<2x3xf32>) outs(%e : tensor<3x2xf32>) permutation = [1, 0]
    %e2 = tensor.empty() : tensor<2x3xf32>
    %u = linalg.transpose ins(%t : tensor<3x2xf32>) outs(%e2 : tensor<2x3xf32>) permutation = [1, 0]
    share.yield %u : tensor<2x3xf32>
  }
  // Equal uses are one value, unread ones none, and no value is inlined.
  // CHECK: func.func @main
  // CHECK-NEXT: %[[S:.+]] = share.get @same
  // CHECK-NEXT: linalg.add ins(%[[S]], %[[S]]
  // CHECK-NOT: share.get
  func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
    %a = share.get @same : tensor<2x3xf32>
    %b = share.get @same : tensor<2x3xf32>
    %unread = share.get @w : tensor<2x3xf32>
    %s = linalg.add ins(%a, %b : tensor<2x3xf32>, tensor<2x3xf32>) outs(%x : tensor<2x3xf32>) -> tensor<2x3xf32>
    return %s : tensor<2x3xf32>
  }
}
