// Kernels are functions of their buffers, and equal ones are one function.
// RUN: lig-opt %s -split-input-file -lig-cpu-emit-kernels -cse | FileCheck %s
// RUN: lig-opt %s -split-input-file -lig-cpu-emit-kernels=outline=false -cse | FileCheck %s --check-prefix=INLINE

// Two layers that differ in their buffers, and one of another shape.
// CHECK-LABEL: module @writes_equal_kernels_once
// INLINE-LABEL: module @writes_equal_kernels_once
module @writes_equal_kernels_once {
  // CHECK: func.func @main
  // CHECK: call @[[SQUARE:kernel[_0-9]*]](
  // CHECK: call @[[SQUARE]](
  // CHECK: call @[[WIDE:kernel[_0-9]*]](
  // CHECK: func.func private @[[SQUARE]]({{.+}} attributes {passthrough = ["noinline"]}
  // CHECK: vector.fma
  // CHECK: func.func private @[[WIDE]](
  // CHECK-NOT: func.func
  // INLINE-NOT: call
  func.func @main(%x: memref<16x16xf32>, %v: memref<16x16xf32>, %w: memref<16x16xf32>, %u: memref<16x24xf32>, %h: memref<16x16xf32>, %y: memref<16x16xf32>, %z: memref<16x24xf32>) {
    linalg.matmul ins(%x, %v : memref<16x16xf32>, memref<16x16xf32>) outs(%h : memref<16x16xf32>)
    linalg.matmul ins(%h, %w : memref<16x16xf32>, memref<16x16xf32>) outs(%y : memref<16x16xf32>)
    linalg.matmul ins(%y, %u : memref<16x16xf32>, memref<16x24xf32>) outs(%z : memref<16x24xf32>)
    return
  }
}

// -----

// Where a buffer begins is an argument: halves of one are read by one function.
// CHECK-LABEL: module @passes_offsets
module @passes_offsets {
  // CHECK: call @kernel(%{{.+}}, %c0, %{{.+}})
  // CHECK: call @kernel(%{{.+}}, %c512, %{{.+}})
  // CHECK: func.func private @kernel(
  // CHECK-NOT: func.func
  func.func @main(%x: memref<1024xf32>, %y: memref<512xf32>, %z: memref<512xf32>) {
    %low = memref.subview %x[0] [512] [1] : memref<1024xf32> to memref<512xf32, strided<[1]>>
    %high = memref.subview %x[512] [512] [1] : memref<1024xf32> to memref<512xf32, strided<[1], offset: 512>>
    linalg.exp ins(%low : memref<512xf32, strided<[1]>>) outs(%y : memref<512xf32>)
    linalg.exp ins(%high : memref<512xf32, strided<[1], offset: 512>>) outs(%z : memref<512xf32>)
    return
  }
}

// -----

// A few operations are no longer than a call.
// CHECK-LABEL: module @leaves_small_ones
module @leaves_small_ones {
  // CHECK: math.exp
  // CHECK-NOT: call
  func.func @main(%x: memref<8xf32>, %y: memref<8xf32>) {
    linalg.exp ins(%x : memref<8xf32>) outs(%y : memref<8xf32>)
    return
  }
}
