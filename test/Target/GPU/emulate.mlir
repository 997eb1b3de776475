// RUN: lig-opt %s -split-input-file -lig-gpu-emulate -verify-diagnostics | FileCheck %s

// Special registers are read from the thread, shared memory lies behind its
// pointer: what a kernel names of static memory, dynamic at a multiple of 1024.
// CHECK-LABEL: module @reads_the_thread
// CHECK-NOT: gpu.module
// CHECK: llvm.func @k(%[[OUT:[^:]+]]: !llvm.ptr, %[[THREAD:[^:]+]]: !llvm.ptr)
// CHECK: %[[AT:.+]] = llvm.getelementptr %[[THREAD]][4]
// CHECK: llvm.load %[[AT]] invariant : !llvm.ptr -> i32
// CHECK: %[[SHARED:.+]] = llvm.getelementptr %[[THREAD]][56]
// CHECK: %[[BASE:.+]] = llvm.load %[[SHARED]] invariant
// CHECK: llvm.getelementptr %[[BASE]][0]
// CHECK: llvm.getelementptr %{{.+}}[16]
// CHECK: llvm.getelementptr %{{.+}}[1024]
// CHECK: llvm.func @k.emulated(%[[ARGS:[^:]+]]: !llvm.ptr, %[[OF:[^:]+]]: !llvm.ptr)
// CHECK: %[[SLOT:.+]] = llvm.getelementptr %[[ARGS]][0]
// CHECK: %[[PLACE:.+]] = llvm.load %[[SLOT]]
// CHECK: %[[VALUE:.+]] = llvm.load %[[PLACE]]
// CHECK: llvm.call @k(%[[VALUE]], %[[OF]])
// CHECK: @lig_emulated_kernels
module @reads_the_thread {
  gpu.module @kernels {
    llvm.mlir.global internal @unused() {addr_space = 3 : i32} : !llvm.array<9 x f32>
    llvm.mlir.global internal @a() {addr_space = 3 : i32} : !llvm.array<3 x f32>
    llvm.mlir.global internal @b() {addr_space = 3 : i32} : !llvm.array<5 x f32>
    llvm.mlir.global external @dyn() {addr_space = 3 : i32} : !llvm.array<0 x i8>
    llvm.func @k(%out: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 32>} {
      %t = nvvm.read.ptx.sreg.tid.y : i32
      %a = llvm.mlir.addressof @a : !llvm.ptr<3>
      %b = llvm.mlir.addressof @b : !llvm.ptr<3>
      %dyn = llvm.mlir.addressof @dyn : !llvm.ptr<3>
      %x = llvm.load %b : !llvm.ptr<3> -> i32
      %y = llvm.load %dyn : !llvm.ptr<3> -> i32
      %z = llvm.add %x, %y : i32
      %first = llvm.load %a : !llvm.ptr<3> -> i32
      %v = llvm.add %z, %first : i32
      %w = llvm.add %v, %t : i32
      llvm.store %w, %out : i32, !llvm.ptr<1>
      llvm.return
    }
  }
}

// -----

// Whoever may wait is given the thread, by way of every call, and yields before
// it looks at memory again; the scope of a GPU means nothing on the host.
// CHECK-LABEL: module @yields_where_threads_spin
// CHECK: llvm.func @wait(%[[FLAG:[^:]+]]: !llvm.ptr, %[[THREAD:[^:]+]]: !llvm.ptr)
// CHECK: llvm.call @lig_emu_yield(%[[THREAD]])
// CHECK-NEXT: llvm.load %[[FLAG]] atomic acquire
// CHECK: llvm.func @k(%[[F:[^:]+]]: !llvm.ptr, %[[OF:[^:]+]]: !llvm.ptr)
// CHECK: llvm.call @wait(%[[F]], %[[OF]])
// CHECK: llvm.call @expf(
module @yields_where_threads_spin {
  gpu.module @kernels {
    llvm.func @__nv_expf(f32) -> f32
    llvm.func @wait(%flag: !llvm.ptr) {
      %v = llvm.load %flag atomic syncscope("device") acquire {alignment = 4 : i64} : !llvm.ptr -> i32
      llvm.return
    }
    llvm.func @k(%flag: !llvm.ptr) attributes {nvvm.kernel} {
      llvm.call @wait(%flag) : (!llvm.ptr) -> ()
      %x = llvm.load %flag : !llvm.ptr -> f32
      %y = llvm.call @__nv_expf(%x) : (f32) -> f32
      llvm.store %y, %flag : f32, !llvm.ptr
      llvm.return
    }
  }
}

// -----

// Other functions stay as they are.
// CHECK-LABEL: module @leaves_the_host_alone
// CHECK: llvm.func @host(%{{[^:]+}}: !llvm.ptr) {
// CHECK-NEXT: llvm.return
module @leaves_the_host_alone {
  llvm.func @host(%x: !llvm.ptr) {
    llvm.return
  }
}

// -----

module {
  gpu.module @kernels {
    llvm.func @k() attributes {nvvm.kernel} {
      // expected-error @+1 {{is nothing that the emulator knows}}
      llvm.inline_asm has_side_effects "membar.gl;", "" : () -> ()
      llvm.return
    }
  }
}

// -----

module {
  gpu.module @kernels {
    llvm.func @k() attributes {nvvm.kernel} {
      // expected-error @+1 {{is nothing that the emulator knows}}
      nvvm.cluster.arrive
      llvm.return
    }
  }
}

// -----

module {
  llvm.func @k() {
    llvm.return
  }
  gpu.module @kernels {
    // expected-error @+1 {{has the name of a function of the host}}
    llvm.func @k() attributes {nvvm.kernel} {
      llvm.return
    }
  }
}
