// RUN: lig-opt %s -split-input-file -lig-cpu-emit-kernels="outline=false vector-bits=512" | FileCheck %s
// RUN: lig-opt %s -split-input-file -lig-cpu-emit-kernels="outline=false vector-bits=512 threads=false" | FileCheck %s --check-prefix=ALONE

// ALONE-NOT: scf.parallel

// Tiles of rows of a long product are shared, the loops inside of them not.
// CHECK-LABEL: module @long_product
module @long_product {
  // CHECK: scf.parallel
  // CHECK-NOT: scf.parallel
  // CHECK: scf.for
  func.func @main(%a: memref<256x256xf32>, %b: memref<256x256xf32>, %c: memref<256x256xf32>) {
    linalg.matmul ins(%a, %b : memref<256x256xf32>, memref<256x256xf32>)
                  outs(%c : memref<256x256xf32>)
    return
  }
}

// -----

// Of vectors of 512 bits one multiply-add takes a cycle: this product lasts longer
// than half of its data takes to another core.
// CHECK-LABEL: module @wide_vectors
module @wide_vectors {
  // CHECK: scf.parallel
  func.func @main(%a: memref<1600x64xf32>, %b: memref<64x64xf32>, %c: memref<1600x64xf32>) {
    linalg.matmul ins(%a, %b : memref<1600x64xf32>, memref<64x64xf32>)
                  outs(%c : memref<1600x64xf32>)
    return
  }
}

// -----

// A short one is done before anyone is told.
// CHECK-LABEL: module @short_product
module @short_product {
  // CHECK-NOT: scf.parallel
  func.func @main(%a: memref<16x16xf32>, %b: memref<16x16xf32>, %c: memref<16x16xf32>) {
    linalg.matmul ins(%a, %b : memref<16x16xf32>, memref<16x16xf32>)
                  outs(%c : memref<16x16xf32>)
    return
  }
}

// -----

// Few outer steps would leave threads idle: the loop inside is shared.
// CHECK-LABEL: module @few_outer_steps
module @few_outer_steps {
  // CHECK: scf.for {{.+}} {
  // CHECK: scf.parallel
  func.func @main(%x: memref<3x4096x64xf32>, %y: memref<3x8192x64xf32>) {
    %part = memref.subview %y[0, 0, 0] [3, 4096, 64] [1, 1, 1]
        : memref<3x8192x64xf32> to memref<3x4096x64xf32, strided<[524288, 64, 1]>>
    linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
                    iterator_types = ["parallel", "parallel", "parallel"]}
        ins(%x : memref<3x4096x64xf32>)
        outs(%part : memref<3x4096x64xf32, strided<[524288, 64, 1]>>) {
    ^bb0(%v: f32, %o: f32):
      %e = math.exp %v : f32
      linalg.yield %e : f32
    }
    return
  }
}

// -----

// One sum has no parallel loop.
// CHECK-LABEL: module @one_sum
module @one_sum {
  // CHECK-NOT: scf.parallel
  func.func @main(%x: memref<1000000xf32>, %y: memref<f32>) {
    linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>],
                    iterator_types = ["reduction"]}
        ins(%x : memref<1000000xf32>) outs(%y : memref<f32>) {
    ^bb0(%v: f32, %o: f32):
      %s = arith.addf %v, %o : f32
      linalg.yield %s : f32
    }
    return
  }
}

// -----

// A product of one vector waits for its weight: that is worth sharing although
// its sums are few.
// CHECK-LABEL: module @waits_for_weight
module @waits_for_weight {
  share.param @w : tensor<256x1024xf32> = dense<0.5> : tensor<256x1024xf32>
  // CHECK: scf.parallel
  func.func @main(%x: memref<1x256xf32>, %y: memref<1x1024xf32>) {
    %w = share.address @w : memref<256x1024xf32>
    linalg.matmul ins(%x, %w : memref<1x256xf32>, memref<256x1024xf32>)
                  outs(%y : memref<1x1024xf32>)
    return
  }
}

// -----

// From the second cache a smaller one arrives soon enough.
// CHECK-LABEL: module @weight_is_near
module @weight_is_near {
  share.param @w : tensor<256x128xf32> = dense<0.5> : tensor<256x128xf32>
  // CHECK-NOT: scf.parallel
  func.func @main(%x: memref<1x256xf32>, %y: memref<1x128xf32>) {
    %w = share.address @w : memref<256x128xf32>
    linalg.matmul ins(%x, %w : memref<1x256xf32>, memref<256x128xf32>)
                  outs(%y : memref<1x128xf32>)
    return
  }
}

// -----

// As many sums, but of data that fits a core's cache: it would go from core to
// core, which takes longer.
// CHECK-LABEL: module @moves_data
module @moves_data {
  // CHECK-NOT: scf.parallel
  func.func @main(%x: memref<512x128xf32>, %y: memref<512x128xf32>) {
    linalg.square ins(%x : memref<512x128xf32>) outs(%y : memref<512x128xf32>)
    return
  }
}

// -----

// Threads that copy panels of an operand have a place for them each.
// CHECK-LABEL: module @copies_panels
module @copies_panels {
  // CHECK: scf.parallel
  // CHECK: %[[ROOM:.+]] = memref.alloca() {alignment = 64 : i64} : memref<{{.+}}xf32>
  // CHECK: vector.store {{.+}}, %[[ROOM]]
  // CHECK: vector.load %[[ROOM]]
  func.func @main(%x: memref<128x256xf32>, %w: memref<6400x256xf32>, %y: memref<128x6400xf32>) {
    linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>,
                                     affine_map<(m, n, k) -> (m, n)>],
                    iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : memref<128x256xf32>, memref<6400x256xf32>)
        outs(%y : memref<128x6400xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    }
    return
  }
}

// -----

// Where a panel of five vectors is too large for stacks, each thread copies narrower
// ones.
// CHECK-LABEL: func.func @large
// CHECK-NOT: memref.alloc(
// CHECK: scf.parallel {{.*}} to (%c6400) step (%c64)
// CHECK: memref.alloca() {{.*}} : memref<32768xf32>
// CHECK: scf.for {{.*}} to %c{{[0-9]+}} step %c
// CHECK: iter_args
func.func @large(%x: memref<2045x512xf32>, %w: memref<6400x512xf32>, %y: memref<2045x6400xf32>) {
  linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : memref<2045x512xf32>, memref<6400x512xf32>) outs(%y : memref<2045x6400xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %0 = arith.mulf %p, %q : f32
    %1 = arith.addf %o, %0 : f32
    linalg.yield %1 : f32
  }
  return
}
