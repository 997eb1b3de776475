// Windows whose rows look at the same elements, joined in parts.
// RUN: lig-opt %s -split-input-file -lig-cpu-emit-kernels=outline=false -canonicalize -cse | FileCheck %s

#data = affine_map<(c, h, w, y, x) -> (c, h + y, w + x)>
#taps = affine_map<(c, h, w, y, x) -> (y, x)>
#out = affine_map<(c, h, w, y, x) -> (c, h, w)>

// Four rows of windows look at eight rows: 8 x 4 steps along the rows, then
// pairs (6), fours (4) and fives (4) of them; one by one it would be 100.
// CHECK-LABEL: module @shares_parts
module @shares_parts {
  // CHECK-NOT: scf.for {{.+}} iter_args
  // CHECK-COUNT-46: arith.maximumf {{.+}} vector<8xf32>
  // CHECK-NOT: arith.maximumf
  // CHECK-COUNT-4: vector.store
  // CHECK-NOT: vector.store
  func.func @main(%x: memref<4x8x12xf32>, %w: memref<5x5xf32>, %y: memref<4x4x8xf32>) {
    %low = arith.constant 0xFF800000 : f32
    linalg.fill ins(%low : f32) outs(%y : memref<4x4x8xf32>)
    linalg.generic {indexing_maps = [#data, #taps, #out],
        iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
        ins(%x, %w : memref<4x8x12xf32>, memref<5x5xf32>) outs(%y : memref<4x4x8xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %m = arith.maximumf %o, %a : f32
      linalg.yield %m : f32
    }
    return
  }
}

// -----

#data = affine_map<(h, w, c, y, x) -> (2 * h + y, 2 * w + x, c)>
#taps = affine_map<(h, w, c, y, x) -> (y, x)>
#out = affine_map<(h, w, c, y, x) -> (h, w, c)>

// Channels last, steps of two: of the columns of three rows, every third lies
// in two windows. Two windows look at five: 5 x 2 steps, then 2 x 2 along the
// row.
// CHECK-LABEL: module @columns_of_windows
module @columns_of_windows {
  // CHECK-COUNT-14: arith.maxsi {{.+}} vector<8xi32>
  // CHECK-NOT: arith.maxsi
  func.func @main(%x: memref<9x5x8xi32>, %w: memref<3x3xi32>, %y: memref<4x2x8xi32>) {
    %low = arith.constant -2147483648 : i32
    linalg.fill ins(%low : i32) outs(%y : memref<4x2x8xi32>)
    linalg.generic {indexing_maps = [#data, #taps, #out],
        iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
        ins(%x, %w : memref<9x5x8xi32>, memref<3x3xi32>) outs(%y : memref<4x2x8xi32>) {
    ^bb0(%a: i32, %b: i32, %o: i32):
      %m = arith.maxsi %o, %a : i32
      linalg.yield %m : i32
    }
    return
  }
}

// -----

#data = affine_map<(c, h, w, y, x) -> (c, h + y, w + x)>
#taps = affine_map<(c, h, w, y, x) -> (y, x)>
#out = affine_map<(c, h, w, y, x) -> (c, h, w)>

// Large windows keep a loop along the row; the parts of all rows are carried.
// CHECK-LABEL: module @large_windows
module @large_windows {
  // CHECK: scf.for {{.+}} iter_args({{.+}}) -> (vector<8xi32>, vector<8xi32>
  func.func @main(%x: memref<4x9x23xi32>, %w: memref<6x16xi32>, %y: memref<4x4x8xi32>) {
    %low = arith.constant -2147483648 : i32
    linalg.fill ins(%low : i32) outs(%y : memref<4x4x8xi32>)
    linalg.generic {indexing_maps = [#data, #taps, #out],
        iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
        ins(%x, %w : memref<4x9x23xi32>, memref<6x16xi32>) outs(%y : memref<4x4x8xi32>) {
    ^bb0(%a: i32, %b: i32, %o: i32):
      %m = arith.maxsi %o, %a : i32
      linalg.yield %m : i32
    }
    return
  }
}

// -----

#data = affine_map<(c, h, w, y, x) -> (c, h + y, w + x)>
#taps = affine_map<(c, h, w, y, x) -> (y, x)>
#out = affine_map<(c, h, w, y, x) -> (c, h, w)>

// A sum of floats depends on the order: each window adds for itself.
// CHECK-LABEL: module @sums_keep_order
module @sums_keep_order {
  // CHECK-COUNT-100: arith.addf {{.+}} vector<8xf32>
  func.func @main(%x: memref<4x8x12xf32>, %w: memref<5x5xf32>, %y: memref<4x4x8xf32>) {
    %zero = arith.constant 0.0 : f32
    linalg.fill ins(%zero : f32) outs(%y : memref<4x4x8xf32>)
    linalg.generic {indexing_maps = [#data, #taps, #out],
        iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
        ins(%x, %w : memref<4x8x12xf32>, memref<5x5xf32>) outs(%y : memref<4x4x8xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %m = arith.addf %o, %a : f32
      linalg.yield %m : f32
    }
    return
  }
}
