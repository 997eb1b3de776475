// A packed parameter that stands beside what it was made of says why.
// RUN: lig-opt %s -split-input-file -lig-pack-parameters | FileCheck %s
// RUN: lig-opt %s -split-input-file -lig-pack-parameters --remark-policy=all --remarks-filter=share -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Negated for one use, as it is for another; small enough to be worth it.
// REMARK: remark: [Missed] broken-tie | Category:share | Pass=lig-pack-parameters, Reason="one use reads it in another order{{.*}}", Remark="@w.packed is stored beside @w"
// CHECK-LABEL: module @beside_the_original
module @beside_the_original {
  // CHECK: share.param @w : tensor<4xf32>
  // CHECK: share.param @w.packed {share.broken_tie = #share.broken_tie<of "w", by "lig-pack-parameters", "one use reads it in another order{{.*}}">, share.packed_from = "w"}
  share.param @w : tensor<4xf32> = dense<[1., 2., 3., 4.]> : tensor<4xf32>
  func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
    %w = share.get @w : tensor<4xf32>
    %e = tensor.empty() : tensor<4xf32>
    %r = linalg.negf ins(%w : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %s = linalg.add ins(%x, %w : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    return %r, %s : tensor<4xf32>, tensor<4xf32>
  }
}

// -----

// A weight with two factors is stored twice; the second is the copy.
// CHECK-LABEL: module @factors
module @factors {
  // CHECK: share.param @w.packed {share.packed_from = "w"}
  // CHECK: share.param @w.packed_0 {share.broken_tie = #share.broken_tie<of "w", by "lig-pack-parameters", "two uses read it in orders or with factors{{.*}}">, share.packed_from = "w"}
  share.param @w : tensor<4xf32> = dense<[1., 2., 3., 4.]> : tensor<4xf32>
  share.param @a : tensor<1xf32> = dense<2.> : tensor<1xf32>
  func.func @main() -> (tensor<4xf32>, tensor<4xf32>) {
    %w = share.get @w : tensor<4xf32>
    %a = share.get @a : tensor<1xf32>
    %e = tensor.empty() : tensor<4xf32>
    %r = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (0)>, affine_map<(d0) -> (d0)>],
        iterator_types = ["parallel"]} ins(%w, %a : tensor<4xf32>, tensor<1xf32>) outs(%e : tensor<4xf32>) {
    ^bb0(%in: f32, %factor: f32, %out: f32):
      %p = arith.mulf %in, %factor : f32
      linalg.yield %p : f32
    } -> tensor<4xf32>
    %n = linalg.negf ins(%w : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    return %r, %n : tensor<4xf32>, tensor<4xf32>
  }
}

// -----

// Halves are parts, not copies; a value computed from two parameters, of which
// one is its own, takes that one's place; what one use reads is no tie.
// CHECK-LABEL: module @no_copies
module @no_copies {
  // CHECK-NOT: share.broken_tie
  share.param @halves : tensor<2x4xf32> = dense<[[1., 2., 3., 4.], [5., 6., 7., 8.]]> : tensor<2x4xf32>
  share.param @gamma : tensor<4xf32> = dense<[1., 2., 3., 4.]> : tensor<4xf32>
  share.param @variance0 : tensor<4xf32> = dense<[1., 2., 3., 5.]> : tensor<4xf32>
  share.param @variance1 : tensor<4xf32> = dense<[1., 2., 3., 6.]> : tensor<4xf32>
  share.param @once {share.uses = 1} : tensor<4xf32> = dense<[1., 2., 3., 7.]> : tensor<4xf32>
  func.func @main() -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
    %w = share.get @halves : tensor<2x4xf32>
    %left = tensor.extract_slice %w[0, 0] [2, 2] [1, 1] : tensor<2x4xf32> to tensor<2x2xf32>
    %right = tensor.extract_slice %w[0, 2] [2, 2] [1, 1] : tensor<2x4xf32> to tensor<2x2xf32>
    %gamma = share.get @gamma : tensor<4xf32>
    %v0 = share.get @variance0 : tensor<4xf32>
    %v1 = share.get @variance1 : tensor<4xf32>
    %e = tensor.empty() : tensor<4xf32>
    %d0 = linalg.div ins(%gamma, %v0 : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %d1 = linalg.div ins(%gamma, %v1 : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %once = share.get @once : tensor<4xf32>
    %n = linalg.negf ins(%once : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    return %left, %right, %d0, %d1, %n, %once : tensor<2x2xf32>, tensor<2x2xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  }
}
