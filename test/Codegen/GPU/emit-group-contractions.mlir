// RUN: lig-opt %s -split-input-file -lig-gpu-emit-strategies='compute=bf16 warpgroups' | FileCheck %s
// RUN: lig-opt %s -split-input-file -lig-gpu-emit-strategies='compute=tf32 warpgroups' | FileCheck %s --check-prefix=TF32
// RUN: lig-opt %s -split-input-file -lig-gpu-emit-strategies='compute=bf16' | FileCheck %s --check-prefix=WITHOUT

// Buffers of the precision that is multiplied are mapped where they lie, in boxes
// of 128 bytes across; the right one's columns are innermost, so a tile is
// several boxes. One thread brings, two groups of four warps multiply.
// CHECK-LABEL: func.func @maps_what_can_be_multiplied(
// CHECK-SAME: %[[A:[^ ]+]]: memref<2048x512xbf16>, %[[B:[^ ]+]]: memref<512x2048xbf16>
// CHECK-NOT: memref.alloc
// CHECK: gpu.launch {{.*}} threads({{.*}}) in ({{.*}} = %c288{{.*}} dynamic_shared_memory_size
// CHECK: memref.cast %[[A]]
// CHECK: nvgpu.tma.create.descriptor {{.*}}<tensor = memref<128x64xbf16{{.*}}swizzle_128b
// CHECK: memref.cast %[[B]]
// CHECK: nvgpu.tma.create.descriptor {{.*}}<tensor = memref<64x64xbf16{{.*}}swizzle_128b
// CHECK-COUNT-8: nvvm.mbarrier.init
// CHECK: nvvm.fence.mbarrier.init
// CHECK: nvvm.fence.proxy
// CHECK: gpu.barrier
// CHECK: nvvm.mbarrier.try_wait.parity
// CHECK: nvvm.mbarrier.arrive.expect_tx
// CHECK-COUNT-5: nvvm.cp.async.bulk.tensor
// CHECK: scf.for {{.*}} iter_args
// CHECK: nvvm.mbarrier.try_wait.parity
// CHECK: nvvm.wgmma.fence
// CHECK-COUNT-4: nvvm.wgmma.mma_async {{.*}} <m = 64, n = 256, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <row>]
// CHECK: nvvm.wgmma.commit.group
// CHECK: nvvm.wgmma.wait.group.sync.aligned 1
// CHECK: nvvm.mbarrier.arrive
// CHECK: nvvm.wgmma.wait.group.sync.aligned 0
// CHECK: llvm.inline_asm has_side_effects ""
// WITHOUT-LABEL: func.func @maps_what_can_be_multiplied
// WITHOUT-NOT: wgmma
func.func @maps_what_can_be_multiplied(%a: memref<2048x512xbf16>, %b: memref<512x2048xbf16>, %c: memref<2048x2048xf32>) {
  linalg.matmul ins(%a, %b : memref<2048x512xbf16>, memref<512x2048xbf16>) outs(%c : memref<2048x2048xf32>)
  return
}

// -----

// What is of another precision is rounded by an operation of its own first; tf32
// has to lie along the sums.
// CHECK-LABEL: func.func @rounds_first
// CHECK: %[[LEFT:.+]] = memref.alloc() {{.*}} : memref<2048x512xbf16>
// CHECK: linalg.generic {{.*}} outs(%[[LEFT]] : memref<2048x512xbf16>)
// CHECK: arith.truncf
// CHECK: %[[RIGHT:.+]] = memref.alloc() {{.*}} : memref<512x2048xbf16>
// CHECK: gpu.launch
// TF32-LABEL: func.func @rounds_first
// TF32: memref.alloc() {{.*}} : memref<2048x512xf32>
// TF32: memref.alloc() {{.*}} : memref<2048x512xf32>
// TF32: nvvm.wgmma.mma_async {{.*}} k = 8>, {{.*}} A[<tf32>, <one>, <row>], B[<tf32>, <one>, <col>]
func.func @rounds_first(%a: memref<2048x512xf32>, %b: memref<512x2048xf32>, %c: memref<2048x2048xf32>) {
  linalg.matmul ins(%a, %b : memref<2048x512xf32>, memref<512x2048xf32>) outs(%c : memref<2048x2048xf32>)
  return
}

// -----

// Rows of no multiple of 16 bytes cannot be mapped, nor do few rows fill tiles,
// nor is little work worth it.
// CHECK-LABEL: func.func @leaves_to_warps
// CHECK-NOT: wgmma
// CHECK: nvvm.mma.sync
func.func @leaves_to_warps(%a: memref<2048x509xbf16>, %b: memref<509x2048xbf16>, %c: memref<2048x2048xf32>,
                           %d: memref<32x512xbf16>, %e: memref<512x2048xbf16>, %f: memref<32x2048xf32>,
                           %g: memref<2048x64xbf16>, %h: memref<64x512xbf16>, %i: memref<2048x512xf32>) {
  linalg.matmul ins(%a, %b : memref<2048x509xbf16>, memref<509x2048xbf16>) outs(%c : memref<2048x2048xf32>)
  linalg.matmul ins(%d, %e : memref<32x512xbf16>, memref<512x2048xbf16>) outs(%f : memref<32x2048xf32>)
  linalg.matmul ins(%g, %h : memref<2048x64xbf16>, memref<64x512xbf16>) outs(%i : memref<2048x512xf32>)
  return
}

// -----

#a = affine_map<(n, y, x, f, i, j, c) -> (n, y + i, x + j, c)>
#w = affine_map<(n, y, x, f, i, j, c) -> (i, j, c, f)>
#y = affine_map<(n, y, x, f, i, j, c) -> (n, y, x, f)>
// A convolution of one tap is a product of matrices, and one of more is none
// that a map shows.
// CHECK-LABEL: func.func @takes_one_tap
// CHECK: memref.collapse_shape {{.*}} : memref<8x32x32x256xbf16> into memref<8192x256xbf16>
// CHECK: wgmma.mma_async
// CHECK: wgmma.wait.group.sync.aligned 0
// CHECK-NOT: wgmma
// CHECK: nvvm.mma.sync
func.func @takes_one_tap(%x: memref<8x32x32x256xbf16>, %w: memref<1x1x256x256xbf16>, %y: memref<8x32x32x256xf32>,
                         %v: memref<8x34x34x256xbf16>, %u: memref<3x3x256x256xbf16>, %z: memref<8x32x32x256xf32>) {
  linalg.generic {indexing_maps = [#a, #w, #y], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : memref<8x32x32x256xbf16>, memref<1x1x256x256xbf16>) outs(%y : memref<8x32x32x256xf32>) {
  ^bb0(%p: bf16, %q: bf16, %o: f32):
    %r = arith.extf %p : bf16 to f32
    %s = arith.extf %q : bf16 to f32
    %m = arith.mulf %r, %s : f32
    %t = arith.addf %o, %m : f32
    linalg.yield %t : f32
  }
  linalg.generic {indexing_maps = [#a, #w, #y], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%v, %u : memref<8x34x34x256xbf16>, memref<3x3x256x256xbf16>) outs(%z : memref<8x32x32x256xf32>) {
  ^bb0(%p: bf16, %q: bf16, %o: f32):
    %r = arith.extf %p : bf16 to f32
    %s = arith.extf %q : bf16 to f32
    %m = arith.mulf %r, %s : f32
    %t = arith.addf %o, %m : f32
    linalg.yield %t : f32
  }
  return
}
