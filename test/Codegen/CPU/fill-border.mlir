// A padded buffer: the middle is written by whoever makes the data.
// RUN: lig-opt %s -split-input-file "-lig-cpu-emit-kernels=outline=false threads=false" | FileCheck %s

// Two rows of 6 times 8, and for each of 4 rows one place left and right of 4.
// CHECK-LABEL: module @fills_the_border
module @fills_the_border {
  // CHECK: scf.for %{{.+}} = %{{.+}} to %c48 step
  // CHECK: vector.store
  // CHECK: scf.for %{{.+}} = %{{.+}} to %c48 step
  // CHECK: vector.store
  // CHECK: scf.for %{{.+}} = %{{.+}} to %c4 step
  // CHECK: vector.store
  // CHECK: scf.for %{{.+}} = %{{.+}} to %c4 step
  // CHECK: vector.store
  // CHECK: vector.load
  func.func @main(%x: memref<4x4x8xf32>, %y: memref<6x6x8xf32>) {
    %zero = arith.constant 0.0 : f32
    %padded = memref.alloc() : memref<6x6x8xf32>
    linalg.fill ins(%zero : f32) outs(%padded : memref<6x6x8xf32>)
    %middle = memref.subview %padded[1, 1, 0] [4, 4, 8] [1, 1, 1] : memref<6x6x8xf32> to memref<4x4x8xf32, strided<[48, 8, 1], offset: 56>>
    linalg.copy ins(%x : memref<4x4x8xf32>) outs(%middle : memref<4x4x8xf32, strided<[48, 8, 1], offset: 56>>)
    linalg.exp ins(%padded : memref<6x6x8xf32>) outs(%y : memref<6x6x8xf32>)
    return
  }
}

// -----

// Someone reads before the middle is written: one fill of everything.
// CHECK-LABEL: module @fills_all
module @fills_all {
  // CHECK: scf.for %{{.+}} = %{{.+}} to %c288
  // CHECK-NEXT: vector.broadcast
  // CHECK-NEXT: vector.store
  func.func @main(%x: memref<4x4x8xf32>, %y: memref<6x6x8xf32>, %z: memref<6x6x8xf32>) {
    %zero = arith.constant 0.0 : f32
    %padded = memref.alloc() : memref<6x6x8xf32>
    linalg.fill ins(%zero : f32) outs(%padded : memref<6x6x8xf32>)
    linalg.exp ins(%padded : memref<6x6x8xf32>) outs(%z : memref<6x6x8xf32>)
    %middle = memref.subview %padded[1, 1, 0] [4, 4, 8] [1, 1, 1] : memref<6x6x8xf32> to memref<4x4x8xf32, strided<[48, 8, 1], offset: 56>>
    linalg.copy ins(%x : memref<4x4x8xf32>) outs(%middle : memref<4x4x8xf32, strided<[48, 8, 1], offset: 56>>)
    linalg.exp ins(%padded : memref<6x6x8xf32>) outs(%y : memref<6x6x8xf32>)
    return
  }
}
