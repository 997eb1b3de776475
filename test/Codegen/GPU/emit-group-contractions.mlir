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
// A convolution of one tap is a product of matrices.
// CHECK-LABEL: func.func @takes_one_tap
// CHECK: memref.collapse_shape {{.*}} : memref<8x32x32x256xbf16> into memref<8192x256xbf16>
// CHECK: wgmma.mma_async
func.func @takes_one_tap(%x: memref<8x32x32x256xbf16>, %w: memref<1x1x256x256xbf16>, %y: memref<8x32x32x256xf32>) {
  linalg.generic {indexing_maps = [#a, #w, #y], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : memref<8x32x32x256xbf16>, memref<1x1x256x256xbf16>) outs(%y : memref<8x32x32x256xf32>) {
  ^bb0(%p: bf16, %q: bf16, %o: f32):
    %r = arith.extf %p : bf16 to f32
    %s = arith.extf %q : bf16 to f32
    %m = arith.mulf %r, %s : f32
    %t = arith.addf %o, %m : f32
    linalg.yield %t : f32
  }
  return
}

// -----

// A convolution reads, for each tap, boxes of the rounded input: here 64 places of
// two lines. None of the windows is in memory.
// CHECK-LABEL: func.func @convolves
// CHECK: %[[X:.+]] = memref.alloc() {{.*}} : memref<8x34x66x64xbf16>
// CHECK: linalg.generic {{.*}} outs(%[[X]] : memref<8x34x66x64xbf16>)
// CHECK: gpu.launch
// CHECK: nvgpu.tma.create.descriptor {{.*}}<tensor = memref<1x2x64x64xbf16
// CHECK: nvgpu.tma.create.descriptor {{.*}}<tensor = memref<64x64xbf16
// CHECK-COUNT-3: nvvm.cp.async.bulk.tensor
// CHECK: nvvm.wgmma.mma_async
#x = affine_map<(n, h, w, f, i, j, c) -> (n, h + i, w + j, c)>
#w = affine_map<(n, h, w, f, i, j, c) -> (i, j, c, f)>
#y = affine_map<(n, h, w, f, i, j, c) -> (n, h, w, f)>
func.func @convolves(%x: memref<8x34x66x64xf32>, %w: memref<3x3x64x128xbf16>, %y: memref<8x32x64x128xf32>) {
  linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : memref<8x34x66x64xf32>, memref<3x3x64x128xbf16>) outs(%y : memref<8x32x64x128xf32>) {
  ^bb0(%v: f32, %n: bf16, %o: f32):
    %wide = arith.extf %n : bf16 to f32
    %p = arith.mulf %v, %wide : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// With a stride of two the copy has even and odd lines and columns in parts of
// their own, so that boxes are dense.
// CHECK-LABEL: func.func @convolves_in_strides
// CHECK: %[[X:.+]] = memref.alloc() {{.*}} : memref<2x2x8x17x33x64xbf16>
// CHECK: linalg.generic {{.*}} outs(%[[X]] : memref<2x2x8x17x33x64xbf16>)
// CHECK: %[[PARTS:.+]] = memref.collapse_shape %[[X]] {{\[}}[0, 1, 2], [3], [4], [5]]
// CHECK: gpu.launch
// CHECK: memref.cast %[[PARTS]] : memref<32x17x33x64xbf16>
// CHECK: nvgpu.tma.create.descriptor {{.*}}<tensor = memref<1x4x32x64xbf16
// CHECK: nvvm.wgmma.mma_async
#x = affine_map<(n, h, w, f, i, j, c) -> (n, h * 2 + i, w * 2 + j, c)>
#w = affine_map<(n, h, w, f, i, j, c) -> (i, j, c, f)>
#y = affine_map<(n, h, w, f, i, j, c) -> (n, h, w, f)>
func.func @convolves_in_strides(%x: memref<8x34x66x64xf32>, %w: memref<3x3x64x512xf32>, %y: memref<8x16x32x512xf32>) {
  linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : memref<8x34x66x64xf32>, memref<3x3x64x512xf32>) outs(%y : memref<8x16x32x512xf32>) {
  ^bb0(%v: f32, %n: f32, %o: f32):
    %p = arith.mulf %v, %n : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// A slice would hold channels of two taps.
// CHECK-LABEL: func.func @keeps_few_channels
// CHECK-NOT: wgmma
// CHECK: nvvm.mma.sync
#x = affine_map<(n, h, w, f, i, j, c) -> (n, h + i, w + j, c)>
#w = affine_map<(n, h, w, f, i, j, c) -> (i, j, c, f)>
#y = affine_map<(n, h, w, f, i, j, c) -> (n, h, w, f)>
func.func @keeps_few_channels(%x: memref<8x34x66x48xf32>, %w: memref<3x3x48x128xf32>, %y: memref<8x32x64x128xf32>) {
  linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : memref<8x34x66x48xf32>, memref<3x3x48x128xf32>) outs(%y : memref<8x32x64x128xf32>) {
  ^bb0(%v: f32, %n: f32, %o: f32):
    %p = arith.mulf %v, %n : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  }
  return
}
