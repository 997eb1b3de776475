// What operations fold to, and what they do not.
// RUN: lig-opt %s -split-input-file -canonicalize | FileCheck %s

// A pad of zeros becomes the convolution's own.
// CHECK-LABEL: @pad_of_zeros
// CHECK-SAME: %[[X:[^:]+]]: tensor<1x4x8x8xf32>
func.func @pad_of_zeros(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) -> tensor<1x6x9x10xf32> {
  %zero = arith.constant 0.0 : f32
  %p = tensor.pad %x low[0, 0, 0, 1] high[0, 0, 2, 1] {
  ^bb0(%n: index, %c: index, %i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<1x4x8x8xf32> to tensor<1x4x10x10xf32>
  // CHECK-NOT: tensor.pad
  // CHECK: net.conv %[[X]], %{{.+}} pads [0, 2, 3, 1]
  %y = net.conv %p, %w strides [1, 1] dilations [1, 1] pads [0, 1, 1, 0] groups 1
     : tensor<1x4x10x10xf32>, tensor<6x4x3x3xf32> -> tensor<1x6x9x9xf32>
  %e = tensor.empty() : tensor<1x6x1x9xf32>
  %r = tensor.empty() : tensor<1x6x9x10xf32>
  %s = tensor.insert_slice %y into %r[0, 0, 0, 0] [1, 6, 9, 9] [1, 1, 1, 1] : tensor<1x6x9x9xf32> into tensor<1x6x9x10xf32>
  return %s : tensor<1x6x9x10xf32>
}

// -----

// Ones are not zeros, and channels have no pads.
// CHECK-LABEL: @other_pads
func.func @other_pads(%x: tensor<1x3x8x8xf32>, %w: tensor<6x4x3x3xf32>, %w3: tensor<6x3x3x3xf32>) -> (tensor<1x6x6x6xf32>, tensor<1x6x8x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  // CHECK-COUNT-2: tensor.pad
  %channels = tensor.pad %x low[0, 1, 0, 0] high[0, 0, 0, 0] {
  ^bb0(%n: index, %c: index, %i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<1x3x8x8xf32> to tensor<1x4x8x8xf32>
  %ones = tensor.pad %x low[0, 0, 1, 1] high[0, 0, 1, 1] {
  ^bb0(%n: index, %c: index, %i: index, %j: index):
    tensor.yield %one : f32
  } : tensor<1x3x8x8xf32> to tensor<1x3x10x10xf32>
  %y = net.conv %channels, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32> -> tensor<1x6x6x6xf32>
  %z = net.conv %ones, %w3 strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : tensor<1x3x10x10xf32>, tensor<6x3x3x3xf32> -> tensor<1x6x8x8xf32>
  return %y, %z : tensor<1x6x6x6xf32>, tensor<1x6x8x8xf32>
}

// -----

// CHECK-LABEL: @bias_of_zeros
func.func @bias_of_zeros(%x: tensor<1x4x8xf32>, %w: tensor<6x4x3xf32>) -> (tensor<1x6x6xf32>, tensor<1x6x6xf32>) {
  %zeros = arith.constant dense<0.0> : tensor<6xf32>
  %ones = arith.constant dense<1.0> : tensor<6xf32>
  // CHECK: net.conv %{{[^ ]+}}, %{{[^ ]+}} strides
  %y = net.conv %x, %w bias(%zeros) strides [1] dilations [1] pads [0, 0] groups 1
     : tensor<1x4x8xf32>, tensor<6x4x3xf32>, tensor<6xf32> -> tensor<1x6x6xf32>
  // CHECK: net.conv %{{[^ ]+}}, %{{[^ ]+}} bias
  %z = net.conv %x, %w bias(%ones) strides [1] dilations [1] pads [0, 0] groups 1
     : tensor<1x4x8xf32>, tensor<6x4x3xf32>, tensor<6xf32> -> tensor<1x6x6xf32>
  return %y, %z : tensor<1x6x6xf32>, tensor<1x6x6xf32>
}

// -----

// A window of one position; a norm of it would lose the sign.
// CHECK-LABEL: @windows_of_one
// CHECK-SAME: %[[X:[^:]+]]: tensor<1x4x8xf32>
func.func @windows_of_one(%x: tensor<1x4x8xf32>) -> (tensor<1x4x8xf32>, tensor<1x4x8xf32>) {
  // CHECK-NOT: net.pool max
  // CHECK: %[[N:.+]] = net.pool lp
  // CHECK: return %[[X]], %[[N]]
  %m = net.pool max %x kernel [1] strides [1] dilations [1] pads [0, 0] : tensor<1x4x8xf32> -> tensor<1x4x8xf32>
  %n = net.pool lp %x kernel [1] strides [1] dilations [1] pads [0, 0] : tensor<1x4x8xf32> -> tensor<1x4x8xf32>
  return %m, %n : tensor<1x4x8xf32>, tensor<1x4x8xf32>
}

// -----

// A scan keeps what someone needs: of two inputs one, of two stacked results
// one; the state that never changes is what it started as.
// CHECK-LABEL: @scan
// CHECK-SAME: %[[N:[^:]+]]: index, %[[H:[^:]+]]: tensor<4xf32>, %[[C:[^:]+]]: tensor<4xf32>, %[[XS:[^:]+]]: tensor<9x4xf32>, %[[YS:[^:]+]]: tensor<9x4xf32>
func.func @scan(%n: index, %h0: tensor<4xf32>, %c0: tensor<4xf32>, %xs: tensor<9x4xf32>, %ys: tensor<9x4xf32>)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<9x4xf32>) {
  // CHECK: %[[R:.+]]:2 = net.scan %[[N]] init(%[[H]] : tensor<4xf32>) over(%[[YS]] : tensor<9x4xf32>)
  // CHECK-SAME: reverse_inputs = array<i1: true>
  // CHECK-SAME: -> (tensor<9x4xf32>)
  // CHECK-NEXT: ^bb0(%{{.+}}: index, %[[HP:.+]]: tensor<4xf32>, %[[Y:.+]]: tensor<4xf32>):
  // CHECK-NEXT: %[[A:.+]] = linalg.add ins(%[[HP]], %[[Y]] :
  // CHECK-NEXT: %[[S:.+]] = linalg.add ins(%[[A]], %[[C]] :
  // CHECK-NEXT: net.yield %[[S]], %[[A]] :
  // CHECK: return %[[R]]#0, %[[C]], %[[R]]#1
  %h, %c, %w, %unread, %as = net.scan %n init(%h0, %c0, %c0 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) over(%xs, %ys : tensor<9x4xf32>, tensor<9x4xf32>)
      attributes {reverse_inputs = array<i1: false, true>} -> (tensor<9x4xf32>, tensor<9x4xf32>) {
  ^bb0(%i: index, %hp: tensor<4xf32>, %cp: tensor<4xf32>, %written: tensor<4xf32>, %x: tensor<4xf32>, %y: tensor<4xf32>):
    %a = linalg.add ins(%hp, %y : tensor<4xf32>, tensor<4xf32>) outs(%hp : tensor<4xf32>) -> tensor<4xf32>
    %s = linalg.add ins(%a, %cp : tensor<4xf32>, tensor<4xf32>) outs(%hp : tensor<4xf32>) -> tensor<4xf32>
    net.yield %s, %cp, %a, %s, %a : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  }
  return %h, %c, %as : tensor<4xf32>, tensor<4xf32>, tensor<9x4xf32>
}

// -----

// The number of steps is still counted.
// CHECK-LABEL: @conditional
func.func @conditional(%n: index, %c0: tensor<4xf32>, %xs: tensor<9xi1>) -> (tensor<4xf32>, index) {
  // CHECK: %[[STEPS:.+]] = net.scan %{{.+}} over(%{{.+}} : tensor<9xi1>) conditional {
  // CHECK: net.yield %{{.+}} : i1
  // CHECK: return %{{.+}}, %[[STEPS]]
  %c, %unread, %steps = net.scan %n init(%c0 : tensor<4xf32>) over(%xs : tensor<9xi1>) conditional -> (tensor<9x4xf32>) {
  ^bb0(%i: index, %cp: tensor<4xf32>, %x: tensor<i1>):
    %go = tensor.extract %x[] : tensor<i1>
    net.yield %cp, %cp, %go : tensor<4xf32>, tensor<4xf32>, i1
  }
  return %c, %steps : tensor<4xf32>, index
}
