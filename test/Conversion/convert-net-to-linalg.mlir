// Structured operations become linalg over channels-last data.
// RUN: lig-opt %s -split-input-file -convert-net-to-linalg | FileCheck %s

// CHECK-DAG: #[[IN:.+]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1 * 2 + d4, d2 * 2 + d5, d6)>
// CHECK-DAG: #[[W:.+]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d4, d5, d6, d3)>
// CHECK-LABEL: @convolution
func.func @convolution(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<4xf32>)
    -> tensor<1x4x4x4xf32> {
  // CHECK: linalg.transpose {{.*}} permutation = [0, 2, 3, 1]
  // CHECK: tensor.pad {{.*}} low[0, 1, 1, 0] high[0, 1, 1, 0]
  // CHECK: linalg.generic {indexing_maps = [#[[IN]], #[[W]],
  // CHECK: linalg.transpose {{.*}} permutation = [0, 3, 1, 2]
  %0 = net.conv %x, %w bias(%b) strides [2, 2] dilations [1, 1] pads [1, 1, 1, 1] groups 1
     : tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>, tensor<4xf32> -> tensor<1x4x4x4xf32>
  return %0 : tensor<1x4x4x4xf32>
}

// -----

// The channel is common to input, filter and output.
// CHECK-DAG: #[[IN:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1 + d3 * 2, d2)>
// CHECK-DAG: #[[W:.+]] = affine_map<(d0, d1, d2, d3) -> (d3, d2)>
// CHECK-LABEL: @depthwise
func.func @depthwise(%x: tensor<1x6x9xf32>, %w: tensor<6x1x3xf32>) -> tensor<1x6x5xf32> {
  // CHECK: linalg.generic {indexing_maps = [#[[IN]], #[[W]],
  %0 = net.conv %x, %w strides [1] dilations [2] pads [0, 0] groups 6
     : tensor<1x6x9xf32>, tensor<6x1x3xf32> -> tensor<1x6x5xf32>
  return %0 : tensor<1x6x5xf32>
}

// -----

// Few filters over many channels are dot products along the channels.
// CHECK-DAG: #[[IN:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1 + d3, d4)>
// CHECK-DAG: #[[W:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d2, d3, d4)>
// CHECK-LABEL: @few_filters
func.func @few_filters(%x: tensor<1x32x9xf32>, %w: tensor<3x32x3xf32>) -> tensor<1x3x7xf32> {
  // CHECK: linalg.generic {indexing_maps = [#[[IN]], #[[W]],
  %0 = net.conv %x, %w strides [1] dilations [1] pads [0, 0] groups 1
     : tensor<1x32x9xf32>, tensor<3x32x3xf32> -> tensor<1x3x7xf32>
  return %0 : tensor<1x3x7xf32>
}

// -----

// Even outputs meet one tap, odd ones two: no zeros are put between inputs.
// CHECK-LABEL: @transposed_phases
func.func @transposed_phases(%x: tensor<1x8x5xf32>, %w: tensor<8x16x3xf32>) -> tensor<1x16x10xf32> {
  // CHECK: %[[PADDED:.+]] = tensor.pad {{.+}} low[0, 0, 0] high[0, 1, 0]
  // CHECK: %[[ONE:.+]] = tensor.extract_slice {{.+}}[0, 1, 0, 0] [1, 1, 8, 16] [1, 2, 1, 1]
  // CHECK: %[[EVEN:.+]] = linalg.generic {{.+}}"reduction"
  // CHECK: tensor.insert_slice %[[EVEN]] into {{.+}}[0, 0, 0] [1, 5, 16] [1, 2, 1]
  // CHECK: tensor.extract_slice {{.+}}[0, 0, 0, 0] [1, 2, 8, 16] [1, 2, 1, 1]
  // CHECK: %[[ODD:.+]] = linalg.generic {{.+}}"reduction"
  // CHECK: tensor.insert_slice %[[ODD]] into {{.+}}[0, 1, 0] [1, 5, 16] [1, 2, 1]
  %0 = net.conv_transpose %x, %w strides [2] dilations [1] pads [1, 0] groups 1
     : tensor<1x8x5xf32>, tensor<8x16x3xf32> -> tensor<1x16x10xf32>
  return %0 : tensor<1x16x10xf32>
}

// -----

// Filters that do not overlap: one product, its phases a dimension.
// CHECK-LABEL: @transposed_product
func.func @transposed_product(%x: tensor<1x8x5xf32>, %w: tensor<8x16x2xf32>) -> tensor<1x16x10xf32> {
  // CHECK-NOT: tensor.pad
  // CHECK-NOT: tensor.insert_slice
  // CHECK: %[[ALL:.+]] = linalg.generic {{.+}}"reduction"
  // CHECK: tensor.collapse_shape
  // CHECK-NOT: "reduction"
  %0 = net.conv_transpose %x, %w strides [2] dilations [1] pads [0, 0] groups 1
     : tensor<1x8x5xf32>, tensor<8x16x2xf32> -> tensor<1x16x10xf32>
  return %0 : tensor<1x16x10xf32>
}

// -----

// Narrow floats accumulate in f32; integers stay what they are.
// CHECK-LABEL: @types
func.func @types(%x: tensor<1x2x4xf16>, %w: tensor<2x2x1xf16>, %i: tensor<1x2x4xi32>, %v: tensor<2x2x1xi32>)
    -> (tensor<1x2x4xf16>, tensor<1x2x4xi32>) {
  // CHECK: arith.extf {{.*}} f16 to f32
  // CHECK: arith.truncf {{.*}} f32 to f16
  %0 = net.conv %x, %w strides [1] dilations [1] pads [0, 0] groups 1
     : tensor<1x2x4xf16>, tensor<2x2x1xf16> -> tensor<1x2x4xf16>
  // CHECK: arith.muli
  // CHECK: arith.addi
  %1 = net.conv %i, %v strides [1] dilations [1] pads [0, 0] groups 1
     : tensor<1x2x4xi32>, tensor<2x2x1xi32> -> tensor<1x2x4xi32>
  return %0, %1 : tensor<1x2x4xf16>, tensor<1x2x4xi32>
}

// -----

// The last window hangs over: one more position that never wins.
// CHECK-LABEL: @ceil_pool
func.func @ceil_pool(%x: tensor<1x1x4xf32>) -> tensor<1x1x2xf32> {
  // CHECK: %[[LOWEST:.+]] = arith.constant 0xFF800000 : f32
  // CHECK: tensor.pad {{.*}} low[0, 0, 0] high[0, 1, 0]
  // CHECK: tensor.yield %[[LOWEST]]
  // CHECK: arith.maximumf
  %0 = net.pool max %x kernel [3] strides [2] dilations [1] pads [0, 0]
     : tensor<1x1x4xf32> -> tensor<1x1x2xf32>
  return %0 : tensor<1x1x2xf32>
}

// -----

// Counts differ at the border unless padding counts.
// CHECK-LABEL: @average_pool
func.func @average_pool(%x: tensor<1x1x4xf32>) -> (tensor<1x1x4xf32>, tensor<1x1x4xf32>) {
  // CHECK: arith.constant dense<[2.000000e+00, 3.000000e+00, 3.000000e+00, 2.000000e+00]> : tensor<4xf32>
  %0 = net.pool average %x kernel [3] strides [1] dilations [1] pads [1, 1]
     : tensor<1x1x4xf32> -> tensor<1x1x4xf32>
  // CHECK: arith.constant 3.000000e+00 : f32
  // CHECK-NOT: dense<
  %1 = net.pool average %x kernel [3] strides [1] dilations [1] pads [1, 1] count_include_pad
     : tensor<1x1x4xf32> -> tensor<1x1x4xf32>
  return %0, %1 : tensor<1x1x4xf32>, tensor<1x1x4xf32>
}

// -----

// net.scan is not this pass's business, and its body is lowered in place.
// CHECK-LABEL: @inside_scan
func.func @inside_scan(%n: index, %h: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK: net.scan
  // CHECK-NOT: net.normalize
  // CHECK: math.sqrt
  %r = net.scan %n init(%h : tensor<4x8xf32>) {
  ^bb0(%i: index, %s: tensor<4x8xf32>):
    %0 = net.normalize %s axes [1] epsilon 1.0e-5 : tensor<4x8xf32>
    net.yield %0 : tensor<4x8xf32>
  }
  return %r : tensor<4x8xf32>
}

// -----

// Attention in full: all scores, their region, a softmax of rows, the product.
// CHECK-LABEL: func.func @attention
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%arg0, %arg1
// CHECK: linalg.index 2
// CHECK: arith.maximumf
// CHECK: math.exp
// CHECK: arith.divf
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
// CHECK-NOT: net.attention
// CHECK: return %{{.+}} : tensor<8x2x5xf32>
func.func @attention(%q: tensor<2x8x4xf32>, %k: tensor<9x4xf32>, %v: tensor<9x5xf32>, %o: tensor<8x2x5xf32>) -> tensor<8x2x5xf32> {
  %0 = net.attention %q, %k, %v into %o
      maps [affine_map<(b, m, n, d, e) -> (b, m, d)>, affine_map<(b, m, n, d, e) -> (n, d)>,
            affine_map<(b, m, n, d, e) -> (n, e)>, affine_map<(b, m, n, d, e) -> (m, b, e)>] {
  ^bb0(%score: f32, %m: index, %n: index):
    %low = arith.constant 0xFF800000 : f32
    %sees = arith.cmpi uge, %m, %n : index
    %x = arith.select %sees, %score, %low : f32
    net.yield %x : f32
  } : tensor<2x8x4xf32>, tensor<9x4xf32>, tensor<9x5xf32> into tensor<8x2x5xf32> -> tensor<8x2x5xf32>
  return %0 : tensor<8x2x5xf32>
}
