// Filters of three by three taps as 36 products of tiles, where that pays.
// RUN: lig-opt %s -split-input-file "-lig-cpu-emit-kernels=vector-bits=512 threads=false" | FileCheck %s
// RUN: lig-opt %s -split-input-file "-lig-cpu-emit-kernels=vector-bits=512 threads=false winograd=none" | FileCheck %s --check-prefix=TAPS
// RUN: lig-opt %s -split-input-file "-lig-cpu-emit-kernels=vector-bits=512 threads=false winograd=f2" | FileCheck %s --check-prefix=F2
// RUN: not lig-opt %s -lig-cpu-emit-kernels=winograd=f3 2>&1 | FileCheck %s --check-prefix=WRONG
// WRONG: error: winograd is 'f3', not auto, f4, f2 or none

// CHECK-LABEL: module @transforms_filters
// TAPS-LABEL: module @transforms_filters
// F2-LABEL: module @transforms_filters
module @transforms_filters {
  // 36 times 16 channels times 16 filters.
  // CHECK: share.param @w.panels {share.packed_from = "w"{{.*}}} : tensor<9216xf32>
  // CHECK: memref.alloc() : memref<{{[0-9]+}}xf32>
  // CHECK: call @kernel
  // CHECK: func.func private @kernel
  // CHECK-COUNT-36: vector.store
  // CHECK: scf.for {{.+}} iter_args
  // CHECK: vector.fma
  // TAPS: share.param @w.panels {share.packed_from = "w"{{.*}}} : tensor<2304xf32>
  // TAPS-NOT: memref.alloc
  // F2: share.param @w.panels {share.packed_from = "w"{{.*}}} : tensor<4096xf32>
  // F2: func.func private @kernel
  // F2-COUNT-16: vector.store
  // F2: scf.for {{.+}} iter_args
  share.param @w : tensor<3x3x16x16xf32> = dense<1.0> : tensor<3x3x16x16xf32>
  func.func @main(%x: memref<1x34x34x16xf32>, %y: memref<1x32x32x16xf32>) {
    %w = share.address @w : memref<3x3x16x16xf32>
    linalg.conv_2d_nhwc_hwcf ins(%x, %w : memref<1x34x34x16xf32>, memref<3x3x16x16xf32>) outs(%y : memref<1x32x32x16xf32>)
    return
  }
}

// -----

// Groups are one more loop of the products.
// CHECK-LABEL: module @transforms_groups
module @transforms_groups {
  // CHECK: share.param @w.panels {share.packed_from = "w"{{.*}}} : tensor<18432xf32>
  // CHECK: func.func private @kernel
  // CHECK-COUNT-36: vector.store
  // CHECK: scf.for {{.+}} to %c36 step
  // CHECK: scf.for {{.+}} to %c2 step
  // CHECK: scf.for {{.+}} to %c16 step {{.+}} iter_args
  // CHECK: vector.fma
  share.param @w : tensor<2x3x3x16x16xf32> = dense<1.0> : tensor<2x3x3x16x16xf32>
  func.func @main(%x: memref<1x34x34x2x16xf32>, %y: memref<1x32x32x2x16xf32>) {
    %w = share.address @w : memref<2x3x3x16x16xf32>
    linalg.generic {
        indexing_maps = [affine_map<(n, h, w, g, f, a, b, c) -> (n, h + a, w + b, g, c)>,
                         affine_map<(n, h, w, g, f, a, b, c) -> (g, a, b, c, f)>,
                         affine_map<(n, h, w, g, f, a, b, c) -> (n, h, w, g, f)>],
        iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel",
                          "reduction", "reduction", "reduction"]}
        ins(%x, %w : memref<1x34x34x2x16xf32>, memref<2x3x3x16x16xf32>) outs(%y : memref<1x32x32x2x16xf32>) {
    ^bb0(%i: f32, %t: f32, %o: f32):
      %p = arith.mulf %i, %t : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    }
    return
  }
}

// -----

// A step of two, and channels that fill no vector, stay as they are.
// CHECK-LABEL: module @leaves_others
module @leaves_others {
  // CHECK-DAG: share.param @strided.panels {{.*}} : tensor<2304xf32>
  // CHECK-DAG: share.param @few.panels {{.*}} : tensor<432xf32>
  share.param @strided : tensor<3x3x16x16xf32> = dense<1.0> : tensor<3x3x16x16xf32>
  share.param @few : tensor<3x3x3x16xf32> = dense<1.0> : tensor<3x3x3x16xf32>
  func.func @main(%x: memref<1x33x33x16xf32>, %y: memref<1x16x16x16xf32>, %u: memref<1x34x34x3xf32>, %v: memref<1x32x32x16xf32>) {
    %strided = share.address @strided : memref<3x3x16x16xf32>
    linalg.conv_2d_nhwc_hwcf {strides = dense<2> : tensor<2xi64>} ins(%x, %strided : memref<1x33x33x16xf32>, memref<3x3x16x16xf32>) outs(%y : memref<1x16x16x16xf32>)
    %few = share.address @few : memref<3x3x3x16xf32>
    linalg.conv_2d_nhwc_hwcf ins(%u, %few : memref<1x34x34x3xf32>, memref<3x3x3x16xf32>) outs(%v : memref<1x32x32x16xf32>)
    return
  }
}

// -----

// A loop of layers reads one slice of the panels a step.
// CHECK-LABEL: module @packs_slices
module @packs_slices {
  // CHECK: share.param @w.panels {{.*}} : tensor<3x256xf32>
  // CHECK: %[[W:.+]] = share.address @w.panels
  // CHECK: memref.subview %[[W]][%{{.+}}, 0] [1, 256] [1, 1]
  share.param @w : tensor<3x16x16xf32> = dense<1.0> : tensor<3x16x16xf32>
  func.func @main(%x: memref<4x16xf32>, %y: memref<4x16xf32>) {
    %zero = arith.constant 0 : index
    %one = arith.constant 1 : index
    %three = arith.constant 3 : index
    %w = share.address @w : memref<3x16x16xf32>
    scf.for %i = %zero to %three step %one {
      %layer = memref.subview %w[%i, 0, 0] [1, 16, 16] [1, 1, 1] : memref<3x16x16xf32> to memref<16x16xf32, strided<[16, 1], offset: ?>>
      linalg.matmul ins(%x, %layer : memref<4x16xf32>, memref<16x16xf32, strided<[16, 1], offset: ?>>) outs(%y : memref<4x16xf32>)
    }
    return
  }
}

// -----

// One filter, a large image and a small one: together they gain, and both read
// one transformed form.
// CHECK-LABEL: module @gains_together
module @gains_together {
  // CHECK: share.param @w.panels {{.*}} : tensor<9216xf32>
  // CHECK-NOT: share.param
  share.param @w : tensor<3x3x16x16xf32> = dense<1.0> : tensor<3x3x16x16xf32>
  func.func @main(%x: memref<1x34x34x16xf32>, %y: memref<1x32x32x16xf32>, %u: memref<1x5x5x16xf32>, %v: memref<1x3x3x16xf32>) {
    %w = share.address @w : memref<3x3x16x16xf32>
    linalg.conv_2d_nhwc_hwcf ins(%x, %w : memref<1x34x34x16xf32>, memref<3x3x16x16xf32>) outs(%y : memref<1x32x32x16xf32>)
    linalg.conv_2d_nhwc_hwcf ins(%u, %w : memref<1x5x5x16xf32>, memref<3x3x16x16xf32>) outs(%v : memref<1x3x3x16xf32>)
    return
  }
}

// -----

// Small ones alone do not.
// CHECK-LABEL: module @loses_alone
module @loses_alone {
  // CHECK: share.param @w.panels {{.*}} : tensor<2304xf32>
  share.param @w : tensor<3x3x16x16xf32> = dense<1.0> : tensor<3x3x16x16xf32>
  func.func @main(%u: memref<1x5x5x16xf32>, %v: memref<1x3x3x16xf32>) {
    %w = share.address @w : memref<3x3x16x16xf32>
    linalg.conv_2d_nhwc_hwcf ins(%u, %w : memref<1x5x5x16xf32>, memref<3x3x16x16xf32>) outs(%v : memref<1x3x3x16xf32>)
    return
  }
}

// -----

// Tiles of four by four would reach over the edge: sixteen products instead.
// CHECK-LABEL: module @takes_small_tiles
module @takes_small_tiles {
  // CHECK: share.param @w.panels {{.*}} : tensor<65536xf32>
  share.param @w : tensor<3x3x64x64xf32> = dense<1.0> : tensor<3x3x64x64xf32>
  func.func @main(%x: memref<1x8x8x64xf32>, %y: memref<1x6x6x64xf32>) {
    %w = share.address @w : memref<3x3x64x64xf32>
    linalg.conv_2d_nhwc_hwcf ins(%x, %w : memref<1x8x8x64xf32>, memref<3x3x64x64xf32>) outs(%y : memref<1x6x6x64xf32>)
    return
  }
}
