// RUN: lig-opt %s -pass-pipeline='builtin.module(gpu.module(lig-gpu-pass-maps))' | FileCheck %s

gpu.module @kernels {
  // CHECK-LABEL: llvm.func @takes_a_map(%{{.+}}: !llvm.ptr, %{{.+}}: !llvm.ptr
  // CHECK-SAME: llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant
  llvm.func @takes_a_map(%a: !llvm.ptr, %map: !llvm.ptr) attributes {nvvm.kernel, lig.tensor_maps = array<i32: 1>} {
    llvm.return
  }
  // CHECK-LABEL: llvm.func @takes_none(%{{.+}}: !llvm.ptr) attributes
  llvm.func @takes_none(%a: !llvm.ptr) attributes {nvvm.kernel} {
    llvm.return
  }
}
