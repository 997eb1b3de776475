// One parameter is left of those that hold the same elements.
// RUN: lig-opt %s -split-input-file -share-merge-parameters=min-view-bytes=16 | FileCheck %s
// Every hash collides: the bytes decide alone.
// RUN: lig-opt %s -split-input-file -share-merge-parameters="min-view-bytes=16 hash-bits=0" | FileCheck %s
// RUN: lig-opt %s -split-input-file -share-merge-parameters="views=false" | FileCheck %s --check-prefix=EQUAL

// The first one stays, and says what became it.
// CHECK-LABEL: module @merges_equal_bytes
module @merges_equal_bytes {
  // CHECK: share.param @a {share.merged = ["b", "c"]} : tensor<4xf32>
  // CHECK-NOT: share.param
  share.param @a : tensor<4xf32> = dense<[1., 2., 3., 4.]> : tensor<4xf32>
  share.param @b : tensor<4xf32> = dense<[1., 2., 3., 4.]> : tensor<4xf32>
  share.param @c : tensor<4xf32> = dense_resource<held> : tensor<4xf32>
  // CHECK: func.func @main
  func.func @main() -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
    // CHECK-COUNT-3: share.get @a :
    %a = share.get @a : tensor<4xf32>
    %b = share.get @b : tensor<4xf32>
    %c = share.get @c : tensor<4xf32>
    return %a, %b, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  }
}

{-# dialect_resources: { builtin: { held: "0x040000000000803F000000400000404000008040" } } #-}

// -----

// The same tensor of a file, known by its name alone.
// CHECK-LABEL: module @merges_names_in_files
module @merges_names_in_files {
  // CHECK-COUNT-2: share.param
  // CHECK-NOT: share.param
  share.param @a : tensor<4xf32> = #share.file<"m.safetensors", "w">
  share.param @b : tensor<4xf32> = #share.file<"m.safetensors", "w">
  share.param @other : tensor<4xf32> = #share.file<"m.safetensors", "v">
}

// -----

// CHECK-LABEL: module @keeps_what_differs
module @keeps_what_differs {
  // CHECK-COUNT-9: share.param
  share.param @zero : tensor<4xf32> = dense<0.0> : tensor<4xf32>
  share.param @negative_zero : tensor<4xf32> = dense<-0.0> : tensor<4xf32>
  share.param @nan : tensor<4xf32> = dense<0x7FC00000> : tensor<4xf32>
  share.param @other_nan : tensor<4xf32> = dense<0x7FC00001> : tensor<4xf32>
  share.param @integers : tensor<4xi32> = dense<0> : tensor<4xi32>
  share.param trainable @trained : tensor<4xf32> = dense<0.0> : tensor<4xf32>
  share.param trainable @trained_too : tensor<4xf32> = dense<0.0> : tensor<4xf32>
  share.param mutable @state : tensor<4xf32> = dense<0.0> : tensor<4xf32>
  share.param @external : tensor<4xf32>
}

// -----

// CHECK-LABEL: module @views
module @views {
  // CHECK: share.param @w : tensor<3x4xi16>
  share.param @w : tensor<3x4xi16> = dense<[[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]> : tensor<3x4xi16>
  // CHECK: share.view @transposed : tensor<4x3xi16> {
  // CHECK-NEXT: %[[W:.+]] = share.get @w
  // CHECK: linalg.transpose ins(%[[W]] {{.*}} permutation = [1, 0]
  // EQUAL: share.param @transposed
  share.param @transposed : tensor<4x3xi16> = dense<[[1, 5, 9], [2, 6, 10], [3, 7, 11], [4, 8, 12]]> : tensor<4x3xi16>
  // CHECK: share.view @reshaped : tensor<2x6xi16> {
  // CHECK: tensor.collapse_shape
  // CHECK-NEXT: tensor.expand_shape
  // CHECK-NOT: linalg.transpose
  share.param @reshaped : tensor<2x6xi16> = dense<[[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]]> : tensor<2x6xi16>
  // A view of a view: the bytes are those of the transpose.
  // CHECK: share.view @both : tensor<2x1x6xi16> {
  // CHECK-NEXT: share.get @transposed
  // CHECK: tensor.collapse_shape
  // CHECK: tensor.expand_shape
  share.param @both : tensor<2x1x6xi16> = dense<[[[1, 5, 9, 2, 6, 10]], [[3, 7, 11, 4, 8, 12]]]> : tensor<2x1x6xi16>
  // CHECK: share.view @rows : tensor<2x4xi16> {
  // CHECK: tensor.extract_slice %{{.+}}[1, 0] [2, 4] [1, 1]
  share.param @rows : tensor<2x4xi16> = dense<[[5, 6, 7, 8], [9, 10, 11, 12]]> : tensor<2x4xi16>
  // The elements of @w in an order that no transpose makes.
  // CHECK: share.param @shuffled
  share.param @shuffled : tensor<3x4xi16> = dense<[[2, 1, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]> : tensor<3x4xi16>
  // Too small to be worth a view.
  // CHECK: share.param @row
  share.param @row : tensor<1x4xi16> = dense<[[5, 6, 7, 8]]> : tensor<1x4xi16>
  // CHECK: share.param trainable @trained
  share.param trainable @trained : tensor<4x3xi16> = dense<[[1, 5, 9], [2, 6, 10], [3, 7, 11], [4, 8, 12]]> : tensor<4x3xi16>
}

// -----

// The dimensions of a convolution's weight, in another order each; the shape of
// the second says which extents were split.
// CHECK-LABEL: module @permutes_dimensions
module @permutes_dimensions {
  // CHECK: share.param @w
  share.param @w : tensor<2x2x1x3xi16> = dense<[[[[0, 1, 2]], [[3, 4, 5]]], [[[6, 7, 8]], [[9, 10, 11]]]]> : tensor<2x2x1x3xi16>
  // CHECK: share.view @swapped : tensor<2x2x3xi16>
  // CHECK: linalg.transpose {{.*}} permutation = [1, 0, 2]
  share.param @swapped : tensor<2x2x3xi16> = dense<[[[0, 1, 2], [6, 7, 8]], [[3, 4, 5], [9, 10, 11]]]> : tensor<2x2x3xi16>
  // CHECK: share.view @split : tensor<4x3xi16>
  // CHECK: linalg.transpose {{.*}} permutation = [1, 0]
  share.param @split : tensor<4x3xi16> = dense<[[0, 4, 8], [1, 5, 9], [2, 6, 10], [3, 7, 11]]> : tensor<4x3xi16>
}

// -----

// A chain: what became a parameter that became a view.
// CHECK-LABEL: module @chain
module @chain {
  // CHECK: share.param @a : tensor<2x4xi16>
  share.param @a : tensor<2x4xi16> = dense<[[1, 2, 3, 4], [5, 6, 7, 8]]> : tensor<2x4xi16>
  // CHECK: share.view @b attributes {share.merged = ["c"]} : tensor<4x2xi16>
  share.param @b : tensor<4x2xi16> = dense<[[1, 5], [2, 6], [3, 7], [4, 8]]> : tensor<4x2xi16>
  // CHECK-NOT: @c
  share.param @c : tensor<4x2xi16> = dense<[[1, 5], [2, 6], [3, 7], [4, 8]]> : tensor<4x2xi16>
  // CHECK: share.get @b
  func.func @main() -> tensor<4x2xi16> {
    %c = share.get @c : tensor<4x2xi16>
    return %c : tensor<4x2xi16>
  }
}

// -----

// Equal and yet two: the later one says why. What repeats one element is equal
// by chance, and what is equal to nothing says nothing.
// CHECK-LABEL: module @refuses
module @refuses {
  // CHECK: share.param @w : tensor<8xf32>
  share.param @w : tensor<8xf32> = dense<[1., 2., 3., 4., 5., 6., 7., 8.]> : tensor<8xf32>
  // CHECK: share.param trainable @trained {share.broken_tie = #share.broken_tie<of "w", by "share-merge-parameters", "one of them is trainable, and equal now is not equal later">}
  share.param trainable @trained : tensor<8xf32> = dense<[1., 2., 3., 4., 5., 6., 7., 8.]> : tensor<8xf32>
  // CHECK: share.param mutable @state {share.broken_tie = #share.broken_tie<of "w", by "share-merge-parameters", "one of them is mutable, and equal now is not equal later">}
  share.param mutable @state : tensor<8xf32> = dense<[1., 2., 3., 4., 5., 6., 7., 8.]> : tensor<8xf32>
  // CHECK: share.param @half {share.broken_tie = #share.broken_tie<of "w", by "share-merge-parameters", "one holds f32, the other the same numbers as f16">}
  share.param @half : tensor<8xf16> = dense<[1., 2., 3., 4., 5., 6., 7., 8.]> : tensor<8xf16>
  // CHECK-NOT: share.broken_tie
  share.param @other : tensor<8xf16> = dense<[1., 2., 3., 4., 5., 6., 7., 9.]> : tensor<8xf16>
  share.param @integers : tensor<8xi32> = dense<[1, 2, 3, 4, 5, 6, 7, 8]> : tensor<8xi32>
  share.param trainable @zeros : tensor<8xf32> = dense<0.> : tensor<8xf32>
  share.param trainable @zeros_too : tensor<8xf32> = dense<0.> : tensor<8xf32>
  share.param trainable @small : tensor<2xf32> = dense<[1., 2.]> : tensor<2xf32>
  share.param trainable @small_too : tensor<2xf32> = dense<[1., 2.]> : tensor<2xf32>
}

// -----

// Optimisation remarks carry the same facts.
// RUN: lig-opt %s -split-input-file -share-merge-parameters=min-view-bytes=16 --remark-policy=all --remarks-filter=share -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// REMARK: remark: [Passed] merged | Category:share | Remark="@b holds the bytes of @a"
// REMARK: remark: [Passed] viewed | Category:share | Remark="@transposed is @w, transposed"
