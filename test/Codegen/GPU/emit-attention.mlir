// RUN: lig-opt %s -split-input-file -verify-diagnostics -lig-gpu-emit-strategies -canonicalize | FileCheck %s --check-prefixes=CHECK,F32
// RUN: lig-opt %s -split-input-file -verify-diagnostics -lig-gpu-emit-strategies='compute=bf16' -canonicalize | FileCheck %s --check-prefixes=CHECK,BF16
// RUN: lig-opt %s -split-input-file -verify-diagnostics -lig-gpu-emit-strategies='compute=tf32' -canonicalize | FileCheck %s --check-prefixes=TF32

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

// Long lines have more memory than a launch has without asking, and warps share
// their columns: a block of 16 queries has three. Of f32 a thread has them in turn.
// CHECK-LABEL: func.func @attends_to_long_lines
// F32: gpu.launch {{.*}} threads(%{{[^)]*}}) in (%{{[^ ]+}} = %c128{{.*}} dynamic_shared_memory_size %c50944_i32
// F32: memref.view {{.*}} to memref<16x260xf32, #gpu.address_space<workgroup>>
// BF16: gpu.launch {{.*}} threads(%{{[^)]*}}) in (%{{[^ ]+}} = %c96
// BF16-SAME: workgroup(%{{[^ ]+}} : memref<16x264xbf16, #gpu.address_space<workgroup>>, %{{[^ ]+}} : memref<32x264xbf16
// TF32: gpu.launch {{.*}} threads(%{{[^)]*}}) in (%{{[^ ]+}} = %c96{{.*}} dynamic_shared_memory_size %c54400_i32
// What is in shared memory is rounded; of scores only weights are, for the
// second product.
// TF32: scf.for
// TF32: nvvm.convert.float.to.tf32
// TF32: vector.store
// TF32: gpu.barrier
// TF32: nvvm.convert.float.to.tf32
// TF32: gpu.barrier
// TF32: scf.for
// TF32-NOT: nvvm.convert.float.to.tf32
// TF32: nvvm.mma.sync
// CHECK: return
func.func @attends_to_long_lines(%q: memref<20x256xf32>, %k: memref<96x256xf32>, %v: memref<96x256xf32>, %o: memref<20x256xf32>) {
  net.attention %q, %k, %v into %o
      maps [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
            affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>] {
  ^bb0(%score: f32, %m: index, %n: index):
    net.yield %score : f32
  } : memref<20x256xf32>, memref<96x256xf32>, memref<96x256xf32> into memref<20x256xf32>
  return
}

// -----

func.func @refuses_what_does_not_fit(%q: memref<48x4096xf32>, %k: memref<96x4096xf32>, %v: memref<96x4096xf32>, %o: memref<48x4096xf32>) {
  // expected-error @below {{has too many columns for shared memory}}
  net.attention %q, %k, %v into %o
      maps [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
            affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>] {
  ^bb0(%score: f32, %m: index, %n: index):
    net.yield %score : f32
  } : memref<48x4096xf32>, memref<96x4096xf32>, memref<96x4096xf32> into memref<48x4096xf32>
  return
}

// -----

// 16 bytes at once, where every line begins at a multiple of them: here
// queries and keys, but not values, of which a line has 62.
// CHECK-LABEL: func.func @reads_whole_pieces
// CHECK-COUNT-2: vector.load %{{.*}} {alignment = 16 : i64} : memref<48x64xf32>, vector<4xf32>
// CHECK: scf.for
// CHECK: vector.load %{{.*}} {alignment = 16 : i64} : memref<96x64xf32>, vector<4xf32>
// CHECK-NOT: vector.load %{{.*}} : memref<96x62xf32>
// CHECK: memref.load %{{.*}} : memref<96x62xf32>
func.func @reads_whole_pieces(%q0: memref<48x64xf32>, %k0: memref<96x64xf32>, %v0: memref<96x62xf32>, %o: memref<48x62xf32>) {
  %q = memref.assume_alignment %q0, 16 : memref<48x64xf32>
  %k = memref.assume_alignment %k0, 16 : memref<96x64xf32>
  %v = memref.assume_alignment %v0, 16 : memref<96x62xf32>
  net.attention %q, %k, %v into %o
      maps [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
            affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>] {
  ^bb0(%score: f32, %m: index, %n: index):
    net.yield %score : f32
  } : memref<48x64xf32>, memref<96x64xf32>, memref<96x62xf32> into memref<48x62xf32>
  return
}

// -----

// Keys 33 to 38 are in the second block of 32; queries may see any of them.
// CHECK-LABEL: module @passes_over_hidden_keys
module @passes_over_hidden_keys {
  share.param @mask : tensor<40xf32> = dense<[0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0xFF800000]> : tensor<40xf32>
  // CHECK: gpu.launch
  // CHECK: %[[FROM:.+]] = arith.subi %[[ROW:.+]], %c31
  // CHECK: %[[FIRST:.+]] = arith.maxsi %[[FROM]], %c33
  // CHECK: %[[REST:.+]] = arith.remui %[[FIRST]], %c32
  // CHECK: %[[BLOCK:.+]] = arith.subi %[[FIRST]], %[[REST]]
  // CHECK: %[[END:.+]] = arith.addi %[[ROW]], %c55
  // CHECK: %[[LAST:.+]] = arith.minsi %[[END]], %c39
  // CHECK: scf.for %{{.+}} = %[[BLOCK]] to %[[LAST]]
  func.func @main(%q: memref<32x4xf32>, %k: memref<40x4xf32>, %v: memref<40x4xf32>, %o: memref<32x4xf32>) {
    %mask = share.address @mask : memref<40xf32>
    net.attention %q, %k, %v, %mask into %o
        maps [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
              affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (n)>,
              affine_map<(m, n, d, e) -> (m, e)>] {
    ^bb0(%score: f32, %in: f32, %m: index, %n: index):
      %x = arith.addf %score, %in : f32
      net.yield %x : f32
    } : memref<32x4xf32>, memref<40x4xf32>, memref<40x4xf32>, memref<40xf32> into memref<32x4xf32>
    return
  }
}
