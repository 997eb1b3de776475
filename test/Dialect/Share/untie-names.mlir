// Only what is named is untied, and a wrong name is an error.
// RUN: lig-opt %s -share-untie=names=v -o - 2>/dev/null | FileCheck %s
// RUN: not lig-opt %s -share-untie=names=v,nobody 2>&1 | FileCheck %s --check-prefix=ERROR

// ERROR: error: cannot untie @nobody: no parameter or view has that name
// CHECK: share.param @w
// CHECK-NEXT: share.param @v
// CHECK-NEXT: share.param @v.untied
// CHECK-NOT: share.param
module @names {
  share.param @w : tensor<2xf32> = dense<1.0> : tensor<2xf32>
  share.param @v : tensor<2xf32> = dense<2.0> : tensor<2xf32>
  func.func @main(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
    %w = share.get @w : tensor<2xf32>
    %v = share.get @v : tensor<2xf32>
    %a = linalg.add ins(%w, %w : tensor<2xf32>, tensor<2xf32>) outs(%x : tensor<2xf32>) -> tensor<2xf32>
    %b = linalg.add ins(%v, %v : tensor<2xf32>, tensor<2xf32>) outs(%x : tensor<2xf32>) -> tensor<2xf32>
    return %a, %b : tensor<2xf32>, tensor<2xf32>
  }
}
