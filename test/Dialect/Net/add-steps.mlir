// RUN: lig-opt %s -split-input-file -net-add-steps | FileCheck %s

#id = affine_map<(t, c) -> (t, c)>
#row = affine_map<(t, c) -> (c)>

// Of each value with a part for each step there is one part. The first state is
// an input already, the second becomes one.
// CHECK-LABEL: module @one_step
module @one_step {
  share.param @b : tensor<4xf32> = dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  // CHECK: func.func @main(%{{.+}}: tensor<6x4xf32> {net.name = "x"}
  // CHECK: func.func @main_step(%[[X:[^:]+]]: tensor<1x4xf32> {net.name = "x"}, %[[H0:[^:]+]]: tensor<1x4xf32> {net.name = "h0"}, %[[STATE:[^:]+]]: tensor<4xf32> {net.name = "state1"})
  // CHECK-SAME: -> (tensor<1x4xf32> {net.name = "y"}, tensor<1x4xf32> {net.name = "next_h0"}, tensor<4xf32> {net.name = "next_state1"}) attributes {net.entry}
  func.func @main(%x: tensor<6x4xf32> {net.name = "x"}, %h0: tensor<1x4xf32> {net.name = "h0"})
      -> (tensor<6x4xf32> {net.name = "y"}) attributes {net.entry} {
    // CHECK: %[[B:.+]] = share.get @b
    // CHECK: %[[SUM:.+]] = linalg.generic {{.+}} ins(%[[X]], %[[B]] : tensor<1x4xf32>, tensor<4xf32>)
    %b = share.get @b : tensor<4xf32>
    %e = tensor.empty() : tensor<6x4xf32>
    %sum = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x, %b : tensor<6x4xf32>, tensor<4xf32>) outs(%e : tensor<6x4xf32>) {
    ^bb0(%v: f32, %w: f32, %o: f32):
      %s = arith.addf %v, %w : f32
      linalg.yield %s : f32
    } -> tensor<6x4xf32>
    // CHECK: %[[H:.+]] = tensor.collapse_shape %[[H0]]
    %h = tensor.collapse_shape %h0 [[0, 1]] : tensor<1x4xf32> into tensor<4xf32>
    %zero = arith.constant dense<0.0> : tensor<4xf32>
    %n = arith.constant 6 : index
    // CHECK: %[[ONE:.+]] = arith.constant 1 : index
    // CHECK: %[[S:.+]]:3 = net.scan %[[ONE]] init(%[[H]], %[[STATE]] : {{.+}}) over(%[[SUM]] : tensor<1x4xf32>)
    %s:3 = net.scan %n init(%h, %zero : tensor<4xf32>, tensor<4xf32>)
                       over(%sum : tensor<6x4xf32>) -> (tensor<6x4xf32>) {
    ^bb0(%i: index, %a: tensor<4xf32>, %c: tensor<4xf32>, %v: tensor<4xf32>):
      %next = linalg.add ins(%a, %v : tensor<4xf32>, tensor<4xf32>) outs(%a : tensor<4xf32>) -> tensor<4xf32>
      net.yield %next, %a, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
    }
    // CHECK: %[[NEXT:.+]] = tensor.expand_shape %[[S]]#0 {{.+}} into tensor<1x4xf32>
    // CHECK: return %[[S]]#2, %[[NEXT]], %[[S]]#1
    return %s#2 : tensor<6x4xf32>
  }
}

// -----

// A batch behind the steps, joined with them and apart again.
// CHECK-LABEL: module @joined_dimensions
module @joined_dimensions {
  // CHECK: func.func @main_step(%[[X:[^:]+]]: tensor<2x4xf32>
  // CHECK: tensor.expand_shape %[[X]] {{.+}} : tensor<2x4xf32> into tensor<1x2x4xf32>
  func.func @main(%x: tensor<12x4xf32> {net.name = "x"}) -> (tensor<6x2x4xf32> {net.name = "y"}) attributes {net.entry} {
    %n = arith.constant 6 : index
    %zero = arith.constant dense<0.0> : tensor<2x4xf32>
    %apart = tensor.expand_shape %x [[0, 1], [2]] output_shape [6, 2, 4] : tensor<12x4xf32> into tensor<6x2x4xf32>
    %s:2 = net.scan %n init(%zero : tensor<2x4xf32>) over(%apart : tensor<6x2x4xf32>) -> (tensor<6x2x4xf32>) {
    ^bb0(%i: index, %a: tensor<2x4xf32>, %v: tensor<2x4xf32>):
      net.yield %v, %a : tensor<2x4xf32>, tensor<2x4xf32>
    }
    return %s#1 : tensor<6x2x4xf32>
  }
}

// -----

// What comes with one state after all steps comes with it after one.
// CHECK-LABEL: module @last_state
module @last_state {
  // CHECK: func.func @main_step(
  // CHECK: return %[[S:[^#]+]]#0, %[[S]]#0
  func.func @main(%x: tensor<6x4xf32> {net.name = "x"}) -> (tensor<4xf32> {net.name = "last"}) attributes {net.entry} {
    %n = arith.constant 6 : index
    %zero = arith.constant dense<0.0> : tensor<4xf32>
    %s:2 = net.scan %n init(%zero : tensor<4xf32>) over(%x : tensor<6x4xf32>) -> (tensor<6x4xf32>) {
    ^bb0(%i: index, %a: tensor<4xf32>, %v: tensor<4xf32>):
      net.yield %v, %a : tensor<4xf32>, tensor<4xf32>
    }
    return %s#0 : tensor<4xf32>
  }
}
