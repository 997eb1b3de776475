// RUN: lig-opt %s -split-input-file -lig-gpu-outline-kernels -verify-diagnostics | FileCheck %s

// Views are computed again in the kernel, whose parameters are the buffers of
// the entry point and numbers of the host.
// CHECK-LABEL: module @outlines
// CHECK: func.func @main(%[[X:.+]]: memref<8xf32>, %[[P:.+]]: memref<0xi8>, %[[A:.+]]: memref<256xi8>, %[[D:.+]]: memref<1xi64>, %[[DEVICE:.+]]: !llvm.ptr)
// CHECK: scf.for %[[T:.+]] =
// CHECK: memref.extract_aligned_pointer_as_index %[[A]]
// CHECK: arith.index_cast %[[T]] : index to i64
// CHECK: llvm.call @lig_enqueue(%[[DEVICE]]
// CHECK: %[[STATUS:.+]] = llvm.load
// CHECK: return %[[STATUS]] : i32
// CHECK: gpu.module @kernels
// CHECK: gpu.func @main_kernel_0(%[[ARENA:.+]]: memref<256xi8>, %[[I:.+]]: index) kernel
// CHECK-SAME: known_block_size = array<i32: 32, 1, 1>
// CHECK: memref.view %[[ARENA]]
// CHECK: memref.subview
// CHECK: llvm.func internal @lig_enqueue
module @outlines {
  func.func @main(%x: memref<8xf32>, %p: memref<0xi8>, %a: memref<256xi8>, %d: memref<1xi64>) -> i32 attributes {net.entry} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %c32 = arith.constant 32 : index
    %c64 = arith.constant 64 : index
    %f = arith.constant 1.0 : f32
    %v = memref.view %a[%c64][] : memref<256xi8> to memref<4x8xf32>
    scf.for %t = %c0 to %c4 step %c1 {
      %row = memref.subview %v[%t, 0] [1, 8] [1, 1] : memref<4x8xf32> to memref<8xf32, strided<[1], offset: ?>>
      gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1)
                 threads(%tx, %ty, %tz) in (%sx = %c32, %sy = %c1, %sz = %c1) {
        memref.store %f, %row[%tx] : memref<8xf32, strided<[1], offset: ?>>
        gpu.terminator
      }
    }
    %ok = arith.constant 0 : i32
    return %ok : i32
  }
}

// -----

module {
  func.func @main(%x: memref<?xf32>, %p: memref<0xi8>, %a: memref<256xi8>, %d: memref<1xi64>) -> i32 attributes {net.entry} {
    %c1 = arith.constant 1 : index
    %f = arith.constant 1.0 : f32
    // expected-error @+1 {{reads 'memref<?xf32>', which is no buffer of the entry point}}
    gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1)
               threads(%tx, %ty, %tz) in (%sx = %c1, %sy = %c1, %sz = %c1) {
      memref.store %f, %x[%tx] : memref<?xf32>
      gpu.terminator
    }
    %ok = arith.constant 0 : i32
    return %ok : i32
  }
}

// -----

// Blocks that wait for each other are no more than the device has room for, and
// the kernel knows only at run time how many they are.
// CHECK-LABEL: module @cooperative
// CHECK: %[[PLACE:.+]] = llvm.getelementptr %{{.+}}[20]
// CHECK: %[[MOST:.+]] = llvm.load %[[PLACE]] : !llvm.ptr -> i32
// CHECK: arith.minui %{{.+}}, %[[MOST]] : i32
// CHECK: gpu.func @main_kernel_0({{.*}}) kernel attributes {known_block_size = array<i32: 32, 1, 1>, lig.cooperative, lig.max_shared = 512 : i32, nvvm.minctasm = 1 : i32}
// CHECK: gpu.grid_dim
module @cooperative {
  func.func @main(%x: memref<8xindex>, %p: memref<0xi8>, %a: memref<256xi8>, %d: memref<1xi64>) -> i32 attributes {net.entry} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c32 = arith.constant 32 : index
    %c9 = arith.constant 9 : index
    %bytes = arith.constant 512 : i32
    gpu.launch blocks(%bx, %by, %bz) in (%gx = %c9, %gy = %c1, %gz = %c1)
               threads(%tx, %ty, %tz) in (%sx = %c32, %sy = %c1, %sz = %c1) dynamic_shared_memory_size %bytes {
      memref.store %gx, %x[%c0] : memref<8xindex>
      gpu.terminator
    } {lig.cooperative}
    %ok = arith.constant 0 : i32
    return %ok : i32
  }
}

// -----

// A map is made by the host right before the launch, in the place of an argument,
// which is large enough then.
// CHECK-LABEL: module @makes_maps
// CHECK: func.func @main
// CHECK: llvm.alloca {{.*}} {alignment = 64 : i64}
// CHECK: %[[MAPPED:.+]] = memref.subview
// CHECK: memref.extract_strided_metadata %[[MAPPED]]
// CHECK: memref.extract_aligned_pointer_as_index %[[MAPPED]]
// CHECK: llvm.mlir.addressof @[[MAP:lig_tensor_map[_0-9]*]]
// CHECK: llvm.call @lig_make_map
// CHECK: llvm.call @lig_enqueue
// CHECK: gpu.func @main_kernel_0(%{{.+}}: !llvm.ptr{{.*}} attributes {{.*}}lig.tensor_maps = array<i32: 0>
// CHECK-NOT: nvgpu.tma.create.descriptor
// CHECK: llvm.mlir.global internal constant @[[MAP]]
module @makes_maps {
  func.func @main(%x: memref<256x64xbf16>, %p: memref<0xi8>, %a: memref<256xi8>, %d: memref<1xi64>) -> i32 attributes {net.entry} {
    %c1 = arith.constant 1 : index
    %c32 = arith.constant 32 : index
    %v = memref.subview %x[128, 0] [128, 64] [1, 1] : memref<256x64xbf16> to memref<128x64xbf16, strided<[64, 1], offset: 8192>>
    gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1)
               threads(%tx, %ty, %tz) in (%sx = %c32, %sy = %c1, %sz = %c1) {
      %any = memref.cast %v : memref<128x64xbf16, strided<[64, 1], offset: 8192>> to memref<*xbf16>
      %map = nvgpu.tma.create.descriptor %any box[] : memref<*xbf16> -> <tensor = memref<64x64xbf16, #gpu.address_space<workgroup>>, swizzle = swizzle_128b, l2promo = none, oob = zero, interleave = none>
      %pointer = builtin.unrealized_conversion_cast %map : !nvgpu.tensormap.descriptor<tensor = memref<64x64xbf16, #gpu.address_space<workgroup>>, swizzle = swizzle_128b, l2promo = none, oob = zero, interleave = none> to !llvm.ptr
      nvvm.prefetch tensormap, %pointer : !llvm.ptr
      gpu.terminator
    }
    %ok = arith.constant 0 : i32
    return %ok : i32
  }
}
