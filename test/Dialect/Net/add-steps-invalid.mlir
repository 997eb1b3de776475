// RUN: lig-opt %s -split-input-file -net-add-steps -verify-diagnostics
// expected-error@+1 {{has no recurrence over time}}
module {
  func.func @main(%x: tensor<6x4xf32> {net.name = "x"}) -> (tensor<6x4xf32> {net.name = "y"}) attributes {net.entry} { return %x : tensor<6x4xf32> }
}

// -----
module {
  func.func @main(%x: tensor<6x4xf32> {net.name = "x"}) -> (tensor<4xf32> {net.name = "y"}) attributes {net.entry} {
    %n = arith.constant 6 : index
    %zero = arith.constant dense<0.0> : tensor<4xf32>
    // expected-error@+1 {{it reads its input from the last step to the first}}
    %s = net.scan %n init(%zero : tensor<4xf32>) over(%x : tensor<6x4xf32>) attributes {reverse_inputs = array<i1: true>} {
    ^bb0(%i: index, %a: tensor<4xf32>, %v: tensor<4xf32>):
      net.yield %v : tensor<4xf32>
    }
    return %s : tensor<4xf32>
  }
}

// -----
module {
  // expected-error@+1 {{output 'y' mixes steps}}
  func.func @main(%x: tensor<6x4xf32> {net.name = "x"}) -> (tensor<4xf32> {net.name = "y"}) attributes {net.entry} {
    %n = arith.constant 6 : index
    %zero = arith.constant dense<0.0> : tensor<4xf32>
    %s:2 = net.scan %n init(%zero : tensor<4xf32>) over(%x : tensor<6x4xf32>) -> (tensor<6x4xf32>) {
    ^bb0(%i: index, %a: tensor<4xf32>, %v: tensor<4xf32>):
      net.yield %v, %a : tensor<4xf32>, tensor<4xf32>
    }
    // expected-note@+1 {{by this operation}}
    %sum = linalg.reduce {arith.addf} ins(%s#1 : tensor<6x4xf32>) outs(%zero : tensor<4xf32>) dimensions = [0]
    return %sum : tensor<4xf32>
  }
}

// -----
module {
  // expected-error@+1 {{output 'y' mixes steps}}
  func.func @main(%x: tensor<6x4xf32> {net.name = "x"}) -> (tensor<4xf32> {net.name = "y"}) attributes {net.entry} {
    %n = arith.constant 6 : index
    %zero = arith.constant dense<0.0> : tensor<4xf32>
    %s:2 = net.scan %n init(%zero : tensor<4xf32>) over(%x : tensor<6x4xf32>) -> (tensor<6x4xf32>) {
    ^bb0(%i: index, %a: tensor<4xf32>, %v: tensor<4xf32>):
      net.yield %v, %a : tensor<4xf32>, tensor<4xf32>
    }
    // expected-note@+1 {{by this operation}}
    %third = tensor.extract_slice %s#1[2, 0] [1, 4] [1, 1] : tensor<6x4xf32> to tensor<4xf32>
    return %third : tensor<4xf32>
  }
}

// -----
// A second recurrence begins with what the first ends with.
module {
  func.func @main(%x: tensor<6x4xf32> {net.name = "x"}) -> (tensor<4xf32> {net.name = "y"}) attributes {net.entry} {
    %n = arith.constant 6 : index
    %zero = arith.constant dense<0.0> : tensor<4xf32>
    %s = net.scan %n init(%zero : tensor<4xf32>) over(%x : tensor<6x4xf32>) {
    ^bb0(%i: index, %a: tensor<4xf32>, %v: tensor<4xf32>):
      net.yield %v : tensor<4xf32>
    }
    // expected-error@+1 {{begins with what is computed from inputs}}
    %t = net.scan %n init(%s : tensor<4xf32>) over(%x : tensor<6x4xf32>) {
    ^bb0(%i: index, %a: tensor<4xf32>, %v: tensor<4xf32>):
      net.yield %v : tensor<4xf32>
    }
    return %t : tensor<4xf32>
  }
}

// -----
module {
  func.func @main(%x: tensor<6x4xf32> {net.name = "x"}, %h: tensor<4xf32> {net.name = "h"}) -> (tensor<4xf32> {net.name = "y"}) attributes {net.entry} {
    %n = arith.constant 6 : index
    // expected-error@+1 {{state 1 begins with the input of another state}}
    %s:2 = net.scan %n init(%h, %h : tensor<4xf32>, tensor<4xf32>) over(%x : tensor<6x4xf32>) {
    ^bb0(%i: index, %a: tensor<4xf32>, %b: tensor<4xf32>, %v: tensor<4xf32>):
      net.yield %v, %a : tensor<4xf32>, tensor<4xf32>
    }
    return %s#1 : tensor<4xf32>
  }
}
