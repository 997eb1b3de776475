// RUN: lig-opt %s -lig-gpu-form-launches -cse | FileCheck %s

// One thread a step; the last block may be cut.
// CHECK-LABEL: func @launches_a_loop
// CHECK-DAG: %[[BLOCKS:.+]] = arith.constant 3 : index
// CHECK: gpu.launch blocks({{.*}}) in ({{.*}} = %[[BLOCKS]], {{.*}}) threads
// CHECK: %[[STEP:.+]] = arith.addi
// CHECK: %[[IS:.+]] = arith.cmpi ult, %[[STEP]]
// CHECK: scf.if %[[IS]]
// CHECK: arith.remui
// CHECK: memref.store
// CHECK-NOT: scf.parallel
func.func @launches_a_loop(%y: memref<30x20xf32>, %p: memref<0xi8>, %a: memref<64xi8>, %d: memref<2xi64>) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c20 = arith.constant 20 : index
  %c30 = arith.constant 30 : index
  %f = arith.constant 1.0 : f32
  scf.parallel (%i, %j) = (%c0, %c0) to (%c30, %c20) step (%c1, %c1) {
    memref.store %f, %y[%i, %j] : memref<30x20xf32>
  }
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// A loop of the host keeps its launches apart.
// CHECK-LABEL: func @keeps_loops_of_the_host
// CHECK: scf.for

// CHECK: gpu.launch
func.func @keeps_loops_of_the_host(%y: memref<8x4xf32>, %p: memref<0xi8>, %a: memref<64xi8>, %d: memref<2xi64>) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  %f = arith.constant 1.0 : f32
  scf.for %t = %c0 to %c8 step %c1 {
    scf.parallel (%j) = (%c0) to (%c4) step (%c1) {
      memref.store %f, %y[%t, %j] : memref<8x4xf32>
    }
  }
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// What a loaded number decides goes into one kernel of one block: the loop whose
// length it is, the dimension that it becomes, and the status.
// CHECK-LABEL: func @moves_what_depends_on_data
// CHECK-NOT: memref.load
// CHECK: gpu.launch
// CHECK: %[[N:.+]] = memref.load %{{.+}}[] : memref<index>
// CHECK: scf.for %{{.+}} = %{{.+}} to %[[N]]
// CHECK: gpu.barrier
// CHECK: scf.for
// CHECK: memref.store
// CHECK: gpu.barrier
// CHECK: scf.if
// CHECK: memref.store %{{.+}}, %{{.+}}[%{{.+}}] : memref<1xi64>
// CHECK: memref.store %{{.+}}, %{{.+}}[] : memref<i32>
// CHECK: gpu.terminator
// CHECK-NOT: memref.store
// CHECK: %[[OK:.+]] = arith.constant 0 : i32
// CHECK: return %[[OK]] : i32
func.func @moves_what_depends_on_data(%n: memref<index>, %y: memref<8xf32>, %p: memref<0xi8>, %a: memref<64xi8>, %d: memref<1xi64>) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %f = arith.constant 1.0 : f32
  %count = memref.load %n[] : memref<index>
  scf.for %t = %c0 to %count step %c1 {
    scf.parallel (%j) = (%c0) to (%c8) step (%c1) {
      memref.store %f, %y[%j] : memref<8xf32>
    }
  }
  %dim = arith.index_cast %count : index to i64
  memref.store %dim, %d[%c0] : memref<1xi64>
  %status = arith.index_cast %count : index to i32
  return %status : i32
}
