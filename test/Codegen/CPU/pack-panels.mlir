// Weights in the order in which kernels read them: once, or as they are.
// RUN: lig-opt %s -split-input-file -lig-cpu-emit-kernels=outline=false | FileCheck %s
// RUN: lig-opt %s -split-input-file "-lig-cpu-emit-kernels=outline=false pack=false" | FileCheck %s --check-prefix=PLAIN
// RUN: lig-opt %s -split-input-file "-lig-cpu-emit-kernels=outline=false permute=true vector-bits=512" | FileCheck %s --check-prefix=AVX512
// RUN: lig-opt %s -split-input-file "-lig-cpu-emit-kernels=outline=false permute=true" | FileCheck %s --check-prefix=AVX2
// RUN: lig-opt %s -split-input-file "-lig-cpu-emit-kernels=outline=false vector-bits=128" | FileCheck %s --check-prefix=SSE

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

// -----

// Codes of 4 bits: two to a byte, one register of bytes for two of numbers, and
// each number picked from the table in a register. Where that is no instruction
// they are gathered, and without masks they stay a byte each.
// AVX512-LABEL: module @codes
// AVX2-LABEL: module @codes
// SSE-LABEL: module @codes
module @codes {
  // AVX512: share.param @w.panels {{.*}} : tensor<128xi8>
  // AVX2: share.param @w.panels {{.*}} : tensor<{{[0-9]+}}xi8>
  // SSE: share.param @w.panels {{.*}} : tensor<120xi8>
  // AVX512: %[[BYTES:.+]] = vector.load {{.*}} : {{.*}}, vector<16xi8>
  // AVX512: %[[CODES:.+]] = arith.extui %[[BYTES]] : vector<16xi8> to vector<16xi32>
  // AVX512: %[[TABLE:.+]] = vector.load {{.*}} : memref<16xf32>, vector<16xf32>
  // AVX512: %[[EVEN:.+]] = llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"(%[[TABLE]], %[[CODES]])
  // AVX512: vector.fma %{{.+}}, %[[EVEN]]
  // AVX512: %[[HIGH:.+]] = arith.shrui %[[CODES]]
  // AVX512: llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"(%{{.+}}, %[[HIGH]])
  // Of five vectors, four are put together of bytes.
  // AVX2: %[[PAIRS:.+]] = vector.load {{.*}} : {{.*}}, vector<16xi8>
  // AVX2: vector.bitcast %[[PAIRS]] : vector<16xi8> to vector<4xi32>
  // AVX2-COUNT-4: llvm.call_intrinsic "llvm.x86.avx2.pshuf.b"
  // AVX2: vector.shuffle {{.*}} : vector<32xi8>, vector<32xi8>
  // AVX2: vector.shuffle {{.*}} : vector<16xi16>, vector<16xi16>
  // AVX2: llvm.call_intrinsic "llvm.x86.avx2.permps"
  // AVX2: llvm.call_intrinsic "llvm.x86.avx2.permps"
  // AVX2: arith.select
  // SSE-NOT: llvm.call_intrinsic
  // SSE: vector.gather {{.*}} : memref<16xf32>, vector<4xi32>
  share.param @table : tensor<16xf32> = dense<1.0> : tensor<16xf32>
  share.param @w : tensor<3x40xi8> = dense<[[0, 3, 6, 9, 12, 15, 2, 5, 8, 11, 14, 1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15, 2, 5, 8, 11, 14, 1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15, 2, 5], [5, 8, 11, 14, 1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15, 2, 5, 8, 11, 14, 1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15, 2, 5, 8, 11, 14, 1, 4, 7, 10], [10, 13, 0, 3, 6, 9, 12, 15, 2, 5, 8, 11, 14, 1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15, 2, 5, 8, 11, 14, 1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15]]> : tensor<3x40xi8>
  func.func @main(%x: memref<1x3xf32>, %y: memref<1x40xf32>) {
    %w = share.address @w : memref<3x40xi8>
    %table = share.address @table : memref<16xf32>
    linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : memref<1x3xf32>, memref<3x40xi8>) outs(%y : memref<1x40xf32>) {
    ^bb0(%a: f32, %code: i8, %sum: f32):
      %at = arith.index_castui %code : i8 to index
      %b = memref.load %table[%at] : memref<16xf32>
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %sum, %p : f32
      linalg.yield %s : f32
    }
    return
  }
}
