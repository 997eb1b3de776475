// Pads and concatenations become insertions, so that producers can write in place.
// RUN: lig-opt %s -split-input-file -lig-write-slices | FileCheck %s
// RUN: lig-opt %s -split-input-file -lig-write-slices=max-operands=1 | FileCheck %s --check-prefix=ONE

// CHECK-LABEL: func @pads
// CHECK-SAME: %[[X:.+]]: tensor<4xf32>
// CHECK: %[[FILL:.+]] = linalg.fill
// CHECK: tensor.insert_slice %[[X]] into %[[FILL]][1] [4] [1]
func.func @pads(%x: tensor<4xf32>) -> tensor<6xf32> {
  %c = arith.constant 0.0 : f32
  %0 = tensor.pad %x low[1] high[1] {
  ^bb0(%i: index):
    tensor.yield %c : f32
  } : tensor<4xf32> to tensor<6xf32>
  return %0 : tensor<6xf32>
}

// -----

// CHECK-LABEL: func @concatenates
// CHECK-SAME: %[[X:.+]]: tensor<2xf32>, %[[Y:.+]]: tensor<3xf32>
// CHECK: %[[A:.+]] = tensor.insert_slice %[[X]] into %{{.+}}[0] [2] [1]
// CHECK: tensor.insert_slice %[[Y]] into %[[A]][2] [3] [1]
// ONE-LABEL: func @concatenates
// ONE: tensor.concat
func.func @concatenates(%x: tensor<2xf32>, %y: tensor<3xf32>) -> tensor<5xf32> {
  %0 = tensor.concat dim(0) %x, %y : (tensor<2xf32>, tensor<3xf32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// -----

// A value that differs per position is computed for each of them.
// CHECK-LABEL: func @generates_computed_pads
// CHECK-SAME: %[[X:.+]]: tensor<4xindex>
// CHECK: %[[ALL:.+]] = tensor.generate
// CHECK: tensor.insert_slice %[[X]] into %[[ALL]][1] [4] [1]
func.func @generates_computed_pads(%x: tensor<4xindex>) -> tensor<6xindex> {
  %0 = tensor.pad %x low[1] high[1] {
  ^bb0(%i: index):
    tensor.yield %i : index
  } : tensor<4xindex> to tensor<6xindex>
  return %0 : tensor<6xindex>
}

// -----

// A padded concatenation is one tensor; parts go in as they are made, the last
// operand first.
// CHECK-LABEL: func @pads_parts
// CHECK-SAME: %[[Y:.+]]: tensor<2x3xf32>
// CHECK: %[[FILL:.+]] = linalg.fill {{.+}} -> tensor<4x8xf32>
// CHECK: %[[A:.+]] = tensor.insert_slice %[[Y]] into %[[FILL]][1, 3] [2, 3] [1, 1]
// CHECK: tensor.insert_slice %{{.+}} into %[[A]][1, 1] [2, 2] [1, 1]
// CHECK-NOT: tensor.insert_slice
// Longer than what is rewritten: the pad alone is.
// ONE-LABEL: func @pads_parts
// ONE: %[[WHOLE:.+]] = tensor.concat
// ONE: tensor.insert_slice %[[WHOLE]] into
func.func @pads_parts(%y: tensor<2x3xf32>) -> tensor<4x8xf32> {
  %c = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x2xf32>
  %x = linalg.fill ins(%c : f32) outs(%e : tensor<2x2xf32>) -> tensor<2x2xf32>
  %0 = tensor.concat dim(1) %x, %y : (tensor<2x2xf32>, tensor<2x3xf32>) -> tensor<2x5xf32>
  %1 = tensor.pad %0 low[1, 1] high[1, 2] {
  ^bb0(%i: index, %j: index):
    tensor.yield %c : f32
  } : tensor<2x5xf32> to tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// -----

// What others read, too, is a tensor of its own.
// CHECK-LABEL: func @keeps_read_parts
// CHECK: tensor.insert_slice {{.+}} into %{{.+}}[0] [2] [1] : tensor<2xf32> into tensor<4xf32>
// CHECK: %[[WHOLE:.+]] = tensor.insert_slice {{.+}} into %{{.+}}[2] [2] [1] : tensor<2xf32> into tensor<4xf32>
// CHECK: tensor.insert_slice %[[WHOLE]] into %{{.+}}[1] [4] [1]
func.func @keeps_read_parts(%x: tensor<2xf32>, %y: tensor<2xf32>) -> (tensor<4xf32>, tensor<6xf32>) {
  %c = arith.constant 0.0 : f32
  %0 = tensor.concat dim(0) %x, %y : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  %1 = tensor.pad %0 low[1] high[1] {
  ^bb0(%i: index):
    tensor.yield %c : f32
  } : tensor<4xf32> to tensor<6xf32>
  return %0, %1 : tensor<4xf32>, tensor<6xf32>
}
