// What is reshaped and inserted is written where it is inserted.
// RUN: lig-opt %s -split-input-file -lig-place-reshapes | FileCheck %s

// Two dimensions of the producer are one of the image: the tensor inserted into
// moves up, and the producer gets its slice.
// CHECK-LABEL: module @collapses
module @collapses {
  // CHECK: func.func @main(%[[X:.+]]: tensor<2x3x4xf32>
  // CHECK: %[[FILL:.+]] = linalg.fill
  // CHECK: %[[SLICE:.+]] = tensor.extract_slice %[[FILL]][1, 2] [6, 4] [1, 1]
  // CHECK: %[[PLACE:.+]] = tensor.expand_shape %[[SLICE]] {{\[}}[0, 1], [2]] output_shape [2, 3, 4]
  // CHECK: %[[EXP:.+]] = linalg.exp ins(%[[X]] : {{.+}}) outs(%[[PLACE]]
  // CHECK: %[[FLAT:.+]] = tensor.collapse_shape %[[EXP]]
  // CHECK: tensor.insert_slice %[[FLAT]] into %[[FILL]][1, 2] [6, 4] [1, 1]
  func.func @main(%x: tensor<2x3x4xf32>) -> tensor<8x8xf32> {
    %e = tensor.empty() : tensor<2x3x4xf32>
    %0 = linalg.exp ins(%x : tensor<2x3x4xf32>) outs(%e : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
    %1 = tensor.collapse_shape %0 [[0, 1], [2]] : tensor<2x3x4xf32> into tensor<6x4xf32>
    %c = arith.constant 0.0 : f32
    %p = tensor.empty() : tensor<8x8xf32>
    %2 = linalg.fill ins(%c : f32) outs(%p : tensor<8x8xf32>) -> tensor<8x8xf32>
    %3 = tensor.insert_slice %1 into %2[1, 2] [6, 4] [1, 1] : tensor<6x4xf32> into tensor<8x8xf32>
    return %3 : tensor<8x8xf32>
  }
}

// -----

// Rows of a padded image are no line: the value needs a room of its own.
// CHECK-LABEL: module @keeps_lines
module @keeps_lines {
  // CHECK-NOT: tensor.extract_slice
  func.func @main(%x: tensor<24xf32>) -> tensor<8x8xf32> {
    %e = tensor.empty() : tensor<24xf32>
    %0 = linalg.exp ins(%x : tensor<24xf32>) outs(%e : tensor<24xf32>) -> tensor<24xf32>
    %1 = tensor.expand_shape %0 [[0, 1]] output_shape [6, 4] : tensor<24xf32> into tensor<6x4xf32>
    %c = arith.constant 0.0 : f32
    %p = tensor.empty() : tensor<8x8xf32>
    %2 = linalg.fill ins(%c : f32) outs(%p : tensor<8x8xf32>) -> tensor<8x8xf32>
    %3 = tensor.insert_slice %1 into %2[1, 2] [6, 4] [1, 1] : tensor<6x4xf32> into tensor<8x8xf32>
    return %3 : tensor<8x8xf32>
  }
}

// -----

// Whole rows are one.
// CHECK-LABEL: module @expands_whole_rows
module @expands_whole_rows {
  // CHECK: %[[SLICE:.+]] = tensor.extract_slice %{{.+}}[1, 0] [6, 8] [1, 1]
  // CHECK: %[[PLACE:.+]] = tensor.collapse_shape %[[SLICE]] {{\[}}[0, 1]]
  // CHECK: linalg.exp ins(%{{.+}}) outs(%[[PLACE]]
  func.func @main(%x: tensor<48xf32>) -> tensor<8x8xf32> {
    %e = tensor.empty() : tensor<48xf32>
    %0 = linalg.exp ins(%x : tensor<48xf32>) outs(%e : tensor<48xf32>) -> tensor<48xf32>
    %1 = tensor.expand_shape %0 [[0, 1]] output_shape [6, 8] : tensor<48xf32> into tensor<6x8xf32>
    %c = arith.constant 0.0 : f32
    %p = tensor.empty() : tensor<8x8xf32>
    %2 = linalg.fill ins(%c : f32) outs(%p : tensor<8x8xf32>) -> tensor<8x8xf32>
    %3 = tensor.insert_slice %1 into %2[1, 0] [6, 8] [1, 1] : tensor<6x8xf32> into tensor<8x8xf32>
    return %3 : tensor<8x8xf32>
  }
}

// -----

// Others read the value before it is reshaped.
// CHECK-LABEL: module @keeps_read_values
module @keeps_read_values {
  // CHECK-NOT: tensor.extract_slice
  func.func @main(%x: tensor<2x3x4xf32>) -> (tensor<8x8xf32>, tensor<2x3x4xf32>) {
    %e = tensor.empty() : tensor<2x3x4xf32>
    %0 = linalg.exp ins(%x : tensor<2x3x4xf32>) outs(%e : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
    %1 = tensor.collapse_shape %0 [[0, 1], [2]] : tensor<2x3x4xf32> into tensor<6x4xf32>
    %c = arith.constant 0.0 : f32
    %p = tensor.empty() : tensor<8x8xf32>
    %2 = linalg.fill ins(%c : f32) outs(%p : tensor<8x8xf32>) -> tensor<8x8xf32>
    %3 = tensor.insert_slice %1 into %2[1, 2] [6, 4] [1, 1] : tensor<6x4xf32> into tensor<8x8xf32>
    return %3, %0 : tensor<8x8xf32>, tensor<2x3x4xf32>
  }
}
