// RUN: lig-opt %s -lig-gpu-use-instructions | FileCheck %s

// CHECK-LABEL: gpu.module @kernels
// CHECK-NOT: __nv_sqrtf
// CHECK: llvm.func @__nv_erf(f64) -> f64
// CHECK: llvm.func @k
// CHECK: llvm.intr.sqrt(%{{.+}}) : (f32) -> f32
// CHECK: %[[ROOT:.+]] = llvm.intr.sqrt
// CHECK: llvm.fdiv %{{.+}}, %[[ROOT]] : f64
// CHECK: "llvm.intr.abs"(%{{.+}}) <{is_int_min_poison = false}> : (i32) -> i32
// CHECK: llvm.call @__nv_erf
gpu.module @kernels {
  llvm.func @__nv_sqrtf(f32) -> f32
  llvm.func @__nv_rsqrt(f64) -> f64
  llvm.func @__nv_abs(i32) -> i32
  llvm.func @__nv_erf(f64) -> f64
  llvm.func @k(%x: f32, %y: f64, %i: i32, %p: !llvm.ptr) {
    %a = llvm.call @__nv_sqrtf(%x) : (f32) -> f32
    %b = llvm.call @__nv_rsqrt(%y) : (f64) -> f64
    %c = llvm.call @__nv_abs(%i) : (i32) -> i32
    %d = llvm.call @__nv_erf(%b) : (f64) -> f64
    llvm.store %a, %p : f32, !llvm.ptr
    llvm.store %c, %p : i32, !llvm.ptr
    llvm.store %d, %p : f64, !llvm.ptr
    llvm.return
  }
}
