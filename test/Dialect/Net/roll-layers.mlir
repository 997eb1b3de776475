// Layers and steps that were unrolled become loops.
// RUN: lig-opt %s -split-input-file -net-roll-layers="min-cost=2" -canonicalize | FileCheck %s
// RUN: lig-opt %s -split-input-file -net-roll-layers="min-cost=99" | FileCheck %s --check-prefix=SMALL
// RUN: lig-opt %s -split-input-file -net-roll-layers="min-steps=5 min-cost=1" | FileCheck %s --check-prefix=SMALL
// RUN: lig-opt %s -split-input-file -net-roll-layers --remark-policy=all --remarks-filter=net -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: lig-opt %s -split-input-file -net-roll-layers="min-cost=2" --remark-policy=all --remarks-filter=net -o /dev/null 2>&1 | FileCheck %s --check-prefix=ROLLED

// SMALL-NOT: net.scan

// The same weights in each step: one state, and the weights are captured.
// REMARK: {{.*}}not-rolled{{.*}}3 steps that cost 9: a loop is made from 10
// ROLLED: {{.*}}rolled{{.*}}3 steps of 2 operations, 1 states, 0 inputs
// CHECK-LABEL: module @carries_state
module @carries_state {
  share.param @w : tensor<4x4xf32> = dense<0.5> : tensor<4x4xf32>
  func.func @main(%x: tensor<2x4xf32>, %e: tensor<2x4xf32>) -> tensor<2x4xf32> {
    // CHECK: %[[W:.*]] = share.get @w
    // CHECK: %[[R:.*]] = net.scan %{{.*}} init(%{{.*}} : tensor<2x4xf32>) attributes {net.rolled} {
    // CHECK: ^bb0(%{{.*}}: index, %[[S:.*]]: tensor<2x4xf32>):
    // CHECK: %[[M:.*]] = linalg.matmul ins(%[[S]], %[[W]]
    // CHECK: %[[T:.*]] = linalg.tanh ins(%[[M]]
    // CHECK: net.yield %[[T]]
    // CHECK-NOT: linalg
    // CHECK: return %[[R]]
    %w = share.get @w : tensor<4x4xf32>
    %a = linalg.matmul ins(%x, %w : tensor<2x4xf32>, tensor<4x4xf32>) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
    %b = linalg.tanh ins(%a : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
    %c = linalg.matmul ins(%b, %w : tensor<2x4xf32>, tensor<4x4xf32>) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
    %d = linalg.tanh ins(%c : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
    %f = linalg.matmul ins(%d, %w : tensor<2x4xf32>, tensor<4x4xf32>) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
    %g = linalg.tanh ins(%f : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
    return %g : tensor<2x4xf32>
  }
}

// -----

// Parameters that differ are stored one behind the other, once: who else reads
// one of them finds it there.
// CHECK-LABEL: module @stacks_parameters
module @stacks_parameters {
  // CHECK: share.param @b0.stacked {share.stacked = ["b0", "b1", "b2"]} : tensor<3x4xf32>
  // CHECK-SAME{LITERAL}: dense<[[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00], [5.000000e+00, 6.000000e+00, 7.000000e+00, 8.000000e+00], [9.000000e+00, 1.000000e+01, 1.100000e+01, 1.200000e+01]]>
  // CHECK-NOT: share.param
  // CHECK: share.view @b1 : tensor<4xf32> {
  // CHECK-NEXT: %[[ALL:.*]] = share.get @b0.stacked
  // CHECK-NEXT: %[[ONE:.*]] = tensor.extract_slice %[[ALL]][1, 0] [1, 4] [1, 1]
  // CHECK-NEXT: tensor.collapse_shape %[[ONE]] {{\[}}[0, 1]]
  // CHECK-NOT: share.param @b
  share.param @b0 : tensor<4xf32> = dense<[1., 2., 3., 4.]> : tensor<4xf32>
  share.param @b1 : tensor<4xf32> = dense<[5., 6., 7., 8.]> : tensor<4xf32>
  share.param @b2 : tensor<4xf32> = dense<[9., 10., 11., 12.]> : tensor<4xf32>
  func.func @main(%x: tensor<4xf32>, %e: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
    // CHECK: func.func @main
    // CHECK: %[[B:.*]] = share.get @b0.stacked : tensor<3x4xf32>
    // CHECK: net.scan %{{.*}} init(%{{.*}} : tensor<4xf32>) over(%[[B]] : tensor<3x4xf32>)
    // CHECK: ^bb0(%{{.*}}: index, %[[S:.*]]: tensor<4xf32>, %[[BIAS:.*]]: tensor<4xf32>):
    // CHECK: linalg.add ins(%[[S]], %[[BIAS]]
    // CHECK: linalg.tanh
    // CHECK-NOT: linalg
    // CHECK: return
    %b0 = share.get @b0 : tensor<4xf32>
    %b1 = share.get @b1 : tensor<4xf32>
    %b2 = share.get @b2 : tensor<4xf32>
    %a = linalg.add ins(%x, %b0 : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %b = linalg.tanh ins(%a : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %c = linalg.add ins(%b, %b1 : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %d = linalg.tanh ins(%c : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %f = linalg.add ins(%d, %b2 : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %g = linalg.tanh ins(%f : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    return %g, %b1 : tensor<4xf32>, tensor<4xf32>
  }
}

// -----

// Steps read slices of one tensor, here from its end, and a concatenation of
// what they make, from the last to the first, is the stacked result. What the
// block mixes lies together in the loop.
// CHECK-LABEL: module @slices_and_stacks
module @slices_and_stacks {
  func.func @main(%xs: tensor<3x4xf32>, %h: tensor<1x4xf32>, %e: tensor<1x4xf32>) -> tensor<3x4xf32> {
    // CHECK: func.func @main(%[[XS:.*]]: tensor<3x4xf32>, %[[H:.*]]: tensor<1x4xf32>,
    // CHECK: %[[IN:.*]] = tensor.expand_shape %[[XS]] {{\[}}[0], [1, 2]] output_shape [3, 1, 4]
    // CHECK: %[[R:.*]]:2 = net.scan %{{.*}} init(%[[H]] : tensor<1x4xf32>) over(%[[IN]] : tensor<3x1x4xf32>) attributes {net.rolled, reverse_inputs = array<i1: true>, reverse_outputs = array<i1: true>} -> (tensor<3x1x4xf32>)
    // CHECK: linalg.add
    // CHECK: linalg.tanh
    // CHECK-NOT: linalg
    // CHECK: %[[Y:.*]] = tensor.collapse_shape %[[R]]#1 {{\[}}[0], [1, 2]]
    // CHECK: return %[[Y]]
    %x2 = tensor.extract_slice %xs[2, 0] [1, 4] [1, 1] : tensor<3x4xf32> to tensor<1x4xf32>
    %x1 = tensor.extract_slice %xs[1, 0] [1, 4] [1, 1] : tensor<3x4xf32> to tensor<1x4xf32>
    %x0 = tensor.extract_slice %xs[0, 0] [1, 4] [1, 1] : tensor<3x4xf32> to tensor<1x4xf32>
    %a = linalg.add ins(%x2, %h : tensor<1x4xf32>, tensor<1x4xf32>) outs(%e : tensor<1x4xf32>) -> tensor<1x4xf32>
    %b = linalg.tanh ins(%a : tensor<1x4xf32>) outs(%e : tensor<1x4xf32>) -> tensor<1x4xf32>
    %c = linalg.add ins(%x1, %b : tensor<1x4xf32>, tensor<1x4xf32>) outs(%e : tensor<1x4xf32>) -> tensor<1x4xf32>
    %d = linalg.tanh ins(%c : tensor<1x4xf32>) outs(%e : tensor<1x4xf32>) -> tensor<1x4xf32>
    %f = linalg.add ins(%x0, %d : tensor<1x4xf32>, tensor<1x4xf32>) outs(%e : tensor<1x4xf32>) -> tensor<1x4xf32>
    %g = linalg.tanh ins(%f : tensor<1x4xf32>) outs(%e : tensor<1x4xf32>) -> tensor<1x4xf32>
    %y = tensor.concat dim(0) %g, %d, %b : (tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<3x4xf32>
    return %y : tensor<3x4xf32>
  }
}

// -----

// One head over three inputs: no state; the inputs are stacked.
// CHECK-LABEL: module @repeats_without_state
module @repeats_without_state {
  share.param @w : tensor<4x4xf32> = dense<0.5> : tensor<4x4xf32>
  func.func @main(%x: tensor<2x4xf32>, %y: tensor<2x4xf32>, %z: tensor<2x4xf32>, %e: tensor<2x4xf32>)
      -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) {
    // CHECK: %[[IN:.*]] = tensor.concat dim(0) {{.*}} -> tensor<3x2x4xf32>
    // CHECK: %[[R:.*]] = net.scan %{{.*}} over(%[[IN]] : tensor<3x2x4xf32>) {{.*}} -> (tensor<3x2x4xf32>)
    // CHECK: linalg.matmul
    // CHECK: linalg.tanh
    // CHECK-NOT: linalg
    // CHECK: tensor.extract_slice %[[R]][0, 0, 0] [1, 2, 4]
    // CHECK: tensor.extract_slice %[[R]][1, 0, 0] [1, 2, 4]
    // CHECK: tensor.extract_slice %[[R]][2, 0, 0] [1, 2, 4]
    %w = share.get @w : tensor<4x4xf32>
    %a = linalg.matmul ins(%x, %w : tensor<2x4xf32>, tensor<4x4xf32>) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
    %c = linalg.matmul ins(%y, %w : tensor<2x4xf32>, tensor<4x4xf32>) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
    %f = linalg.matmul ins(%z, %w : tensor<2x4xf32>, tensor<4x4xf32>) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
    %g = linalg.tanh ins(%f : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
    %d = linalg.tanh ins(%c : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
    %b = linalg.tanh ins(%a : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
    return %b, %d, %g : tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>
  }
}

// -----

// A flag that the last step does not ask for: the loop runs it all the same,
// and gives what the flag was before.
// CHECK-LABEL: module @last_step_lacks_a_part
module @last_step_lacks_a_part {
  func.func @main(%x: tensor<f32>, %e: tensor<f32>, %ok: i1) -> (tensor<f32>, i1) {
    // CHECK: func.func @main({{.*}}, %[[OK:[a-z0-9]*]]: i1)
    // CHECK: %[[R:.*]]:3 = net.scan %{{.*}} init(%{{.*}}, %[[OK]], %{{.*}} : tensor<f32>, i1, i1)
    // CHECK: ^bb0(%{{.*}}: index, %{{.*}}: tensor<f32>, %[[FLAG:.*]]: i1, %{{.*}}: i1):
    // CHECK: %[[ALL:.*]] = arith.andi %[[FLAG]],
    // CHECK: net.yield %{{.*}}, %[[ALL]], %[[FLAG]]
    // CHECK: return %[[R]]#0, %[[R]]#2
    %zero = arith.constant 0.0 : f32
    %a = linalg.exp ins(%x : tensor<f32>) outs(%e : tensor<f32>) -> tensor<f32>
    %a1 = linalg.abs ins(%a : tensor<f32>) outs(%e : tensor<f32>) -> tensor<f32>
    %b = linalg.tanh ins(%a1 : tensor<f32>) outs(%e : tensor<f32>) -> tensor<f32>
    %bv = tensor.extract %b[] : tensor<f32>
    %b_ok = arith.cmpf ogt, %bv, %zero : f32
    %ok1 = arith.andi %ok, %b_ok : i1
    %c = linalg.exp ins(%b : tensor<f32>) outs(%e : tensor<f32>) -> tensor<f32>
    %c1 = linalg.abs ins(%c : tensor<f32>) outs(%e : tensor<f32>) -> tensor<f32>
    %d = linalg.tanh ins(%c1 : tensor<f32>) outs(%e : tensor<f32>) -> tensor<f32>
    %dv = tensor.extract %d[] : tensor<f32>
    %d_ok = arith.cmpf ogt, %dv, %zero : f32
    %ok2 = arith.andi %ok1, %d_ok : i1
    %f = linalg.exp ins(%d : tensor<f32>) outs(%e : tensor<f32>) -> tensor<f32>
    %f1 = linalg.abs ins(%f : tensor<f32>) outs(%e : tensor<f32>) -> tensor<f32>
    %g = linalg.tanh ins(%f1 : tensor<f32>) outs(%e : tensor<f32>) -> tensor<f32>
    return %g, %ok2 : tensor<f32>, i1
  }
}

// -----

// What differs at the ends stays outside; steps that differ in between, or that
// an operation outside of them connects, are no loop.
// CHECK-LABEL: module @irregular
module @irregular {
  // CHECK: func.func @ends
  func.func @ends(%x: tensor<4xf32>, %e: tensor<4xf32>) -> tensor<4xf32> {
    // CHECK: linalg.exp
    // CHECK: net.scan
    // CHECK: linalg.tanh
    // CHECK: linalg.abs
    // CHECK: }
    // CHECK: linalg.sqrt
    // CHECK: return
    %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %1 = linalg.tanh ins(%0 : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %2 = linalg.abs ins(%1 : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %3 = linalg.tanh ins(%2 : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %4 = linalg.abs ins(%3 : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %5 = linalg.tanh ins(%4 : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %6 = linalg.abs ins(%5 : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %7 = linalg.sqrt ins(%6 : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    return %7 : tensor<4xf32>
  }
  // CHECK: func.func @differs
  func.func @differs(%x: tensor<4xf32>, %e: tensor<4xf32>) -> tensor<4xf32> {
    // CHECK-NOT: net.scan
    // CHECK: return
    %1 = linalg.tanh ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %2 = linalg.abs ins(%1 : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %3 = linalg.tanh ins(%2 : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %4 = linalg.exp ins(%3 : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %5 = linalg.tanh ins(%4 : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %6 = linalg.abs ins(%5 : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    return %6 : tensor<4xf32>
  }
  // A lookup behind the last step could be out of bounds.
  // CHECK: func.func @unsafe
  func.func @unsafe(%x: tensor<1xi64>, %table: tensor<9xi64>, %e: tensor<1xi64>) -> tensor<1xi64> {
    // CHECK-NOT: net.scan
    // CHECK: return
    %0 = arith.constant 0 : index
    %a = linalg.add ins(%x, %x : tensor<1xi64>, tensor<1xi64>) outs(%e : tensor<1xi64>) -> tensor<1xi64>
    %b = linalg.mul ins(%a, %x : tensor<1xi64>, tensor<1xi64>) outs(%e : tensor<1xi64>) -> tensor<1xi64>
    %c = linalg.sub ins(%b, %x : tensor<1xi64>, tensor<1xi64>) outs(%e : tensor<1xi64>) -> tensor<1xi64>
    %i = tensor.extract %c[%0] : tensor<1xi64>
    %j = arith.index_cast %i : i64 to index
    %d = tensor.extract_slice %table[%j] [1] [1] : tensor<9xi64> to tensor<1xi64>
    %f = linalg.add ins(%d, %x : tensor<1xi64>, tensor<1xi64>) outs(%e : tensor<1xi64>) -> tensor<1xi64>
    %g = linalg.mul ins(%f, %x : tensor<1xi64>, tensor<1xi64>) outs(%e : tensor<1xi64>) -> tensor<1xi64>
    %h = linalg.sub ins(%g, %x : tensor<1xi64>, tensor<1xi64>) outs(%e : tensor<1xi64>) -> tensor<1xi64>
    %k = tensor.extract %h[%0] : tensor<1xi64>
    %l = arith.index_cast %k : i64 to index
    %m = tensor.extract_slice %table[%l] [1] [1] : tensor<9xi64> to tensor<1xi64>
    %n = linalg.add ins(%m, %x : tensor<1xi64>, tensor<1xi64>) outs(%e : tensor<1xi64>) -> tensor<1xi64>
    %o = linalg.mul ins(%n, %x : tensor<1xi64>, tensor<1xi64>) outs(%e : tensor<1xi64>) -> tensor<1xi64>
    %p = linalg.sub ins(%o, %x : tensor<1xi64>, tensor<1xi64>) outs(%e : tensor<1xi64>) -> tensor<1xi64>
    return %p : tensor<1xi64>
  }
}

// -----

// Parameters that change keep their own places.
// CHECK-LABEL: module @keeps_trainable
module @keeps_trainable {
  // CHECK-COUNT-3: share.param trainable
  // CHECK-NOT: share.param
  share.param trainable @b0 : tensor<4xf32> = dense<1.0> : tensor<4xf32>
  share.param trainable @b1 : tensor<4xf32> = dense<2.0> : tensor<4xf32>
  share.param trainable @b2 : tensor<4xf32> = dense<3.0> : tensor<4xf32>
  // CHECK-NOT: net.scan
  func.func @main(%x: tensor<4xf32>, %e: tensor<4xf32>) -> tensor<4xf32> {
    %b0 = share.get @b0 : tensor<4xf32>
    %b1 = share.get @b1 : tensor<4xf32>
    %b2 = share.get @b2 : tensor<4xf32>
    %a = linalg.add ins(%x, %b0 : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %b = linalg.tanh ins(%a : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %c = linalg.add ins(%b, %b1 : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %d = linalg.tanh ins(%c : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %f = linalg.add ins(%d, %b2 : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %g = linalg.tanh ins(%f : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    return %g : tensor<4xf32>
  }
}

// -----

// What the steps were cut from, put together again, is what it was.
// CHECK-LABEL: module @joins_slices
module @joins_slices {
  // CHECK: func.func @main(%[[X:.*]]: tensor<2x3x4xf32>)
  func.func @main(%x: tensor<2x3x4xf32>) -> (tensor<6x4xf32>, tensor<8x4xf32>) {
    // CHECK: %[[T:.*]] = linalg.transpose ins(%[[X]] : tensor<2x3x4xf32>) {{.*}} permutation = [1, 0, 2]
    // CHECK: %[[J:.*]] = tensor.collapse_shape %[[T]] {{\[}}[0, 1], [2]] : tensor<3x2x4xf32> into tensor<6x4xf32>
    // CHECK: %[[K:.*]] = tensor.concat
    // CHECK: return %[[J]], %[[K]]
    %a = tensor.extract_slice %x[0, 0, 0] [2, 1, 4] [1, 1, 1] : tensor<2x3x4xf32> to tensor<2x1x4xf32>
    %b = tensor.extract_slice %x[0, 1, 0] [2, 1, 4] [1, 1, 1] : tensor<2x3x4xf32> to tensor<2x1x4xf32>
    %c = tensor.extract_slice %x[0, 2, 0] [2, 1, 4] [1, 1, 1] : tensor<2x3x4xf32> to tensor<2x1x4xf32>
    %d = tensor.collapse_shape %a [[0, 1], [2]] : tensor<2x1x4xf32> into tensor<2x4xf32>
    %e = tensor.collapse_shape %b [[0, 1], [2]] : tensor<2x1x4xf32> into tensor<2x4xf32>
    %f = tensor.collapse_shape %c [[0, 1], [2]] : tensor<2x1x4xf32> into tensor<2x4xf32>
    %g = tensor.concat dim(0) %d, %e, %f : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<6x4xf32>
    // One comes twice.
    %h = tensor.concat dim(0) %d, %e, %e, %f : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<8x4xf32>
    return %g, %h : tensor<6x4xf32>, tensor<8x4xf32>
  }
}

// -----

// A weight that a view shows transposed stays where both find it.
// CHECK-LABEL: module @keeps_tied
module @keeps_tied {
  // CHECK-COUNT-3: share.param
  share.param @b0 : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
  share.param @b1 : tensor<4x4xf32> = dense<2.0> : tensor<4x4xf32>
  share.param @b2 : tensor<4x4xf32> = dense<3.0> : tensor<4x4xf32>
  share.view @t1 : tensor<4x4xf32> {
    %b = share.get @b1 : tensor<4x4xf32>
    %e = tensor.empty() : tensor<4x4xf32>
    %t = linalg.transpose ins(%b : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) permutation = [1, 0]
    share.yield %t : tensor<4x4xf32>
  }
  // CHECK-NOT: net.scan
  func.func @main(%x: tensor<4x4xf32>, %e: tensor<4x4xf32>) -> tensor<4x4xf32> {
    %b0 = share.get @b0 : tensor<4x4xf32>
    %b1 = share.get @b1 : tensor<4x4xf32>
    %b2 = share.get @b2 : tensor<4x4xf32>
    %t1 = share.get @t1 : tensor<4x4xf32>
    %a = linalg.matmul ins(%x, %b0 : tensor<4x4xf32>, tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
    %b = linalg.tanh ins(%a : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
    %c = linalg.matmul ins(%b, %b1 : tensor<4x4xf32>, tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
    %d = linalg.tanh ins(%c : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
    %f = linalg.matmul ins(%d, %b2 : tensor<4x4xf32>, tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
    %g = linalg.tanh ins(%f : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
    %h = linalg.add ins(%g, %t1 : tensor<4x4xf32>, tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
    return %h : tensor<4x4xf32>
  }
}
