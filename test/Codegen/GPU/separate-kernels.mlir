// RUN: lig-opt %s -split-input-file -lig-gpu-separate-kernels -verify-diagnostics | FileCheck %s

// What a kernel needs of data it reads itself, the offset of a view included.
// CHECK-LABEL: func.func @reads_again
// CHECK-NOT: memref.load
// CHECK: scf.parallel
// CHECK: %[[N:.+]] = memref.load %{{.+}}[] : memref<index>
// CHECK: %[[ROW:.+]] = memref.subview %{{.+}}[%[[N]], 0]
// CHECK: memref.load %[[ROW]]
// CHECK: return
func.func @reads_again(%n: memref<index>, %x: memref<8x4xf32>, %y: memref<4xf32>) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %ok = arith.constant 0 : i32
  %at = memref.load %n[] : memref<index>
  %row = memref.subview %x[%at, 0] [1, 4] [1, 1] : memref<8x4xf32> to memref<4xf32, strided<[1], offset: ?>>
  scf.parallel (%i) = (%c0) to (%c4) step (%c1) {
    %v = memref.load %row[%i] : memref<4xf32, strided<[1], offset: ?>>
    memref.store %v, %y[%i] : memref<4xf32>
  }
  return %ok : i32
}

// -----

// A number that is written over in between goes through memory.
// CHECK-LABEL: func.func @keeps_what_is_overwritten
// CHECK-SAME: (%[[N:.+]]: memref<f32>
// CHECK: %[[PLACE:.+]] = memref.alloc() : memref<f32>
// CHECK: %[[WAS:.+]] = memref.load %[[N]][]
// CHECK: memref.store %[[WAS]], %[[PLACE]][]
// CHECK: scf.parallel
// CHECK: %[[IS:.+]] = memref.load %[[PLACE]][]
// CHECK: memref.store %[[IS]]
func.func @keeps_what_is_overwritten(%n: memref<f32>, %y: memref<4xf32>) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %ok = arith.constant 0 : i32
  %f = arith.constant 0.0 : f32
  %was = memref.load %n[] : memref<f32>
  memref.store %f, %n[] : memref<f32>
  scf.parallel (%i) = (%c0) to (%c4) step (%c1) {
    memref.store %was, %y[%i] : memref<4xf32>
  }
  return %ok : i32
}

// -----

// A status that was found before other kernels is returned behind them, and
// does not pull them into one.
// CHECK-LABEL: func.func @returns_an_early_status
// CHECK-NOT: memref.load
// CHECK: scf.parallel
// CHECK: scf.reduce
// CHECK: memref.load
// CHECK: %[[OK:.+]] = arith.cmpi
// CHECK: %[[STATUS:.+]] = arith.extui %[[OK]]
// CHECK: return %[[STATUS]]
func.func @returns_an_early_status(%n: memref<i32>, %y: memref<4xf32>) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %limit = arith.constant 7 : i32
  %f = arith.constant 0.0 : f32
  %count = memref.load %n[] : memref<i32>
  %isBad = arith.cmpi sgt, %count, %limit : i32
  scf.parallel (%i) = (%c0) to (%c4) step (%c1) {
    memref.store %f, %y[%i] : memref<4xf32>
  }
  %status = arith.extui %isBad : i1 to i32
  return %status : i32
}

// -----

// A loop of the host carries nothing from memory.
// CHECK-LABEL: func.func @keeps_carried_values
// CHECK: %[[PLACE:.+]] = memref.alloc() : memref<i1>
// CHECK: memref.store %false, %[[PLACE]][]
// CHECK: scf.for {{.*}} = %c0 to %c4 step %c1 {
// CHECK: scf.parallel
// CHECK: %[[WAS:.+]] = memref.load %[[PLACE]][]
// CHECK: %[[NOW:.+]] = arith.ori %[[WAS]]
// CHECK: memref.store %[[NOW]], %[[PLACE]][]
// CHECK: }
// CHECK: %[[LAST:.+]] = memref.load %[[PLACE]][]
// CHECK: arith.extui %[[LAST]]
func.func @keeps_carried_values(%x: memref<4xf32>, %y: memref<4xf32>) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %false = arith.constant false
  %f = arith.constant 0.0 : f32
  %any = scf.for %t = %c0 to %c4 step %c1 iter_args(%was = %false) -> (i1) {
    scf.parallel (%i) = (%c0) to (%c4) step (%c1) {
      memref.store %f, %y[%i] : memref<4xf32>
    }
    %v = memref.load %x[%t] : memref<4xf32>
    %is = arith.cmpf ogt, %v, %f : f32
    %now = arith.ori %was, %is : i1
    scf.yield %now : i1
  }
  %status = arith.extui %any : i1 to i32
  return %status : i32
}

// -----

// Control flow that depends on data stays as it is, and so does a loop in which
// there is nothing to launch.
// CHECK-LABEL: func.func @leaves_what_runs_on_the_device
// CHECK: %[[SUM:.+]] = scf.for {{.*}} iter_args
// CHECK: scf.while
// CHECK: scf.yield
func.func @leaves_what_runs_on_the_device(%x: memref<4xi32>) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %sum = scf.for %t = %c0 to %c4 step %c1 iter_args(%was = %zero) -> (i32) {
    %v = memref.load %x[%t] : memref<4xi32>
    %now = arith.addi %was, %v : i32
    scf.yield %now : i32
  }
  %end = scf.while (%n = %sum) : (i32) -> i32 {
    %more = arith.cmpi sgt, %n, %zero : i32
    scf.condition(%more) %n : i32
  } do {
  ^bb0(%n: i32):
    %less = arith.subi %n, %one : i32
    scf.yield %less : i32
  }
  return %end : i32
}

// -----

// Of two buffers that data choose from, the one is copied.
// CHECK-LABEL: func.func @copies_what_data_choose
// CHECK: %[[OWN:.+]] = memref.alloc() : memref<4xf32>
// CHECK: scf.parallel
// CHECK: scf.if
// CHECK: memref.store %{{.+}}, %[[OWN]]
// CHECK: scf.parallel
// CHECK: arith.xori
// CHECK: scf.if
// CHECK: memref.store %{{.+}}, %[[OWN]]
// CHECK: scf.parallel
// CHECK: memref.load %[[OWN]]
func.func @copies_what_data_choose(%n: memref<i1>, %x: memref<4xf32>, %w: memref<4xf32>, %y: memref<4xf32>) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0 : i32
  %is = memref.load %n[] : memref<i1>
  %chosen = scf.if %is -> (memref<4xf32>) {
    scf.yield %x : memref<4xf32>
  } else {
    scf.yield %w : memref<4xf32>
  }
  scf.parallel (%i) = (%c0) to (%c4) step (%c1) {
    %e = memref.load %chosen[%i] : memref<4xf32>
    memref.store %e, %y[%i] : memref<4xf32>
  }
  return %zero : i32
}

// -----

// The kernels of a branch ask whether it is taken, a loop's in each step; what is
// between them stays a branch. Numbers that it yields go through memory.
// CHECK-LABEL: func.func @asks_in_each_kernel
// CHECK-SAME: %[[N:[^:]+]]: memref<i1>
// CHECK: %[[PLACE:.+]] = memref.alloc() : memref<f32>
// CHECK: scf.for
// CHECK: scf.parallel
// CHECK: %[[IS:.+]] = memref.load %[[N]]
// CHECK: scf.if %[[IS]]
// CHECK-NEXT: memref.load
// CHECK-NEXT: memref.store
// CHECK: gpu.launch
// CHECK: memref.load %[[N]]
// CHECK: scf.if
// CHECK: gpu.barrier
// CHECK: gpu.terminator
// CHECK: scf.if
// CHECK-NOT: else
// CHECK: memref.store %{{.+}}, %[[PLACE]]
// CHECK: arith.xori
// CHECK: scf.if
// CHECK: memref.store %{{.+}}, %[[PLACE]]
// CHECK: scf.parallel
// CHECK: memref.load %[[PLACE]]
func.func @asks_in_each_kernel(%n: memref<i1>, %x: memref<4xf32>, %y: memref<4xf32>, %at: memref<index>) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0 : i32
  %f = arith.constant 0.0 : f32
  %is = memref.load %n[] : memref<i1>
  %number = scf.if %is -> (f32) {
    scf.for %t = %c0 to %c4 step %c1 {
      scf.parallel (%i) = (%c0) to (%c4) step (%c1) {
        %e = memref.load %x[%i] : memref<4xf32>
        memref.store %e, %y[%i] : memref<4xf32>
      }
    }
    gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1)
               threads(%tx, %ty, %tz) in (%sx = %c4, %sy = %c1, %sz = %c1) {
      gpu.barrier
      memref.store %f, %y[%tx] : memref<4xf32>
      gpu.terminator
    }
    %where = memref.load %at[] : memref<index>
    %e = memref.load %y[%where] : memref<4xf32>
    scf.yield %e : f32
  } else {
    scf.yield %f : f32
  }
  scf.parallel (%i) = (%c0) to (%c4) step (%c1) {
    memref.store %number, %x[%i] : memref<4xf32>
  }
  return %zero : i32
}

// -----

// What a kernel needs of an element that may not exist keeps the branch whole.
// CHECK-LABEL: func.func @keeps_branches_whole
// CHECK: scf.if
// CHECK: memref.load
// CHECK: memref.load
// CHECK: scf.parallel
func.func @keeps_branches_whole(%n: memref<i1>, %x: memref<4xf32>, %y: memref<4xf32>, %at: memref<index>) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0 : i32
  %is = memref.load %n[] : memref<i1>
  scf.if %is {
    %where = memref.load %at[] : memref<index>
    %e = memref.load %y[%where] : memref<4xf32>
    scf.parallel (%i) = (%c0) to (%c4) step (%c1) {
      memref.store %e, %x[%i] : memref<4xf32>
    }
  }
  return %zero : i32
}

// -----

// No kernel can compute which of two buffers data chose to be written.
func.func @refuses_a_chosen_view(%n: memref<i32>, %x: memref<4xf32>, %w: memref<4xf32>, %y: memref<4xf32>) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0 : i32
  %f = arith.constant 0.0 : f32
  %v = memref.load %n[] : memref<i32>
  %is = arith.cmpi sgt, %v, %zero : i32
  // expected-error @+1 {{a 'memref<4xf32>' that depends on data is used by several kernels}}
  %chosen = scf.if %is -> (memref<4xf32>) {
    memref.store %f, %x[%c0] : memref<4xf32>
    scf.yield %x : memref<4xf32>
  } else {
    scf.yield %w : memref<4xf32>
  }
  scf.parallel (%i) = (%c0) to (%c4) step (%c1) {
    %e = memref.load %y[%i] : memref<4xf32>
    memref.store %e, %chosen[%i] : memref<4xf32>
  }
  return %zero : i32
}
