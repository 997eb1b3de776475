// RUN: lig-opt %s -lig-gpu-emit-loops -canonicalize | FileCheck %s

// The parallel dimensions come first, whatever their order was; what is reduced
// is a loop inside.
// CHECK-LABEL: func @reduces_inside
// CHECK: scf.parallel (%[[I:.+]], %[[J:.+]]) =
// CHECK: scf.for %[[K:.+]] =
// CHECK: memref.load %{{.+}}[%[[I]], %[[K]]]
// CHECK: memref.load %{{.+}}[%[[K]], %[[J]]]
// CHECK: memref.store %{{.+}}, %{{.+}}[%[[I]], %[[J]]]
#a = affine_map<(k, i, j) -> (i, k)>
#b = affine_map<(k, i, j) -> (k, j)>
#c = affine_map<(k, i, j) -> (i, j)>
func.func @reduces_inside(%x: memref<4x8xf32>, %w: memref<8x3xf32>, %y: memref<4x3xf32>) {
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["reduction", "parallel", "parallel"]}
      ins(%x, %w : memref<4x8xf32>, memref<8x3xf32>) outs(%y : memref<4x3xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %m = arith.mulf %p, %q : f32
    %t = arith.addf %s, %m : f32
    linalg.yield %t : f32
  }
  return
}

// CHECK-LABEL: func @copies
// CHECK: scf.parallel
// CHECK: memref.load %{{.+}} : memref<4x8xf32, strided<[1, 4]>>
// CHECK-NOT: memref.copy
func.func @copies(%x: memref<4x8xf32, strided<[1, 4]>>, %y: memref<4x8xf32>) {
  memref.copy %x, %y : memref<4x8xf32, strided<[1, 4]>> to memref<4x8xf32>
  return
}

// A buffer of one element needs no loop.
// CHECK-LABEL: func @copies_a_scalar
// CHECK-NOT: scf.parallel
// CHECK: %[[V:.+]] = memref.load
// CHECK: memref.store %[[V]]
func.func @copies_a_scalar(%x: memref<f32>, %y: memref<f32>) {
  memref.copy %x, %y : memref<f32> to memref<f32>
  return
}
