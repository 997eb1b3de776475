// A phase leaves its name, in place of the one before.
// RUN: lig-opt %s -pass-pipeline='builtin.module(lig-mark-phase{phase=net})' | FileCheck %s

// CHECK: module @marked attributes {net.phase = "net"}
module @marked attributes {net.phase = "share"} {
}
