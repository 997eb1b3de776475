// From tensors to buffers: results are written where the caller wants them.
// RUN: lig-opt %s -split-input-file -lig-bufferize | FileCheck %s

// The kernel writes into the output; no copy, no allocation.
// CHECK-LABEL: module @writes_in_place
module @writes_in_place {
  // CHECK: func.func @main
  // CHECK-SAME: (%[[X:.+]]: memref<4xf32>, %[[Y:.+]]: memref<4xf32> {net.name = "y", net.output})
  // CHECK-NOT: memref.alloc
  // CHECK: linalg.exp ins(%[[X]] : memref<4xf32>) outs(%[[Y]] : memref<4xf32>)
  // CHECK-NEXT: return
  func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32> {net.name = "y"}) attributes {net.entry} {
    %e = tensor.empty() : tensor<4xf32>
    %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}

// -----

// Results that are an input, a parameter and one another are copied.
// CHECK-LABEL: module @copies_aliases
module @copies_aliases {
  share.param @p : tensor<4xf32> = dense<2.0> : tensor<4xf32>
  // CHECK: func.func @main
  // CHECK-SAME: (%[[X:.+]]: memref<4xf32>, %[[A:.+]]: memref<4xf32> {net.output}, %[[B:.+]]: memref<4xf32> {net.output}, %[[C:.+]]: memref<4xf32> {net.output})
  // CHECK: %[[P:.+]] = share.address @p
  // CHECK: memref.copy %[[X]], %[[A]]
  // CHECK: memref.copy %[[P]], %[[B]]
  // CHECK: memref.copy %[[X]], %[[C]]
  func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) attributes {net.entry} {
    %p = share.get @p : tensor<4xf32>
    return %x, %p, %x : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  }
}

// -----

// A producer writes into its place in the padded buffer.
// CHECK-LABEL: module @pads_in_place
module @pads_in_place {
  // CHECK: func.func @main
  // CHECK-SAME: (%[[X:.+]]: memref<4xf32>, %[[Y:.+]]: memref<6xf32>
  // CHECK: %[[S:.+]] = memref.subview %[[Y]][1] [4] [1]
  // CHECK: linalg.exp ins(%[[X]] : memref<4xf32>) outs(%[[S]]
  // CHECK-NOT: memref.copy
  func.func @main(%x: tensor<4xf32>) -> tensor<6xf32> attributes {net.entry} {
    %c = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<4xf32>
    %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %1 = tensor.pad %0 low[1] high[1] {
    ^bb0(%i: index):
      tensor.yield %c : f32
    } : tensor<4xf32> to tensor<6xf32>
    return %1 : tensor<6xf32>
  }
}

// -----

// Parts of a padded concatenation are written by who makes them, one of them
// read by others and one reshaped.
// CHECK-LABEL: module @pads_parts_in_place
module @pads_parts_in_place {
  // CHECK: func.func @main
  // CHECK-SAME: %[[Y:[^:]+]]: memref<4x8xf32> {net.output}
  // CHECK-NOT: memref.copy
  // CHECK: linalg.fill ins(%{{.+}}) outs(%[[Y]]
  // CHECK-NOT: memref.copy
  // CHECK: %[[LEFT:.+]] = memref.subview %[[Y]][1, 1] [2, 2] [1, 1]
  // CHECK-NOT: memref.copy
  // CHECK: linalg.exp ins(%{{.+}}) outs(%[[LEFT]]
  // CHECK-NOT: memref.copy
  // CHECK: linalg.exp ins(%[[LEFT]]
  // CHECK-NOT: memref.copy
  // CHECK: return
  func.func @main(%x: tensor<2x2xf32>, %z: tensor<1x2x4xf32>) -> (tensor<4x8xf32>, tensor<2x2xf32>) attributes {net.entry} {
    %c = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<2x2xf32>
    %0 = linalg.exp ins(%x : tensor<2x2xf32>) outs(%e : tensor<2x2xf32>) -> tensor<2x2xf32>
    %1 = linalg.exp ins(%0 : tensor<2x2xf32>) outs(%e : tensor<2x2xf32>) -> tensor<2x2xf32>
    %f = tensor.empty() : tensor<1x2x4xf32>
    %2 = linalg.exp ins(%z : tensor<1x2x4xf32>) outs(%f : tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
    %3 = tensor.collapse_shape %2 [[0, 1], [2]] : tensor<1x2x4xf32> into tensor<2x4xf32>
    %4 = tensor.concat dim(1) %0, %3 : (tensor<2x2xf32>, tensor<2x4xf32>) -> tensor<2x6xf32>
    %5 = tensor.pad %4 low[1, 1] high[1, 1] {
    ^bb0(%i: index, %j: index):
      tensor.yield %c : f32
    } : tensor<2x6xf32> to tensor<4x8xf32>
    return %5, %1 : tensor<4x8xf32>, tensor<2x2xf32>
  }
}
