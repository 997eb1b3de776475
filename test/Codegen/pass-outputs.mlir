// Results become buffers of the caller while the body is still on tensors.
// RUN: lig-opt %s -split-input-file -lig-pass-outputs -verify-diagnostics | FileCheck %s

// CHECK-LABEL: func @writes
// CHECK-SAME: (%[[X:.+]]: tensor<4xf32> {bufferization.writable = false}, %[[OUT:.+]]: memref<4xf32> {net.name = "y", net.output})
// CHECK: bufferization.materialize_in_destination %[[X]] in {{.*}}%[[OUT]]
// CHECK-NEXT: return
func.func @writes(%x: tensor<4xf32>) -> (tensor<4xf32> {net.name = "y"}) {
  return %x : tensor<4xf32>
}

// -----

// What was reshaped is written, into a view of the output.
// CHECK-LABEL: func @reshapes
// CHECK-SAME: (%[[X:.+]]: tensor<2x3x4xf32> {{.*}}, %[[OUT:.+]]: memref<3x8xf32>
// CHECK: %[[FLAT:.+]] = memref.collapse_shape %[[OUT]] {{\[\[}}0, 1]] : memref<3x8xf32> into memref<24xf32>
// CHECK: %[[VIEW:.+]] = memref.expand_shape %[[FLAT]] {{.*}} into memref<2x3x4xf32>
// CHECK: bufferization.materialize_in_destination %[[X]] in {{.*}}%[[VIEW]]
func.func @reshapes(%x: tensor<2x3x4xf32>) -> tensor<3x8xf32> {
  %0 = tensor.collapse_shape %x [[0, 1, 2]] : tensor<2x3x4xf32> into tensor<24xf32>
  %1 = tensor.expand_shape %0 [[0, 1]] output_shape [3, 8] : tensor<24xf32> into tensor<3x8xf32>
  return %1 : tensor<3x8xf32>
}

// -----

// CHECK-LABEL: func @keeps_scalars
// CHECK-SAME: -> index
// CHECK: return %{{.+}} : index
func.func @keeps_scalars(%x: tensor<4xf32>, %n: index) -> (tensor<4xf32>, index) {
  return %x, %n : tensor<4xf32>, index
}

// -----

// expected-error @below {{result 0 of @refuses_unknown_shapes has type 'tensor<?xf32>', but outputs need a static shape}}
func.func @refuses_unknown_shapes(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}
