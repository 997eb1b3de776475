// Independent uses of one weight become one where that gains.
// RUN: lig-opt %s -split-input-file -net-batch-uses | FileCheck %s
// RUN: lig-opt %s -split-input-file -net-batch-uses=force | FileCheck %s --check-prefixes=FORCE
// RUN: lig-opt %s -split-input-file -net-batch-uses=vector-bits=1 | FileCheck %s --check-prefix=SLOW
// RUN: lig-opt %s -split-input-file -net-batch-uses=winograd=none | FileCheck %s --check-prefix=PLAIN
// RUN: not lig-opt %s -net-batch-uses=winograd=fast 2>&1 | FileCheck %s --check-prefix=WRONG
// WRONG: error: winograd is 'fast', not auto, f4, f2 or none

// A whole branch: two layers, bias and activation between them, a residual
// addition, an average; the parts meet in the distance at the end.
// CHECK-LABEL: func.func @siamese
// CHECK-SAME: %[[A:.*]]: tensor<1x64xf32>, %[[B:.*]]: tensor<1x64xf32>
// CHECK: %[[W:.*]] = share.get @w
// CHECK: %[[DATA:.*]] = tensor.concat dim(0) %[[A]], %[[B]] : (tensor<1x64xf32>, tensor<1x64xf32>) -> tensor<2x64xf32>
// CHECK: %[[ROOM:.*]] = tensor.empty() : tensor<2x64xf32>
// CHECK: %[[BIAS:.*]] = linalg.broadcast {{.*}} outs(%[[ROOM]] : tensor<2x64xf32>)
// CHECK: %[[H:.*]] = linalg.matmul {share.calls = 2 : i64} ins(%[[DATA]], %[[W]] : {{.*}}) outs(%[[BIAS]] : tensor<2x64xf32>)
// CHECK: %[[R:.*]] = linalg.tanh ins(%[[H]] : tensor<2x64xf32>)
// CHECK: %[[G:.*]] = linalg.matmul {{.*}} ins(%[[R]], {{.*}} -> tensor<2x64xf32>
// CHECK: %[[S:.*]] = linalg.add ins(%[[G]], %[[R]] : tensor<2x64xf32>, tensor<2x64xf32>)
// CHECK: %[[E:.*]] = tensor.expand_shape %[[S]] {{\[\[}}0], [1, 2]] output_shape [2, 8, 8]
// CHECK-DAG: tensor.extract_slice %[[E]][0, 0, 0] [1, 8, 8]
// CHECK-DAG: tensor.extract_slice %[[E]][1, 0, 0] [1, 8, 8]
// CHECK-NOT: linalg.matmul
// CHECK-NOT: linalg.tanh
// CHECK: linalg.sub
module @siamese {
  share.param @w : tensor<64x64xf32> = dense<0.5> : tensor<64x64xf32>
  share.param @v : tensor<64x64xf32> = dense<0.25> : tensor<64x64xf32>
  share.param @b : tensor<64xf32> = dense<1.0> : tensor<64xf32>
  func.func @siamese(%a: tensor<1x64xf32>, %c: tensor<1x64xf32>) -> tensor<1x8x8xf32> {
    %zero = arith.constant 0.0 : f32
    %w = share.get @w : tensor<64x64xf32>
    %v = share.get @v : tensor<64x64xf32>
    %b = share.get @b : tensor<64xf32>
    %room = tensor.empty() : tensor<1x64xf32>
    %bias = linalg.broadcast ins(%b : tensor<64xf32>) outs(%room : tensor<1x64xf32>) dimensions = [0]
    %zeros = linalg.fill ins(%zero : f32) outs(%room : tensor<1x64xf32>) -> tensor<1x64xf32>
    %a0 = linalg.matmul ins(%a, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%bias : tensor<1x64xf32>) -> tensor<1x64xf32>
    %a1 = linalg.tanh ins(%a0 : tensor<1x64xf32>) outs(%room : tensor<1x64xf32>) -> tensor<1x64xf32>
    %a2 = linalg.matmul ins(%a1, %v : tensor<1x64xf32>, tensor<64x64xf32>) outs(%zeros : tensor<1x64xf32>) -> tensor<1x64xf32>
    %a3 = linalg.add ins(%a2, %a1 : tensor<1x64xf32>, tensor<1x64xf32>) outs(%room : tensor<1x64xf32>) -> tensor<1x64xf32>
    %a4 = tensor.expand_shape %a3 [[0], [1, 2]] output_shape [1, 8, 8] : tensor<1x64xf32> into tensor<1x8x8xf32>
    %c0 = linalg.matmul ins(%c, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%bias : tensor<1x64xf32>) -> tensor<1x64xf32>
    %c1 = linalg.tanh ins(%c0 : tensor<1x64xf32>) outs(%room : tensor<1x64xf32>) -> tensor<1x64xf32>
    %c2 = linalg.matmul ins(%c1, %v : tensor<1x64xf32>, tensor<64x64xf32>) outs(%zeros : tensor<1x64xf32>) -> tensor<1x64xf32>
    %c3 = linalg.add ins(%c2, %c1 : tensor<1x64xf32>, tensor<1x64xf32>) outs(%room : tensor<1x64xf32>) -> tensor<1x64xf32>
    %c4 = tensor.expand_shape %c3 [[0], [1, 2]] output_shape [1, 8, 8] : tensor<1x64xf32> into tensor<1x8x8xf32>
    %last = tensor.empty() : tensor<1x8x8xf32>
    %d = linalg.sub ins(%a4, %c4 : tensor<1x8x8xf32>, tensor<1x8x8xf32>) outs(%last : tensor<1x8x8xf32>) -> tensor<1x8x8xf32>
    return %d : tensor<1x8x8xf32>
  }
}

// -----

// A convolution with enough to multiply gains nothing.
// CHECK-LABEL: func.func @triplet
// CHECK-COUNT-3: net.conv {{.*}} : tensor<1x4x32x32xf32>
// FORCE-LABEL: func.func @triplet
// FORCE: net.conv {{.*}} : tensor<3x4x32x32xf32>
// FORCE-NOT: net.conv
// FORCE: return
module @triplet {
  share.param @w : tensor<64x4x3x3xf32> = dense<0.5> : tensor<64x4x3x3xf32>
  func.func @triplet(%x: tensor<3x4x32x32xf32>) -> (tensor<1x64x32x32xf32>, tensor<1x64x32x32xf32>, tensor<1x64x32x32xf32>) {
    %w = share.get @w : tensor<64x4x3x3xf32>
    %x0 = tensor.extract_slice %x[0, 0, 0, 0] [1, 4, 32, 32] [1, 1, 1, 1] : tensor<3x4x32x32xf32> to tensor<1x4x32x32xf32>
    %x1 = tensor.extract_slice %x[1, 0, 0, 0] [1, 4, 32, 32] [1, 1, 1, 1] : tensor<3x4x32x32xf32> to tensor<1x4x32x32xf32>
    %x2 = tensor.extract_slice %x[2, 0, 0, 0] [1, 4, 32, 32] [1, 1, 1, 1] : tensor<3x4x32x32xf32> to tensor<1x4x32x32xf32>
    %c0 = net.conv %x0, %w strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x4x32x32xf32>, tensor<64x4x3x3xf32> -> tensor<1x64x32x32xf32>
    %c1 = net.conv %x2, %w strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x4x32x32xf32>, tensor<64x4x3x3xf32> -> tensor<1x64x32x32xf32>
    %c2 = net.conv %x1, %w strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x4x32x32xf32>, tensor<64x4x3x3xf32> -> tensor<1x64x32x32xf32>
    return %c0, %c1, %c2 : tensor<1x64x32x32xf32>, tensor<1x64x32x32xf32>, tensor<1x64x32x32xf32>
  }
}

// -----

// Slices of one tensor, in whatever order they are used, are joint already:
// nothing is concatenated. Normalisations, pools and pads follow.
// CHECK-LABEL: func.func @parts
// CHECK-SAME: %[[X:.*]]: tensor<3x256x4x4xf32>
// CHECK-NOT: tensor.concat
// CHECK: %[[C:.*]] = net.conv %[[X]], {{.*}} -> tensor<3x64x2x2xf32>
// CHECK: %[[N:.*]] = net.normalize %[[C]] axes [1, 2, 3] {{.*}} : tensor<3x64x2x2xf32>
// CHECK: %[[P:.*]] = net.pool average %[[N]] {{.*}} -> tensor<3x64x1x1xf32>
// CHECK: %[[S:.*]] = tensor.pad %[[P]] low[0, 0, 1, 1] high[0, 0, 1, 1]
// CHECK: tensor<3x64x1x1xf32> to tensor<3x64x3x3xf32>
// CHECK: %[[T:.*]] = net.conv_transpose %[[S]], {{.*}} -> tensor<3x8x3x3xf32>
// CHECK: return %[[T]]
module @parts {
  share.param @w : tensor<64x256x3x3xf32> = dense<0.5> : tensor<64x256x3x3xf32>
  share.param @v : tensor<64x8x1x1xf32> = dense<0.5> : tensor<64x8x1x1xf32>
  func.func @parts(%x: tensor<3x256x4x4xf32>) -> tensor<3x8x3x3xf32> {
    %zero = arith.constant 0.0 : f32
    %w = share.get @w : tensor<64x256x3x3xf32>
    %v = share.get @v : tensor<64x8x1x1xf32>
    %x0 = tensor.extract_slice %x[0, 0, 0, 0] [1, 256, 4, 4] [1, 1, 1, 1] : tensor<3x256x4x4xf32> to tensor<1x256x4x4xf32>
    %x1 = tensor.extract_slice %x[1, 0, 0, 0] [2, 256, 4, 4] [1, 1, 1, 1] : tensor<3x256x4x4xf32> to tensor<2x256x4x4xf32>
    %b0 = net.conv %x1, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<2x256x4x4xf32>, tensor<64x256x3x3xf32> -> tensor<2x64x2x2xf32>
    %b1 = net.normalize %b0 axes [1, 2, 3] epsilon 1.0e-5 : tensor<2x64x2x2xf32>
    %b2 = net.pool average %b1 kernel [2, 2] strides [2, 2] dilations [1, 1] pads [0, 0, 0, 0] : tensor<2x64x2x2xf32> -> tensor<2x64x1x1xf32>
    %b3 = tensor.pad %b2 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%i: index, %j: index, %k: index, %l: index):
      tensor.yield %zero : f32
    } : tensor<2x64x1x1xf32> to tensor<2x64x3x3xf32>
    %b4 = net.conv_transpose %b3, %v strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<2x64x3x3xf32>, tensor<64x8x1x1xf32> -> tensor<2x8x3x3xf32>
    %a0 = net.conv %x0, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<1x256x4x4xf32>, tensor<64x256x3x3xf32> -> tensor<1x64x2x2xf32>
    %a1 = net.normalize %a0 axes [1, 2, 3] epsilon 1.0e-5 : tensor<1x64x2x2xf32>
    %a2 = net.pool average %a1 kernel [2, 2] strides [2, 2] dilations [1, 1] pads [0, 0, 0, 0] : tensor<1x64x2x2xf32> -> tensor<1x64x1x1xf32>
    %a3 = tensor.pad %a2 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%i: index, %j: index, %k: index, %l: index):
      tensor.yield %zero : f32
    } : tensor<1x64x1x1xf32> to tensor<1x64x3x3xf32>
    %a4 = net.conv_transpose %a3, %v strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<1x64x3x3xf32>, tensor<64x8x1x1xf32> -> tensor<1x8x3x3xf32>
    %all = tensor.concat dim(0) %a4, %b4 : (tensor<1x8x3x3xf32>, tensor<2x8x3x3xf32>) -> tensor<3x8x3x3xf32>
    return %all : tensor<3x8x3x3xf32>
  }
}

// -----

// Two steps of a loop wait for each other, but the two loops do not: step meets
// step. A branch that is shorter ends earlier.
// CHECK-LABEL: func.func @chains
// CHECK: linalg.matmul {{.*}} -> tensor<3x64xf32>
// CHECK: linalg.matmul {{.*}} -> tensor<2x64xf32>
// CHECK-NOT: linalg.matmul
// CHECK: return
// FORCE-LABEL: func.func @chains
// FORCE: linalg.matmul {{.*}} -> tensor<3x64xf32>
// FORCE: linalg.matmul {{.*}} -> tensor<2x64xf32>
// FORCE-NOT: linalg.matmul
module @chains {
  share.param trainable @w : tensor<64x64xf32> = dense<0.5> : tensor<64x64xf32>
  func.func @chains(%a: tensor<1x64xf32>, %b: tensor<1x64xf32>, %c: tensor<1x64xf32>) -> (tensor<1x64xf32>, tensor<1x64xf32>, tensor<1x64xf32>) {
    %w = share.get @w : tensor<64x64xf32>
    %room = tensor.empty() : tensor<1x64xf32>
    %zero = arith.constant 0.0 : f32
    %zeros = linalg.fill ins(%zero : f32) outs(%room : tensor<1x64xf32>) -> tensor<1x64xf32>
    %a0 = linalg.matmul ins(%a, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%zeros : tensor<1x64xf32>) -> tensor<1x64xf32>
    %a1 = linalg.matmul ins(%a0, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%zeros : tensor<1x64xf32>) -> tensor<1x64xf32>
    %b0 = linalg.matmul ins(%b, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%zeros : tensor<1x64xf32>) -> tensor<1x64xf32>
    %b1 = linalg.matmul ins(%b0, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%zeros : tensor<1x64xf32>) -> tensor<1x64xf32>
    %c0 = linalg.matmul ins(%c, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%zeros : tensor<1x64xf32>) -> tensor<1x64xf32>
    return %a1, %b1, %c0 : tensor<1x64xf32>, tensor<1x64xf32>, tensor<1x64xf32>
  }
}

// -----

// Crosswise: joining one weight makes the uses of the other wait.
// FORCE-LABEL: func.func @crosswise
// FORCE: linalg.matmul {{.*}} -> tensor<1x64xf32>
// FORCE: linalg.matmul {{.*}} -> tensor<2x64xf32>
// FORCE: linalg.matmul {{.*}} -> tensor<1x64xf32>
// FORCE-NOT: linalg.matmul
// FORCE: return
module @crosswise {
  share.param @w : tensor<64x64xf32> = dense<0.5> : tensor<64x64xf32>
  share.param @v : tensor<64x64xf32> = dense<0.25> : tensor<64x64xf32>
  func.func @crosswise(%a: tensor<1x64xf32>, %b: tensor<1x64xf32>) -> (tensor<1x64xf32>, tensor<1x64xf32>) {
    %w = share.get @w : tensor<64x64xf32>
    %v = share.get @v : tensor<64x64xf32>
    %room = tensor.empty() : tensor<1x64xf32>
    %zero = arith.constant 0.0 : f32
    %zeros = linalg.fill ins(%zero : f32) outs(%room : tensor<1x64xf32>) -> tensor<1x64xf32>
    %a0 = linalg.matmul ins(%a, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%zeros : tensor<1x64xf32>) -> tensor<1x64xf32>
    %a1 = linalg.matmul ins(%a0, %v : tensor<1x64xf32>, tensor<64x64xf32>) outs(%zeros : tensor<1x64xf32>) -> tensor<1x64xf32>
    %b0 = linalg.matmul ins(%b, %v : tensor<1x64xf32>, tensor<64x64xf32>) outs(%zeros : tensor<1x64xf32>) -> tensor<1x64xf32>
    %b1 = linalg.matmul ins(%b0, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%zeros : tensor<1x64xf32>) -> tensor<1x64xf32>
    return %a1, %b1 : tensor<1x64xf32>, tensor<1x64xf32>
  }
}

// -----

// Another stride, another bias, another weight: apart.
// FORCE-LABEL: func.func @unlike
// FORCE-COUNT-4: net.conv {{.*}} : tensor<1x4x8x8xf32>
module @unlike {
  share.param @w : tensor<4x4x1x1xf32> = dense<0.5> : tensor<4x4x1x1xf32>
  share.param @v : tensor<4x4x1x1xf32> = dense<0.25> : tensor<4x4x1x1xf32>
  share.param @b : tensor<4xf32> = dense<0.25> : tensor<4xf32>
  func.func @unlike(%x: tensor<1x4x8x8xf32>, %y: tensor<1x4x8x8xf32>) -> (tensor<1x4x8x8xf32>, tensor<1x4x4x4xf32>, tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) {
    %w = share.get @w : tensor<4x4x1x1xf32>
    %v = share.get @v : tensor<4x4x1x1xf32>
    %b = share.get @b : tensor<4xf32>
    %c0 = net.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32> -> tensor<1x4x8x8xf32>
    %c1 = net.conv %y, %w strides [2, 2] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32> -> tensor<1x4x4x4xf32>
    %c2 = net.conv %y, %w bias(%b) strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>, tensor<4xf32> -> tensor<1x4x8x8xf32>
    %c3 = net.conv %y, %v strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32> -> tensor<1x4x8x8xf32>
    return %c0, %c1, %c2, %c3 : tensor<1x4x8x8xf32>, tensor<1x4x4x4xf32>, tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>
  }
}

// -----

// Entry points run by themselves. On a machine that multiplies slowly reading
// a weight twice costs nothing, however small the data.
// CHECK-LABEL: func.func @one
// CHECK: linalg.matmul {{.*}} -> tensor<1x256xf32>
// CHECK-LABEL: func.func @other
// CHECK: linalg.matmul {{.*}} -> tensor<1x256xf32>
// CHECK-LABEL: func.func @slow
// CHECK: linalg.matmul {{.*}} -> tensor<5x256xf32>
// SLOW-LABEL: func.func @slow
// SLOW: linalg.matmul {{.*}} -> tensor<2x256xf32>
// SLOW: linalg.matmul {{.*}} -> tensor<3x256xf32>
module @entries {
  share.param @w : tensor<256x256xf32> = dense<0.5> : tensor<256x256xf32>
  func.func @one(%a: tensor<1x256xf32>, %zeros: tensor<1x256xf32>) -> tensor<1x256xf32> attributes {net.entry} {
    %w = share.get @w : tensor<256x256xf32>
    %r = linalg.matmul ins(%a, %w : tensor<1x256xf32>, tensor<256x256xf32>) outs(%zeros : tensor<1x256xf32>) -> tensor<1x256xf32>
    return %r : tensor<1x256xf32>
  }
  func.func @other(%a: tensor<1x256xf32>, %zeros: tensor<1x256xf32>) -> tensor<1x256xf32> attributes {net.entry} {
    %w = share.get @w : tensor<256x256xf32>
    %r = linalg.matmul ins(%a, %w : tensor<1x256xf32>, tensor<256x256xf32>) outs(%zeros : tensor<1x256xf32>) -> tensor<1x256xf32>
    return %r : tensor<1x256xf32>
  }
  func.func @slow(%a: tensor<2x256xf32>, %b: tensor<3x256xf32>) -> (tensor<2x256xf32>, tensor<3x256xf32>) attributes {net.entry} {
    %zero = arith.constant 0.0 : f32
    %w = share.get @w : tensor<256x256xf32>
    %e = tensor.empty() : tensor<2x256xf32>
    %f = tensor.empty() : tensor<3x256xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x256xf32>) -> tensor<2x256xf32>
    %y = linalg.fill ins(%zero : f32) outs(%f : tensor<3x256xf32>) -> tensor<3x256xf32>
    %r = linalg.matmul ins(%a, %w : tensor<2x256xf32>, tensor<256x256xf32>) outs(%z : tensor<2x256xf32>) -> tensor<2x256xf32>
    %s = linalg.matmul ins(%b, %w : tensor<3x256xf32>, tensor<256x256xf32>) outs(%y : tensor<3x256xf32>) -> tensor<3x256xf32>
    return %r, %s : tensor<2x256xf32>, tensor<3x256xf32>
  }
}

// -----

// Rows of a sequence, each in a shape of its own, are rows of it together.
// CHECK-LABEL: func.func @rows
// CHECK-SAME: %[[X:.*]]: tensor<4x1x64xf32>
// CHECK-NOT: tensor.concat
// CHECK: %[[PART:.*]] = tensor.extract_slice %[[X]][1, 0, 0] [3, 1, 64]
// CHECK: %[[ROWS:.*]] = tensor.collapse_shape %[[PART]] {{\[\[}}0], [1, 2]]
// CHECK: linalg.matmul {{.*}} ins(%[[ROWS]],
module @rows {
  share.param @w : tensor<64x64xf32> = dense<0.5> : tensor<64x64xf32>
  func.func @rows(%x: tensor<4x1x64xf32>) -> (tensor<1x64xf32>, tensor<1x64xf32>, tensor<1x64xf32>) {
    %zero = arith.constant 0.0 : f32
    %w = share.get @w : tensor<64x64xf32>
    %room = tensor.empty() : tensor<1x64xf32>
    %zeros = linalg.fill ins(%zero : f32) outs(%room : tensor<1x64xf32>) -> tensor<1x64xf32>
    %x1 = tensor.extract_slice %x[1, 0, 0] [1, 1, 64] [1, 1, 1] : tensor<4x1x64xf32> to tensor<1x1x64xf32>
    %x2 = tensor.extract_slice %x[2, 0, 0] [1, 1, 64] [1, 1, 1] : tensor<4x1x64xf32> to tensor<64xf32>
    %x3 = tensor.extract_slice %x[3, 0, 0] [1, 1, 64] [1, 1, 1] : tensor<4x1x64xf32> to tensor<1x64xf32>
    %r1 = tensor.collapse_shape %x1 [[0, 1], [2]] : tensor<1x1x64xf32> into tensor<1x64xf32>
    %r2 = tensor.expand_shape %x2 [[0, 1]] output_shape [1, 64] : tensor<64xf32> into tensor<1x64xf32>
    %y1 = linalg.matmul ins(%r1, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%zeros : tensor<1x64xf32>) -> tensor<1x64xf32>
    %y2 = linalg.matmul ins(%r2, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%zeros : tensor<1x64xf32>) -> tensor<1x64xf32>
    %y3 = linalg.matmul ins(%x3, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%zeros : tensor<1x64xf32>) -> tensor<1x64xf32>
    return %y1, %y2, %y3 : tensor<1x64xf32>, tensor<1x64xf32>, tensor<1x64xf32>
  }
}

// -----

// Levels of a pyramid: the pixels of the small ones are rows of one product,
// in the order of sums of a convolution; the large one has enough to multiply.
// CHECK-LABEL: func.func @pyramid
// CHECK-SAME: %[[LARGE:.*]]: tensor<1x64x16x16xf32>, %[[TWO:.*]]: tensor<1x64x4x1xf32>, %[[ONE:.*]]: tensor<1x64x1x1xf32>
// CHECK: net.conv %[[LARGE]], {{.*}} -> tensor<1x64x8x16xf32>
// CHECK-DAG: linalg.transpose ins(%[[TWO]] : {{.*}}) outs(%{{.*}} : tensor<1x4x1x64xf32>) permutation = [0, 2, 3, 1]
// CHECK-DAG: tensor.pad {{.*}} low[0, 1, 1, 0] high[0, 1, 1, 0]
// CHECK-DAG: %[[ROWS:.*]] = tensor.concat dim(0) {{.*}} : (tensor<1x3x3x64xf32>, tensor<2x3x3x64xf32>) -> tensor<3x3x3x64xf32>
// CHECK-DAG: %[[FILTER:.*]] = linalg.transpose ins(%{{.*}} : tensor<64x64x3x3xf32>) {{.*}} permutation = [2, 3, 1, 0]
// CHECK-DAG: %[[BIAS:.*]] = linalg.broadcast ins(%{{.*}} : tensor<64xf32>) outs(%{{.*}} : tensor<3x64xf32>) dimensions = [0]
// CHECK: %[[P:.*]] = linalg.generic {{.*}} ins(%[[ROWS]], %[[FILTER]] : {{.*}}) outs(%[[BIAS]] : tensor<3x64xf32>) attrs = {share.calls = 2 : i64}
// CHECK: tensor.extract_slice %[[P]][0, 0] [1, 64] [1, 1]
// CHECK: tensor.extract_slice %[[P]][1, 0] [2, 64] [1, 1]
// CHECK-NOT: net.conv
// CHECK: return
// FORCE-LABEL: func.func @pyramid
// FORCE-NOT: net.conv
// FORCE: tensor.concat dim(0) {{.*}} -> tensor<131x3x3x64xf32>
// FORCE-NOT: net.conv
// FORCE: return
module @pyramid {
  share.param @w : tensor<64x64x3x3xf32> = dense<0.5> : tensor<64x64x3x3xf32>
  share.param @b : tensor<64xf32> = dense<0.5> : tensor<64xf32>
  func.func @pyramid(%l: tensor<1x64x16x16xf32>, %t: tensor<1x64x4x1xf32>, %o: tensor<1x64x1x1xf32>) -> (tensor<1x64x8x16xf32>, tensor<1x64x2x1xf32>, tensor<1x64x1x1xf32>) {
    %w = share.get @w : tensor<64x64x3x3xf32>
    %b = share.get @b : tensor<64xf32>
    %0 = net.conv %l, %w bias(%b) strides [2, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x64x16x16xf32>, tensor<64x64x3x3xf32>, tensor<64xf32> -> tensor<1x64x8x16xf32>
    %1 = net.conv %t, %w bias(%b) strides [2, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x64x4x1xf32>, tensor<64x64x3x3xf32>, tensor<64xf32> -> tensor<1x64x2x1xf32>
    %2 = net.conv %o, %w bias(%b) strides [2, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x64x1x1xf32>, tensor<64x64x3x3xf32>, tensor<64xf32> -> tensor<1x64x1x1xf32>
    return %0, %1, %2 : tensor<1x64x8x16xf32>, tensor<1x64x2x1xf32>, tensor<1x64x1x1xf32>
  }
}

// -----

// A head over levels of a pyramid: the small levels side by side in one image,
// with zeros between them again before each layer; the large one by itself,
// whose pixels are enough for the filter that all of them read transformed.
// CHECK-LABEL: func.func @levels
// CHECK-SAME: %[[L:.*]]: tensor<1x256x40x40xf32>, %[[M:.*]]: tensor<1x256x10x10xf32>, %[[S:.*]]: tensor<1x256x5x5xf32>, %[[T:.*]]: tensor<1x256x3x3xf32>
// CHECK: net.conv %[[L]], {{.*}} -> tensor<1x256x40x40xf32>
// CHECK: net.conv {{.*}} -> tensor<1x256x40x40xf32>
// CHECK: linalg.fill {{.*}} -> tensor<1x16x10x256xf32>
// CHECK: linalg.transpose ins(%[[T]] : {{.*}} permutation = [0, 2, 3, 1]
// CHECK: tensor.insert_slice {{.*}}[0, 11, 6, 0] [1, 3, 3, 256]
// CHECK: linalg.transpose ins(%[[S]]
// CHECK: tensor.insert_slice {{.*}}[0, 11, 0, 0] [1, 5, 5, 256]
// CHECK: linalg.transpose ins(%[[M]]
// CHECK: %[[IN:.*]] = tensor.insert_slice {{.*}}[0, 0, 0, 0] [1, 10, 10, 256]
// CHECK: %[[X:.*]] = linalg.transpose ins(%[[IN]] : {{.*}} permutation = [0, 3, 1, 2]
// CHECK: %[[C:.*]] = net.conv %[[X]], {{.*}} {share.calls = 3 : i64} : {{.*}} -> tensor<1x256x16x10xf32>
// CHECK: %[[MASK:.*]] = arith.constant dense<{{.*}}> : tensor<16x10xf32>
// CHECK: %[[R:.*]] = linalg.generic {{.*}} ins(%[[C]], %[[MASK]] :
// CHECK: arith.maximumf
// CHECK: arith.cmpf ogt
// CHECK: arith.select
// CHECK: %[[D:.*]] = net.conv %[[R]], {{.*}} -> tensor<1x256x16x10xf32>
// CHECK-DAG: tensor.extract_slice %[[D]][0, 0, 11, 6] [1, 256, 3, 3]
// CHECK-DAG: tensor.extract_slice %[[D]][0, 0, 11, 0] [1, 256, 5, 5]
// CHECK-DAG: tensor.extract_slice %[[D]][0, 0, 0, 0] [1, 256, 10, 10]
// CHECK-NOT: net.conv
// CHECK: return
// Filters that are read as they are make the waste between images too dear.
// PLAIN-LABEL: func.func @levels
// PLAIN-NOT: tensor<1x256x16x10xf32>
// PLAIN: net.conv {{.*}} -> tensor<1x256x10x10xf32>
// FORCE-LABEL: func.func @levels
// FORCE-COUNT-2: net.conv
// FORCE-NOT: net.conv
// FORCE: return
#same = affine_map<(n, c, y, x) -> (n, c, y, x)>
module @levels {
  share.param @w : tensor<256x256x3x3xf32>
  share.param @v : tensor<256x256x3x3xf32>
  share.param @b : tensor<256xf32>
  func.func @levels(%l: tensor<1x256x40x40xf32>, %m: tensor<1x256x10x10xf32>, %s: tensor<1x256x5x5xf32>, %t: tensor<1x256x3x3xf32>) -> (tensor<1x256x40x40xf32>, tensor<1x256x10x10xf32>, tensor<1x256x5x5xf32>, tensor<1x256x3x3xf32>) {
    %zero = arith.constant 0.0 : f32
    %w = share.get @w : tensor<256x256x3x3xf32>
    %v = share.get @v : tensor<256x256x3x3xf32>
    %b = share.get @b : tensor<256xf32>
    %l0 = net.conv %l, %w bias(%b) strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x256x40x40xf32>, tensor<256x256x3x3xf32>, tensor<256xf32> -> tensor<1x256x40x40xf32>
    %le = tensor.empty() : tensor<1x256x40x40xf32>
    %l1 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%l0 : tensor<1x256x40x40xf32>) outs(%le : tensor<1x256x40x40xf32>) {
    ^bb0(%in: f32, %out: f32):
      %r = arith.maximumf %in, %zero : f32
      linalg.yield %r : f32
    } -> tensor<1x256x40x40xf32>
    %l2 = net.conv %l1, %v strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x256x40x40xf32>, tensor<256x256x3x3xf32> -> tensor<1x256x40x40xf32>
    %m0 = net.conv %m, %w bias(%b) strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x256x10x10xf32>, tensor<256x256x3x3xf32>, tensor<256xf32> -> tensor<1x256x10x10xf32>
    %me = tensor.empty() : tensor<1x256x10x10xf32>
    %m1 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%m0 : tensor<1x256x10x10xf32>) outs(%me : tensor<1x256x10x10xf32>) {
    ^bb0(%in: f32, %out: f32):
      %r = arith.maximumf %in, %zero : f32
      linalg.yield %r : f32
    } -> tensor<1x256x10x10xf32>
    %m2 = net.conv %m1, %v strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x256x10x10xf32>, tensor<256x256x3x3xf32> -> tensor<1x256x10x10xf32>
    %s0 = net.conv %s, %w bias(%b) strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x256x5x5xf32>, tensor<256x256x3x3xf32>, tensor<256xf32> -> tensor<1x256x5x5xf32>
    %se = tensor.empty() : tensor<1x256x5x5xf32>
    %s1 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s0 : tensor<1x256x5x5xf32>) outs(%se : tensor<1x256x5x5xf32>) {
    ^bb0(%in: f32, %out: f32):
      %r = arith.maximumf %in, %zero : f32
      linalg.yield %r : f32
    } -> tensor<1x256x5x5xf32>
    %s2 = net.conv %s1, %v strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x256x5x5xf32>, tensor<256x256x3x3xf32> -> tensor<1x256x5x5xf32>
    %t0 = net.conv %t, %w bias(%b) strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x256x3x3xf32>, tensor<256x256x3x3xf32>, tensor<256xf32> -> tensor<1x256x3x3xf32>
    %te = tensor.empty() : tensor<1x256x3x3xf32>
    %t1 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%t0 : tensor<1x256x3x3xf32>) outs(%te : tensor<1x256x3x3xf32>) {
    ^bb0(%in: f32, %out: f32):
      %r = arith.maximumf %in, %zero : f32
      linalg.yield %r : f32
    } -> tensor<1x256x3x3xf32>
    %t2 = net.conv %t1, %v strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x256x3x3xf32>, tensor<256x256x3x3xf32> -> tensor<1x256x3x3xf32>
    return %l2, %m2, %s2, %t2 : tensor<1x256x40x40xf32>, tensor<1x256x10x10xf32>, tensor<1x256x5x5xf32>, tensor<1x256x3x3xf32>
  }
}

// -----

// Images of another number, convolutions that shrink images or take steps have
// no place side by side; their pixels are rows of one product.
// FORCE-LABEL: func.func @shrinking
// FORCE-NOT: tensor.insert_slice
// FORCE: tensor.concat dim(0) {{.*}} -> tensor<{{[0-9]+}}x3x3x8xf32>
module @shrinking {
  share.param @w : tensor<8x8x3x3xf32>
  func.func @shrinking(%a: tensor<1x8x6x6xf32>, %b: tensor<1x8x4x4xf32>) -> (tensor<1x8x4x4xf32>, tensor<1x8x2x2xf32>) {
    %w = share.get @w : tensor<8x8x3x3xf32>
    %0 = net.conv %a, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<1x8x6x6xf32>, tensor<8x8x3x3xf32> -> tensor<1x8x4x4xf32>
    %1 = net.conv %b, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<1x8x4x4xf32>, tensor<8x8x3x3xf32> -> tensor<1x8x2x2xf32>
    return %0, %1 : tensor<1x8x4x4xf32>, tensor<1x8x2x2xf32>
  }
}

// -----

// Parts of a larger map that lie as images would in a mosaic: what is between
// them is not zero, and is read by something else as it is.
// FORCE-LABEL: func.func @parts_of_a_map
// FORCE-SAME: %{{.*}}: tensor<1x8x9x5xf32>
// FORCE: %[[MAP:.*]] = linalg.exp
// FORCE: %[[ZEROS:.*]] = linalg.generic {{.*}} ins(%[[MAP]], %{{.*}} : tensor<1x8x9x5xf32>, tensor<9x5xf32>)
// FORCE: net.conv %[[ZEROS]], {{.*}} -> tensor<1x8x9x5xf32>
// FORCE: return {{.*}}, %[[MAP]] :
module @parts_of_a_map {
  share.param @w : tensor<8x8x3x3xf32>
  func.func @parts_of_a_map(%x: tensor<1x8x9x5xf32>) -> (tensor<1x8x5x5xf32>, tensor<1x8x3x3xf32>, tensor<1x8x9x5xf32>) {
    %w = share.get @w : tensor<8x8x3x3xf32>
    %e = tensor.empty() : tensor<1x8x9x5xf32>
    %map = linalg.exp ins(%x : tensor<1x8x9x5xf32>) outs(%e : tensor<1x8x9x5xf32>) -> tensor<1x8x9x5xf32>
    %a = tensor.extract_slice %map[0, 0, 0, 0] [1, 8, 5, 5] [1, 1, 1, 1] : tensor<1x8x9x5xf32> to tensor<1x8x5x5xf32>
    %b = tensor.extract_slice %map[0, 0, 6, 0] [1, 8, 3, 3] [1, 1, 1, 1] : tensor<1x8x9x5xf32> to tensor<1x8x3x3xf32>
    %0 = net.conv %a, %w strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x8x5x5xf32>, tensor<8x8x3x3xf32> -> tensor<1x8x5x5xf32>
    %1 = net.conv %b, %w strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x8x3x3xf32>, tensor<8x8x3x3xf32> -> tensor<1x8x3x3xf32>
    return %0, %1, %map : tensor<1x8x5x5xf32>, tensor<1x8x3x3xf32>, tensor<1x8x9x5xf32>
  }
}

// Remarks say what was joined, what was not, and why.
// RUN: lig-opt %s -split-input-file -net-batch-uses --remark-policy=all --remarks-filter=share -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// REMARK: remark: [Passed] batched | Category:share | Remark="2 uses of @w: {{[0-9.]+}} us apart, {{[0-9.]+}} us as one"
// REMARK: remark: [Missed] apart | Category:share | Remark="2 uses of @w: {{[0-9.]+}} us apart, {{[0-9.]+}} us as one"
