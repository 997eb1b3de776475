// After the native phase there is LLVM dialect, whose one public function has
// the type of the C interface.
// RUN: lig-opt %src_root/test/Tools/ligc/Inputs/conv.mlir -lig-cpu-pipeline | FileCheck %s
// RUN: lig-opt %src_root/test/Tools/ligc/Inputs/conv.mlir -lig-cpu-pipeline | FileCheck %s --check-prefix=FMA
// CHECK: net.phase = "native"
// CHECK-NOT: share.param
// CHECK: llvm.func internal @main(
// CHECK: llvm.func @main_run(%{{[^:]+}}: !llvm.ptr, %{{[^:]+}}: !llvm.ptr, %{{[^:]+}}: !llvm.ptr, %{{[^:]+}}: !llvm.ptr, %{{[^:]+}}: !llvm.ptr, %{{[^:]+}}: !llvm.ptr) -> i32
// FMA: llvm.intr.fmuladd
