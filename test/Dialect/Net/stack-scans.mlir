// RUN: lig-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(net-stack-scans),canonicalize)' | FileCheck %s
// RUN: lig-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(net-stack-scans{chip-bytes=200}),canonicalize)' | FileCheck %s --check-prefix=SMALL
// RUN: lig-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(net-stack-scans{chip-bytes=200 weight-bits=16}),canonicalize)' | FileCheck %s --check-prefix=HALF

// The upper layer's product with its input's weights had been taken out of its
// loop; it goes back, and reads what the lower layer has just made.
// CHECK-LABEL: module @layers
// SMALL-LABEL: module @layers
// HALF-LABEL: module @layers
module @layers {
  // CHECK: func.func @f(%[[X:.*]]: tensor<5x2x4xf32>, %[[R0:.*]]: tensor<4x4xf32>, %[[W1:.*]]: tensor<4x4xf32>, %[[R1:.*]]: tensor<4x4xf32>, %[[H:.*]]: tensor<2x4xf32>)
  // CHECK-NOT: linalg
  // CHECK: %[[BOTH:.*]]:3 = net.scan %{{.*}} init(%[[H]], %[[H]] : {{.*}}) over(%[[X]] : tensor<5x2x4xf32>) -> (tensor<5x2x4xf32>)
  // CHECK: %[[LOWER:.*]] = linalg.matmul ins(%{{.*}}, %[[R0]] :
  // CHECK: %[[IN:.*]] = linalg.matmul ins(%[[LOWER]], %[[W1]] : tensor<2x4xf32>
  // CHECK: %[[UPPER:.*]] = linalg.matmul ins(%{{.*}}, %[[R1]] : {{.*}} outs(%[[IN]]
  // CHECK: net.yield %[[LOWER]], %[[UPPER]], %[[UPPER]] :
  // CHECK-NOT: net.scan
  // CHECK: return %[[BOTH]]#0, %[[BOTH]]#2
  // Three matrices of 16 weights are 192 bytes, and of halves 96.
  // SMALL-COUNT-1: net.scan
  // HALF-COUNT-1: net.scan
  func.func @f(%x: tensor<5x2x4xf32>, %r0: tensor<4x4xf32>, %w1: tensor<4x4xf32>, %r1: tensor<4x4xf32>, %h: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<5x2x4xf32>) {
    %n = arith.constant 5 : index
    %zero = arith.constant 0.0 : f32
    %l, %ls = net.scan %n init(%h : tensor<2x4xf32>) over(%x : tensor<5x2x4xf32>) -> (tensor<5x2x4xf32>) {
    ^bb0(%i: index, %s: tensor<2x4xf32>, %in: tensor<2x4xf32>):
      %p = linalg.matmul ins(%s, %r0 : tensor<2x4xf32>, tensor<4x4xf32>) outs(%in : tensor<2x4xf32>) -> tensor<2x4xf32>
      net.yield %p, %p : tensor<2x4xf32>, tensor<2x4xf32>
    }
    %rows = tensor.collapse_shape %ls [[0, 1], [2]] : tensor<5x2x4xf32> into tensor<10x4xf32>
    %e = tensor.empty() : tensor<10x4xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<10x4xf32>) -> tensor<10x4xf32>
    %all = linalg.matmul ins(%rows, %w1 : tensor<10x4xf32>, tensor<4x4xf32>) outs(%f : tensor<10x4xf32>) -> tensor<10x4xf32>
    %steps = tensor.expand_shape %all [[0, 1], [2]] output_shape [5, 2, 4] : tensor<10x4xf32> into tensor<5x2x4xf32>
    %u, %us = net.scan %n init(%h : tensor<2x4xf32>) over(%steps : tensor<5x2x4xf32>) -> (tensor<5x2x4xf32>) {
    ^bb0(%i: index, %s: tensor<2x4xf32>, %in: tensor<2x4xf32>):
      %p = linalg.matmul ins(%s, %r1 : tensor<2x4xf32>, tensor<4x4xf32>) outs(%in : tensor<2x4xf32>) -> tensor<2x4xf32>
      net.yield %p, %p : tensor<2x4xf32>, tensor<2x4xf32>
    }
    return %l, %us : tensor<2x4xf32>, tensor<5x2x4xf32>
  }
}

// -----

// Directions are independent of each other, and each keeps its own.
// CHECK-LABEL: module @directions
// SMALL-LABEL: module @directions
// HALF-LABEL: module @directions
module @directions {
  // CHECK-COUNT-1: net.scan {{.*}} attributes {reverse_inputs = array<i1: false, true>, reverse_outputs = array<i1: false, true>}
  // CHECK-NOT: net.scan
  // Two matrices of 64 weights.
  // SMALL-COUNT-2: net.scan
  // HALF-COUNT-2: net.scan
  func.func @f(%x: tensor<5x2x8xf32>, %a: tensor<8x8xf32>, %b: tensor<8x8xf32>, %h: tensor<2x8xf32>) -> (tensor<5x2x8xf32>, tensor<5x2x8xf32>) {
    %n = arith.constant 5 : index
    %l, %ls = net.scan %n init(%h : tensor<2x8xf32>) over(%x : tensor<5x2x8xf32>) -> (tensor<5x2x8xf32>) {
    ^bb0(%i: index, %s: tensor<2x8xf32>, %in: tensor<2x8xf32>):
      %p = linalg.matmul ins(%s, %a : tensor<2x8xf32>, tensor<8x8xf32>) outs(%in : tensor<2x8xf32>) -> tensor<2x8xf32>
      net.yield %p, %p : tensor<2x8xf32>, tensor<2x8xf32>
    }
    %u, %us = net.scan %n init(%h : tensor<2x8xf32>) over(%x : tensor<5x2x8xf32>) attributes {reverse_inputs = array<i1: true>, reverse_outputs = array<i1: true>} -> (tensor<5x2x8xf32>) {
    ^bb0(%i: index, %s: tensor<2x8xf32>, %in: tensor<2x8xf32>):
      %p = linalg.matmul ins(%s, %b : tensor<2x8xf32>, tensor<8x8xf32>) outs(%in : tensor<2x8xf32>) -> tensor<2x8xf32>
      net.yield %p, %p : tensor<2x8xf32>, tensor<2x8xf32>
    }
    return %ls, %us : tensor<5x2x8xf32>, tensor<5x2x8xf32>
  }
}

// -----

// What reads the steps the other way round has to wait for the last of them, and
// so has what begins with the last state.
// CHECK-LABEL: module @waits
module @waits {
  // CHECK-COUNT-3: net.scan
  func.func @f(%x: tensor<5x2x4xf32>, %a: tensor<4x4xf32>, %h: tensor<2x4xf32>) -> (tensor<5x2x4xf32>, tensor<5x2x4xf32>) {
    %n = arith.constant 5 : index
    %l, %ls = net.scan %n init(%h : tensor<2x4xf32>) over(%x : tensor<5x2x4xf32>) -> (tensor<5x2x4xf32>) {
    ^bb0(%i: index, %s: tensor<2x4xf32>, %in: tensor<2x4xf32>):
      %p = linalg.matmul ins(%s, %a : tensor<2x4xf32>, tensor<4x4xf32>) outs(%in : tensor<2x4xf32>) -> tensor<2x4xf32>
      net.yield %p, %p : tensor<2x4xf32>, tensor<2x4xf32>
    }
    %u, %us = net.scan %n init(%h : tensor<2x4xf32>) over(%ls : tensor<5x2x4xf32>) attributes {reverse_inputs = array<i1: true>} -> (tensor<5x2x4xf32>) {
    ^bb0(%i: index, %s: tensor<2x4xf32>, %in: tensor<2x4xf32>):
      %p = linalg.matmul ins(%s, %a : tensor<2x4xf32>, tensor<4x4xf32>) outs(%in : tensor<2x4xf32>) -> tensor<2x4xf32>
      net.yield %p, %p : tensor<2x4xf32>, tensor<2x4xf32>
    }
    %v, %vs = net.scan %n init(%u : tensor<2x4xf32>) over(%x : tensor<5x2x4xf32>) -> (tensor<5x2x4xf32>) {
    ^bb0(%i: index, %s: tensor<2x4xf32>, %in: tensor<2x4xf32>):
      %p = linalg.matmul ins(%s, %a : tensor<2x4xf32>, tensor<4x4xf32>) outs(%in : tensor<2x4xf32>) -> tensor<2x4xf32>
      net.yield %p, %p : tensor<2x4xf32>, tensor<2x4xf32>
    }
    return %us, %vs : tensor<5x2x4xf32>, tensor<5x2x4xf32>
  }
}

// -----

// Other numbers of steps, many rows, and steps that may be the last one.
// CHECK-LABEL: module @stay
module @stay {
  // CHECK-COUNT-4: net.scan
  func.func @f(%x: tensor<5x2x4xf32>, %y: tensor<6x2x4xf32>, %z: tensor<5x20x4xf32>, %a: tensor<4x4xf32>, %h: tensor<2x4xf32>, %g: tensor<20x4xf32>, %on: i1) -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<20x4xf32>, tensor<2x4xf32>) {
    %five = arith.constant 5 : index
    %six = arith.constant 6 : index
    %l = net.scan %five init(%h : tensor<2x4xf32>) over(%x : tensor<5x2x4xf32>) {
    ^bb0(%i: index, %s: tensor<2x4xf32>, %in: tensor<2x4xf32>):
      %p = linalg.matmul ins(%s, %a : tensor<2x4xf32>, tensor<4x4xf32>) outs(%in : tensor<2x4xf32>) -> tensor<2x4xf32>
      net.yield %p : tensor<2x4xf32>
    }
    %m = net.scan %six init(%h : tensor<2x4xf32>) over(%y : tensor<6x2x4xf32>) {
    ^bb0(%i: index, %s: tensor<2x4xf32>, %in: tensor<2x4xf32>):
      %p = linalg.matmul ins(%s, %a : tensor<2x4xf32>, tensor<4x4xf32>) outs(%in : tensor<2x4xf32>) -> tensor<2x4xf32>
      net.yield %p : tensor<2x4xf32>
    }
    %o = net.scan %five init(%g : tensor<20x4xf32>) over(%z : tensor<5x20x4xf32>) {
    ^bb0(%i: index, %s: tensor<20x4xf32>, %in: tensor<20x4xf32>):
      %p = linalg.matmul ins(%s, %a : tensor<20x4xf32>, tensor<4x4xf32>) outs(%in : tensor<20x4xf32>) -> tensor<20x4xf32>
      net.yield %p : tensor<20x4xf32>
    }
    %q, %count = net.scan %five init(%h : tensor<2x4xf32>) over(%x : tensor<5x2x4xf32>) conditional {
    ^bb0(%i: index, %s: tensor<2x4xf32>, %in: tensor<2x4xf32>):
      %p = linalg.matmul ins(%s, %a : tensor<2x4xf32>, tensor<4x4xf32>) outs(%in : tensor<2x4xf32>) -> tensor<2x4xf32>
      net.yield %p, %on : tensor<2x4xf32>, i1
    }
    return %l, %m, %o, %q : tensor<2x4xf32>, tensor<2x4xf32>, tensor<20x4xf32>, tensor<2x4xf32>
  }
}
