// Declared ties are checked and become views.
// RUN: split-file %s %t
// RUN: lig-opt %t/ties.mlir -share-apply-ties=file=%t/ties.json | FileCheck %s
// RUN: lig-opt %t/metadata.mlir -share-apply-ties | FileCheck %s --check-prefix=METADATA
// RUN: lig-opt %t/trained.mlir -share-apply-ties | FileCheck %s --check-prefix=TRAINED
// RUN: lig-opt %t/refuses.mlir -split-input-file -verify-diagnostics -share-apply-ties
// RUN: not lig-opt %t/ties.mlir -share-apply-ties=file=%t/none.json 2>&1 | FileCheck %s --check-prefix=MISSING

// MISSING: error: cannot read '{{.*}}none.json'

//--- ties.json
{
  "t": {"of": "w", "view": "transpose"},
  "chain": {"of": "w", "view": [{"slice": {"offsets": [0, 1], "sizes": [2, 2]}}, {"reverse": [1]}, {"scale": 2}, {"reshape": [4]}]},
  "near": {"of": "w", "view": "same", "tolerance": 0.01},
  "trust": {"of": "t", "view": {"transpose": [1, 0]}}
}

//--- ties.mlir
// CHECK: share.param @w
// CHECK-NOT: share.param
// CHECK: share.view @t : tensor<3x2xf32>
// CHECK: linalg.transpose
// CHECK: share.view @chain : tensor<4xf32>
// CHECK: tensor.extract_slice
// CHECK: linalg.generic
// CHECK: linalg.generic
// CHECK: arith.mulf
// CHECK: tensor.collapse_shape
// CHECK: share.view @near
// CHECK: share.view @trust
// CHECK-NEXT: share.get @t
module {
  share.param @w : tensor<2x3xf32> = dense<[[1., 2., 3.], [4., 5., 6.]]> : tensor<2x3xf32>
  share.param @t : tensor<3x2xf32> = dense<[[1., 4.], [2., 5.], [3., 6.]]> : tensor<3x2xf32>
  share.param @chain : tensor<4xf32> = dense<[6., 4., 12., 10.]> : tensor<4xf32>
  share.param @near : tensor<2x3xf32> = dense<[[1., 2., 3.], [4., 5.005, 6.]]> : tensor<2x3xf32>
  share.param @trust : tensor<2x3xf32>
}

//--- metadata.mlir
// METADATA-NOT: share.ties
// METADATA: share.view @v
module attributes {share.ties = "{\"v\": {\"of\": \"w\"}}"} {
  share.param @w : tensor<2xf32> = dense<[1., 2.]> : tensor<2xf32>
  share.param @v : tensor<2xf32> = dense<[1., 2.]> : tensor<2xf32>
}

//--- trained.mlir
// What is trained alike may be tied, if it begins alike.
// TRAINED: share.param trainable @w
// TRAINED: share.view @v
// TRAINED: share.param mutable @state
// TRAINED: share.view @other
module attributes {share.ties = "{\"v\": {\"of\": \"w\"}, \"other\": {\"of\": \"state\"}}"} {
  share.param trainable @w : tensor<2xf32> = dense<[1., 2.]> : tensor<2xf32>
  share.param trainable @v : tensor<2xf32> = dense<[1., 2.]> : tensor<2xf32>
  share.param mutable @state : tensor<2xf32> = dense<[1., 2.]> : tensor<2xf32>
  share.param mutable @other : tensor<2xf32> = dense<[1., 2.]> : tensor<2xf32>
}

//--- refuses.mlir
module @trained_apart attributes {share.ties = "{\"v\": {\"of\": \"w\"}}"} {
  share.param trainable @w : tensor<2xf32> = dense<[1., 2.]> : tensor<2xf32>
  // expected-error @below {{cannot tie @v to @w: element [1] is 3 but the view gives 2}}
  share.param trainable @v : tensor<2xf32> = dense<[1., 3.]> : tensor<2xf32>
}

// -----

module @unequal attributes {share.ties = "{\"t\": {\"of\": \"w\", \"view\": \"transpose\"}}"} {
  share.param @w : tensor<2x3xf32> = dense<[[1., 2., 3.], [4., 5., 6.]]> : tensor<2x3xf32>
  // expected-error @below {{cannot tie @t to @w: element [1, 1] is 5.5 but the view gives 5}}
  share.param @t : tensor<3x2xf32> = dense<[[1., 4.], [2., 5.5], [3., 7.]]> : tensor<3x2xf32>
}

// -----

module @negative_zero attributes {share.ties = "{\"v\": {\"of\": \"w\"}}"} {
  share.param @w : tensor<2xf32> = dense<[1., 0.]> : tensor<2xf32>
  // expected-error @below {{cannot tie @v to @w: element [1] is -0 but the view gives 0}}
  share.param @v : tensor<2xf32> = dense<[1., -0.]> : tensor<2xf32>
}

// -----

module @other_type attributes {share.ties = "{\"v\": {\"of\": \"w\"}}"} {
  share.param @w : tensor<2xf32> = dense<[1., 0.]> : tensor<2xf32>
  // expected-error @below {{cannot tie @v to @w: the view has type 'tensor<2xf32>' but @v has type 'tensor<2xf64>'}}
  share.param @v : tensor<2xf64> = dense<[1., 0.]> : tensor<2xf64>
}

// -----

module @bad_step attributes {share.ties = "{\"v\": {\"of\": \"w\", \"view\": {\"slice\": {\"offsets\": [1], \"sizes\": [2]}}}}"} {
  share.param @w : tensor<2xf32> = dense<[1., 0.]> : tensor<2xf32>
  // expected-error @below {{cannot tie @v to @w: the view cuts beyond an extent of 2}}
  share.param @v : tensor<2xf32> = dense<[1., 0.]> : tensor<2xf32>
}

// -----

module @trained attributes {share.ties = "{\"v\": {\"of\": \"w\"}}"} {
  share.param trainable @w : tensor<2xf32> = dense<[1., 0.]> : tensor<2xf32>
  // expected-error @below {{cannot tie @v to @w: one is frozen and the other is not}}
  share.param @v : tensor<2xf32> = dense<[1., 0.]> : tensor<2xf32>
}

// -----

// expected-error @below {{cannot tie @nobody: no parameter has that name}}
module @unknown attributes {share.ties = "{\"nobody\": {\"of\": \"w\"}}"} {
  share.param @w : tensor<2xf32> = dense<[1., 0.]> : tensor<2xf32>
}

// -----

// expected-error @below {{ties make a cycle: @a, @b, @c, @a}}
module @cycle attributes {share.ties = "{\"a\": {\"of\": \"b\"}, \"b\": {\"of\": \"c\"}, \"c\": {\"of\": \"a\"}}"} {
  share.param @a : tensor<2xf32>
  share.param @b : tensor<2xf32>
  share.param @c : tensor<2xf32>
}

// -----

// expected-error @below {{share.ties: tie of 'v' has a view of the unknown kind "twist"}}
module @unknown_kind attributes {share.ties = "{\"v\": {\"of\": \"w\", \"view\": {\"twist\": []}}}"} {
}

// -----

// expected-error @below {{share.ties: tie of 'v' does not say what it is a tie "of"}}
module @no_root attributes {share.ties = "{\"v\": {}}"} {
}
