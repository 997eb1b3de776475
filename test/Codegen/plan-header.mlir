// RUN: lig-opt %s '-lig-plan-memory=header-bytes=64' | FileCheck %s

// A counter of grid barriers lives where every run begins with zeros.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[ARENA:[^:]+]]: memref<128xi8>
// CHECK: %[[FOUR:.+]] = arith.constant 4 : index
// CHECK: memref.view %[[ARENA]][%[[FOUR]]][] : memref<128xi8> to memref<1xi32>
// CHECK: %[[REST:.+]] = arith.constant 64 : index
// CHECK: memref.view %[[ARENA]][%[[REST]]][] : memref<128xi8> to memref<16xi32>
func.func @main(%y: memref<1xi32> {net.output}, %z: memref<16xi32> {net.output}) attributes {net.entry} {
  %0 = memref.alloc() {lig.device_header = 4 : i64} : memref<1xi32>
  %1 = memref.alloc() : memref<16xi32>
  memref.copy %0, %y : memref<1xi32> to memref<1xi32>
  memref.copy %1, %z : memref<16xi32> to memref<16xi32>
  return
}
