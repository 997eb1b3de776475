// RUN: lig-opt %s -split-input-file -net-merge-entries -verify-diagnostics
module {
  // expected-error@+1 {{cannot be merged with other entry points: it is called by a function}}
  func.func @a(%x: tensor<4xi8> {net.name = "x"}) -> (tensor<4xi8> {net.name = "y"}) attributes {net.entry} { return %x : tensor<4xi8> }
  func.func @b(%x: tensor<4xi8> {net.name = "x"}) -> (tensor<4xi8> {net.name = "y"}) attributes {net.entry} {
    %y = call @a(%x) : (tensor<4xi8>) -> tensor<4xi8>
    return %y : tensor<4xi8>
  }
}

// -----
module {
  // expected-error@+1 {{it branches between blocks}}
  func.func @a(%x: tensor<4xi8> {net.name = "x"}) -> (tensor<4xi8> {net.name = "y"}) attributes {net.entry} {
    cf.br ^next
  ^next:
    return %x : tensor<4xi8>
  }
  func.func @b(%x: tensor<4xi8> {net.name = "x"}) -> (tensor<4xi8> {net.name = "y"}) attributes {net.entry} { return %x : tensor<4xi8> }
}

// -----
module {
  // expected-error@+1 {{has the name of the merged entry point}}
  share.param @main : tensor<2xf32> = dense<1.0> : tensor<2xf32>
  func.func @a(%x: tensor<4xi8> {net.name = "x"}) -> (tensor<4xi8> {net.name = "y"}) attributes {net.entry} { return %x : tensor<4xi8> }
  func.func @b(%x: tensor<4xi8> {net.name = "x"}) -> (tensor<4xi8> {net.name = "y"}) attributes {net.entry} { return %x : tensor<4xi8> }
}
