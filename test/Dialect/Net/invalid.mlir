// Every verifier names the operation and the two facts that clash.
// RUN: lig-opt %s -split-input-file -verify-diagnostics

func.func @conv(%x: tensor<1x4xf32>, %w: tensor<6x4xf32>) {
  // expected-error @below {{'net.conv' op input 'tensor<1x4xf32>' has no spatial dimension after [N, C]}}
  %0 = net.conv %x, %w strides [] dilations [] pads [] groups 1
     : tensor<1x4xf32>, tensor<6x4xf32> -> tensor<1x6xf32>
  return
}

// -----

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3xf32>) {
  // expected-error @below {{'net.conv' op filter 'tensor<6x4x3xf32>' has rank 3 but the input has rank 4}}
  %0 = net.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : tensor<1x4x8x8xf32>, tensor<6x4x3xf32> -> tensor<1x6x6x6xf32>
  return
}

// -----

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'net.conv' op result 'tensor<1x6x6xf32>' has rank 3 but the input has rank 4}}
  %0 = net.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32> -> tensor<1x6x6xf32>
  return
}

// -----

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'net.conv' op result batch 2 differs from input batch 1}}
  %0 = net.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32> -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf64>) {
  // expected-error @below {{'net.conv' op filter has elements 'f64' but the input has 'f32'}}
  %0 = net.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : tensor<1x4x8x8xf32>, tensor<6x4x3x3xf64> -> tensor<1x6x6x6xf32>
  return
}

// -----

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'net.conv' op result has elements 'f16' but the input has 'f32'}}
  %0 = net.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32> -> tensor<1x6x6x6xf16>
  return
}

// -----

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'net.conv' op has 1 strides but 2 are needed for 2 spatial dimensions}}
  %0 = net.conv %x, %w strides [1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32> -> tensor<1x6x6x6xf32>
  return
}

// -----

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'net.conv' op has 0 in strides but at least 1 is needed}}
  %0 = net.conv %x, %w strides [0, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32> -> tensor<1x6x6x6xf32>
  return
}

// -----

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'net.conv' op has 3 dilations but 2 are needed for 2 spatial dimensions}}
  %0 = net.conv %x, %w strides [1, 1] dilations [1, 1, 1] pads [0, 0, 0, 0] groups 1
     : tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32> -> tensor<1x6x6x6xf32>
  return
}

// -----

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'net.conv' op has 2 pads but 4 are needed for 2 spatial dimensions}}
  %0 = net.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0] groups 1
     : tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32> -> tensor<1x6x6x6xf32>
  return
}

// -----

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'net.conv' op has -1 in pads but at least 0 is needed}}
  %0 = net.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, -1, 0, 0] groups 1
     : tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32> -> tensor<1x6x6x6xf32>
  return
}

// -----

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'net.conv' op has 4 groups but 6 filters}}
  %0 = net.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 4
     : tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32> -> tensor<1x6x6x6xf32>
  return
}

// -----

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'net.conv' op has 0 groups but 6 filters}}
  %0 = net.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 0
     : tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32> -> tensor<1x6x6x6xf32>
  return
}

// -----

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'net.conv' op filter takes 4 channels in 2 groups but the input has 4}}
  %0 = net.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 2
     : tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32> -> tensor<1x6x6x6xf32>
  return
}

// -----

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'net.conv' op result has 5 channels but there are 6 filters}}
  %0 = net.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32> -> tensor<1x5x6x6xf32>
  return
}

// -----

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'net.conv' op result has extent 7 in spatial dimension 1 but the window fits 6 times}}
  %0 = net.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32> -> tensor<1x6x6x7xf32>
  return
}

// -----

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'net.conv' op result has extent 6 in spatial dimension 0 but the window does not fit into the input there}}
  %0 = net.conv %x, %w strides [1, 1] dilations [4, 1] pads [0, 0, 0, 0] groups 1
     : tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32> -> tensor<1x6x6x6xf32>
  return
}

// -----

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'net.conv' op result has extent 6 in spatial dimension 0 but the window does not fit into the input there}}
  %0 = net.conv %x, %w strides [1, 1] dilations [9223372036854775807, 1] pads [0, 0, 0, 0] groups 1
     : tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32> -> tensor<1x6x6x6xf32>
  return
}

// -----

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'net.conv' op result has extent 6 in spatial dimension 0 but the window does not fit into the input there}}
  %0 = net.conv %x, %w strides [1, 1] dilations [1, 1] pads [9223372036854775807, 0, 1, 0] groups 1
     : tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32> -> tensor<1x6x6x6xf32>
  return
}

// -----

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %b: tensor<4xf32>) {
  // expected-error @below {{'net.conv' op bias has type 'tensor<4xf32>' but the result has 6 channels}}
  %0 = net.conv %x, %w bias(%b) strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>, tensor<4xf32> -> tensor<1x6x6x6xf32>
  return
}

// -----

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %b: tensor<6xf16>) {
  // expected-error @below {{'net.conv' op bias has elements 'f16' but the input has 'f32'}}
  %0 = net.conv %x, %w bias(%b) strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>, tensor<6xf16> -> tensor<1x6x6x6xf32>
  return
}

// -----

func.func @conv_transpose(%x: tensor<1x4x8x8xf32>, %w: tensor<4x3x3x3xf32>) {
  // expected-error @below {{'net.conv_transpose' op has 3 groups but the input has 4 channels}}
  %0 = net.conv_transpose %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 3
     : tensor<1x4x8x8xf32>, tensor<4x3x3x3xf32> -> tensor<1x6x10x10xf32>
  return
}

// -----

func.func @conv_transpose(%x: tensor<1x4x8x8xf32>, %w: tensor<5x3x3x3xf32>) {
  // expected-error @below {{'net.conv_transpose' op filter takes 5 channels but the input has 4}}
  %0 = net.conv_transpose %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 2
     : tensor<1x4x8x8xf32>, tensor<5x3x3x3xf32> -> tensor<1x6x10x10xf32>
  return
}

// -----

func.func @conv_transpose(%x: tensor<1x4x8x8xf32>, %w: tensor<4x3x3x3xf32>) {
  // expected-error @below {{'net.conv_transpose' op result has 6 channels but the filter gives 3}}
  %0 = net.conv_transpose %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : tensor<1x4x8x8xf32>, tensor<4x3x3x3xf32> -> tensor<1x6x10x10xf32>
  return
}

// -----

func.func @conv_transpose(%x: tensor<1x4x8x8xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<3xf32>) {
  // expected-error @below {{'net.conv_transpose' op bias has type 'tensor<3xf32>' but the result has 6 channels}}
  %0 = net.conv_transpose %x, %w bias(%b) strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 2
     : tensor<1x4x8x8xf32>, tensor<4x3x3x3xf32>, tensor<3xf32> -> tensor<1x6x10x10xf32>
  return
}

// -----

func.func @pool(%x: tensor<1x4xf32>) {
  // expected-error @below {{'net.pool' op input 'tensor<1x4xf32>' has no spatial dimension after [N, C]}}
  %0 = net.pool max %x kernel [2, 2] strides [2, 2] dilations [1, 1] pads [0, 0, 0, 0]
     : tensor<1x4xf32> -> tensor<1x4x4x4xf32>
  return
}

// -----

func.func @pool(%x: tensor<1x4x8x8xf32>) {
  // expected-error @below {{'net.pool' op result has elements 'f16' but the input has 'f32'}}
  %0 = net.pool max %x kernel [2, 2] strides [2, 2] dilations [1, 1] pads [0, 0, 0, 0]
     : tensor<1x4x8x8xf32> -> tensor<1x4x4x4xf16>
  return
}

// -----

func.func @pool(%x: tensor<1x4x8x8xf32>) {
  // expected-error @below {{'net.pool' op has 1 kernel extents but 2 spatial dimensions}}
  %0 = net.pool max %x kernel [2] strides [2, 2] dilations [1, 1] pads [0, 0, 0, 0]
     : tensor<1x4x8x8xf32> -> tensor<1x4x4x4xf32>
  return
}

// -----

func.func @pool(%x: tensor<1x4x8x8xf32>) {
  // expected-error @below {{'net.pool' op has 0 in kernel but at least 1 is needed}}
  %0 = net.pool max %x kernel [2, 0] strides [2, 2] dilations [1, 1] pads [0, 0, 0, 0]
     : tensor<1x4x8x8xf32> -> tensor<1x4x4x4xf32>
  return
}

// -----

func.func @pool(%x: tensor<1x4x8x8xf32>) {
  // expected-error @below {{'net.pool' op takes the norm of order 0 but at least 1 is needed}}
  %0 = net.pool lp %x kernel [2, 2] strides [2, 2] dilations [1, 1] pads [0, 0, 0, 0] {p = 0 : i64}
     : tensor<1x4x8x8xf32> -> tensor<1x4x4x4xf32>
  return
}

// -----

func.func @pool(%x: tensor<1x4x8x8xf32>) {
  // expected-error @below {{'net.pool' op has 0 in dilations but at least 1 is needed}}
  %0 = net.pool max %x kernel [2, 2] strides [2, 2] dilations [0, 1] pads [0, 0, 0, 0]
     : tensor<1x4x8x8xf32> -> tensor<1x4x4x4xf32>
  return
}

// -----

func.func @pool(%x: tensor<1x4x8x8xf32>) {
  // expected-error @below {{'net.pool' op result 'tensor<1x5x4x4xf32>' differs from the input 'tensor<1x4x8x8xf32>' in batch or channels}}
  %0 = net.pool max %x kernel [2, 2] strides [2, 2] dilations [1, 1] pads [0, 0, 0, 0]
     : tensor<1x4x8x8xf32> -> tensor<1x5x4x4xf32>
  return
}

// -----

func.func @pool(%x: tensor<1x4x8x8xf32>) {
  // expected-error @below {{'net.pool' op result has extent 6 in spatial dimension 0 but the window fits 4 times}}
  %0 = net.pool max %x kernel [2, 2] strides [2, 2] dilations [1, 1] pads [0, 0, 0, 0]
     : tensor<1x4x8x8xf32> -> tensor<1x4x6x4xf32>
  return
}

// -----

func.func @normalize(%x: tensor<4x8xf32>) {
  // expected-error @below {{'net.normalize' op has no axes, but the mean is over at least one}}
  %0 = net.normalize %x axes [] epsilon 1.0e-5 : tensor<4x8xf32>
  return
}

// -----

func.func @normalize(%x: tensor<4x8xf32>) {
  // expected-error @below {{'net.normalize' op has axis 2 but the input has rank 2}}
  %0 = net.normalize %x axes [2] epsilon 1.0e-5 : tensor<4x8xf32>
  return
}

// -----

func.func @normalize(%x: tensor<4x8xf32>) {
  // expected-error @below {{'net.normalize' op has axis -1 but the input has rank 2}}
  %0 = net.normalize %x axes [-1] epsilon 1.0e-5 : tensor<4x8xf32>
  return
}

// -----

func.func @normalize(%x: tensor<4x8xf32>) {
  // expected-error @below {{'net.normalize' op axes must rise, but 0 follows 1}}
  %0 = net.normalize %x axes [1, 0] epsilon 1.0e-5 : tensor<4x8xf32>
  return
}

// -----

func.func @normalize(%x: tensor<4x8xi32>) {
  // expected-error @below {{'net.normalize' op normalises floats, but has 'i32'}}
  %0 = net.normalize %x axes [1] epsilon 1.0e-5 : tensor<4x8xi32>
  return
}

// -----

func.func @normalize(%x: tensor<4x8xf32>) {
  // expected-error @below {{'net.normalize' op adds -1.000000e+00 to the variance, but at least 0 is needed}}
  %0 = net.normalize %x axes [1] epsilon -1.0 : tensor<4x8xf32>
  return
}

// -----

func.func @scan(%n: index, %h: tensor<4xf32>, %xs: tensor<9x4xf32>, %s: tensor<f32>) {
  // expected-error @below {{'net.scan' op slices 'tensor<f32>', which has no leading dimension}}
  net.scan %n over(%s : tensor<f32>) {
  ^bb0(%i: index):
    net.yield
  }
  return
}

// -----

func.func @scan(%n: index, %h: tensor<4xf32>, %xs: tensor<9x4xf32>, %s: tensor<f32>) {
  // expected-error @below {{'net.scan' op stacks into 'tensor<f32>', which has no leading dimension}}
  %0 = net.scan %n -> (tensor<f32>) {
  ^bb0(%i: index):
    net.yield %s : tensor<f32>
  }
  return
}

// -----

func.func @scan(%n: index, %h: tensor<4xf32>, %xs: tensor<9x4xf32>, %s: tensor<f32>) {
  // expected-error @below {{'net.scan' op has 2 input directions but 1 inputs}}
  net.scan %n over(%xs : tensor<9x4xf32>) attributes {reverse_inputs = array<i1: true, false>} {
  ^bb0(%i: index, %x: tensor<4xf32>):
    net.yield
  }
  return
}

// -----

func.func @scan(%n: index, %h: tensor<4xf32>, %xs: tensor<9x4xf32>, %s: tensor<f32>) {
  // expected-error @below {{'net.scan' op has 1 output directions but 0 stacked results}}
  net.scan %n attributes {reverse_outputs = array<i1: true>} {
  ^bb0(%i: index):
    net.yield
  }
  return
}

// -----

func.func @scan(%n: index, %h: tensor<4xf32>, %xs: tensor<9x4xf32>, %s: tensor<f32>) {
  // expected-error @below {{'net.scan' op has a body of arguments ('index', 'tensor<9xf32>') but needs ('index', 'tensor<4xf32>')}}
  %0 = net.scan %n init(%h : tensor<4xf32>) {
  ^bb0(%i: index, %x: tensor<9xf32>):
    net.yield %h : tensor<4xf32>
  }
  return
}

// -----

func.func @scan(%n: index, %h: tensor<4xf32>, %xs: tensor<9x4xf32>, %s: tensor<f32>) {
  // expected-error @below {{'net.scan' op yields ('tensor<9x4xf32>') but needs ('tensor<4xf32>')}}
  %0 = net.scan %n init(%h : tensor<4xf32>) {
  ^bb0(%i: index, %x: tensor<4xf32>):
    net.yield %xs : tensor<9x4xf32>
  }
  return
}

// -----

func.func @scan(%n: index, %h: tensor<4xf32>, %xs: tensor<9x4xf32>, %s: tensor<f32>) {
  // expected-error @below {{'net.scan' op yields ('tensor<4xf32>') but needs ('tensor<4xf32>', 'i1')}}
  %0:2 = net.scan %n init(%h : tensor<4xf32>) conditional {
  ^bb0(%i: index, %x: tensor<4xf32>):
    net.yield %x : tensor<4xf32>
  }
  return
}

// -----

func.func @yield(%x: tensor<4xf32>) {
  // expected-error @below {{'net.yield' op expects parent op to be one of 'net.scan, net.attention'}}
  net.yield %x : tensor<4xf32>
}

// -----

func.func @attention(%q: tensor<8x4xf32>, %k: tensor<4xf32>, %v: tensor<9x5xf32>, %o: tensor<8x5xf32>) {
  // expected-error @below {{'net.attention' op key lacks the dimension n}}
  %0 = net.attention %q, %k, %v into %o
      maps [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (d)>, affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>] {
  ^bb0(%s: f32, %m: index, %n: index):
    net.yield %s : f32
  } : tensor<8x4xf32>, tensor<4xf32>, tensor<9x5xf32> into tensor<8x5xf32> -> tensor<8x5xf32>
  return
}

// -----

func.func @attention(%q: tensor<8x4xf32>, %k: tensor<9x4xf32>, %v: tensor<8x9x5xf32>, %o: tensor<8x5xf32>) {
  // expected-error @below {{'net.attention' op value moves along the dimension m, which it cannot have}}
  %0 = net.attention %q, %k, %v into %o
      maps [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>, affine_map<(m, n, d, e) -> (m, n, e)>, affine_map<(m, n, d, e) -> (m, e)>] {
  ^bb0(%s: f32, %m: index, %n: index):
    net.yield %s : f32
  } : tensor<8x4xf32>, tensor<9x4xf32>, tensor<8x9x5xf32> into tensor<8x5xf32> -> tensor<8x5xf32>
  return
}

// -----

func.func @attention(%q: tensor<8x4xf32>, %k: tensor<9x3xf32>, %v: tensor<9x5xf32>, %o: tensor<8x5xf32>) {
  // expected-error @below {{'net.attention' op operand 1 has extent 3 in dimension 1, but another has 4 there}}
  %0 = net.attention %q, %k, %v into %o
      maps [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>, affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>] {
  ^bb0(%s: f32, %m: index, %n: index):
    net.yield %s : f32
  } : tensor<8x4xf32>, tensor<9x3xf32>, tensor<9x5xf32> into tensor<8x5xf32> -> tensor<8x5xf32>
  return
}

// -----

func.func @attention(%q: tensor<8x4xf32>, %k: tensor<9x4xf32>, %v: tensor<9x5xf32>, %o: tensor<8x5xf32>) {
  // expected-error @below {{'net.attention' op query has rank 2, but its map has 1 results}}
  %0 = net.attention %q, %k, %v into %o
      maps [affine_map<(m, n, d, e) -> (m)>, affine_map<(m, n, d, e) -> (n, d)>, affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>] {
  ^bb0(%s: f32, %m: index, %n: index):
    net.yield %s : f32
  } : tensor<8x4xf32>, tensor<9x4xf32>, tensor<9x5xf32> into tensor<8x5xf32> -> tensor<8x5xf32>
  return
}

// -----

func.func @attention(%q: tensor<8x4xf32>, %k: tensor<9x4xf32>, %v: tensor<9x5xf32>, %o: tensor<8x5xf32>) {
  // expected-error @below {{'net.attention' op has 5 maps for 4 operands}}
  %0 = net.attention %q, %k, %v into %o
      maps [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>, affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>, affine_map<(m, n, d, e) -> (m, e)>] {
  ^bb0(%s: f32, %m: index, %n: index):
    net.yield %s : f32
  } : tensor<8x4xf32>, tensor<9x4xf32>, tensor<9x5xf32> into tensor<8x5xf32> -> tensor<8x5xf32>
  return
}

// -----

func.func @attention(%q: tensor<8x4xf32>, %k: tensor<9x4xf32>, %v: tensor<9x5xf32>, %o: tensor<8x5xf32>) {
  // expected-error @below {{'net.attention' op region should take a score, an element of each input, and two numbers of type index}}
  %0 = net.attention %q, %k, %v into %o
      maps [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>, affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>] {
  ^bb0(%s: f32, %m: index):
    net.yield %s : f32
  } : tensor<8x4xf32>, tensor<9x4xf32>, tensor<9x5xf32> into tensor<8x5xf32> -> tensor<8x5xf32>
  return
}

// -----

func.func @dot(%f: f32, %c: i32) {
  // expected-error @below {{'net.dot' op has an operand or result of 'f32', but words have 32 bits}}
  %0 = net.dot pairs %f, %c, %c : f32, i32
  return
}

// -----

func.func @widen(%c: i32) {
  // expected-error @below {{'net.widen' op has an operand or result of 'i32', but words have 16 bits}}
  %0 = net.widen %c : i32 to i32
  return
}
