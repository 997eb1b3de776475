// RUN: lig-opt %s -lig-gpu-spread-loops | FileCheck %s

// Each step of a gather writes a row of its own: one parallel loop does all.
// CHECK-LABEL: func.func @spreads_a_gather
// CHECK-NOT: scf.for
// CHECK: scf.parallel (%[[I:.+]], %[[J:.+]]) = (%c0, %c0) to (%c8, %c4)
// CHECK: %[[AT:.+]] = memref.load %{{.+}}[%[[I]]] : memref<8xindex>
// CHECK: memref.subview %{{.+}}[%[[AT]], 0]
// CHECK: %[[V:.+]] = memref.load %{{.+}}[%[[J]]]
// CHECK: memref.store %[[V]]
func.func @spreads_a_gather(%n: memref<8xindex>, %x: memref<9x4xf32>, %y: memref<8x4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  scf.for %i = %c0 to %c8 step %c1 {
    %at = memref.load %n[%i] : memref<8xindex>
    %from = memref.subview %x[%at, 0] [1, 4] [1, 1] : memref<9x4xf32> to memref<4xf32, strided<[1], offset: ?>>
    %to = memref.subview %y[%i, 0] [1, 4] [1, 1] : memref<8x4xf32> to memref<4xf32, strided<[1], offset: ?>>
    scf.parallel (%j) = (%c0) to (%c4) step (%c1) {
      %v = memref.load %from[%j] : memref<4xf32, strided<[1], offset: ?>>
      memref.store %v, %to[%j] : memref<4xf32, strided<[1], offset: ?>>
    }
  }
  return
}

// A step that only stores needs no parallel loop in it; two nested loops become
// one.
// CHECK-LABEL: func.func @spreads_stores
// CHECK-NOT: scf.for
// CHECK: scf.parallel ({{.+}}, {{.+}}) =
func.func @spreads_stores(%y: memref<8x4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  %f = arith.constant 1.0 : f32
  scf.for %i = %c0 to %c8 step %c1 {
    scf.for %j = %c0 to %c4 step %c1 {
      memref.store %f, %y[%i, %j] : memref<8x4xf32>
    }
  }
  return
}

// What another step wrote is read: the order matters.
// CHECK-LABEL: func.func @keeps_recurrences
// CHECK: scf.for
// CHECK: scf.parallel
func.func @keeps_recurrences(%y: memref<8x4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c7 = arith.constant 7 : index
  scf.for %i = %c0 to %c7 step %c1 {
    %next = arith.addi %i, %c1 : index
    scf.parallel (%j) = (%c0) to (%c4) step (%c1) {
      %v = memref.load %y[%next, %j] : memref<8x4xf32>
      memref.store %v, %y[%i, %j] : memref<8x4xf32>
    }
  }
  return
}

// Slices of two steps overlap; so do places that data choose.
// CHECK-LABEL: func.func @keeps_overlapping_writes
// CHECK: scf.for
// CHECK: scf.for
func.func @keeps_overlapping_writes(%n: memref<8xindex>, %y: memref<9xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %f = arith.constant 1.0 : f32
  scf.for %i = %c0 to %c8 step %c1 {
    %to = memref.subview %y[%i] [2] [1] : memref<9xf32> to memref<2xf32, strided<[1], offset: ?>>
    memref.store %f, %to[%c1] : memref<2xf32, strided<[1], offset: ?>>
  }
  scf.for %i = %c0 to %c8 step %c1 {
    %at = memref.load %n[%i] : memref<8xindex>
    memref.store %f, %y[%at] : memref<9xf32>
  }
  return
}
