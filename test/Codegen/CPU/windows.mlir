// Windows that slide along the row that results lie in.
// RUN: lig-opt %s -split-input-file -lig-cpu-emit-kernels=outline=false -cse | FileCheck %s
// RUN: lig-opt %s -split-input-file "-lig-cpu-emit-kernels=outline=false vector-bits=128" -cse | FileCheck %s --check-prefix=NARROW

#data = affine_map<(c, h, w, y, x) -> (c, h + y, w + x)>
#taps = affine_map<(c, h, w, y, x) -> (c, y, x)>
#out = affine_map<(c, h, w, y, x) -> (c, h, w)>

// Six rows of windows read eight rows of data once; the last vector of a row
// covers some results again.
// CHECK-LABEL: module @rows_share_loads
module @rows_share_loads {
  // CHECK: scf.for
  // CHECK-COUNT-24: vector.load {{.+}} vector<8xf32>
  // CHECK-COUNT-6: vector.store
  // CHECK-NOT: vector.store
  // CHECK: }
  // CHECK-NOT: maskedload
  func.func @main(%x: memref<4x8x22xf32>, %w: memref<4x3x3xf32>, %y: memref<4x6x20xf32>) {
    %zero = arith.constant 0.0 : f32
    linalg.fill ins(%zero : f32) outs(%y : memref<4x6x20xf32>)
    linalg.generic {indexing_maps = [#data, #taps, #out],
        iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
        ins(%x, %w : memref<4x8x22xf32>, memref<4x3x3xf32>) outs(%y : memref<4x6x20xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %m = arith.mulf %a, %b : f32
      %s = arith.addf %o, %m : f32
      linalg.yield %s : f32
    }
    return
  }
}

// -----

#data = affine_map<(c, h, w, y, x) -> (c, 2 * h + y, 2 * w + x)>
#taps = affine_map<(c, h, w, y, x) -> (y, x)>
#out = affine_map<(c, h, w, y, x) -> (c, h, w)>

// Steps of two: every second element of two vectors, nothing behind the row.
// CHECK-LABEL: module @steps_of_two
// NARROW-LABEL: module @steps_of_two
module @steps_of_two {
  // CHECK-NOT: vector.gather
  // CHECK: %[[AT:.+]] = arith.addi %{{.+}}, %c7
  // CHECK: vector.shuffle %{{.+}}, %{{.+}} [0, 2, 4, 6, 9, 11, 13, 15] : vector<8xf32>, vector<8xf32>
  // CHECK: arith.maximumf {{.+}} vector<8xf32>
  // CHECK-NOT: vector.gather
  // NARROW: vector.shuffle %{{.+}}, %{{.+}} [0, 2, 5, 7] : vector<4xf32>, vector<4xf32>
  func.func @main(%x: memref<4x17x33xf32>, %w: memref<3x3xf32>, %y: memref<4x8x16xf32>) {
    %low = arith.constant 0xFF800000 : f32
    linalg.fill ins(%low : f32) outs(%y : memref<4x8x16xf32>)
    linalg.generic {indexing_maps = [#data, #taps, #out],
        iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
        ins(%x, %w : memref<4x17x33xf32>, memref<3x3xf32>) outs(%y : memref<4x8x16xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %m = arith.maximumf %o, %a : f32
      linalg.yield %m : f32
    }
    return
  }
}

// -----

#data = affine_map<(c, h, w, y, x) -> (c, h + y, w + x)>
#taps = affine_map<(c, h, w, y, x) -> (c, y, x)>
#out = affine_map<(c, h, w, y, x) -> (c, h, w)>

// The padded copy is not made: results at the edges look at the taps inside.
// CHECK-LABEL: module @reads_unpadded
module @reads_unpadded {
  // CHECK-NOT: memref.alloc
  // CHECK-NOT: linalg
  // CHECK: vector.fma
  func.func @main(%x: memref<2x8x256xf32>, %w: memref<2x3x3xf32>, %y: memref<2x8x256xf32>) {
    %zero = arith.constant 0.0 : f32
    %padded = memref.alloc() : memref<2x10x258xf32>
    linalg.fill ins(%zero : f32) outs(%padded : memref<2x10x258xf32>)
    %middle = memref.subview %padded[0, 1, 1] [2, 8, 256] [1, 1, 1] : memref<2x10x258xf32> to memref<2x8x256xf32, strided<[2580, 258, 1], offset: 259>>
    memref.copy %x, %middle : memref<2x8x256xf32> to memref<2x8x256xf32, strided<[2580, 258, 1], offset: 259>>
    linalg.fill ins(%zero : f32) outs(%y : memref<2x8x256xf32>)
    linalg.generic {indexing_maps = [#data, #taps, #out],
        iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
        ins(%padded, %w : memref<2x10x258xf32>, memref<2x3x3xf32>) outs(%y : memref<2x8x256xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %m = arith.mulf %a, %b : f32
      %s = arith.addf %o, %m : f32
      linalg.yield %s : f32
    }
    memref.dealloc %padded : memref<2x10x258xf32>
    return
  }
}

// -----

#data = affine_map<(c, h, w, y, x) -> (c, h + y, w + x)>
#taps = affine_map<(c, h, w, y, x) -> (y, x)>
#out = affine_map<(c, h, w, y, x) -> (c, h, w)>

// A border of zeros matters to a maximum.
// CHECK-LABEL: module @border_counts
module @border_counts {
  // CHECK: memref.alloc() : memref<2x10x258xf32>
  func.func @main(%x: memref<2x8x256xf32>, %w: memref<3x3xf32>, %y: memref<2x8x256xf32>) {
    %zero = arith.constant 0.0 : f32
    %low = arith.constant 0xFF800000 : f32
    %padded = memref.alloc() : memref<2x10x258xf32>
    linalg.fill ins(%zero : f32) outs(%padded : memref<2x10x258xf32>)
    %middle = memref.subview %padded[0, 1, 1] [2, 8, 256] [1, 1, 1] : memref<2x10x258xf32> to memref<2x8x256xf32, strided<[2580, 258, 1], offset: 259>>
    memref.copy %x, %middle : memref<2x8x256xf32> to memref<2x8x256xf32, strided<[2580, 258, 1], offset: 259>>
    linalg.fill ins(%low : f32) outs(%y : memref<2x8x256xf32>)
    linalg.generic {indexing_maps = [#data, #taps, #out],
        iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
        ins(%padded, %w : memref<2x10x258xf32>, memref<3x3xf32>) outs(%y : memref<2x8x256xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %m = arith.maximumf %o, %a : f32
      linalg.yield %m : f32
    }
    memref.dealloc %padded : memref<2x10x258xf32>
    return
  }
}
