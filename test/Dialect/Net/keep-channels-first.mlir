// Layers between two transposes are turned to the model's order where that
// costs less.
// RUN: lig-opt %s -split-input-file -net-propagate-layout | FileCheck %s
// RUN: lig-opt %s -split-input-file "-net-propagate-layout=vector-bits=0" | FileCheck %s --check-prefix=NEVER

// Windows over each channel: the pad, the bias and what follows are turned too.
// CHECK-DAG: #[[DATA:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 * 2 + d4, d3 * 2 + d5)>
// CHECK-DAG: #[[TAPS:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d4, d5, d1)>
// CHECK-DAG: #[[BIAS:.+]] = affine_map<(d0, d1, d2, d3) -> (d1)>
// CHECK-LABEL: @depthwise
// CHECK-SAME: %[[X:[^:]+]]: tensor<1x4x31x31xf32>
// NEVER-LABEL: @depthwise
// NEVER-COUNT-2: linalg.transpose
func.func @depthwise(%x: tensor<1x4x31x31xf32>, %w: tensor<3x3x4xf32>, %b: tensor<4xf32>) -> tensor<1x4x16x16xf32> {
  // CHECK-NOT: linalg.transpose
  // CHECK: %[[PADDED:.+]] = tensor.pad %[[X]] low[0, 0, 1, 1] high[0, 0, 1, 1]
  // CHECK: %[[START:.+]] = linalg.generic {indexing_maps = [#[[BIAS]],
  // CHECK: %[[SUM:.+]] = linalg.generic {indexing_maps = [#[[DATA]], #[[TAPS]], #{{.+}}]{{.*}} ins(%[[PADDED]], %{{.+}}outs(%[[START]] : tensor<1x4x16x16xf32>)
  // CHECK: %[[R:.+]] = linalg.generic {{.*}} ins(%[[SUM]]
  // CHECK-NOT: linalg.transpose
  // CHECK: return %[[R]]
  %zero = arith.constant 0.0 : f32
  %e0 = tensor.empty() : tensor<1x31x31x4xf32>
  %0 = linalg.transpose ins(%x : tensor<1x4x31x31xf32>) outs(%e0 : tensor<1x31x31x4xf32>) permutation = [0, 2, 3, 1]
  %1 = tensor.pad %0 low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<1x31x31x4xf32> to tensor<1x33x33x4xf32>
  %e1 = tensor.empty() : tensor<1x16x16x4xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%b : tensor<4xf32>) outs(%e1 : tensor<1x16x16x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<1x16x16x4xf32>
  %3 = linalg.generic {indexing_maps = [
        affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1 * 2 + d4, d2 * 2 + d5, d3)>,
        affine_map<(d0, d1, d2, d3, d4, d5) -> (d4, d5, d3)>,
        affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d3)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%1, %w : tensor<1x33x33x4xf32>, tensor<3x3x4xf32>) outs(%2 : tensor<1x16x16x4xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    %s = arith.addf %o, %m : f32
    linalg.yield %s : f32
  } -> tensor<1x16x16x4xf32>
  %e2 = tensor.empty() : tensor<1x4x16x16xf32>
  %4 = linalg.transpose ins(%3 : tensor<1x16x16x4xf32>) outs(%e2 : tensor<1x4x16x16xf32>) permutation = [0, 3, 1, 2]
  %5 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%4 : tensor<1x4x16x16xf32>) outs(%e2 : tensor<1x4x16x16xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.maximumf %a, %zero : f32
    linalg.yield %m : f32
  } -> tensor<1x4x16x16xf32>
  return %5 : tensor<1x4x16x16xf32>
}

// -----

#data = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1 * 2 + d4, d2 * 2 + d5, d3)>
#window = affine_map<(d0, d1, d2, d3, d4, d5) -> (d4, d5)>
#out = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d3)>

// Seven results of a row fill no vector.
// CHECK-LABEL: @short_rows
// CHECK-COUNT-2: linalg.transpose
// CHECK: return
func.func @short_rows(%x: tensor<1x64x14x14xf32>) -> tensor<1x64x7x7xf32> {
  %zero = arith.constant 0.0 : f32
  %e0 = tensor.empty() : tensor<1x14x14x64xf32>
  %0 = linalg.transpose ins(%x : tensor<1x64x14x14xf32>) outs(%e0 : tensor<1x14x14x64xf32>) permutation = [0, 2, 3, 1]
  %e1 = tensor.empty() : tensor<1x7x7x64xf32>
  %window = tensor.empty() : tensor<2x2xf32>
  %1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<1x7x7x64xf32>) -> tensor<1x7x7x64xf32>
  %2 = linalg.generic {indexing_maps = [#data, #window, #out],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%0, %window : tensor<1x14x14x64xf32>, tensor<2x2xf32>) outs(%1 : tensor<1x7x7x64xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<1x7x7x64xf32>
  %e2 = tensor.empty() : tensor<1x64x7x7xf32>
  %3 = linalg.transpose ins(%2 : tensor<1x7x7x64xf32>) outs(%e2 : tensor<1x64x7x7xf32>) permutation = [0, 3, 1, 2]
  return %3 : tensor<1x64x7x7xf32>
}

// -----

#data = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1 + d4, d2 + d5, d6)>
#filter = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d4, d5, d6, d3)>
#out = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1, d2, d3)>

// A product of pixels whose filter nobody else reads: filters become rows.
// CHECK-DAG: #[[DATA:.+]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d6, d2 + d4, d3 + d5)>
// CHECK-DAG: #[[FILTER:.+]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d4, d5, d6)>
// CHECK-LABEL: @own_filter
// CHECK-SAME: %[[X:[^:]+]]: tensor<1x64x8x8xf32>
// CHECK: %[[W:.+]] = share.get @w
// CHECK: %[[ROWS:.+]] = linalg.transpose ins(%[[W]] {{.+}} permutation = [3, 0, 1, 2]
// CHECK: %[[R:.+]] = linalg.generic {indexing_maps = [#[[DATA]], #[[FILTER]], #{{.+}}]{{.*}} ins(%[[X]], %[[ROWS]]
// CHECK-NOT: linalg.transpose
// CHECK: return %[[R]]
share.param @w {share.uses = 1 : i64} : tensor<1x1x64x64xf32> = dense<1.0> : tensor<1x1x64x64xf32>
func.func @own_filter(%x: tensor<1x64x8x8xf32>) -> tensor<1x64x8x8xf32> {
  %zero = arith.constant 0.0 : f32
  %w = share.get @w : tensor<1x1x64x64xf32>
  %e0 = tensor.empty() : tensor<1x8x8x64xf32>
  %0 = linalg.transpose ins(%x : tensor<1x64x8x8xf32>) outs(%e0 : tensor<1x8x8x64xf32>) permutation = [0, 2, 3, 1]
  %1 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<1x8x8x64xf32>) -> tensor<1x8x8x64xf32>
  %2 = linalg.generic {indexing_maps = [#data, #filter, #out],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%0, %w : tensor<1x8x8x64xf32>, tensor<1x1x64x64xf32>) outs(%1 : tensor<1x8x8x64xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    %s = arith.addf %o, %m : f32
    linalg.yield %s : f32
  } -> tensor<1x8x8x64xf32>
  %e1 = tensor.empty() : tensor<1x64x8x8xf32>
  %3 = linalg.transpose ins(%2 : tensor<1x8x8x64xf32>) outs(%e1 : tensor<1x64x8x8xf32>) permutation = [0, 3, 1, 2]
  return %3 : tensor<1x64x8x8xf32>
}

// -----

#data = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1 + d4, d2 + d5, d6)>
#filter = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d4, d5, d6, d3)>
#out = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1, d2, d3)>

// A filter with another reader stays in the one order that is stored.
// CHECK-LABEL: @shared_filter
// CHECK-COUNT-2: linalg.transpose
// CHECK: return
share.param @w {share.uses = 2 : i64} : tensor<1x1x64x64xf32> = dense<1.0> : tensor<1x1x64x64xf32>
func.func @shared_filter(%x: tensor<1x64x8x8xf32>) -> tensor<1x64x8x8xf32> {
  %zero = arith.constant 0.0 : f32
  %w = share.get @w : tensor<1x1x64x64xf32>
  %e0 = tensor.empty() : tensor<1x8x8x64xf32>
  %0 = linalg.transpose ins(%x : tensor<1x64x8x8xf32>) outs(%e0 : tensor<1x8x8x64xf32>) permutation = [0, 2, 3, 1]
  %1 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<1x8x8x64xf32>) -> tensor<1x8x8x64xf32>
  %2 = linalg.generic {indexing_maps = [#data, #filter, #out],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%0, %w : tensor<1x8x8x64xf32>, tensor<1x1x64x64xf32>) outs(%1 : tensor<1x8x8x64xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    %s = arith.addf %o, %m : f32
    linalg.yield %s : f32
  } -> tensor<1x8x8x64xf32>
  %e1 = tensor.empty() : tensor<1x64x8x8xf32>
  %3 = linalg.transpose ins(%2 : tensor<1x8x8x64xf32>) outs(%e1 : tensor<1x64x8x8xf32>) permutation = [0, 3, 1, 2]
  return %3 : tensor<1x64x8x8xf32>
}

// -----

#data = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1 * 2 + d4, d2 * 2 + d5, d6)>
#filter = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d4, d5, d6, d3)>
#out = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1, d2, d3)>

// Few channels are read one by one: as they come. The result stays.
// CHECK: #[[DATA:.+]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d6, d1 * 2 + d4, d2 * 2 + d5)>
// CHECK-LABEL: @few_channels
// CHECK-SAME: %[[X:[^:]+]]: tensor<1x3x9x9xf32>
// CHECK-NOT: linalg.transpose
// CHECK: linalg.generic {indexing_maps = [#[[DATA]], {{.*}} ins(%[[X]],
// CHECK-NOT: linalg.transpose
// CHECK: return %{{.+}} : tensor<1x4x4x16xf32>
func.func @few_channels(%x: tensor<1x3x9x9xf32>, %w: tensor<3x3x3x16xf32>) -> tensor<1x4x4x16xf32> {
  %zero = arith.constant 0.0 : f32
  %e0 = tensor.empty() : tensor<1x9x9x3xf32>
  %0 = linalg.transpose ins(%x : tensor<1x3x9x9xf32>) outs(%e0 : tensor<1x9x9x3xf32>) permutation = [0, 2, 3, 1]
  %e1 = tensor.empty() : tensor<1x4x4x16xf32>
  %1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<1x4x4x16xf32>) -> tensor<1x4x4x16xf32>
  %2 = linalg.generic {indexing_maps = [#data, #filter, #out],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%0, %w : tensor<1x9x9x3xf32>, tensor<3x3x3x16xf32>) outs(%1 : tensor<1x4x4x16xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    %s = arith.addf %o, %m : f32
    linalg.yield %s : f32
  } -> tensor<1x4x4x16xf32>
  return %2 : tensor<1x4x4x16xf32>
}
