// Behind the memory phase nothing reads a parameter by its name; the report says
// what the share phase counted.
// RUN: lig-opt %s -share-print-report -o /dev/null | FileCheck %s

// CHECK: uses                  3
// CHECK: with a copy per use   96 B
// CHECK: saved by sharing      32 B
// CHECK: 32 B      2           w.panels : 8xf32, packed from w
// CHECK: 32 B      1           b : 8xf32
module attributes {net.phase = "memory", share.params_bytes = 64 : i64} {
  share.param @w.panels {share.offset = 0 : i64, share.packed_from = "w", share.uses = 2 : i64} : tensor<8xf32>
  share.param @b {share.offset = 32 : i64, share.uses = 1 : i64} : tensor<8xf32>
}
