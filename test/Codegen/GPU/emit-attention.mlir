// RUN: lig-opt %s -split-input-file -verify-diagnostics -lig-gpu-emit-strategies -canonicalize | FileCheck %s --check-prefixes=CHECK,F32
// RUN: lig-opt %s -split-input-file -verify-diagnostics -lig-gpu-emit-strategies='compute=bf16' -canonicalize | FileCheck %s --check-prefixes=CHECK,BF16

// No score is in global memory: a block of queries goes through all keys.
// CHECK-LABEL: func.func @attends
// CHECK: gpu.launch
// F32-SAME: workgroup(%{{[^ ]+}} : memref<16x68xf32, #gpu.address_space<workgroup>>, %{{[^ ]+}} : memref<32x68xf32
// BF16-SAME: workgroup(%{{[^ ]+}} : memref<16x72xbf16, #gpu.address_space<workgroup>>, %{{[^ ]+}} : memref<32x72xbf16
// CHECK: scf.for
// CHECK: gpu.barrier
// CHECK: gpu.barrier
// F32: math.fma
// BF16: nvvm.mma.sync
// CHECK: arith.mulf %{{.*}}, %cst
// CHECK: gpu.shuffle xor
// CHECK: math.exp
// F32: gpu.barrier
// BF16-NOT: gpu.barrier
// BF16: nvvm.mma.sync
// CHECK: arith.divf
// CHECK: memref.store
// CHECK: return
func.func @attends(%q: memref<4x48x64xf32>, %k: memref<4x96x64xf32>, %v: memref<4x96x64xf32>, %o: memref<4x48x64xf32>) {
  %scale = arith.constant 0.125 : f32
  net.attention %q, %k, %v into %o
      maps [affine_map<(b, m, n, d, e) -> (b, m, d)>, affine_map<(b, m, n, d, e) -> (b, n, d)>,
            affine_map<(b, m, n, d, e) -> (b, n, e)>, affine_map<(b, m, n, d, e) -> (b, m, e)>] {
  ^bb0(%score: f32, %m: index, %n: index):
    %x = arith.mulf %score, %scale : f32
    net.yield %x : f32
  } : memref<4x48x64xf32>, memref<4x96x64xf32>, memref<4x96x64xf32> into memref<4x48x64xf32>
  return
}

// -----

func.func @refuses_what_does_not_fit(%q: memref<48x512xf32>, %k: memref<96x512xf32>, %v: memref<96x512xf32>, %o: memref<48x512xf32>) {
  // expected-error @below {{has too many columns for shared memory}}
  net.attention %q, %k, %v into %o
      maps [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
            affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>] {
  ^bb0(%score: f32, %m: index, %n: index):
    net.yield %score : f32
  } : memref<48x512xf32>, memref<96x512xf32>, memref<96x512xf32> into memref<48x512xf32>
  return
}
