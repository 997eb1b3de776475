// Products of a scan's inputs run once, for all steps, before it.
// RUN: lig-opt %s -split-input-file -net-hoist-scan-inputs -canonicalize -cse | FileCheck %s
// RUN: lig-opt %s -split-input-file -net-hoist-scan-inputs=vector-bits=1 -canonicalize -cse | FileCheck %s --check-prefix=SLOW
// RUN: lig-opt %s -split-input-file -net-hoist-scan-inputs --remark-policy=all --remarks-filter=share -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: remark: [Passed] hoisted | Category:share | Remark="10 steps with @w: {{[0-9.]+}} us in the loop, {{[0-9.]+}} us before it"
// REMARK: remark: [Missed] in the loop | Category:share | Remark="8 steps with @w:
// REMARK: remark: [Missed] in the loop | Category:share | Remark="10 steps with @thin:

// An activation stands before the product, a slice is a row; the bias is where
// accumulation starts. The product of the state stays. Read backwards, the
// product is, too.
// CHECK-LABEL: func.func @elman
// CHECK-SAME: %[[X:.*]]: tensor<10x256xf32>, %[[H:.*]]: tensor<1x256xf32>
// CHECK-DAG: %[[T:.*]] = linalg.tanh ins(%[[X]] : tensor<10x256xf32>)
// CHECK-DAG: %[[B:.*]] = linalg.broadcast {{.*}} outs({{.*}} : tensor<10x256xf32>)
// CHECK: %[[P:.*]] = linalg.matmul {share.calls = 10 : i64} ins(%[[T]], %{{.*}} : tensor<10x256xf32>, tensor<256x256xf32>) outs(%[[B]]
// CHECK: %[[S:.*]] = tensor.expand_shape %[[P]] {{\[\[}}0], [1, 2]] output_shape [10, 1, 256]
// CHECK: net.scan {{.*}} over(%[[S]] : tensor<10x1x256xf32>) attributes {net.rolled, reverse_inputs = array<i1: true>}
// CHECK: ^bb0(%{{.*}}: index, %[[STATE:.*]]: tensor<1x256xf32>, %[[XW:.*]]: tensor<1x256xf32>)
// CHECK: linalg.matmul ins(%[[STATE]], %{{.*}}) outs(%[[XW]]
// CHECK-NOT: linalg.matmul
// CHECK: return
// SLOW-LABEL: func.func @elman
// SLOW: net.scan
// SLOW-COUNT-2: linalg.matmul
module @elman {
  share.param @w : tensor<256x256xf32> = dense<0.5> : tensor<256x256xf32>
  share.param @r : tensor<256x256xf32> = dense<0.25> : tensor<256x256xf32>
  share.param @b : tensor<256xf32> = dense<0.25> : tensor<256xf32>
  func.func @elman(%x: tensor<10x256xf32>, %h: tensor<1x256xf32>) -> tensor<1x256xf32> {
    %ten = arith.constant 10 : index
    %w = share.get @w : tensor<256x256xf32>
    %r = share.get @r : tensor<256x256xf32>
    %last = net.scan %ten init(%h : tensor<1x256xf32>) over(%x : tensor<10x256xf32>) attributes {net.rolled, reverse_inputs = array<i1: true>} {
    ^bb0(%i: index, %state: tensor<1x256xf32>, %slice: tensor<256xf32>):
      %b = share.get @b : tensor<256xf32>
      %row = tensor.expand_shape %slice [[0, 1]] output_shape [1, 256] : tensor<256xf32> into tensor<1x256xf32>
      %e = tensor.empty() : tensor<1x256xf32>
      %t = linalg.tanh ins(%row : tensor<1x256xf32>) outs(%e : tensor<1x256xf32>) -> tensor<1x256xf32>
      %bias = linalg.broadcast ins(%b : tensor<256xf32>) outs(%e : tensor<1x256xf32>) dimensions = [0]
      %xw = linalg.matmul ins(%t, %w : tensor<1x256xf32>, tensor<256x256xf32>) outs(%bias : tensor<1x256xf32>) -> tensor<1x256xf32>
      %hr = linalg.matmul ins(%state, %r : tensor<1x256xf32>, tensor<256x256xf32>) outs(%xw : tensor<1x256xf32>) -> tensor<1x256xf32>
      net.yield %hr : tensor<1x256xf32>
    }
    return %last : tensor<1x256xf32>
  }
}

// -----

// A chain of convolutions, with a pool between them, goes as a whole.
// CHECK-LABEL: func.func @video
// CHECK: net.conv {{.*}} -> tensor<16x64x2x2xf32>
// CHECK: net.pool average {{.*}} -> tensor<16x64x1x1xf32>
// CHECK: net.conv {{.*}} -> tensor<16x64x1x1xf32>
// CHECK: net.scan
// CHECK-NOT: net.conv
// CHECK: linalg.max
module @video {
  share.param @w : tensor<64x64x3x3xf32> = dense<0.5> : tensor<64x64x3x3xf32>
  share.param @v : tensor<64x64x1x1xf32> = dense<0.5> : tensor<64x64x1x1xf32>
  func.func @video(%x: tensor<8x2x64x2x2xf32>, %h: tensor<2x64x1x1xf32>) -> tensor<2x64x1x1xf32> {
    %eight = arith.constant 8 : index
    %w = share.get @w : tensor<64x64x3x3xf32>
    %v = share.get @v : tensor<64x64x1x1xf32>
    %last = net.scan %eight init(%h : tensor<2x64x1x1xf32>) over(%x : tensor<8x2x64x2x2xf32>) {
    ^bb0(%i: index, %state: tensor<2x64x1x1xf32>, %frame: tensor<2x64x2x2xf32>):
      %c = net.conv %frame, %w strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<2x64x2x2xf32>, tensor<64x64x3x3xf32> -> tensor<2x64x2x2xf32>
      %p = net.pool average %c kernel [2, 2] strides [2, 2] dilations [1, 1] pads [0, 0, 0, 0] : tensor<2x64x2x2xf32> -> tensor<2x64x1x1xf32>
      %d = net.conv %p, %v strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<2x64x1x1xf32>, tensor<64x64x1x1xf32> -> tensor<2x64x1x1xf32>
      %m = linalg.max ins(%state, %d : tensor<2x64x1x1xf32>, tensor<2x64x1x1xf32>) outs(%state : tensor<2x64x1x1xf32>) -> tensor<2x64x1x1xf32>
      net.yield %m : tensor<2x64x1x1xf32>
    }
    return %last : tensor<2x64x1x1xf32>
  }
}

// -----

// What never varies is computed once; destinations stay where they are written.
// CHECK-LABEL: func.func @invariant
// CHECK-SAME: %[[C:.*]]: tensor<1x64xf32>, %[[H:.*]]: tensor<1x64xf32>
// CHECK: %[[P:.*]] = linalg.matmul ins(%[[C]]
// CHECK: %[[A:.*]] = linalg.tanh ins(%[[P]]
// CHECK: net.scan
// CHECK: linalg.add ins(%{{.*}}, %[[A]]
// CHECK-NOT: linalg
// CHECK: return
module @invariant {
  share.param @w : tensor<64x64xf32> = dense<0.5> : tensor<64x64xf32>
  func.func @invariant(%c: tensor<1x64xf32>, %h: tensor<1x64xf32>, %n: index) -> tensor<1x64xf32> {
    %zero = arith.constant 0.0 : f32
    %last = net.scan %n init(%h : tensor<1x64xf32>) {
    ^bb0(%i: index, %state: tensor<1x64xf32>):
      %w = share.get @w : tensor<64x64xf32>
      %e = tensor.empty() : tensor<1x64xf32>
      %z = linalg.fill ins(%zero : f32) outs(%e : tensor<1x64xf32>) -> tensor<1x64xf32>
      %p = linalg.matmul ins(%c, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%z : tensor<1x64xf32>) -> tensor<1x64xf32>
      %t = linalg.tanh ins(%p : tensor<1x64xf32>) outs(%e : tensor<1x64xf32>) -> tensor<1x64xf32>
      %s = linalg.add ins(%state, %t : tensor<1x64xf32>, tensor<1x64xf32>) outs(%e : tensor<1x64xf32>) -> tensor<1x64xf32>
      net.yield %s : tensor<1x64xf32>
    }
    return %last : tensor<1x64xf32>
  }
}

// -----

// Left alone: a product with one number a row, whose result is as long to read
// as to make; one whose slices are read in both directions; the products of a
// scan of unknown length.
// CHECK-LABEL: func.func @alone
// CHECK: net.scan
// CHECK-COUNT-2: linalg.matmul
// CHECK: net.scan
// CHECK: linalg.matmul
module @alone {
  share.param @thin : tensor<1x64xf32> = dense<0.5> : tensor<1x64xf32>
  share.param @w : tensor<64x64xf32> = dense<0.5> : tensor<64x64xf32>
  func.func @alone(%x: tensor<10x1x1xf32>, %y: tensor<10x1x64xf32>, %z: tensor<1x64xf32>, %h: tensor<1x64xf32>, %n: index) -> (tensor<1x64xf32>, tensor<1x64xf32>) {
    %ten = arith.constant 10 : index
    %thin = share.get @thin : tensor<1x64xf32>
    %w = share.get @w : tensor<64x64xf32>
    %first = net.scan %ten init(%h : tensor<1x64xf32>) over(%x, %y, %y : tensor<10x1x1xf32>, tensor<10x1x64xf32>, tensor<10x1x64xf32>)
      attributes {reverse_inputs = array<i1: false, false, true>} {
    ^bb0(%i: index, %state: tensor<1x64xf32>, %a: tensor<1x1xf32>, %b: tensor<1x64xf32>, %c: tensor<1x64xf32>):
      %e = tensor.empty() : tensor<1x64xf32>
      %both = linalg.add ins(%b, %c : tensor<1x64xf32>, tensor<1x64xf32>) outs(%e : tensor<1x64xf32>) -> tensor<1x64xf32>
      %p = linalg.matmul ins(%a, %thin : tensor<1x1xf32>, tensor<1x64xf32>) outs(%z : tensor<1x64xf32>) -> tensor<1x64xf32>
      %q = linalg.matmul ins(%both, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%p : tensor<1x64xf32>) -> tensor<1x64xf32>
      %sum = linalg.add ins(%state, %q : tensor<1x64xf32>, tensor<1x64xf32>) outs(%e : tensor<1x64xf32>) -> tensor<1x64xf32>
      net.yield %sum : tensor<1x64xf32>
    }
    %second = net.scan %n init(%h : tensor<1x64xf32>) over(%y : tensor<10x1x64xf32>) {
    ^bb0(%i: index, %state: tensor<1x64xf32>, %b: tensor<1x64xf32>):
      %q = linalg.matmul ins(%b, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%state : tensor<1x64xf32>) -> tensor<1x64xf32>
      net.yield %q : tensor<1x64xf32>
    }
    return %first, %second : tensor<1x64xf32>, tensor<1x64xf32>
  }
}
