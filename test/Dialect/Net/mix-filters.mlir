// Convolutions whose results are mixed become one with a mixed filter.
// RUN: lig-opt %s -split-input-file -net-mix-filters | FileCheck %s

#gate = affine_map<(n, c, h, w) -> (0)>
#all = affine_map<(n, c, h, w) -> (n, c, h, w)>

// CHECK-LABEL: func.func @mixes
// CHECK-DAG: %[[W0:.+]] = share.get @w0
// CHECK-DAG: %[[W1:.+]] = share.get @w1
// CHECK: %[[FILTER:.+]] = linalg.generic {{.*}} ins(%[[W0]], %[[W1]], %arg1, %arg2
// CHECK: %[[BIAS:.+]] = linalg.generic {{.*}} ins(%{{.+}}, %{{.+}}, %arg1, %arg2 : tensor<2xf32>
// CHECK: %[[Y:.+]] = net.conv %arg0, %[[FILTER]] bias(%[[BIAS]])
// CHECK-NOT: net.conv
// CHECK: return %[[Y]]
module @two {
  share.param @w0 : tensor<2x3x1x1xf32>
  share.param @w1 : tensor<2x3x1x1xf32>
  share.param @b0 : tensor<2xf32>
  share.param @b1 : tensor<2xf32>
  func.func @mixes(%x: tensor<1x3x8x8xf32>, %g0: tensor<1xf32>, %g1: tensor<1xf32>) -> tensor<1x2x8x8xf32> {
    %w0 = share.get @w0 : tensor<2x3x1x1xf32>
    %w1 = share.get @w1 : tensor<2x3x1x1xf32>
    %b0 = share.get @b0 : tensor<2xf32>
    %b1 = share.get @b1 : tensor<2xf32>
    %e = tensor.empty() : tensor<1x2x8x8xf32>
    %c0 = net.conv %x, %w0 bias(%b0) strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<1x3x8x8xf32>, tensor<2x3x1x1xf32>, tensor<2xf32> -> tensor<1x2x8x8xf32>
    %c1 = net.conv %x, %w1 bias(%b1) strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<1x3x8x8xf32>, tensor<2x3x1x1xf32>, tensor<2xf32> -> tensor<1x2x8x8xf32>
    %m0 = linalg.generic {indexing_maps = [#all, #gate, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%c0, %g0 : tensor<1x2x8x8xf32>, tensor<1xf32>) outs(%e : tensor<1x2x8x8xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %p = arith.mulf %a, %b : f32
      linalg.yield %p : f32
    } -> tensor<1x2x8x8xf32>
    %m1 = linalg.generic {indexing_maps = [#gate, #all, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%g1, %c1 : tensor<1xf32>, tensor<1x2x8x8xf32>) outs(%e : tensor<1x2x8x8xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %p = arith.mulf %a, %b : f32
      linalg.yield %p : f32
    } -> tensor<1x2x8x8xf32>
    %y = linalg.add ins(%m0, %m1 : tensor<1x2x8x8xf32>, tensor<1x2x8x8xf32>) outs(%e : tensor<1x2x8x8xf32>) -> tensor<1x2x8x8xf32>
    return %y : tensor<1x2x8x8xf32>
  }
}

// -----

#gate = affine_map<(n, c, h, w) -> (0)>
#all = affine_map<(n, c, h, w) -> (n, c, h, w)>

// Other pads are another convolution; two positions are fewer than the filters
// that would be mixed.
// CHECK-LABEL: module @others
// CHECK-COUNT-4: = net.conv
module @others {
  share.param @w0 : tensor<2x3x1x1xf32>
  share.param @w1 : tensor<2x3x1x1xf32>
  func.func @other_pads(%x: tensor<1x3x8x8xf32>, %z: tensor<1x3x6x6xf32>, %g: tensor<1xf32>) -> tensor<1x2x8x8xf32> {
    %w0 = share.get @w0 : tensor<2x3x1x1xf32>
    %e = tensor.empty() : tensor<1x2x8x8xf32>
    %c0 = net.conv %x, %w0 strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<1x3x8x8xf32>, tensor<2x3x1x1xf32> -> tensor<1x2x8x8xf32>
    %c1 = net.conv %z, %w0 strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x3x6x6xf32>, tensor<2x3x1x1xf32> -> tensor<1x2x8x8xf32>
    %m0 = linalg.generic {indexing_maps = [#all, #gate, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%c0, %g : tensor<1x2x8x8xf32>, tensor<1xf32>) outs(%e : tensor<1x2x8x8xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %p = arith.mulf %a, %b : f32
      linalg.yield %p : f32
    } -> tensor<1x2x8x8xf32>
    %m1 = linalg.generic {indexing_maps = [#all, #gate, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%c1, %g : tensor<1x2x8x8xf32>, tensor<1xf32>) outs(%e : tensor<1x2x8x8xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %p = arith.mulf %a, %b : f32
      linalg.yield %p : f32
    } -> tensor<1x2x8x8xf32>
    %y = linalg.add ins(%m0, %m1 : tensor<1x2x8x8xf32>, tensor<1x2x8x8xf32>) outs(%e : tensor<1x2x8x8xf32>) -> tensor<1x2x8x8xf32>
    return %y : tensor<1x2x8x8xf32>
  }
  func.func @small(%x: tensor<1x3x1x2xf32>, %g: tensor<1xf32>) -> tensor<1x2x1x2xf32> {
    %w0 = share.get @w0 : tensor<2x3x1x1xf32>
    %w1 = share.get @w1 : tensor<2x3x1x1xf32>
    %e = tensor.empty() : tensor<1x2x1x2xf32>
    %c0 = net.conv %x, %w0 strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<1x3x1x2xf32>, tensor<2x3x1x1xf32> -> tensor<1x2x1x2xf32>
    %c1 = net.conv %x, %w1 strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<1x3x1x2xf32>, tensor<2x3x1x1xf32> -> tensor<1x2x1x2xf32>
    %m0 = linalg.generic {indexing_maps = [#all, #gate, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%c0, %g : tensor<1x2x1x2xf32>, tensor<1xf32>) outs(%e : tensor<1x2x1x2xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %p = arith.mulf %a, %b : f32
      linalg.yield %p : f32
    } -> tensor<1x2x1x2xf32>
    %m1 = linalg.generic {indexing_maps = [#all, #gate, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%c1, %g : tensor<1x2x1x2xf32>, tensor<1xf32>) outs(%e : tensor<1x2x1x2xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %p = arith.mulf %a, %b : f32
      linalg.yield %p : f32
    } -> tensor<1x2x1x2xf32>
    %y = linalg.add ins(%m0, %m1 : tensor<1x2x1x2xf32>, tensor<1x2x1x2xf32>) outs(%e : tensor<1x2x1x2xf32>) -> tensor<1x2x1x2xf32>
    return %y : tensor<1x2x1x2xf32>
  }
}

// -----

// Numbers of each sample make a filter of each, in a loop over them; a number
// for all samples goes into every filter.
#gate = affine_map<(n, c, h, w) -> (0)>
#image = affine_map<(n, c, h, w) -> (n)>
#all = affine_map<(n, c, h, w) -> (n, c, h, w)>
// CHECK-LABEL: func.func @samples
// CHECK-SAME: %[[X:.*]]: tensor<2x3x8x8xf32>, %[[G:.*]]: tensor<2xf32>, %[[H:.*]]: tensor<1xf32>
// CHECK: %[[GATES:.+]] = tensor.expand_shape %[[G]] {{.*}} into tensor<2x1xf32>
// CHECK: %[[Y:.+]] = net.scan %{{.*}} over(%[[X]], %[[GATES]] : tensor<2x3x8x8xf32>, tensor<2x1xf32>) -> (tensor<2x2x8x8xf32>)
// CHECK-NEXT: ^bb0(%{{.*}}: index, %[[IMAGE:.*]]: tensor<3x8x8xf32>, %[[GATE:.*]]: tensor<1xf32>):
// CHECK: %[[FILTER:.+]] = linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %[[GATE]], %[[H]] :
// CHECK: %[[ONE:.+]] = tensor.expand_shape %[[IMAGE]] {{.*}} into tensor<1x3x8x8xf32>
// CHECK: %[[C:.+]] = net.conv %[[ONE]], %[[FILTER]] {{.*}} -> tensor<1x2x8x8xf32>
// CHECK: %[[S:.+]] = tensor.collapse_shape %[[C]] {{.*}} into tensor<2x8x8xf32>
// CHECK: net.yield %[[S]]
// CHECK-NOT: net.conv
// CHECK: return %[[Y]]
// Two samples of two pixels have too little to convolve.
// CHECK-LABEL: func.func @few
// CHECK-COUNT-2: net.conv {{.*}} -> tensor<2x2x1x2xf32>
module @per_sample {
  share.param @w0 : tensor<2x3x1x1xf32>
  share.param @w1 : tensor<2x3x1x1xf32>
  func.func @samples(%x: tensor<2x3x8x8xf32>, %g: tensor<2xf32>, %h: tensor<1xf32>) -> tensor<2x2x8x8xf32> {
    %w0 = share.get @w0 : tensor<2x3x1x1xf32>
    %w1 = share.get @w1 : tensor<2x3x1x1xf32>
    %e = tensor.empty() : tensor<2x2x8x8xf32>
    %c0 = net.conv %x, %w0 strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<2x3x8x8xf32>, tensor<2x3x1x1xf32> -> tensor<2x2x8x8xf32>
    %m0 = linalg.generic {indexing_maps = [#all, #image, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%c0, %g : tensor<2x2x8x8xf32>, tensor<2xf32>) outs(%e : tensor<2x2x8x8xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %p = arith.mulf %a, %b : f32
      linalg.yield %p : f32
    } -> tensor<2x2x8x8xf32>
    %c1 = net.conv %x, %w1 strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<2x3x8x8xf32>, tensor<2x3x1x1xf32> -> tensor<2x2x8x8xf32>
    %m1 = linalg.generic {indexing_maps = [#all, #gate, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%c1, %h : tensor<2x2x8x8xf32>, tensor<1xf32>) outs(%e : tensor<2x2x8x8xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %p = arith.mulf %a, %b : f32
      linalg.yield %p : f32
    } -> tensor<2x2x8x8xf32>
    %y = linalg.add ins(%m0, %m1 : tensor<2x2x8x8xf32>, tensor<2x2x8x8xf32>) outs(%e : tensor<2x2x8x8xf32>) -> tensor<2x2x8x8xf32>
    return %y : tensor<2x2x8x8xf32>
  }
  func.func @few(%x: tensor<2x3x1x2xf32>, %g: tensor<2xf32>, %h: tensor<1xf32>) -> tensor<2x2x1x2xf32> {
    %w0 = share.get @w0 : tensor<2x3x1x1xf32>
    %w1 = share.get @w1 : tensor<2x3x1x1xf32>
    %e = tensor.empty() : tensor<2x2x1x2xf32>
    %c0 = net.conv %x, %w0 strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<2x3x1x2xf32>, tensor<2x3x1x1xf32> -> tensor<2x2x1x2xf32>
    %m0 = linalg.generic {indexing_maps = [#all, #image, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%c0, %g : tensor<2x2x1x2xf32>, tensor<2xf32>) outs(%e : tensor<2x2x1x2xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %p = arith.mulf %a, %b : f32
      linalg.yield %p : f32
    } -> tensor<2x2x1x2xf32>
    %c1 = net.conv %x, %w1 strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<2x3x1x2xf32>, tensor<2x3x1x1xf32> -> tensor<2x2x1x2xf32>
    %m1 = linalg.generic {indexing_maps = [#all, #gate, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%c1, %h : tensor<2x2x1x2xf32>, tensor<1xf32>) outs(%e : tensor<2x2x1x2xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %p = arith.mulf %a, %b : f32
      linalg.yield %p : f32
    } -> tensor<2x2x1x2xf32>
    %y = linalg.add ins(%m0, %m1 : tensor<2x2x1x2xf32>, tensor<2x2x1x2xf32>) outs(%e : tensor<2x2x1x2xf32>) -> tensor<2x2x1x2xf32>
    return %y : tensor<2x2x1x2xf32>
  }
}
