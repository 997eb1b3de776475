// RUN: lig-opt %s -split-input-file -lig-cpu-outline-tasks | FileCheck %s

// What a step reads becomes an argument; views of the arena are made again.
// CHECK-LABEL: module @outlines
module @outlines {
  // CHECK: func.func @f(%[[A:[^:]+]]: memref<128xi8>, %[[V:[^:]+]]: f32)
  func.func @f(%arena: memref<128xi8>, %x: f32) {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c9 = arith.constant 9 : index
    %c64 = arith.constant 64 : index
    %y = memref.view %arena[%c64][] : memref<128xi8> to memref<16xf32>
    // CHECK-NOT: scf.parallel
    // CHECK: %[[ZERO:.+]] = arith.constant 0 : index
    // CHECK: %[[COUNT:.+]] = arith.ceildivsi
    // CHECK: call @f_task(%[[V]], %[[A]], %{{.+}}, %[[COUNT]])
    scf.parallel (%i) = (%c0) to (%c9) step (%c2) {
      memref.store %x, %y[%i] : memref<16xf32>
    }
    return
  }
  // CHECK: func.func private @f_task(%[[X:[^:]+]]: f32, %[[ARENA:[^:]+]]: memref<128xi8>, %[[BEGIN:[^:]+]]: index, %[[END:[^:]+]]: index) attributes {net.task} {
  // CHECK: %[[VIEW:.+]] = memref.view %[[ARENA]]
  // CHECK-DAG: %[[FIRST:.+]] = arith.minsi %[[BEGIN]], %[[END]]
  // CHECK-DAG: %[[LAST:.+]] = arith.maxsi %[[BEGIN]], %[[END]]
  // CHECK-DAG: %[[BACKWARDS:.+]] = arith.cmpi sgt, %[[BEGIN]], %[[END]]
  // CHECK: scf.for %[[I:.+]] = %[[FIRST]] to %[[LAST]]
  // CHECK: %[[OTHER:.+]] = arith.subi %{{.+}}, %[[I]]
  // CHECK: %[[NUMBER:.+]] = arith.select %[[BACKWARDS]], %[[OTHER]], %[[I]]
  // CHECK: %[[MOVED:.+]] = arith.muli %[[NUMBER]], %{{.+}}
  // CHECK: %[[AT:.+]] = arith.addi %{{.+}}, %[[MOVED]]
  // CHECK: memref.store %[[X]], %[[VIEW]][%[[AT]]]
}

// -----

// Room on the stack is taken once for all steps of a part.
// CHECK-LABEL: module @room_on_the_stack
module @room_on_the_stack {
  func.func @f(%x: f32) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c9 = arith.constant 9 : index
    scf.parallel (%i) = (%c0) to (%c9) step (%c1) {
      %room = memref.alloca() {alignment = 64 : i64} : memref<16xf32>
      memref.store %x, %room[%i] : memref<16xf32>
    }
    return
  }
  // CHECK: func.func private @f_task(
  // CHECK-NEXT: %[[ROOM:.+]] = memref.alloca()
  // CHECK: scf.for
  // CHECK: memref.store %{{.+}}, %[[ROOM]]
}

// -----

// CHECK-LABEL: module @leaves_sequential
module @leaves_sequential {
  // CHECK-NOT: net.task
  // CHECK: scf.parallel
  // CHECK: scf.parallel
  // CHECK: scf.parallel
  func.func @f(%y: memref<4x4xf32>, %z: memref<?xf32>, %x: f32) -> f32 {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    scf.parallel (%i, %j) = (%c0, %c0) to (%c4, %c4) step (%c1, %c1) {
      memref.store %x, %y[%i, %j] : memref<4x4xf32>
    }
    %sum = scf.parallel (%i) = (%c0) to (%c4) step (%c1) init (%x) -> f32 {
      %v = memref.load %y[%i, %i] : memref<4x4xf32>
      scf.reduce(%v : f32) {
      ^bb0(%a: f32, %b: f32):
        %s = arith.addf %a, %b : f32
        scf.reduce.return %s : f32
      }
    }
    // A buffer of unknown size cannot be passed.
    scf.parallel (%i) = (%c0) to (%c4) step (%c1) {
      memref.store %x, %z[%i] : memref<?xf32>
    }
    return %sum : f32
  }
}
