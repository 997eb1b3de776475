// Places are not shared, values are.
// RUN: lig-opt %s -lig-separate-destinations | FileCheck %s

// CHECK-LABEL: @accumulators
func.func @accumulators(%x: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x4xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
  // CHECK: linalg.matmul {{.*}} outs(%[[A:.+]] :
  %0 = linalg.matmul ins(%x, %x : tensor<4x4xf32>, tensor<4x4xf32>) outs(%f : tensor<4x4xf32>) -> tensor<4x4xf32>
  // CHECK-NOT: outs(%[[A]] :
  // CHECK: linalg.matmul {{.*}} outs(
  %1 = linalg.matmul ins(%0, %x : tensor<4x4xf32>, tensor<4x4xf32>) outs(%f : tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = linalg.add ins(%0, %1 : tensor<4x4xf32>, tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0, %2, %f : tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>
}

// A place in a loop is not filled before it.
// CHECK-LABEL: @in_loop
func.func @in_loop(%x: tensor<4x4xf32>, %y: tensor<4x4xf32>, %n: index) -> tensor<4x4xf32> {
  %z = arith.constant 0.0 : f32
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %e = tensor.empty() : tensor<4x4xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
  // CHECK-NOT: tensor.empty
  // CHECK: scf.for {{.*}} iter_args(%[[S:.+]] =
  // CHECK-NEXT: %[[E:.+]] = tensor.empty()
  // CHECK-NEXT: %[[F:.+]] = linalg.fill {{.*}} outs(%[[E]] :
  // CHECK-NEXT: linalg.matmul ins(%[[S]], {{.*}} outs(%[[F]] :
  %r = scf.for %i = %zero to %n step %one iter_args(%s = %y) -> tensor<4x4xf32> {
    %p = linalg.matmul ins(%s, %x : tensor<4x4xf32>, tensor<4x4xf32>) outs(%f : tensor<4x4xf32>) -> tensor<4x4xf32>
    scf.yield %p : tensor<4x4xf32>
  }
  return %r : tensor<4x4xf32>
}
