// Every form of the dialect reads back as it was printed, also through bytecode.
// RUN: lig-opt %s | lig-opt | FileCheck %s
// RUN: lig-opt %s --emit-bytecode | lig-opt | FileCheck %s

// CHECK-LABEL: func.func @windows
func.func @windows(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<4xf32>,
                   %t: tensor<3x2x2x2xf32>) -> tensor<1x3x8x8xf32> {
  // CHECK: net.conv %{{.*}}, %{{.*}} bias(%{{.*}}) strides [2, 2] dilations [1, 1] pads [1, 1, 1, 1] groups 1
  %0 = net.conv %x, %w bias(%b) strides [2, 2] dilations [1, 1] pads [1, 1, 1, 1] groups 1
     : tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>, tensor<4xf32> -> tensor<1x4x4x4xf32>
  // CHECK: net.conv_transpose
  %1 = net.conv_transpose %x, %t strides [2, 2] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : tensor<1x3x8x8xf32>, tensor<3x2x2x2xf32> -> tensor<1x2x16x16xf32>
  // CHECK: net.pool max
  %2 = net.pool max %x kernel [2, 2] strides [2, 2] dilations [1, 1] pads [0, 0, 0, 0]
     : tensor<1x3x8x8xf32> -> tensor<1x3x4x4xf32>
  // CHECK: net.pool average {{.*}} count_include_pad
  %3 = net.pool average %x kernel [3, 3] strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1]
     count_include_pad : tensor<1x3x8x8xf32> -> tensor<1x3x8x8xf32>
  // CHECK: net.normalize %{{.*}} axes [2, 3] epsilon
  %4 = net.normalize %3 axes [2, 3] epsilon 1.0e-5 : tensor<1x3x8x8xf32>
  return %4 : tensor<1x3x8x8xf32>
}

// CHECK-LABEL: func.func @scan
func.func @scan(%n: index, %h0: tensor<1x4xf32>, %xs: tensor<9x1x4xf32>)
    -> (tensor<1x4xf32>, tensor<9x1x4xf32>, index) {
  // CHECK: net.scan %{{.*}} init(%{{.*}} : tensor<1x4xf32>) over(%{{.*}} : tensor<9x1x4xf32>) conditional
  // CHECK-SAME: reverse_inputs = array<i1: true>
  // CHECK-SAME: -> (tensor<9x1x4xf32>) {
  // CHECK-NEXT: ^bb0(%step: index, %state: tensor<1x4xf32>, %slice: tensor<1x4xf32>):
  %h, %ys, %steps = net.scan %n init(%h0 : tensor<1x4xf32>) over(%xs : tensor<9x1x4xf32>) conditional
      attributes {reverse_inputs = array<i1: true>} -> (tensor<9x1x4xf32>) {
  ^bb0(%i: index, %hp: tensor<1x4xf32>, %x: tensor<1x4xf32>):
    %go = arith.constant true
    %s = linalg.add ins(%hp, %x : tensor<1x4xf32>, tensor<1x4xf32>) outs(%hp : tensor<1x4xf32>) -> tensor<1x4xf32>
    // CHECK: net.yield
    net.yield %s, %s, %go : tensor<1x4xf32>, tensor<1x4xf32>, i1
  }
  return %h, %ys, %steps : tensor<1x4xf32>, tensor<9x1x4xf32>, index
}

// CHECK-LABEL: func.func @attention
// CHECK: net.attention %arg0, %arg1, %arg2, %arg3 into %{{.+}} maps [
// CHECK-SAME: {
// CHECK-NEXT: ^bb0(%{{.+}}: f32, %{{.+}}: f32, %{{.+}}: index, %{{.+}}: index):
// CHECK: net.yield
// CHECK: tensor<2x8x4xf32>, tensor<9x4xf32>, tensor<9x5xf32>, tensor<8x9xf32> into tensor<2x8x5xf32> -> tensor<2x8x5xf32>
func.func @attention(%q: tensor<2x8x4xf32>, %k: tensor<9x4xf32>, %v: tensor<9x5xf32>,
                     %mask: tensor<8x9xf32>) -> tensor<2x8x5xf32> {
  %e = tensor.empty() : tensor<2x8x5xf32>
  %o = net.attention %q, %k, %v, %mask into %e
      maps [affine_map<(b, m, n, d, e) -> (b, m, d)>, affine_map<(b, m, n, d, e) -> (n, d)>,
            affine_map<(b, m, n, d, e) -> (n, e)>, affine_map<(b, m, n, d, e) -> (m, n)>,
            affine_map<(b, m, n, d, e) -> (b, m, e)>] {
  ^bb0(%score: f32, %masked: f32, %m: index, %n: index):
    %x = arith.addf %score, %masked : f32
    net.yield %x : f32
  } : tensor<2x8x4xf32>, tensor<9x4xf32>, tensor<9x5xf32>, tensor<8x9xf32>
    into tensor<2x8x5xf32> -> tensor<2x8x5xf32>
  return %o : tensor<2x8x5xf32>
}

// CHECK-LABEL: func.func @dot
// CHECK: net.widen %{{.+}} : vector<8xi16> to vector<8xi32>
// CHECK: net.dot pairs %{{.+}}, %{{.+}}, %{{.+}} : vector<8xi32>, vector<8xi32>
// CHECK: net.dot bf16 %{{.+}}, %{{.+}}, %{{.+}} : f32, i32
func.func @dot(%s: vector<8xi32>, %a: vector<8xi32>, %b: vector<8xi16>, %f: f32, %c: i32) -> (vector<8xi32>, f32) {
  %w = net.widen %b : vector<8xi16> to vector<8xi32>
  %0 = net.dot pairs %s, %a, %w : vector<8xi32>, vector<8xi32>
  %1 = net.dot bf16 %f, %c, %c : f32, i32
  return %0, %1 : vector<8xi32>, f32
}
