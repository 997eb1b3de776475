// Equal slices of a product are combined where they were summed.
// RUN: lig-opt %s -split-input-file -lig-cpu-emit-kernels="outline=false vector-bits=512" -cse | FileCheck %s
// RUN: lig-opt %s -split-input-file -lig-cpu-emit-kernels="outline=false vector-bits=256" -cse | FileCheck %s --check-prefix=AVX2

#row = affine_map<(m, n) -> (m, n)>

// A step with two gates: nothing is stored but the new state, and the panels
// hold both gates of sixteen units.
// CHECK-LABEL: module @two_gates
module @two_gates {
  share.param @w : tensor<64x64xf32> = dense<0.5> : tensor<64x64xf32>
  // CHECK: share.param @w.panels
  // CHECK: func.func @main
  // CHECK-NOT: memref.alloc
  // CHECK: scf.for {{.+}} to %c32
  // CHECK: scf.for {{.+}} to %c64{{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
  // CHECK: math.tanh {{.+}} : vector<16xf32>
  // CHECK: vector.store {{.+}} : memref<32xf32, {{.+}}>, vector<16xf32>
  // CHECK-NOT: vector.store
  func.func @main(%x: memref<1x64xf32>, %state: memref<1x32xf32>) {
    %zero = arith.constant 0.0 : f32
    %w = share.address @w : memref<64x64xf32>
    %sum = memref.alloc() : memref<1x64xf32>
    linalg.fill ins(%zero : f32) outs(%sum : memref<1x64xf32>)
    linalg.matmul ins(%x, %w : memref<1x64xf32>, memref<64x64xf32>) outs(%sum : memref<1x64xf32>)
    %a = memref.subview %sum[0, 0] [1, 32] [1, 1] : memref<1x64xf32> to memref<1x32xf32, strided<[64, 1]>>
    %b = memref.subview %sum[0, 32] [1, 32] [1, 1] : memref<1x64xf32> to memref<1x32xf32, strided<[64, 1], offset: 32>>
    linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel", "parallel"]}
        ins(%a, %b : memref<1x32xf32, strided<[64, 1]>>, memref<1x32xf32, strided<[64, 1], offset: 32>>)
        outs(%state : memref<1x32xf32>) {
    ^bb0(%p: f32, %q: f32, %old: f32):
      %t = math.tanh %p : f32
      %m = arith.mulf %q, %old : f32
      %s = arith.addf %t, %m : f32
      linalg.yield %s : f32
    }
    return
  }
}

// -----

#row = affine_map<(m, n) -> (m, n)>

// The product reads the state that the gates would overwrite: other tiles still
// need it, so the gates wait.
// CHECK-LABEL: module @state_is_read
module @state_is_read {
  share.param @w : tensor<32x64xf32> = dense<0.5> : tensor<32x64xf32>
  // CHECK: func.func @main
  // CHECK: memref.alloc
  func.func @main(%state: memref<1x32xf32>) {
    %zero = arith.constant 0.0 : f32
    %w = share.address @w : memref<32x64xf32>
    %sum = memref.alloc() : memref<1x64xf32>
    linalg.fill ins(%zero : f32) outs(%sum : memref<1x64xf32>)
    linalg.matmul ins(%state, %w : memref<1x32xf32>, memref<32x64xf32>) outs(%sum : memref<1x64xf32>)
    %a = memref.subview %sum[0, 0] [1, 32] [1, 1] : memref<1x64xf32> to memref<1x32xf32, strided<[64, 1]>>
    %b = memref.subview %sum[0, 32] [1, 32] [1, 1] : memref<1x64xf32> to memref<1x32xf32, strided<[64, 1], offset: 32>>
    linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel", "parallel"]}
        ins(%a, %b : memref<1x32xf32, strided<[64, 1]>>, memref<1x32xf32, strided<[64, 1], offset: 32>>)
        outs(%state : memref<1x32xf32>) {
    ^bb0(%p: f32, %q: f32, %old: f32):
      %m = arith.mulf %p, %q : f32
      linalg.yield %m : f32
    }
    return
  }
}

// -----

#row = affine_map<(m, n) -> (m, n)>

// A slice that is wanted elsewhere is stored as well.
// CHECK-LABEL: module @slice_escapes
module @slice_escapes {
  share.param @w : tensor<64x64xf32> = dense<0.5> : tensor<64x64xf32>
  // CHECK: func.func @main
  // CHECK: memref.alloc
  // CHECK: arith.mulf {{.+}} : vector<16xf32>
  // CHECK-COUNT-3: vector.store
  func.func @main(%x: memref<1x64xf32>, %y: memref<1x32xf32>, %z: memref<1x32xf32>) {
    %zero = arith.constant 0.0 : f32
    %w = share.address @w : memref<64x64xf32>
    %sum = memref.alloc() : memref<1x64xf32>
    linalg.fill ins(%zero : f32) outs(%sum : memref<1x64xf32>)
    linalg.matmul ins(%x, %w : memref<1x64xf32>, memref<64x64xf32>) outs(%sum : memref<1x64xf32>)
    %a = memref.subview %sum[0, 0] [1, 32] [1, 1] : memref<1x64xf32> to memref<1x32xf32, strided<[64, 1]>>
    %b = memref.subview %sum[0, 32] [1, 32] [1, 1] : memref<1x64xf32> to memref<1x32xf32, strided<[64, 1], offset: 32>>
    linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel", "parallel"]}
        ins(%a, %b : memref<1x32xf32, strided<[64, 1]>>, memref<1x32xf32, strided<[64, 1], offset: 32>>)
        outs(%y : memref<1x32xf32>) {
    ^bb0(%p: f32, %q: f32, %old: f32):
      %m = arith.mulf %p, %q : f32
      linalg.yield %m : f32
    }
    linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, 31 - n)>, #row], iterator_types = ["parallel", "parallel"]}
        ins(%b : memref<1x32xf32, strided<[64, 1], offset: 32>>) outs(%z : memref<1x32xf32>) {
    ^bb0(%p: f32, %old: f32):
      linalg.yield %p : f32
    }
    return
  }
}

// -----

#row = affine_map<(m, n) -> (m, n)>

// Of four gates 16 registers hold two rows. A weight that the first cache does
// not hold would come twice for four rows: the product stays by itself there.
// CHECK-LABEL: module @rows_read_weight_again
// AVX2-LABEL: module @rows_read_weight_again
module @rows_read_weight_again {
  share.param @w : tensor<256x128xf32> = dense<0.5> : tensor<256x128xf32>
  // CHECK: func.func @main
  // CHECK-NOT: memref.alloc
  // CHECK-COUNT-16: vector.fma
  // AVX2: func.func @main
  // AVX2: memref.alloc
  // AVX2-COUNT-4: vector.fma
  // AVX2: vector.store
  // AVX2: arith.mulf
  func.func @main(%x: memref<4x256xf32>, %y: memref<4x32xf32>) {
    %zero = arith.constant 0.0 : f32
    %w = share.address @w : memref<256x128xf32>
    %sum = memref.alloc() : memref<4x128xf32>
    linalg.fill ins(%zero : f32) outs(%sum : memref<4x128xf32>)
    linalg.matmul ins(%x, %w : memref<4x256xf32>, memref<256x128xf32>) outs(%sum : memref<4x128xf32>)
    %g0 = memref.subview %sum[0, 0] [4, 32] [1, 1] : memref<4x128xf32> to memref<4x32xf32, strided<[128, 1]>>
    %g1 = memref.subview %sum[0, 32] [4, 32] [1, 1] : memref<4x128xf32> to memref<4x32xf32, strided<[128, 1], offset: 32>>
    %g2 = memref.subview %sum[0, 64] [4, 32] [1, 1] : memref<4x128xf32> to memref<4x32xf32, strided<[128, 1], offset: 64>>
    %g3 = memref.subview %sum[0, 96] [4, 32] [1, 1] : memref<4x128xf32> to memref<4x32xf32, strided<[128, 1], offset: 96>>
    linalg.generic {indexing_maps = [#row, #row, #row, #row, #row], iterator_types = ["parallel", "parallel"]}
        ins(%g0, %g1, %g2, %g3 : memref<4x32xf32, strided<[128, 1]>>, memref<4x32xf32, strided<[128, 1], offset: 32>>, memref<4x32xf32, strided<[128, 1], offset: 64>>, memref<4x32xf32, strided<[128, 1], offset: 96>>)
        outs(%y : memref<4x32xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32, %d: f32, %old: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.mulf %c, %d : f32
      %s = arith.addf %p, %q : f32
      linalg.yield %s : f32
    }
    return
  }
}

// -----

#row = affine_map<(m, n) -> (m, n)>

// A small one comes from the first cache again.
// CHECK-LABEL: module @weight_stays_near
// AVX2-LABEL: module @weight_stays_near
module @weight_stays_near {
  share.param @w : tensor<64x128xf32> = dense<0.5> : tensor<64x128xf32>
  // CHECK: func.func @main
  // CHECK-NOT: memref.alloc
  // AVX2: func.func @main
  // AVX2-NOT: memref.alloc
  // AVX2-COUNT-8: vector.fma
  // AVX2: arith.mulf
  func.func @main(%x: memref<4x64xf32>, %y: memref<4x32xf32>) {
    %zero = arith.constant 0.0 : f32
    %w = share.address @w : memref<64x128xf32>
    %sum = memref.alloc() : memref<4x128xf32>
    linalg.fill ins(%zero : f32) outs(%sum : memref<4x128xf32>)
    linalg.matmul ins(%x, %w : memref<4x64xf32>, memref<64x128xf32>) outs(%sum : memref<4x128xf32>)
    %g0 = memref.subview %sum[0, 0] [4, 32] [1, 1] : memref<4x128xf32> to memref<4x32xf32, strided<[128, 1]>>
    %g1 = memref.subview %sum[0, 32] [4, 32] [1, 1] : memref<4x128xf32> to memref<4x32xf32, strided<[128, 1], offset: 32>>
    %g2 = memref.subview %sum[0, 64] [4, 32] [1, 1] : memref<4x128xf32> to memref<4x32xf32, strided<[128, 1], offset: 64>>
    %g3 = memref.subview %sum[0, 96] [4, 32] [1, 1] : memref<4x128xf32> to memref<4x32xf32, strided<[128, 1], offset: 96>>
    linalg.generic {indexing_maps = [#row, #row, #row, #row, #row], iterator_types = ["parallel", "parallel"]}
        ins(%g0, %g1, %g2, %g3 : memref<4x32xf32, strided<[128, 1]>>, memref<4x32xf32, strided<[128, 1], offset: 32>>, memref<4x32xf32, strided<[128, 1], offset: 64>>, memref<4x32xf32, strided<[128, 1], offset: 96>>)
        outs(%y : memref<4x32xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32, %d: f32, %old: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.mulf %c, %d : f32
      %s = arith.addf %p, %q : f32
      linalg.yield %s : f32
    }
    return
  }
}
