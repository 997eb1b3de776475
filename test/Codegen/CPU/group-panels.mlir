// Rows that fill the second cache go through several panels at once; those that stay
// in it go through one.
// RUN: lig-opt %s "-lig-cpu-emit-kernels=outline=false cache-bytes=65536" | FileCheck %s
// RUN: lig-opt %s "-lig-cpu-emit-kernels=outline=false" | FileCheck %s --check-prefix=STAYS

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (n, k)>
#c = affine_map<(m, n, k) -> (m, n)>

// Six panels are four and two.
// CHECK-LABEL: func.func @packed
// CHECK: scf.parallel {{.*}} to (%c132) step (%c6)
// CHECK: scf.for {{.*}} to %c64 step %c16
// CHECK: iter_args
// CHECK: scf.parallel {{.*}} to (%c132) step (%c6)
// CHECK: scf.for {{.*}} to %c32 step %c16
// CHECK: iter_args
// STAYS-LABEL: func.func @packed
// STAYS: scf.parallel {{.*}} to (%c96) step (%c16)
// STAYS: scf.for {{.*}} to %c132 step %c6
// STAYS: iter_args
share.param @w : tensor<64x96xf32> = dense<1.0> : tensor<64x96xf32>
func.func @packed(%x: memref<132x64xf32>, %y: memref<132x96xf32>) {
  %w = share.address @w : memref<64x96xf32>
  linalg.matmul ins(%x, %w : memref<132x64xf32>, memref<64x96xf32>) outs(%y : memref<132x96xf32>)
  return
}

// The panels of a group are copied one after another before it.
// CHECK-LABEL: func.func @copied
// CHECK: memref.alloc() : memref<4096xf32>
// CHECK: scf.for {{.*}} to %c64 step %c16
// CHECK: vector.store
// CHECK: scf.parallel {{.*}} to (%c132) step (%c6)
// CHECK: scf.for {{.*}} to %c64 step %c16
// CHECK: iter_args
// STAYS-LABEL: func.func @copied
// STAYS: scf.parallel {{.*}} to (%c96) step (%c16)
// STAYS: memref.alloca() {{.*}} : memref<1024xf32>
func.func @copied(%x: memref<132x64xf32>, %w: memref<96x64xf32>, %y: memref<132x96xf32>) {
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : memref<132x64xf32>, memref<96x64xf32>) outs(%y : memref<132x96xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %0 = arith.mulf %p, %q : f32
    %1 = arith.addf %o, %0 : f32
    linalg.yield %1 : f32
  }
  return
}
