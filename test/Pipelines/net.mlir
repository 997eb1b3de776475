// After the net phase a network is linalg, and elementwise operations are one.
// RUN: lig-opt %src_root/test/Tools/ligc/Inputs/conv.mlir -lig-phase-net | FileCheck %s
// CHECK: net.phase = "net"
// CHECK-NOT: net.conv
// CHECK-NOT: arith.maximumf {{.*}}tensor
// CHECK: linalg.generic {{.*}}"reduction"
// CHECK-NOT: net.conv

// RUN: lig-opt %src_root/test/Tools/ligc/Inputs/recurrence.mlir -lig-phase-net | FileCheck %s --check-prefix=SCAN
// SCAN: net.scan
// SCAN: linalg.matvec
// SCAN: net.yield
