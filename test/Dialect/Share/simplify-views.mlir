// Views read parameters, each in a way of its own.
// RUN: lig-opt %s -split-input-file -verify-diagnostics -share-simplify-views | FileCheck %s

// CHECK-LABEL: module @folds_views_of_views
module @folds_views_of_views {
  share.param @w : tensor<4x3xf32> = dense<1.0> : tensor<4x3xf32>
  // CHECK: share.view @rows : tensor<2x3xf32>
  // CHECK-NEXT: %[[W:.+]] = share.get @w
  // CHECK-NEXT: %[[S:.+]] = tensor.extract_slice %[[W]][1, 0]
  // CHECK-NEXT: share.yield %[[S]]
  share.view @rows : tensor<2x3xf32> {
    %w = share.get @middle : tensor<3x3xf32>
    %s = tensor.extract_slice %w[0, 0] [2, 3] [1, 1] : tensor<3x3xf32> to tensor<2x3xf32>
    share.yield %s : tensor<2x3xf32>
  }
  // CHECK: share.view @middle
  // CHECK-NEXT: share.get @w
  share.view @middle : tensor<3x3xf32> {
    %w = share.get @w : tensor<4x3xf32>
    %s = tensor.extract_slice %w[1, 0] [3, 3] [1, 1] : tensor<4x3xf32> to tensor<3x3xf32>
    share.yield %s : tensor<3x3xf32>
  }
}

// -----

// Two transposes cancel, and a view of nothing else is the parameter.
// CHECK-LABEL: module @drops_identities
module @drops_identities {
  share.param @w : tensor<2x3xf32> = dense<1.0> : tensor<2x3xf32>
  // CHECK: share.view @t
  share.view @t : tensor<3x2xf32> {
    %w = share.get @w : tensor<2x3xf32>
    %e = tensor.empty() : tensor<3x2xf32>
    %t = linalg.transpose ins(%w : tensor<2x3xf32>) outs(%e : tensor<3x2xf32>) permutation = [1, 0]
    share.yield %t : tensor<3x2xf32>
  }
  // CHECK-NOT: share.view
  share.view @again : tensor<2x3xf32> {
    %w = share.get @t : tensor<3x2xf32>
    %e = tensor.empty() : tensor<2x3xf32>
    %t = linalg.transpose ins(%w : tensor<3x2xf32>) outs(%e : tensor<2x3xf32>) permutation = [1, 0]
    share.yield %t : tensor<2x3xf32>
  }
  // A repetition of @t.
  share.view @same : tensor<3x2xf32> {
    %w = share.get @w : tensor<2x3xf32>
    %e = tensor.empty() : tensor<3x2xf32>
    %t = linalg.transpose ins(%w : tensor<2x3xf32>) outs(%e : tensor<3x2xf32>) permutation = [1, 0]
    share.yield %t : tensor<3x2xf32>
  }
  // CHECK: func.func @main
  func.func @main() -> (tensor<2x3xf32>, tensor<3x2xf32>) {
    // CHECK: share.get @w :
    // CHECK: share.get @t :
    %a = share.get @again : tensor<2x3xf32>
    %b = share.get @same : tensor<3x2xf32>
    return %a, %b : tensor<2x3xf32>, tensor<3x2xf32>
  }
}

// -----

// Computed views stay, over the same or several roots.
// CHECK-LABEL: module @keeps_computed_views
module @keeps_computed_views {
  share.param @base : tensor<4xf32> = dense<1.0> : tensor<4xf32>
  share.param @delta : tensor<4xf32> = dense<2.0> : tensor<4xf32>
  // CHECK: share.view @sum
  // CHECK: share.view @sum_too
  share.view @sum : tensor<4xf32> {
    %b = share.get @base : tensor<4xf32>
    %d = share.get @delta : tensor<4xf32>
    %e = tensor.empty() : tensor<4xf32>
    %s = linalg.add ins(%b, %d : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    share.yield %s : tensor<4xf32>
  }
  share.view @sum_too : tensor<4xf32> {
    %b = share.get @sum : tensor<4xf32>
    %d = share.get @delta : tensor<4xf32>
    %e = tensor.empty() : tensor<4xf32>
    // CHECK-COUNT-2: linalg.add
    %s = linalg.add ins(%b, %d : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    share.yield %s : tensor<4xf32>
  }
}

// -----

module @refuses_cycles {
  // expected-error @below {{view @a reads itself}}
  share.view @a : tensor<2xf32> {
    %b = share.get @b : tensor<2xf32>
    share.yield %b : tensor<2xf32>
  }
  // expected-note @below {{by way of @b}}
  share.view @b : tensor<2xf32> {
    %a = share.get @a : tensor<2xf32>
    share.yield %a : tensor<2xf32>
  }
}
