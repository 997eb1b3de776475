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

// -----

// Two halves side by side are one middle, also where somebody reads the first
// before the second is written, and the second is seen in another shape.
// CHECK-LABEL: module @fills_around_parts
module @fills_around_parts {
  // CHECK: scf.for %{{.+}} = %{{.+}} to %c48 step
  // CHECK: vector.store
  // CHECK: scf.for %{{.+}} = %{{.+}} to %c48 step
  // CHECK: vector.store
  // CHECK: scf.for %{{.+}} = %{{.+}} to %c4 step
  // CHECK: vector.store
  // CHECK: scf.for %{{.+}} = %{{.+}} to %c4 step
  // CHECK: vector.store
  // CHECK-NOT: vector.broadcast
  // CHECK: vector.load
  func.func @main(%x: memref<4x4x4xf32>, %u: memref<2x2x4x4xf32>, %y: memref<6x6x8xf32>, %z: memref<4x4x4xf32>) {
    %zero = arith.constant 0.0 : f32
    %padded = memref.alloc() : memref<6x6x8xf32>
    linalg.fill ins(%zero : f32) outs(%padded : memref<6x6x8xf32>)
    %left = memref.subview %padded[1, 1, 0] [4, 4, 4] [1, 1, 1] : memref<6x6x8xf32> to memref<4x4x4xf32, strided<[48, 8, 1], offset: 56>>
    linalg.copy ins(%x : memref<4x4x4xf32>) outs(%left : memref<4x4x4xf32, strided<[48, 8, 1], offset: 56>>)
    linalg.exp ins(%left : memref<4x4x4xf32, strided<[48, 8, 1], offset: 56>>) outs(%z : memref<4x4x4xf32>)
    %right = memref.subview %padded[1, 1, 4] [4, 4, 4] [1, 1, 1] : memref<6x6x8xf32> to memref<4x4x4xf32, strided<[48, 8, 1], offset: 60>>
    %cut = memref.expand_shape %right [[0, 1], [2], [3]] output_shape [2, 2, 4, 4] : memref<4x4x4xf32, strided<[48, 8, 1], offset: 60>> into memref<2x2x4x4xf32, strided<[96, 48, 8, 1], offset: 60>>
    linalg.copy ins(%u : memref<2x2x4x4xf32>) outs(%cut : memref<2x2x4x4xf32, strided<[96, 48, 8, 1], offset: 60>>)
    linalg.exp ins(%padded : memref<6x6x8xf32>) outs(%y : memref<6x6x8xf32>)
    return
  }
}

// -----

// Somebody looks at the second half before it is written: only the first is
// written over.
// CHECK-LABEL: module @fills_unwritten_parts
module @fills_unwritten_parts {
  // CHECK-COUNT-4: vector.broadcast %{{.+}} : f32 to vector<8xf32>
  // CHECK: scf.for %{{.+}} = %{{.+}} to %c4 step
  // CHECK: scf.for %{{.+}} = %{{.+}} to %c4 step
  // CHECK: vector.broadcast %{{.+}} : f32 to vector<4xf32>
  // CHECK-NOT: vector.broadcast
  // CHECK: return
  func.func @main(%x: memref<4x4x4xf32>, %u: memref<4x4x4xf32>, %y: memref<6x6x8xf32>, %z: memref<4x4x4xf32>) {
    %zero = arith.constant 0.0 : f32
    %padded = memref.alloc() : memref<6x6x8xf32>
    linalg.fill ins(%zero : f32) outs(%padded : memref<6x6x8xf32>)
    %left = memref.subview %padded[1, 1, 0] [4, 4, 4] [1, 1, 1] : memref<6x6x8xf32> to memref<4x4x4xf32, strided<[48, 8, 1], offset: 56>>
    linalg.copy ins(%x : memref<4x4x4xf32>) outs(%left : memref<4x4x4xf32, strided<[48, 8, 1], offset: 56>>)
    %right = memref.subview %padded[1, 1, 4] [4, 4, 4] [1, 1, 1] : memref<6x6x8xf32> to memref<4x4x4xf32, strided<[48, 8, 1], offset: 60>>
    linalg.exp ins(%right : memref<4x4x4xf32, strided<[48, 8, 1], offset: 60>>) outs(%z : memref<4x4x4xf32>)
    linalg.copy ins(%u : memref<4x4x4xf32>) outs(%right : memref<4x4x4xf32, strided<[48, 8, 1], offset: 60>>)
    linalg.exp ins(%padded : memref<6x6x8xf32>) outs(%y : memref<6x6x8xf32>)
    return
  }
}
