// RUN: lig-opt %s -split-input-file -lig-gpu-emit-strategies -canonicalize | FileCheck %s
// RUN: lig-opt %s -split-input-file -lig-gpu-emit-strategies='multiprocessors=1' -canonicalize | FileCheck %s --check-prefix=ONE

// A matrix product becomes one launch with its two slices in shared memory,
// each there twice; the next one is on its way while this one is multiplied.
// CHECK-LABEL: func.func @multiplies_in_tiles
// CHECK: gpu.launch
// CHECK-SAME: = %[[GRID:[^,]+]],
// CHECK-SAME: workgroup(%[[LEFT:[^ ]+]] : memref<2x16x{{[0-9]+}}xf32, #gpu.address_space<workgroup>>, %[[RIGHT:[^ ]+]] :
// CHECK: nvgpu.device_async_wait
// CHECK: gpu.barrier
// CHECK: scf.for
// CHECK: vector.load %{{.*}}memref<256x256xf32>, vector<4xf32>
// CHECK: nvgpu.device_async_copy {{.*}}, %[[RIGHT]]
// CHECK: vector.load %[[LEFT]]{{.*}} vector<4xf32>
// CHECK: vector.fma
// CHECK: nvgpu.device_async_wait
// CHECK: gpu.barrier
// CHECK-NOT: linalg.
// One multiprocessor is busy with large tiles.
// ONE-LABEL: func.func @multiplies_in_tiles
// ONE: workgroup(%{{[^ ]+}} : memref<2x16x132xf32, #gpu.address_space<workgroup>>
func.func @multiplies_in_tiles(%a: memref<256x256xf32>, %b: memref<256x256xf32>, %c: memref<256x256xf32>) {
  linalg.matmul ins(%a, %b : memref<256x256xf32>, memref<256x256xf32>) outs(%c : memref<256x256xf32>)
  return
}

// -----

// Narrower floats are widened on their way into shared memory.
// CHECK-LABEL: func.func @widens_narrow_floats
// CHECK: gpu.launch
// CHECK: vector.load {{.*}}memref<64x64xf16>, vector<8xf16>
// CHECK: arith.extf
// CHECK: vector.store {{.*}}xf32, #gpu.address_space<workgroup>>
func.func @widens_narrow_floats(%a: memref<64x64xf16>, %b: memref<64x64xf16>, %c: memref<64x64xf32>) {
  linalg.matmul ins(%a, %b : memref<64x64xf16>, memref<64x64xf16>) outs(%c : memref<64x64xf32>)
  return
}

// -----

// Lanes share a short row and meet by shuffles; one stores, and takes in what
// the output held. Beyond the end of the row the last element is read again.
// CHECK-LABEL: func.func @shares_rows_among_lanes
// CHECK: gpu.launch
// CHECK-NOT: workgroup
// CHECK: memref.load %arg1
// CHECK-COUNT-4: memref.load %arg0
// CHECK: arith.select
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK: arith.maximumf
// CHECK: memref.store
func.func @shares_rows_among_lanes(%x: memref<7x101xf32>, %y: memref<7xf32>) {
  linalg.reduce { arith.maximumf } ins(%x : memref<7x101xf32>) outs(%y : memref<7xf32>) dimensions = [1]
  return
}

// -----

// Warps of a long row meet in shared memory.
// CHECK-LABEL: func.func @shares_long_rows_among_warps
// CHECK: workgroup(%{{.*}} : memref<8xf32, #gpu.address_space<workgroup>>)
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK: gpu.barrier
// CHECK-COUNT-3: gpu.shuffle xor
func.func @shares_long_rows_among_warps(%x: memref<7x5000xf32>, %y: memref<7xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<7x5000xf32>) outs(%y : memref<7xf32>) dimensions = [1]
  return
}

// -----

// What stands alone, has no reduction and few elements, has a run-time extent or is in a loop
// that follows from data is left alone.
// CHECK-LABEL: func.func @leaves_alone
// CHECK-NOT: gpu.launch
// CHECK: linalg.generic
// CHECK: linalg.generic
// CHECK: scf.for
// CHECK-NEXT: linalg.matmul
// ONE-LABEL: func.func @leaves_alone
func.func @leaves_alone(%x: memref<64x64xf32>, %d: memref<?x64xf32>, %z: memref<?xf32>, %count: memref<index>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.load %count[] : memref<index>
  linalg.add ins(%x, %x : memref<64x64xf32>, memref<64x64xf32>) outs(%x : memref<64x64xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
      iterator_types = ["parallel", "reduction"]} ins(%d : memref<?x64xf32>) outs(%z : memref<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  }
  scf.for %i = %c0 to %n step %c1 {
    linalg.matmul ins(%x, %x : memref<64x64xf32>, memref<64x64xf32>) outs(%x : memref<64x64xf32>)
  }
  return
}
