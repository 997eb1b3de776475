// RUN: lig-opt %s -pass-pipeline='builtin.module(gpu.module(lig-gpu-align-shared))' | FileCheck %s

// CHECK: @narrow() {addr_space = 3 : i32, alignment = 16 : i64}
// CHECK: @wide() {addr_space = 3 : i32, alignment = 1024 : i64}
// CHECK: llvm.mlir.global external @dynamic() {addr_space = 3 : i32, alignment = 16 : i64}
// CHECK: @constant() {addr_space = 4 : i32}
gpu.module @kernels {
  llvm.mlir.global internal @narrow() {addr_space = 3 : i32} : !llvm.array<3 x f32>
  llvm.mlir.global internal @wide() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<3 x f32>
  llvm.mlir.global internal @dynamic() {addr_space = 3 : i32} : !llvm.array<0 x i8>
  llvm.mlir.global internal @constant() {addr_space = 4 : i32} : !llvm.array<3 x f32>
}
