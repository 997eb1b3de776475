// One strategy per operation, chosen by facts of it.
// RUN: lig-opt %s -split-input-file -lig-cpu-emit-kernels=outline=false -cse | FileCheck %s
// RUN: lig-opt %s -split-input-file "-lig-cpu-emit-kernels=outline=false vector-bits=512" -cse | FileCheck %s --check-prefix=WIDE
// RUN: lig-opt %s -split-input-file "-lig-cpu-emit-kernels=outline=false fma=false" -cse | FileCheck %s --check-prefix=NOFMA

// Four rows of three vectors stay in registers; the fill is where they start.
// CHECK-LABEL: module @matmul_in_registers
// WIDE-LABEL: module @matmul_in_registers
// NOFMA-LABEL: module @matmul_in_registers
module @matmul_in_registers {
  // CHECK: %[[ZERO:.+]] = arith.constant 0.0
  // CHECK-NOT: linalg
  // CHECK: %[[START:.+]] = vector.broadcast %[[ZERO]] : f32 to vector<8xf32>
  // CHECK: scf.for {{.+}} iter_args({{.+}} = %[[START]]
  // CHECK: memref.load
  // CHECK: vector.load {{.+}} vector<8xf32>
  // CHECK-COUNT-12: vector.fma {{.+}} : vector<8xf32>
  // CHECK-NOT: vector.fma
  // CHECK: scf.yield
  // CHECK-COUNT-12: vector.store
  // CHECK-NOT: linalg
  // WIDE: vector.fma {{.+}} : vector<16xf32>
  // NOFMA: arith.mulf {{.+}} : vector<8xf32>
  // NOFMA: arith.addf {{.+}} : vector<8xf32>
  // NOFMA-NOT: vector.fma
  func.func @main(%a: memref<8x64xf32>, %b: memref<64x48xf32>, %c: memref<8x48xf32>) {
    %zero = arith.constant 0.0 : f32
    linalg.fill ins(%zero : f32) outs(%c : memref<8x48xf32>)
    linalg.matmul ins(%a, %b : memref<8x64xf32>, memref<64x48xf32>) outs(%c : memref<8x48xf32>)
    return
  }
}

// -----

// A fill that another operation reads first is not dropped.
// CHECK-LABEL: module @keeps_read_fill
module @keeps_read_fill {
  // CHECK: vector.store
  // CHECK: vector.load %[[C:.+]][{{.+}}] : memref<8xf32>
  // CHECK: vector.fma
  func.func @main(%a: memref<4xf32>, %b: memref<4x8xf32>, %c: memref<8xf32>, %d: memref<8xf32>) {
    %zero = arith.constant 0.0 : f32
    linalg.fill ins(%zero : f32) outs(%c : memref<8xf32>)
    linalg.exp ins(%c : memref<8xf32>) outs(%d : memref<8xf32>)
    linalg.vecmat ins(%a, %b : memref<4xf32>, memref<4x8xf32>) outs(%c : memref<8xf32>)
    return
  }
}

// -----

// Contiguous along the reduction: partial sums in lanes, joined at the end.
// CHECK-LABEL: module @sums_rows
module @sums_rows {
  // CHECK: scf.for
  // CHECK: arith.addf {{.+}} : vector<8xf32>
  // CHECK: vector.reduction <add>, {{.+}} fastmath<reassoc> : vector<8xf32> into f32
  func.func @main(%x: memref<16x64xf32>, %y: memref<16xf32>) {
    linalg.generic {indexing_maps = [affine_map<(m, k) -> (m, k)>, affine_map<(m, k) -> (m)>], iterator_types = ["parallel", "reduction"]} ins(%x : memref<16x64xf32>) outs(%y : memref<16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.addf %in, %out : f32
      linalg.yield %0 : f32
    }
    return
  }
}

// -----

// All dimensions of contiguous data are one loop; the rest is masked.
// CHECK-LABEL: module @flattens
module @flattens {
  // CHECK-DAG: arith.constant 128 : index
  // CHECK: scf.for {{.+}} step %c32
  // CHECK-NOT: scf.for
  // CHECK-COUNT-4: vector.load
  // CHECK: vector.maskedload
  // CHECK: vector.maskedstore
  func.func @main(%x: memref<3x5x9xf32>, %y: memref<3x5x9xf32>) {
    linalg.abs ins(%x : memref<3x5x9xf32>) outs(%y : memref<3x5x9xf32>)
    return
  }
}

// -----

// Squares of eight by eight are turned in registers, two at once: their lines
// are lines of the cache.
// CHECK-LABEL: module @transposes_squares
module @transposes_squares {
  // CHECK: scf.for
  // CHECK-COUNT-8: vector.load
  // CHECK-COUNT-24: vector.shuffle
  // CHECK-COUNT-8: vector.load
  // CHECK-COUNT-24: vector.shuffle
  // CHECK-COUNT-16: vector.store
  // CHECK-NOT: vector.store
  func.func @main(%x: memref<16x32xf32>, %y: memref<32x16xf32>) {
    linalg.transpose ins(%x : memref<16x32xf32>) outs(%y : memref<32x16xf32>) permutation = [1, 0]
    return
  }
}

// -----

// Seven of a square's eight columns are there: its lines are masked. Where less
// than half of it is, lanes are gathered.
// CHECK-LABEL: module @masks_squares
module @masks_squares {
  // CHECK-COUNT-8: vector.maskedload {{.+}} vector<8xf32>
  // CHECK-NOT: vector.gather
  // CHECK-COUNT-7: vector.store {{.+}} vector<8xf32>
  // CHECK-NOT: vector.store
  // CHECK: vector.gather
  func.func @main(%x: memref<16x7xf32>, %y: memref<7x16xf32>, %s: memref<16x4xf32>, %t: memref<4x16xf32>) {
    linalg.transpose ins(%x : memref<16x7xf32>) outs(%y : memref<7x16xf32>) permutation = [1, 0]
    linalg.transpose ins(%s : memref<16x4xf32>) outs(%t : memref<4x16xf32>) permutation = [1, 0]
    return
  }
}

// -----

// What fills no square is covered by one that begins earlier.
// CHECK-LABEL: module @overlaps_squares
module @overlaps_squares {
  // CHECK-NOT: vector.gather
  // CHECK-COUNT-32: vector.store
  // CHECK-NOT: {{vector.gather|vector.store|memref.store}}
  func.func @main(%x: memref<16x36xf32>, %y: memref<36x16xf32>) {
    linalg.transpose ins(%x : memref<16x36xf32>) outs(%y : memref<36x16xf32>) permutation = [1, 0]
    return
  }
}

// -----

// Truth values take a byte in memory and a bit in a vector: no vector of them
// is loaded or stored.
// CHECK-LABEL: module @leaves_truth_values_scalar
module @leaves_truth_values_scalar {
  // CHECK-NOT: vector
  // CHECK: memref.store {{.+}} memref<64xi1>
  func.func @main(%x: memref<64xf32>, %y: memref<64xi1>) {
    linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]} ins(%x : memref<64xf32>) outs(%y : memref<64xi1>) {
    ^bb0(%in: f32, %out: i1):
      %0 = arith.cmpf ogt, %in, %in : f32
      linalg.yield %0 : i1
    }
    return
  }
}

// -----

// Run-time extents become plain loops.
// CHECK-LABEL: module @falls_back
module @falls_back {
  // CHECK: memref.dim
  // CHECK: scf.for
  // CHECK-NOT: linalg
  func.func @main(%x: memref<?xf32>, %y: memref<?xf32>) {
    memref.copy %x, %y : memref<?xf32> to memref<?xf32>
    return
  }
}

// -----

// Nothing to do.
// CHECK-LABEL: module @empty
module @empty {
  // CHECK: func.func @main
  // CHECK-NEXT: return
  func.func @main(%x: memref<0x4xf32>, %y: memref<0x4xf32>) {
    memref.copy %x, %y : memref<0x4xf32> to memref<0x4xf32>
    return
  }
}

// -----

// A right side that is contiguous along the reduction is turned into a panel
// once for all rows.
// CHECK-LABEL: module @copies_panels
module @copies_panels {
  // CHECK: %[[PANEL:.+]] = memref.alloc() : memref<1536xf32>
  // CHECK: vector.shuffle
  // CHECK: vector.store {{.+}}, %[[PANEL]]
  // CHECK: vector.load %[[PANEL]]
  // CHECK: vector.fma
  // CHECK: memref.dealloc %[[PANEL]]
  func.func @main(%a: memref<32x64xf32>, %b: memref<48x64xf32>, %c: memref<32x48xf32>) {
    linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%a, %b : memref<32x64xf32>, memref<48x64xf32>) outs(%c : memref<32x48xf32>) {
    ^bb0(%x: f32, %y: f32, %s: f32):
      %0 = arith.mulf %x, %y : f32
      %1 = arith.addf %s, %0 : f32
      linalg.yield %1 : f32
    }
    return
  }
}
