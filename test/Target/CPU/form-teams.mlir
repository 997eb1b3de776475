// RUN: lig-opt %s -split-input-file -lig-cpu-form-teams | FileCheck %s
// RUN: lig-opt %s -split-input-file -lig-cpu-form-teams=min-steps=4 | FileCheck %s --check-prefix=FEW

// All threads run the loop; what one of them does is a task of one part.
// CHECK-LABEL: module @forms_a_team
module @forms_a_team {
  // CHECK: func.func @f(%[[X:[^:]+]]: memref<8xf32>, %[[Y:[^:]+]]: memref<8xf32>)
  // CHECK-NOT: scf.for
  // CHECK: call @f_team(%[[X]], %[[Y]])
  func.func @f(%x: memref<8xf32>, %y: memref<8xf32>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c100 = arith.constant 100 : index
    scf.for %t = %c0 to %c100 step %c1 {
      func.call @kernel(%x, %y) : (memref<8xf32>, memref<8xf32>) -> ()
      func.call @copy(%y, %x) : (memref<8xf32>, memref<8xf32>) -> ()
    }
    return
  }
  // The rest of a kernel, too.
  // CHECK: func.func private @kernel(%[[A:[^:]+]]: memref<8xf32>, %[[B:[^:]+]]: memref<8xf32>)
  // CHECK: scf.parallel
  // CHECK: memref.load
  // CHECK: memref.store
  // CHECK: scf.parallel
  // CHECK: memref.load
  // CHECK: memref.store
  // CHECK: return
  func.func private @kernel(%x: memref<8xf32>, %y: memref<8xf32>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c7 = arith.constant 7 : index
    scf.parallel (%i) = (%c0) to (%c7) step (%c1) {
      %v = memref.load %x[%i] : memref<8xf32>
      memref.store %v, %y[%i] : memref<8xf32>
    }
    %v = memref.load %x[%c7] : memref<8xf32>
    memref.store %v, %y[%c7] : memref<8xf32>
    return
  }
  func.func private @copy(%x: memref<8xf32>, %y: memref<8xf32>) {
    memref.copy %x, %y : memref<8xf32> to memref<8xf32>
    return
  }
  // CHECK: func.func private @f_team(%[[P:[^:]+]]: memref<8xf32>, %[[Q:[^:]+]]: memref<8xf32>) attributes {net.team}
  // CHECK: scf.for
  // CHECK-NEXT: call @kernel(%[[P]], %[[Q]])
  // CHECK-NEXT: %[[ZERO:.+]] = arith.constant 0
  // CHECK-NEXT: %[[ONE:.+]] = arith.constant 1
  // CHECK-NEXT: scf.parallel (%{{.+}}) = (%[[ZERO]]) to (%[[ONE]]) step (%[[ONE]])
  // CHECK-NEXT: call @copy(%[[Q]], %[[P]])
}

// -----

// Branches are walked together; views between are everyone's.
// CHECK-LABEL: module @walks_branches
module @walks_branches {
  func.func @f(%x: memref<8xf32>, %y: memref<2x8xf32>, %go: i1, %v: f32) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %c100 = arith.constant 100 : index
    // CHECK: func.func private @f_team
    // CHECK: scf.for
    // CHECK-NEXT: scf.if
    // CHECK-NEXT: scf.parallel
    // CHECK: %[[VIEW:.+]] = memref.collapse_shape
    // CHECK: scf.parallel
    // CHECK-NEXT: memref.store
    // CHECK-NEXT: memref.store
    // CHECK: scf.parallel
    // CHECK-NEXT: memref.store %{{.+}}, %[[VIEW]]
    scf.for %t = %c0 to %c100 step %c1 {
      scf.if %go {
        scf.parallel (%i) = (%c0) to (%c8) step (%c1) {
          memref.store %v, %x[%i] : memref<8xf32>
        }
      }
      memref.store %v, %x[%c0] : memref<8xf32>
      %view = memref.collapse_shape %y [[0, 1]] : memref<2x8xf32> into memref<16xf32>
      memref.store %v, %x[%c1] : memref<8xf32>
      scf.parallel (%i) = (%c0) to (%c8) step (%c1) {
        memref.store %v, %view[%i] : memref<16xf32>
      }
    }
    return
  }
}

// -----

// CHECK-LABEL: module @leaves_few_steps
// CHECK-NOT: net.team
// FEW-LABEL: module @leaves_few_steps
// FEW: net.team
module @leaves_few_steps {
  func.func @f(%x: memref<8xf32>, %v: f32) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    scf.for %t = %c0 to %c8 step %c1 {
      scf.parallel (%i) = (%c0) to (%c8) step (%c1) {
        memref.store %v, %x[%i] : memref<8xf32>
      }
    }
    return
  }
}

// -----

// No work to share; a sum that all steps need; what is read decides for all.
// CHECK-LABEL: module @leaves_others
// CHECK-NOT: net.team
module @leaves_others {
  func.func @alone(%x: memref<100xf32>, %v: f32) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c100 = arith.constant 100 : index
    scf.for %t = %c0 to %c100 step %c1 {
      memref.store %v, %x[%t] : memref<100xf32>
    }
    return
  }
  func.func @result(%x: memref<8xf32>, %v: f32) -> f32 {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %c100 = arith.constant 100 : index
    %sum = scf.for %t = %c0 to %c100 step %c1 iter_args(%a = %v) -> f32 {
      scf.parallel (%i) = (%c0) to (%c8) step (%c1) {
        memref.store %a, %x[%i] : memref<8xf32>
      }
      %b = arith.addf %a, %v : f32
      scf.yield %b : f32
    }
    return %sum : f32
  }
  func.func @decides(%x: memref<8xf32>, %flag: memref<i1>, %v: f32) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %c100 = arith.constant 100 : index
    scf.for %t = %c0 to %c100 step %c1 {
      %go = memref.load %flag[] : memref<i1>
      scf.if %go {
        scf.parallel (%i) = (%c0) to (%c8) step (%c1) {
          memref.store %v, %x[%i] : memref<8xf32>
        }
      }
    }
    return
  }
}
