// Uses of a view see the expression behind it.
// RUN: lig-opt %s -split-input-file -share-inline-views -verify-diagnostics | FileCheck %s

// A view of a view, too; nothing of either is left.
// CHECK-LABEL: module @nested
module @nested {
  // CHECK: share.param @w
  share.param @w : tensor<2x3xf32> = dense<1.0> : tensor<2x3xf32>
  // CHECK-NOT: share.view
  share.view @flat : tensor<6xf32> {
    %w = share.get @w : tensor<2x3xf32>
    %c = tensor.collapse_shape %w [[0, 1]] : tensor<2x3xf32> into tensor<6xf32>
    share.yield %c : tensor<6xf32>
  }
  share.view @part : tensor<2xf32> {
    %f = share.get @flat : tensor<6xf32>
    %s = tensor.extract_slice %f[1] [2] [1] : tensor<6xf32> to tensor<2xf32>
    share.yield %s : tensor<2xf32>
  }
  // CHECK: func.func @main
  // CHECK-NEXT: %[[W:.+]] = share.get @w
  // CHECK-NEXT: %[[F:.+]] = tensor.collapse_shape %[[W]]
  // CHECK-NEXT: %[[S:.+]] = tensor.extract_slice %[[F]][1]
  // CHECK-NEXT: return %[[S]]
  func.func @main() -> tensor<2xf32> {
    %p = share.get @part : tensor<2xf32>
    return %p : tensor<2xf32>
  }
}

// -----

module @refuses_cycles {
  // expected-error @below {{view @a reads itself}}
  share.view @a : tensor<2xf32> {
    %b = share.get @b : tensor<2xf32>
    share.yield %b : tensor<2xf32>
  }
  share.view @b : tensor<2xf32> {
    %a = share.get @a : tensor<2xf32>
    share.yield %a : tensor<2xf32>
  }
  func.func @main() -> tensor<2xf32> {
    %p = share.get @a : tensor<2xf32>
    return %p : tensor<2xf32>
  }
}
