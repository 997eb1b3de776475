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

// A bias is spread for each of its layers; what reads much is read once.
// CHECK-LABEL: @biases
func.func @biases(%x: tensor<8x8xf32>, %bias: tensor<8xf32>) -> (tensor<8x8xf32>, tensor<8x8xf32>) {
  %e = tensor.empty() : tensor<8x8xf32>
  // CHECK: %[[B0:.+]] = linalg.generic
  // CHECK: linalg.matmul {{.*}} outs(%[[B0]] :
  // CHECK-NOT: outs(%[[B0]]
  // CHECK: %[[SUM:.+]] = linalg.generic
  // CHECK: %[[B1:.+]] = linalg.generic
  // CHECK: linalg.matmul {{.*}} outs(%[[B1]] :
  // CHECK: linalg.matmul {{.*}} outs(%[[SUM]] :
  // CHECK: linalg.matmul {{.*}} outs(%[[SUM]] :
  %b = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel"]} ins(%bias : tensor<8xf32>) outs(%e : tensor<8x8xf32>) {
  ^bb0(%i: f32, %o: f32):
    linalg.yield %i : f32
  } -> tensor<8x8xf32>
  %0 = linalg.matmul ins(%x, %x : tensor<8x8xf32>, tensor<8x8xf32>) outs(%b : tensor<8x8xf32>) -> tensor<8x8xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) {
  ^bb0(%i: f32, %o: f32):
    %n = arith.negf %i : f32
    linalg.yield %n : f32
  } -> tensor<8x8xf32>
  %1 = linalg.matmul ins(%0, %x : tensor<8x8xf32>, tensor<8x8xf32>) outs(%b : tensor<8x8xf32>) -> tensor<8x8xf32>
  %2 = linalg.matmul ins(%1, %x : tensor<8x8xf32>, tensor<8x8xf32>) outs(%s : tensor<8x8xf32>) -> tensor<8x8xf32>
  %3 = linalg.matmul ins(%2, %x : tensor<8x8xf32>, tensor<8x8xf32>) outs(%s : tensor<8x8xf32>) -> tensor<8x8xf32>
  return %2, %3 : tensor<8x8xf32>, tensor<8x8xf32>
}
