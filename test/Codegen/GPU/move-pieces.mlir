// RUN: lig-opt %s -split-input-file -lig-gpu-emit-strategies='multiprocessors=1' -canonicalize | FileCheck %s

// A thread takes 4 elements of its row at once, and stores 4.
// CHECK-LABEL: func.func @takes_elements_of_a_row
// CHECK-SAME: %[[X:[^:]+]]: memref<100x96xf32>, %[[B:[^:]+]]: memref<100xf32>
// CHECK: gpu.launch
// CHECK: vector.load %[[X]]{{.*}} {alignment = 16 : i64} {{.*}}vector<4xf32>
// CHECK-COUNT-4: arith.maximumf
// CHECK: gpu.shuffle
// CHECK: vector.store {{.*}} {alignment = 16 : i64} {{.*}}vector<4xf32>
// CHECK-NOT: memref.store
func.func @takes_elements_of_a_row(%x: memref<100x96xf32>, %m: memref<100xf32>, %y: memref<100x96xf32>) {
  %t = memref.alloc() : memref<100xf32>
  memref.copy %m, %t : memref<100xf32> to memref<100xf32>
  linalg.reduce { arith.maximumf } ins(%x : memref<100x96xf32>) outs(%t : memref<100xf32>) dimensions = [1]
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]} ins(%x, %t : memref<100x96xf32>, memref<100xf32>) outs(%y : memref<100x96xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.subf %a, %b : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Rows of an odd length do not begin where pieces do.
// CHECK-LABEL: func.func @takes_single_elements_of_odd_rows
// CHECK: gpu.launch
// CHECK-NOT: vector.load
// CHECK: return
func.func @takes_single_elements_of_odd_rows(%x: memref<100x97xf32>, %y: memref<100xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<100x97xf32>) outs(%y : memref<100xf32>) dimensions = [1]
  return
}

// -----

// Rows of planes fill no piece, the planes do: their elements lie behind each
// other.
// CHECK-LABEL: func.func @takes_elements_of_planes
// CHECK: gpu.launch
// CHECK: vector.load {{.*}}vector<4xf32>
// CHECK: return
func.func @takes_elements_of_planes(%x: memref<100x14x14xf32>, %y: memref<100xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<100x14x14xf32>) outs(%y : memref<100xf32>) dimensions = [1, 2]
  return
}

// -----

// Sums down the columns: a thread has 4 of them.
// CHECK-LABEL: func.func @takes_several_columns
// CHECK: gpu.launch
// CHECK: vector.load {{.*}}vector<4xf32>
// CHECK: vector.store {{.*}}vector<4xf32>
// CHECK: return
func.func @takes_several_columns(%x: memref<9x1024xf32>, %y: memref<1024xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<9x1024xf32>) outs(%y : memref<1024xf32>) dimensions = [0]
  return
}

// -----

// An operation that stands alone, across the rows of odd planes; three elements
// are left, which have a thread each.
// CHECK-LABEL: func.func @joins_rows_of_odd_planes
// CHECK-SAME: %[[X:[^:]+]]: memref<163x7x7xf32>
// CHECK: gpu.launch
// CHECK: %[[ALL:.*]] = memref.collapse_shape %[[X]]
// CHECK: vector.load %[[ALL]]
// CHECK: vector.store
// CHECK: else
// CHECK: memref.load %[[X]]
// CHECK: memref.store
func.func @joins_rows_of_odd_planes(%x: memref<163x7x7xf32>, %y: memref<163x7x7xf32>) {
  linalg.exp ins(%x : memref<163x7x7xf32>) outs(%y : memref<163x7x7xf32>)
  return
}

// -----

// A copy into the middle of rows, at a multiple of 4.
// CHECK-LABEL: func.func @copies_into_rows
// CHECK: gpu.launch
// CHECK: vector.load
// CHECK: vector.store {{.*}}offset: 8
func.func @copies_into_rows(%x: memref<40x12xf32>, %y: memref<40x24xf32>) {
  %v = memref.subview %y[0, 8] [40, 12] [1, 1] : memref<40x24xf32> to memref<40x12xf32, strided<[24, 1], offset: 8>>
  memref.copy %x, %v : memref<40x12xf32> to memref<40x12xf32, strided<[24, 1], offset: 8>>
  return
}

// -----

// Beside a piece's place, at a place that only data or a loop knows, or in
// another order than that of the loops nothing is moved at once.
// CHECK-LABEL: func.func @leaves_what_lies_apart
// CHECK-NOT: vector.
// CHECK: return
func.func @leaves_what_lies_apart(%x: memref<40x12xf32>, %y: memref<40x24xf32>, %i: index, %s: memref<64x64xf32>, %t: memref<64x64xf32>) {
  %v = memref.subview %y[0, 7] [40, 12] [1, 1] : memref<40x24xf32> to memref<40x12xf32, strided<[24, 1], offset: 7>>
  memref.copy %x, %v : memref<40x12xf32> to memref<40x12xf32, strided<[24, 1], offset: 7>>
  %w = memref.subview %y[0, %i] [40, 12] [1, 1] : memref<40x24xf32> to memref<40x12xf32, strided<[24, 1], offset: ?>>
  memref.copy %x, %w : memref<40x12xf32> to memref<40x12xf32, strided<[24, 1], offset: ?>>
  linalg.transpose ins(%s : memref<64x64xf32>) outs(%t : memref<64x64xf32>) permutation = [1, 0]
  return
}

// -----

// Numbers of a byte move by 4 bytes; bits have no place in memory of their own.
// CHECK-LABEL: func.func @moves_bytes
// CHECK: vector.load {{.*}} {alignment = 4 : i64} {{.*}}vector<4xi8>
// CHECK: vector.store {{.*}} {alignment = 16 : i64} {{.*}}vector<4xf32>
// CHECK-NOT: vector<4xi1>
func.func @moves_bytes(%x: memref<64x64xi8>, %y: memref<64x64xf32>, %p: memref<64x64xi1>, %q: memref<64x64xi1>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<64x64xi8>) outs(%y : memref<64x64xf32>) {
  ^bb0(%a: i8, %o: f32):
    %r = arith.sitofp %a : i8 to f32
    linalg.yield %r : f32
  }
  memref.copy %p, %q : memref<64x64xi1> to memref<64x64xi1>
  return
}
