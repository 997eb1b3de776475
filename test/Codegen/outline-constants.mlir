// Constant tensors are parameters that nobody named.
// RUN: lig-opt %s -split-input-file -share-outline-constants | FileCheck %s

// Equal ones are one; -0.0 is not 0.0, and an integer is not a float.
// CHECK-LABEL: module @merges
module @merges {
  // CHECK: share.param @p
  share.param @p : tensor<2xf32> = dense<[0.0, 1.0]> : tensor<2xf32>
  // CHECK-NEXT: share.param @constant : tensor<2xf32> = dense<[0.000000e+00, 1.000000e+00]>
  // CHECK-NEXT: share.param @constant_0 : tensor<2xf32> = dense<[-0.000000e+00, 1.000000e+00]>
  // CHECK-NEXT: share.param @constant_1 : tensor<2xi32> = dense<[0, 1065353216]>
  // CHECK-NEXT: func.func @main
  func.func @main() -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xi32>) {
    %a = arith.constant dense<[0.0, 1.0]> : tensor<2xf32>
    %b = arith.constant dense<[-0.0, 1.0]> : tensor<2xf32>
    %c = arith.constant dense<[0.0, 1.0]> : tensor<2xf32>
    %i = arith.constant dense<[0, 1065353216]> : tensor<2xi32>
    // CHECK: %[[A:.+]] = share.get @constant :
    // CHECK: %[[B:.+]] = share.get @constant_0 :
    // CHECK: %[[C:.+]] = share.get @constant :
    // CHECK: %[[I:.+]] = share.get @constant_1 :
    // CHECK: return %[[A]], %[[B]], %[[C]], %[[I]]
    return %a, %b, %c, %i : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xi32>
  }
}

// -----

// One element everywhere is a fill; scalars stay what they are.
// CHECK-LABEL: module @fills
module @fills {
  // CHECK-NOT: share.param
  // CHECK: %[[S:.+]] = arith.constant 2.000000e+00 : f32
  // CHECK: linalg.fill ins(%[[S]] : f32) outs(%{{.+}} : tensor<8xf32>)
  // CHECK: arith.constant 5 : index
  func.func @main() -> (tensor<8xf32>, index) {
    %a = arith.constant dense<2.0> : tensor<8xf32>
    %i = arith.constant 5 : index
    return %a, %i : tensor<8xf32>, index
  }
}

// -----

// Booleans keep one byte an element.
// CHECK-LABEL: module @booleans
module @booleans {
  // CHECK: share.param @constant : tensor<3xi1> = dense<[true, false, true]>
  func.func @main() -> tensor<3xi1> {
    %a = arith.constant dense<[true, false, true]> : tensor<3xi1>
    return %a : tensor<3xi1>
  }
}

// -----

// What the share phase asks for: weights, not the little numbers.
// RUN: lig-opt %s -split-input-file -share-outline-constants=min-bytes=16 | FileCheck %s --check-prefix=LARGE
// LARGE-LABEL: module @large_ones
module @large_ones {
  // LARGE: share.param @constant : tensor<4xf32>
  // LARGE-NOT: share.param
  func.func @main() -> (tensor<4xf32>, tensor<3xf32>, tensor<99xf32>) {
    // LARGE-DAG: %[[A:.+]] = share.get @constant
    // LARGE-DAG: %[[B:.+]] = arith.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00]>
    // LARGE-DAG: %[[C:.+]] = arith.constant dense<1.000000e+00> : tensor<99xf32>
    // LARGE: return %[[A]], %[[B]], %[[C]]
    %a = arith.constant dense<[1., 2., 3., 4.]> : tensor<4xf32>
    %b = arith.constant dense<[1., 2., 3.]> : tensor<3xf32>
    %c = arith.constant dense<1.> : tensor<99xf32>
    return %a, %b, %c : tensor<4xf32>, tensor<3xf32>, tensor<99xf32>
  }
}
