// Weights in the order in which kernels read them: once, or as they are.
// RUN: lig-opt %s -split-input-file -lig-cpu-emit-kernels=outline=false | FileCheck %s
// RUN: lig-opt %s -split-input-file "-lig-cpu-emit-kernels=outline=false pack=false" | FileCheck %s --check-prefix=PLAIN

// Both readers read one packed form; the zeros pad the last panel.
// CHECK-LABEL: module @packs_once_for_all
// PLAIN-LABEL: module @packs_once_for_all
module @packs_once_for_all {
  // CHECK: share.param @w.panels {share.packed_from = "w", share.uses = 2 : i64} : tensor<32xf32>
  // CHECK-SAME: 8.{{0+}}e+00, 9.{{0+}}e+00, 0.{{0+}}e+00, 0.{{0+}}e+00
  // CHECK-SAME: 0.{{0+}}e+00, 1.{{0+}}e+01, 1.1{{0+}}e+01
  // CHECK-NOT: share.param
  // CHECK-NOT: share.address @w :
  // PLAIN: share.address @w :
  // PLAIN-NOT: panels
  share.param @w {share.uses = 2 : i64} : tensor<2x9xf32> = dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], [10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0]]> : tensor<2x9xf32>
  func.func @one(%x: memref<1x2xf32>, %y: memref<1x9xf32>) {
    %w = share.address @w : memref<2x9xf32>
    linalg.matmul ins(%x, %w : memref<1x2xf32>, memref<2x9xf32>) outs(%y : memref<1x9xf32>)
    return
  }
  func.func @many(%x: memref<40x2xf32>, %y: memref<40x9xf32>) {
    %w = share.address @w : memref<2x9xf32>
    linalg.matmul ins(%x, %w : memref<40x2xf32>, memref<2x9xf32>) outs(%y : memref<40x9xf32>)
    return
  }
}

// -----

// A transposed tie would be a second copy.
// CHECK-LABEL: module @keeps_ties
module @keeps_ties {
  // CHECK-NOT: panels
  // CHECK: share.address @w :
  share.param @w : tensor<8x8xf32> = dense<1.0> : tensor<8x8xf32>
  func.func @main(%x: memref<4x8xf32>, %h: memref<4x8xf32>, %y: memref<4x8xf32>) {
    %w = share.address @w : memref<8x8xf32>
    linalg.matmul ins(%x, %w : memref<4x8xf32>, memref<8x8xf32>) outs(%h : memref<4x8xf32>)
    linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%h, %w : memref<4x8xf32>, memref<8x8xf32>) outs(%y : memref<4x8xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %m = arith.mulf %a, %b : f32
      %s = arith.addf %c, %m : f32
      linalg.yield %s : f32
    }
    return
  }
}

// -----

// An embedding is read by rows; what may change is not known yet.
// CHECK-LABEL: module @keeps_what_others_read
module @keeps_what_others_read {
  // CHECK-NOT: panels
  // CHECK: share.address @read :
  // CHECK: share.address @mutable :
  share.param @read : tensor<8x8xf32> = dense<1.0> : tensor<8x8xf32>
  share.param mutable @mutable : tensor<8x8xf32> = dense<1.0> : tensor<8x8xf32>
  func.func @main(%x: memref<4x8xf32>, %y: memref<4x8xf32>, %z: memref<4x8xf32>, %i: index) -> f32 {
    %read = share.address @read : memref<8x8xf32>
    %mutable = share.address @mutable : memref<8x8xf32>
    linalg.matmul ins(%x, %read : memref<4x8xf32>, memref<8x8xf32>) outs(%y : memref<4x8xf32>)
    linalg.matmul ins(%x, %mutable : memref<4x8xf32>, memref<8x8xf32>) outs(%z : memref<4x8xf32>)
    %e = memref.load %read[%i, %i] : memref<8x8xf32>
    return %e : f32
  }
}
