// Deltas of low rank to a shared filter are convolved with by themselves.
// RUN: lig-opt %s -split-input-file -net-factor-filters | FileCheck %s

// The product of two matrices, scaled, in the shape of a filter.
// CHECK-LABEL: func.func @matrices
// CHECK-SAME: %[[X:.*]]: tensor<1x16x8x8xf32>
// CHECK-DAG: %[[W:.*]] = share.get @w
// CHECK-DAG: %[[B:.*]] = share.get @b
// CHECK-DAG: %[[A:.*]] = share.get @a
// CHECK: %[[FEW:.*]] = tensor.expand_shape %[[A]] {{.*}} into tensor<2x16x3x3xf32>
// CHECK: %[[MIX:.*]] = tensor.expand_shape %[[B]] {{.*}} into tensor<24x2x1x1xf32>
// CHECK: %[[T:.*]] = net.conv %[[X]], %[[FEW]] strides [2, 2] dilations [1, 1] pads [1, 1, 1, 1] {{.*}} -> tensor<1x2x4x4xf32>
// CHECK: %[[S:.*]] = linalg.generic {{.*}} ins(%[[T]]
// CHECK: arith.mulf
// CHECK: %[[D:.*]] = net.conv %[[S]], %[[MIX]] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] {{.*}} -> tensor<1x24x4x4xf32>
// CHECK: %[[Y:.*]] = net.conv %[[X]], %[[W]] bias(%{{.*}}) strides [2, 2]
// CHECK: linalg.generic {{.*}} ins(%[[D]], %[[Y]]
// CHECK: arith.addf
#all = affine_map<(f, c, y, x) -> (f, c, y, x)>
module @matrices {
  share.param @w : tensor<24x16x3x3xf32>
  share.param @b : tensor<24x2xf32>
  share.param @a : tensor<2x144xf32>
  share.param @bias : tensor<24xf32>
  func.func @matrices(%x: tensor<1x16x8x8xf32>) -> (tensor<1x24x4x4xf32>, tensor<1x24x4x4xf32>) {
    %zero = arith.constant 0.0 : f32
    %two = arith.constant 2.0 : f32
    %w = share.get @w : tensor<24x16x3x3xf32>
    %b = share.get @b : tensor<24x2xf32>
    %a = share.get @a : tensor<2x144xf32>
    %bias = share.get @bias : tensor<24xf32>
    %e = tensor.empty() : tensor<24x144xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<24x144xf32>) -> tensor<24x144xf32>
    %m = linalg.matmul ins(%b, %a : tensor<24x2xf32>, tensor<2x144xf32>) outs(%f : tensor<24x144xf32>) -> tensor<24x144xf32>
    %d = tensor.expand_shape %m [[0], [1, 2, 3]] output_shape [24, 16, 3, 3] : tensor<24x144xf32> into tensor<24x16x3x3xf32>
    %room = tensor.empty() : tensor<24x16x3x3xf32>
    %s = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%d : tensor<24x16x3x3xf32>) outs(%room : tensor<24x16x3x3xf32>) {
    ^bb0(%in: f32, %out: f32):
      %r = arith.mulf %in, %two : f32
      linalg.yield %r : f32
    } -> tensor<24x16x3x3xf32>
    %v = linalg.add ins(%w, %s : tensor<24x16x3x3xf32>, tensor<24x16x3x3xf32>) outs(%room : tensor<24x16x3x3xf32>) -> tensor<24x16x3x3xf32>
    %y = net.conv %x, %v bias(%bias) strides [2, 2] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x16x8x8xf32>, tensor<24x16x3x3xf32>, tensor<24xf32> -> tensor<1x24x4x4xf32>
    %plain = net.conv %x, %w strides [2, 2] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x16x8x8xf32>, tensor<24x16x3x3xf32> -> tensor<1x24x4x4xf32>
    return %y, %plain : tensor<1x24x4x4xf32>, tensor<1x24x4x4xf32>
  }
}

// -----

// A delta that is itself a convolution, of filters whose first two dimensions
// are exchanged.
// CHECK-LABEL: func.func @convolution
// CHECK-SAME: %[[X:.*]]: tensor<1x16x8x8xf32>
// CHECK-DAG: %[[B:.*]] = share.get @b
// CHECK: linalg.transpose ins(%{{.*}} : tensor<16x2x3x3xf32>) {{.*}} permutation = [1, 0, 2, 3]
// CHECK: net.conv %[[X]], %{{.*}} -> tensor<1x2x8x8xf32>
// CHECK: net.conv %{{.*}}, %[[B]] {{.*}} tensor<24x2x1x1xf32> -> tensor<1x24x8x8xf32>
module @convolution {
  share.param @w : tensor<24x16x3x3xf32>
  share.param @b : tensor<24x2x1x1xf32>
  share.param @a : tensor<2x16x3x3xf32>
  func.func @convolution(%x: tensor<1x16x8x8xf32>) -> (tensor<1x24x8x8xf32>, tensor<1x24x8x8xf32>) {
    %w = share.get @w : tensor<24x16x3x3xf32>
    %b = share.get @b : tensor<24x2x1x1xf32>
    %a = share.get @a : tensor<2x16x3x3xf32>
    %ea = tensor.empty() : tensor<16x2x3x3xf32>
    %ta = linalg.transpose ins(%a : tensor<2x16x3x3xf32>) outs(%ea : tensor<16x2x3x3xf32>) permutation = [1, 0, 2, 3]
    %m = net.conv %ta, %b strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<16x2x3x3xf32>, tensor<24x2x1x1xf32> -> tensor<16x24x3x3xf32>
    %room = tensor.empty() : tensor<24x16x3x3xf32>
    %d = linalg.transpose ins(%m : tensor<16x24x3x3xf32>) outs(%room : tensor<24x16x3x3xf32>) permutation = [1, 0, 2, 3]
    %v = linalg.add ins(%d, %w : tensor<24x16x3x3xf32>, tensor<24x16x3x3xf32>) outs(%room : tensor<24x16x3x3xf32>) -> tensor<24x16x3x3xf32>
    %y = net.conv %x, %v strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x16x8x8xf32>, tensor<24x16x3x3xf32> -> tensor<1x24x8x8xf32>
    %plain = net.conv %x, %w strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x16x8x8xf32>, tensor<24x16x3x3xf32> -> tensor<1x24x8x8xf32>
    return %y, %plain : tensor<1x24x8x8xf32>, tensor<1x24x8x8xf32>
  }
}

// -----

// A base that nothing else reads; a rank that saves nothing; two filters that
// are added up.
// CHECK-LABEL: func.func @whole
// CHECK-COUNT-5: net.conv
// CHECK-NOT: net.conv
// CHECK: return
module @whole {
  share.param @w : tensor<4x4x1x1xf32>
  share.param @u : tensor<4x4x1x1xf32>
  share.param @b : tensor<4x1xf32>
  share.param @a : tensor<1x4xf32>
  share.param @p : tensor<4x3xf32>
  share.param @q : tensor<3x4xf32>
  func.func @whole(%x: tensor<1x4x8x8xf32>) -> (tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) {
    %zero = arith.constant 0.0 : f32
    %w = share.get @w : tensor<4x4x1x1xf32>
    %u = share.get @u : tensor<4x4x1x1xf32>
    %b = share.get @b : tensor<4x1xf32>
    %a = share.get @a : tensor<1x4xf32>
    %p = share.get @p : tensor<4x3xf32>
    %q = share.get @q : tensor<3x4xf32>
    %e = tensor.empty() : tensor<4x4xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
    %room = tensor.empty() : tensor<4x4x1x1xf32>
    %m = linalg.matmul ins(%b, %a : tensor<4x1xf32>, tensor<1x4xf32>) outs(%f : tensor<4x4xf32>) -> tensor<4x4xf32>
    %n = linalg.matmul ins(%p, %q : tensor<4x3xf32>, tensor<3x4xf32>) outs(%f : tensor<4x4xf32>) -> tensor<4x4xf32>
    %dm = tensor.expand_shape %m [[0], [1, 2, 3]] output_shape [4, 4, 1, 1] : tensor<4x4xf32> into tensor<4x4x1x1xf32>
    %dn = tensor.expand_shape %n [[0], [1, 2, 3]] output_shape [4, 4, 1, 1] : tensor<4x4xf32> into tensor<4x4x1x1xf32>
    %alone = linalg.add ins(%u, %dm : tensor<4x4x1x1xf32>, tensor<4x4x1x1xf32>) outs(%room : tensor<4x4x1x1xf32>) -> tensor<4x4x1x1xf32>
    %wide = linalg.add ins(%w, %dn : tensor<4x4x1x1xf32>, tensor<4x4x1x1xf32>) outs(%room : tensor<4x4x1x1xf32>) -> tensor<4x4x1x1xf32>
    %both = linalg.add ins(%w, %w : tensor<4x4x1x1xf32>, tensor<4x4x1x1xf32>) outs(%room : tensor<4x4x1x1xf32>) -> tensor<4x4x1x1xf32>
    %0 = net.conv %x, %alone strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32> -> tensor<1x4x8x8xf32>
    %1 = net.conv %x, %wide strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32> -> tensor<1x4x8x8xf32>
    %2 = net.conv %x, %both strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32> -> tensor<1x4x8x8xf32>
    %3 = net.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32> -> tensor<1x4x8x8xf32>
    %4 = net.conv %0, %wide strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32> -> tensor<1x4x8x8xf32>
    return %0, %1, %2, %3, %4 : tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>
  }
}
