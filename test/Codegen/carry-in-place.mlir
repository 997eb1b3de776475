// Loops carry one buffer per tensor: no allocation leaves a step.
// RUN: lig-opt %s -split-input-file -lig-carry-in-place | FileCheck %s

// CHECK-LABEL: @new_value
func.func @new_value(%n: index, %s0: tensor<4xf32>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: iter_args(%[[S:.+]] = %
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %s0) -> (tensor<4xf32>) {
    %e = tensor.empty() : tensor<4xf32>
    // CHECK: %[[NEW:.+]] = linalg.exp
    %new = linalg.exp ins(%s : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    // CHECK: %[[IN:.+]] = bufferization.materialize_in_destination %[[NEW]] in %[[S]]
    // CHECK: scf.yield %[[IN]]
    scf.yield %new : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// -----

// A state that becomes another one is copied before either is written.
// CHECK-LABEL: @swapped
func.func @swapped(%n: index, %s0: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, i32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %z = arith.constant 0 : i32
  // CHECK: iter_args(%[[A:.+]] = %{{.+}}, %[[B:.+]] = %{{.+}}, %[[K:.+]] = %
  %r:3 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %s0, %b = %s0, %k = %z) -> (tensor<4xf32>, tensor<4xf32>, i32) {
    // CHECK: %[[CB:.+]] = bufferization.alloc_tensor() copy(%[[B]])
    // CHECK: %[[CA:.+]] = bufferization.alloc_tensor() copy(%[[A]])
    // CHECK: bufferization.materialize_in_destination %[[CB]] in %[[A]]
    // CHECK: bufferization.materialize_in_destination %[[CA]] in %[[B]]
    // CHECK: scf.yield %{{.+}}, %{{.+}}, %[[K]]
    scf.yield %b, %a, %k : tensor<4xf32>, tensor<4xf32>, i32
  }
  return %r#0, %r#1, %r#2 : tensor<4xf32>, tensor<4xf32>, i32
}

// -----

// What a step passes on untouched stays untouched.
// CHECK-LABEL: @passed_on
func.func @passed_on(%n: index, %s0: tensor<4xf32>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK-NOT: materialize_in_destination
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %s0) -> (tensor<4xf32>) {
    scf.yield %s : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// -----

// An inner loop takes over what the outer one carries, if nothing else reads it.
// CHECK-LABEL: @handed_on
func.func @handed_on(%n: index, %s0: tensor<4xf32>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK-NOT: alloc_tensor
  // CHECK: scf.for {{.*}} iter_args(%[[S:.+]] = %
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %s0) -> (tensor<4xf32>) {
    // CHECK: %[[INNER:.+]] = scf.for {{.*}} iter_args(%[[T:.+]] = %[[S]])
    %q = scf.for %j = %c0 to %n step %c1 iter_args(%t = %s) -> (tensor<4xf32>) {
      %e = tensor.empty() : tensor<4xf32>
      // CHECK: %[[NEW:.+]] = linalg.exp
      %new = linalg.exp ins(%t : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
      // CHECK: bufferization.materialize_in_destination %[[NEW]] in %[[T]]
      scf.yield %new : tensor<4xf32>
    }
    // CHECK: scf.yield %[[INNER]]
    scf.yield %q : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// -----

// Where the step reads the state besides, the inner loop starts from a copy.
// CHECK-LABEL: @nested
func.func @nested(%n: index, %s0: tensor<4xf32>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for {{.*}} iter_args(%[[S:.+]] = %
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %s0) -> (tensor<4xf32>) {
    // CHECK: %[[COPY:.+]] = bufferization.alloc_tensor() copy(%[[S]])
    // CHECK: %[[INNER:.+]] = scf.for {{.*}} iter_args(%{{.+}} = %[[COPY]])
    %q = scf.for %j = %c0 to %n step %c1 iter_args(%t = %s) -> (tensor<4xf32>) {
      %e = tensor.empty() : tensor<4xf32>
      %new = linalg.exp ins(%t : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
      scf.yield %new : tensor<4xf32>
    }
    %f = tensor.empty() : tensor<4xf32>
    // CHECK: %[[SUM:.+]] = linalg.add ins(%[[INNER]], %[[S]]
    %sum = linalg.add ins(%q, %s : tensor<4xf32>, tensor<4xf32>) outs(%f : tensor<4xf32>) -> tensor<4xf32>
    // CHECK: bufferization.materialize_in_destination %[[SUM]] in %[[S]]
    scf.yield %sum : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// -----

// What the condition passes on is brought back into the order of what is
// carried; bufferization compares them place by place.
// CHECK-LABEL: @dropped_flag
func.func @dropped_flag(%s0: tensor<4xf32>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %true = arith.constant true
  // CHECK: %[[R:.+]]:2 = scf.while (%[[GO:.+]] = %true, %[[S:.+]] = %{{.+}}) : (i1, tensor<4xf32>) -> (i1, tensor<4xf32>)
  // CHECK-NEXT: scf.condition(%[[GO]]) %[[GO]], %[[S]]
  // CHECK: ^bb0(%{{.+}}: i1, %[[T:.+]]: tensor<4xf32>)
  %r = scf.while (%go = %true, %s = %s0) : (i1, tensor<4xf32>) -> tensor<4xf32> {
    scf.condition(%go) %s : tensor<4xf32>
  } do {
  ^bb0(%t: tensor<4xf32>):
    %false = arith.constant false
    // CHECK: bufferization.materialize_in_destination %{{.+}} in %[[T]]
    scf.yield %false, %x : i1, tensor<4xf32>
  }
  // CHECK: return %[[R]]#1
  return %r : tensor<4xf32>
}
