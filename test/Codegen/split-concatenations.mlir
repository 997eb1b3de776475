// A reduction that reads a concatenation becomes one for each part.
// RUN: lig-opt %s -split-input-file -lig-split-concatenations -cse | FileCheck %s

// Along the result: parts of the result.
// CHECK-LABEL: func.func @columns
// CHECK-DAG: %[[A:.+]] = share.get @a
// CHECK-DAG: %[[B:.+]] = share.get @b
// CHECK: %[[LEFT:.+]] = linalg.matmul ins(%{{.+}}, %[[A]] : {{.*}}) outs(%{{.+}} : tensor<4x8xf32>)
// CHECK: %[[RIGHT:.+]] = linalg.matmul ins(%{{.+}}, %[[B]] : {{.*}}) outs(%{{.+}} : tensor<4x16xf32>)
// CHECK: tensor.concat dim(1) %[[LEFT]], %[[RIGHT]]
module @columns {
  share.param @a : tensor<8x8xf32> = dense<1.0> : tensor<8x8xf32>
  share.param @b : tensor<8x16xf32> = dense<2.0> : tensor<8x16xf32>
  func.func @columns(%x: tensor<4x8xf32>) -> tensor<4x24xf32> {
    %a = share.get @a : tensor<8x8xf32>
    %b = share.get @b : tensor<8x16xf32>
    %w = tensor.concat dim(1) %a, %b : (tensor<8x8xf32>, tensor<8x16xf32>) -> tensor<8x24xf32>
    %zero = arith.constant 0.0 : f32
    %room = tensor.empty() : tensor<4x24xf32>
    %start = linalg.fill ins(%zero : f32) outs(%room : tensor<4x24xf32>) -> tensor<4x24xf32>
    %y = linalg.matmul ins(%x, %w : tensor<4x8xf32>, tensor<8x24xf32>) outs(%start : tensor<4x24xf32>) -> tensor<4x24xf32>
    return %y : tensor<4x24xf32>
  }
}

// -----

// Along what is summed up, behind a transpose: a sum goes on where another ends.
// CHECK-LABEL: func.func @rows
// CHECK-SAME: (%[[X:.+]]: tensor<4x24xf32>, %[[START:.+]]: tensor<4x8xf32>)
// CHECK: %[[A:.+]] = linalg.transpose
// CHECK: %[[B:.+]] = linalg.transpose
// CHECK: %[[FIRST:.+]] = tensor.extract_slice %[[X]][0, 0] [4, 8]
// CHECK: %[[SUM:.+]] = linalg.matmul ins(%[[FIRST]], %[[A]] : {{.*}}) outs(%[[START]] :
// CHECK: %[[REST:.+]] = tensor.extract_slice %[[X]][0, 8] [4, 16]
// CHECK: %[[Y:.+]] = linalg.matmul ins(%[[REST]], %[[B]] : {{.*}}) outs(%[[SUM]] :
// CHECK-NOT: tensor.concat
// CHECK: return %[[Y]]
module @rows {
  share.param @a : tensor<8x8xf32> = dense<1.0> : tensor<8x8xf32>
  share.param @b : tensor<8x16xf32> = dense<2.0> : tensor<8x16xf32>
  func.func @rows(%x: tensor<4x24xf32>, %start: tensor<4x8xf32>) -> tensor<4x8xf32> {
    %a = share.get @a : tensor<8x8xf32>
    %b = share.get @b : tensor<8x16xf32>
    %w = tensor.concat dim(1) %a, %b : (tensor<8x8xf32>, tensor<8x16xf32>) -> tensor<8x24xf32>
    %room = tensor.empty() : tensor<24x8xf32>
    %t = linalg.transpose ins(%w : tensor<8x24xf32>) outs(%room : tensor<24x8xf32>) permutation = [1, 0]
    %y = linalg.matmul ins(%x, %t : tensor<4x24xf32>, tensor<24x8xf32>) outs(%start : tensor<4x8xf32>) -> tensor<4x8xf32>
    return %y : tensor<4x8xf32>
  }
}

// -----

// Filters of a convolution, along its filters; along its window nothing is split.
// CHECK-LABEL: func.func @filters
// CHECK: linalg.conv_2d_nhwc_hwcf
// CHECK: linalg.conv_2d_nhwc_hwcf
// CHECK: tensor.concat dim(3)
// CHECK: %[[TALL:.+]] = tensor.concat dim(0)
// CHECK: linalg.conv_2d_nhwc_hwcf ins(%{{.+}}, %[[TALL]] :
module @filters {
  share.param @a : tensor<8x1x3x8xf32> = dense<1.0> : tensor<8x1x3x8xf32>
  func.func @filters(%x: tensor<1x20x6x3xf32>, %s: tensor<1x13x6x16xf32>, %t: tensor<1x5x6x8xf32>) -> (tensor<1x13x6x16xf32>, tensor<1x5x6x8xf32>) {
    %a = share.get @a : tensor<8x1x3x8xf32>
    %wide = tensor.concat dim(3) %a, %a : (tensor<8x1x3x8xf32>, tensor<8x1x3x8xf32>) -> tensor<8x1x3x16xf32>
    %y = linalg.conv_2d_nhwc_hwcf ins(%x, %wide : tensor<1x20x6x3xf32>, tensor<8x1x3x16xf32>) outs(%s : tensor<1x13x6x16xf32>) -> tensor<1x13x6x16xf32>
    %tall = tensor.concat dim(0) %a, %a : (tensor<8x1x3x8xf32>, tensor<8x1x3x8xf32>) -> tensor<16x1x3x8xf32>
    %z = linalg.conv_2d_nhwc_hwcf ins(%x, %tall : tensor<1x20x6x3xf32>, tensor<16x1x3x8xf32>) outs(%t : tensor<1x5x6x8xf32>) -> tensor<1x5x6x8xf32>
    return %y, %z : tensor<1x13x6x16xf32>, tensor<1x5x6x8xf32>
  }
}

// -----

// Narrow parts, parts that are no parameters, and what is needed whole stay.
// CHECK-LABEL: func.func @stays
// CHECK: %[[NARROW:.+]] = tensor.concat
// CHECK: linalg.matmul ins(%{{.+}}, %[[NARROW]] :
// CHECK: %[[DATA:.+]] = tensor.concat
// CHECK: linalg.matmul ins(%{{.+}}, %[[DATA]] :
// CHECK: %[[WHOLE:.+]] = tensor.concat
// CHECK: linalg.matmul ins(%{{.+}}, %[[WHOLE]] :
module @stays {
  share.param @a : tensor<8x8xf32> = dense<1.0> : tensor<8x8xf32>
  share.param @b : tensor<8x4xf32> = dense<2.0> : tensor<8x4xf32>
  func.func @stays(%x: tensor<4x8xf32>, %d: tensor<8x8xf32>, %s: tensor<4x12xf32>, %t: tensor<4x16xf32>) -> (tensor<4x12xf32>, tensor<4x16xf32>, tensor<4x16xf32>, tensor<8x16xf32>) {
    %a = share.get @a : tensor<8x8xf32>
    %b = share.get @b : tensor<8x4xf32>
    %narrow = tensor.concat dim(1) %a, %b : (tensor<8x8xf32>, tensor<8x4xf32>) -> tensor<8x12xf32>
    %y = linalg.matmul ins(%x, %narrow : tensor<4x8xf32>, tensor<8x12xf32>) outs(%s : tensor<4x12xf32>) -> tensor<4x12xf32>
    %data = tensor.concat dim(1) %a, %d : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x16xf32>
    %z = linalg.matmul ins(%x, %data : tensor<4x8xf32>, tensor<8x16xf32>) outs(%t : tensor<4x16xf32>) -> tensor<4x16xf32>
    %whole = tensor.concat dim(1) %a, %a : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x16xf32>
    %v = linalg.matmul ins(%x, %whole : tensor<4x8xf32>, tensor<8x16xf32>) outs(%t : tensor<4x16xf32>) -> tensor<4x16xf32>
    return %y, %z, %v, %whole : tensor<4x12xf32>, tensor<4x16xf32>, tensor<4x16xf32>, tensor<8x16xf32>
  }
}
