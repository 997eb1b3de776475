// Sums of products of small integers become sums over words.
// RUN: lig-opt %s -split-input-file "-lig-cpu-pack-dots=dots=vnni bf16=true" | FileCheck %s
// RUN: lig-opt %s -split-input-file "-lig-cpu-pack-dots=dots=pairs" | FileCheck %s --check-prefix=PAIRS
// RUN: lig-opt %s -split-input-file "-lig-cpu-pack-dots=dots=ssse3" | FileCheck %s --check-prefix=SSSE3

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// Three numbers are two words of two; the weight's are 1 2 | 3 0 for its first
// channel and 4 5 | 6 0 for its second.
// CHECK-LABEL: module @pairs
// CHECK: share.param @w.words{{.*}} : tensor<2x2xi16> = dense<{{\[}}[513, 1284], [3, 6]]>
// CHECK: %[[W:.+]] = share.address @w.words : memref<2x2xi16>
// CHECK: %[[ROOM:.+]] = memref.alloc() : memref<40xi8>
// CHECK: linalg.fill
// CHECK: %[[WORDS:.+]] = memref.view %[[ROOM]]{{.*}} : memref<40xi8> to memref<5x2xi32>
// CHECK: linalg.generic {{.*}} ins(%[[WORDS]], %[[W]] : memref<5x2xi32>, memref<2x2xi16>)
// CHECK: %[[WIDE:.+]] = net.widen %{{.+}} : i16 to i32
// CHECK: net.dot pairs %{{.+}}, %{{.+}}, %[[WIDE]] : i32, i32
module @pairs {
  share.param @w : tensor<3x2xi8> = dense<[[1, 4], [2, 5], [3, 6]]> : tensor<3x2xi8>
  func.func @main(%x: memref<5x3xi16>, %y: memref<5x2xi32>) {
    %w = share.address @w : memref<3x2xi8>
    linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : memref<5x3xi16>, memref<3x2xi8>) outs(%y : memref<5x2xi32>) {
    ^bb0(%p: i16, %q: i8, %o: i32):
      %0 = arith.extsi %p : i16 to i32
      %1 = arith.extsi %q : i8 to i32
      %2 = arith.muli %0, %1 : i32
      %3 = arith.addi %o, %2 : i32
      linalg.yield %3 : i32
    }
    return
  }
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (n, k)>
#c = affine_map<(m, n, k) -> (m, n)>

// Bytes in fours, where the machine takes them unsigned; a weight stored the other
// way round. 255 times 1 + 2, 3 + 4, 5 + 6 and 7 + 8 fit 16 bits.
// CHECK-LABEL: module @bytes
// CHECK: share.param @w.words{{.*}} : tensor<2x1xi32>
// CHECK: memref.view %{{.+}} : memref<20xi8> to memref<5x1xi32>
// CHECK-NOT: net.widen
// CHECK: net.dot mixed_bytes
// SSSE3-LABEL: module @bytes
// SSSE3: net.dot mixed_bytes %{{.+}}, %{{.+}}, %{{.+}} {net.pairs_fit}
// PAIRS-LABEL: module @bytes
// PAIRS-NOT: net.dot
// PAIRS: arith.extui
module @bytes {
  share.param @w : tensor<2x4xi8> = dense<[[1, 2, 3, 4], [5, 6, 7, 8]]> : tensor<2x4xi8>
  func.func @main(%x: memref<5x4xi8>, %y: memref<5x2xi32>) {
    %w = share.address @w : memref<2x4xi8>
    linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : memref<5x4xi8>, memref<2x4xi8>) outs(%y : memref<5x2xi32>) {
    ^bb0(%p: i8, %q: i8, %o: i32):
      %0 = arith.extui %p : i8 to i32
      %1 = arith.extsi %q : i8 to i32
      %2 = arith.muli %0, %1 : i32
      %3 = arith.addi %o, %2 : i32
      linalg.yield %3 : i32
    }
    return
  }
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: module @floats
// CHECK: net.dot bf16 %{{.+}}, %{{.+}}, %{{.+}} : f32, i32
// PAIRS-LABEL: module @floats
// PAIRS: arith.extf
module @floats {
  share.param @w : tensor<2x2xbf16> = dense<[[1.0, 4.0], [2.0, 5.0]]> : tensor<2x2xbf16>
  func.func @main(%x: memref<5x2xbf16>, %y: memref<5x2xf32>) {
    %w = share.address @w : memref<2x2xbf16>
    linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : memref<5x2xbf16>, memref<2x2xbf16>) outs(%y : memref<5x2xf32>) {
    ^bb0(%p: bf16, %q: bf16, %o: f32):
      %0 = arith.extf %p : bf16 to f32
      %1 = arith.extf %q : bf16 to f32
      %2 = arith.mulf %0, %1 : f32
      %3 = arith.addf %o, %2 : f32
      linalg.yield %3 : f32
    }
    return
  }
}

// -----

#a = affine_map<(m, c, k) -> (m + k, c)>
#b = affine_map<(m, c, k) -> (k, c)>
#c = affine_map<(m, c, k) -> (m, c)>

// What a depthwise convolution adds up does not lie together.
// CHECK-LABEL: module @depthwise
// CHECK-NOT: net.dot
module @depthwise {
  share.param @w : tensor<3x8xi8> = dense<1> : tensor<3x8xi8>
  func.func @main(%x: memref<10x8xi16>, %y: memref<8x8xi32>) {
    %w = share.address @w : memref<3x8xi8>
    linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : memref<10x8xi16>, memref<3x8xi8>) outs(%y : memref<8x8xi32>) {
    ^bb0(%p: i16, %q: i8, %o: i32):
      %0 = arith.extsi %p : i16 to i32
      %1 = arith.extsi %q : i8 to i32
      %2 = arith.muli %0, %1 : i32
      %3 = arith.addi %o, %2 : i32
      linalg.yield %3 : i32
    }
    return
  }
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// A slice of a stack is the same slice of the stack's words: 1 2 3 4 for the first
// layer's only channel, 5 6 7 8 for the second's.
// CHECK-LABEL: module @stack
// CHECK: share.param @w.words{{.*}} : tensor<2x1x1xi32> = dense<{{.*67305985.*134678021.*}}>
// CHECK: func.func @main(%{{.+}}: {{.+}}, %{{.+}}: {{.+}}, %[[STEP:.+]]: index)
// CHECK: %[[ALL:.+]] = share.address @w.words : memref<2x1x1xi32>
// CHECK: %[[W:.+]] = memref.subview %[[ALL]][%[[STEP]], 0, 0] [1, 1, 1] [1, 1, 1] : {{.*}} to memref<1x1xi32
// CHECK: linalg.generic {{.*}} ins(%{{.+}}, %[[W]] : memref<5x1xi32>, memref<1x1xi32
// CHECK: net.dot mixed_bytes
module @stack {
  share.param @w : tensor<2x4x1xi8> = dense<[[[1], [2], [3], [4]], [[5], [6], [7], [8]]]> : tensor<2x4x1xi8>
  func.func @main(%x: memref<5x4xi8>, %y: memref<5x1xi32>, %step: index) {
    %all = share.address @w : memref<2x4x1xi8>
    %w = memref.subview %all[%step, 0, 0] [1, 4, 1] [1, 1, 1] : memref<2x4x1xi8> to memref<4x1xi8, strided<[1, 1], offset: ?>>
    linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : memref<5x4xi8>, memref<4x1xi8, strided<[1, 1], offset: ?>>) outs(%y : memref<5x1xi32>) {
    ^bb0(%p: i8, %q: i8, %o: i32):
      %0 = arith.extui %p : i8 to i32
      %1 = arith.extsi %q : i8 to i32
      %2 = arith.muli %0, %1 : i32
      %3 = arith.addi %o, %2 : i32
      linalg.yield %3 : i32
    }
    return
  }
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// Half of a weight is no slice of a stack.
// CHECK-LABEL: module @half
// CHECK-NOT: net.dot
module @half {
  share.param @w : tensor<2x8x1xi8> = dense<1> : tensor<2x8x1xi8>
  func.func @main(%x: memref<5x4xi8>, %y: memref<5x1xi32>, %step: index) {
    %all = share.address @w : memref<2x8x1xi8>
    %w = memref.subview %all[%step, 4, 0] [1, 4, 1] [1, 1, 1] : memref<2x8x1xi8> to memref<4x1xi8, strided<[1, 1], offset: ?>>
    linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : memref<5x4xi8>, memref<4x1xi8, strided<[1, 1], offset: ?>>) outs(%y : memref<5x1xi32>) {
    ^bb0(%p: i8, %q: i8, %o: i32):
      %0 = arith.extui %p : i8 to i32
      %1 = arith.extsi %q : i8 to i32
      %2 = arith.muli %0, %1 : i32
      %3 = arith.addi %o, %2 : i32
      linalg.yield %3 : i32
    }
    return
  }
}
