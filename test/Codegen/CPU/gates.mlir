// Equal slices of a product are combined where they were summed.
// RUN: lig-opt %s -split-input-file -lig-cpu-emit-kernels="outline=false vector-bits=512" -cse | FileCheck %s

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
