// Kernels that hand each other rows share one loop over blocks of rows.
// RUN: lig-opt %s -split-input-file -lig-cpu-emit-kernels | FileCheck %s
// RUN: lig-opt %s -split-input-file "-lig-cpu-emit-kernels=group=false" | FileCheck %s --check-prefix=APART

#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>

// The greatest of each row, then the row without it: one kernel, in steps of a
// few rows that threads share.
// CHECK-LABEL: module @rows
// APART-LABEL: module @rows
module @rows {
  // CHECK: call @kernel{{.*}}(
  // CHECK-NOT: call
  // CHECK: func.func private @kernel(
  // CHECK: scf.parallel {{.+}} to (%c512) step (%c4)
  // CHECK: arith.maximumf
  // CHECK: arith.subf
  // CHECK: scf.reduce
  // APART: call @kernel(
  // APART: call @kernel
  func.func @main(%x: memref<512x500xf32>, %y: memref<512x500xf32>) {
    %low = arith.constant 0xFF800000 : f32
    %most = memref.alloc() : memref<512xf32>
    linalg.fill ins(%low : f32) outs(%most : memref<512xf32>)
    linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%x : memref<512x500xf32>) outs(%most : memref<512xf32>) {
    ^bb0(%in: f32, %o: f32):
      %0 = arith.maximumf %in, %o : f32
      linalg.yield %0 : f32
    }
    linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %most : memref<512x500xf32>, memref<512xf32>) outs(%y : memref<512x500xf32>) {
    ^bb0(%in: f32, %m: f32, %o: f32):
      %0 = arith.subf %in, %m : f32
      linalg.yield %0 : f32
    }
    return
  }
}

// -----

#id = affine_map<(m, n) -> (m, n)>
#turned = affine_map<(m, n) -> (n, m)>

// A column is not ready before the last row is.
// CHECK-LABEL: module @columns
module @columns {
  // CHECK: call @kernel{{.*}}(
  // CHECK: call @kernel
  func.func @main(%x: memref<512x512xf32>, %y: memref<512x512xf32>) {
    %z = memref.alloc() : memref<512x512xf32>
    linalg.exp ins(%x : memref<512x512xf32>) outs(%z : memref<512x512xf32>)
    linalg.generic {indexing_maps = [#turned, #id], iterator_types = ["parallel", "parallel"]} ins(%z : memref<512x512xf32>) outs(%y : memref<512x512xf32>) {
    ^bb0(%in: f32, %o: f32):
      linalg.yield %in : f32
    }
    return
  }
}

// -----

#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>
#column = affine_map<(m, n) -> (n)>

// What is written last is read first, by all rows.
// CHECK-LABEL: module @overwrites
module @overwrites {
  // CHECK: call @kernel{{.*}}(
  // CHECK: call @kernel
  func.func @main(%x: memref<512x512xf32>, %shift: memref<512xf32>) {
    linalg.generic {indexing_maps = [#column, #id], iterator_types = ["parallel", "parallel"]} ins(%shift : memref<512xf32>) outs(%x : memref<512x512xf32>) {
    ^bb0(%s: f32, %o: f32):
      %0 = arith.addf %s, %o : f32
      linalg.yield %0 : f32
    }
    linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%x : memref<512x512xf32>) outs(%shift : memref<512xf32>) {
    ^bb0(%in: f32, %o: f32):
      %0 = arith.maximumf %in, %o : f32
      linalg.yield %0 : f32
    }
    return
  }
}

// -----

#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>

// All of it is near anyway.
// CHECK-LABEL: module @small
module @small {
  // CHECK: call @kernel{{.*}}(
  // CHECK: call @kernel
  func.func @main(%x: memref<16x32xf32>, %y: memref<16x32xf32>) {
    %low = arith.constant 0xFF800000 : f32
    %most = memref.alloc() : memref<16xf32>
    linalg.fill ins(%low : f32) outs(%most : memref<16xf32>)
    linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%x : memref<16x32xf32>) outs(%most : memref<16xf32>) {
    ^bb0(%in: f32, %o: f32):
      %0 = arith.maximumf %in, %o : f32
      linalg.yield %0 : f32
    }
    linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %most : memref<16x32xf32>, memref<16xf32>) outs(%y : memref<16x32xf32>) {
    ^bb0(%in: f32, %m: f32, %o: f32):
      %0 = arith.subf %in, %m : f32
      linalg.yield %0 : f32
    }
    return
  }
}
