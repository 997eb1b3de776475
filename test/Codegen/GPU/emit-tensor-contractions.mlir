// RUN: lig-opt %s -split-input-file -lig-gpu-emit-strategies='compute=bf16' -canonicalize | FileCheck %s --check-prefixes=CHECK,BF16
// RUN: lig-opt %s -split-input-file -lig-gpu-emit-strategies='compute=f16' -canonicalize | FileCheck %s --check-prefixes=CHECK,F16
// RUN: lig-opt %s -split-input-file -lig-gpu-emit-strategies='compute=tf32' -canonicalize | FileCheck %s --check-prefixes=CHECK,TF32
// RUN: not lig-opt %s -split-input-file -lig-gpu-emit-strategies='compute=f8' 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: unknown precision 'f8' (f32, tf32, bf16 or f16)

// What the compiler places is aligned: 16 bytes are read at once, rounded and
// multiplied from shared memory. tf32 is rounded in registers, so the machine
// copies by itself.
// CHECK-LABEL: func.func @multiplies_on_tensor_cores
// BF16: workgroup(%[[LEFT:[^ ]+]] : memref<2x{{[0-9]+}}x40xbf16, #gpu.address_space<workgroup>>
// BF16: vector.load {{.*}} vector<4xf32>
// BF16: nvvm.convert.f32x2.to.bf16x2
// BF16: vector.store {{.*}} %[[LEFT]]{{.*}} vector<4xbf16>
// BF16: nvgpu.ldmatrix %[[LEFT]]{{.*}}transpose = false
// BF16: nvgpu.ldmatrix {{.*}}transpose = true
// BF16: nvvm.mma.sync {{.*}} #nvvm.mma_type<bf16>{{.*}} #nvvm.shape<m = 16, n = 8, k = 16>
// F16: nvvm.convert.f32x2.to.f16x2
// F16: nvgpu.ldmatrix
// F16: nvvm.mma.sync {{.*}} #nvvm.shape<m = 16, n = 8, k = 16>
// TF32: nvgpu.device_async_copy {{.*}}, 4
// TF32: nvgpu.device_async_wait
// TF32: gpu.barrier
// TF32: nvvm.convert.float.to.tf32
// TF32: nvvm.mma.sync {{.*}} #nvvm.shape<m = 16, n = 8, k = 8>
func.func @multiplies_on_tensor_cores(%c: memref<256x256xf32>) {
  %a = memref.alloc() : memref<256x256xf32>
  %b = memref.alloc() : memref<256x256xf32>
  linalg.matmul ins(%a, %b : memref<256x256xf32>, memref<256x256xf32>) outs(%c : memref<256x256xf32>)
  return
}

// -----

// Buffers of the caller begin at multiples of 16 bytes, as the compiler's do.
// CHECK-LABEL: func.func @reads_the_callers_in_pieces
// BF16: vector.load {{.*}}memref<64x64xf32>, vector<4xf32>
// TF32: nvgpu.device_async_copy {{.*}}, 4
// CHECK: return
func.func @reads_the_callers_in_pieces(%a: memref<64x64xf32>, %b: memref<64x64xf32>, %c: memref<64x64xf32>) {
  linalg.matmul ins(%a, %b : memref<64x64xf32>, memref<64x64xf32>) outs(%c : memref<64x64xf32>)
  return
}

// -----

// Where a view begins, its type does not say.
// CHECK-LABEL: func.func @reads_views_one_by_one
// BF16-NOT: vector.load
// TF32: nvgpu.device_async_copy {{.*}}, 1
// CHECK: return
func.func @reads_views_one_by_one(%bytes: memref<32776xi8>, %c: memref<64x64xf32>) {
  %first = arith.constant 4 : index
  %second = arith.constant 16388 : index
  %a = memref.view %bytes[%first][] : memref<32776xi8> to memref<64x64xf32>
  %b = memref.view %bytes[%second][] : memref<32776xi8> to memref<64x64xf32>
  linalg.matmul ins(%a, %b : memref<64x64xf32>, memref<64x64xf32>) outs(%c : memref<64x64xf32>)
  return
}

// -----

// Weights that are narrow already are copied as they are.
// CHECK-LABEL: func.func @copies_narrow_weights
// BF16: nvgpu.device_async_copy {{.*}}, 8
// F16-NOT: nvgpu.device_async_copy
// CHECK: return
func.func @copies_narrow_weights(%a: memref<64x64xf32>, %c: memref<64x64xf32>) {
  %b = memref.alloc() : memref<64x64xbf16>
  linalg.generic {
      indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<64x64xf32>, memref<64x64xbf16>) outs(%c : memref<64x64xf32>) {
  ^bb0(%x: f32, %y: bf16, %z: f32):
    %w = arith.extf %y : bf16 to f32
    %p = arith.mulf %x, %w : f32
    %s = arith.addf %p, %z : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// A product of few rows would multiply zeros.
// CHECK-LABEL: func.func @leaves_one_row
// CHECK-NOT: mma.sync
// CHECK: return
func.func @leaves_one_row(%a: memref<1x64xf32>, %b: memref<64x64xf32>, %c: memref<1x64xf32>) {
  linalg.matmul ins(%a, %b : memref<1x64xf32>, memref<64x64xf32>) outs(%c : memref<1x64xf32>)
  return
}

// -----

// Copying wants the innermost dimension contiguous.
// CHECK-LABEL: func.func @fetches_strided
// CHECK: gpu.launch
// TF32: nvgpu.device_async_copy %{{.*}} : memref<64x64xf32> to
// TF32-NOT: nvgpu.device_async_copy {{.*}}strided
// CHECK: return
func.func @fetches_strided(%a: memref<64x64xf32>, %b: memref<64x64xf32, strided<[1, 64]>>, %c: memref<64x64xf32>) {
  linalg.matmul ins(%a, %b : memref<64x64xf32>, memref<64x64xf32, strided<[1, 64]>>) outs(%c : memref<64x64xf32>)
  return
}
