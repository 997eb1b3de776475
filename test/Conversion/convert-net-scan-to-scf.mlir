// A scan is a loop that carries its states and its stacked results.
// RUN: lig-opt %s -split-input-file -convert-net-scan-to-scf | FileCheck %s

// Every slice is written, so the room needs no zeros.
// CHECK-LABEL: @full
// CHECK-SAME: %[[H0:[^:]+]]: tensor<4xf32>, %[[XS:[^:]+]]: tensor<9x4xf32>
func.func @full(%h0: tensor<4xf32>, %xs: tensor<9x4xf32>) -> (tensor<4xf32>, tensor<9x4xf32>) {
  %n = arith.constant 9 : index
  // CHECK: %[[ROOM:.+]] = tensor.empty() : tensor<9x4xf32>
  // CHECK-NOT: linalg.fill
  // CHECK: scf.for %[[I:.+]] = {{.*}} iter_args(%[[H:.+]] = %[[H0]], %[[YS:.+]] = %[[ROOM]])
  // CHECK: %[[X:.+]] = tensor.extract_slice %[[XS]][%[[I]], 0] [1, 4] [1, 1] : tensor<9x4xf32> to tensor<4xf32>
  // CHECK: %[[S:.+]] = linalg.add ins(%[[H]], %[[X]]
  // CHECK: %[[Y:.+]] = tensor.insert_slice %[[S]] into %[[YS]][%[[I]], 0] [1, 4] [1, 1]
  // CHECK: scf.yield %[[S]], %[[Y]]
  %h, %ys = net.scan %n init(%h0 : tensor<4xf32>) over(%xs : tensor<9x4xf32>) -> (tensor<9x4xf32>) {
  ^bb0(%i: index, %hp: tensor<4xf32>, %x: tensor<4xf32>):
    %e = tensor.empty() : tensor<4xf32>
    %s = linalg.add ins(%hp, %x : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    net.yield %s, %s : tensor<4xf32>, tensor<4xf32>
  }
  return %h, %ys : tensor<4xf32>, tensor<9x4xf32>
}

// -----

// A run-time count leaves room that must be zero; reversed counts from the end.
// CHECK-LABEL: @reversed
// CHECK-SAME: %[[N:[^:]+]]: index
func.func @reversed(%n: index, %xs: tensor<9x4xf32>) -> tensor<9x4xf32> {
  // CHECK: linalg.fill
  // CHECK: scf.for %[[I:[^ ]+]] =
  // CHECK: %[[C9:.+]] = arith.constant 9 : index
  // CHECK: %[[LAST:.+]] = arith.subi %[[C9]], %
  // CHECK: %[[AT:.+]] = arith.subi %[[LAST]], %[[I]]
  // CHECK: tensor.extract_slice %{{.+}}[%[[AT]], 0]
  // CHECK: arith.subi %[[N]], %
  // CHECK: tensor.insert_slice
  %ys = net.scan %n over(%xs : tensor<9x4xf32>)
      attributes {reverse_inputs = array<i1: true>, reverse_outputs = array<i1: true>} -> (tensor<9x4xf32>) {
  ^bb0(%i: index, %x: tensor<4xf32>):
    net.yield %x : tensor<4xf32>
  }
  return %ys : tensor<9x4xf32>
}

// -----

// CHECK-LABEL: @conditional
func.func @conditional(%n: index, %s0: i32) -> (i32, index) {
  // CHECK: %[[R:.+]]:3 = scf.while (%[[I:.+]] = %{{.+}}, %[[GO:.+]] = %true
  // CHECK: arith.cmpi slt, %[[I]]
  // CHECK: arith.andi %{{.+}}, %[[GO]]
  // CHECK: return %[[R]]#2, %[[R]]#0
  %r, %steps = net.scan %n init(%s0 : i32) conditional {
  ^bb0(%i: index, %s: i32):
    %c7 = arith.constant 7 : i32
    %next = arith.addi %s, %s : i32
    %go = arith.cmpi slt, %next, %c7 : i32
    net.yield %next, %go : i32, i1
  }
  return %r, %steps : i32, index
}

// -----

// Nothing carried: the loop runs for no one, but stays well formed.
// CHECK-LABEL: @empty
func.func @empty(%n: index) {
  // CHECK: scf.for
  net.scan %n {
  ^bb0(%i: index):
    net.yield
  }
  return
}
