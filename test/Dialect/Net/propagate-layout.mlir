// Between convolutions no transpose is left.
// RUN: lig-opt %s -split-input-file -net-propagate-layout | FileCheck %s

#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#channel = affine_map<(d0, d1, d2, d3) -> (d1, 0, 0)>

// Through an elementwise operation, whose channel operand follows.
// CHECK: #[[CHANNEL:.+]] = affine_map<(d0, d1, d2, d3) -> (d3, 0, 0)>
// CHECK-LABEL: @cancels
// CHECK-SAME: %[[X:[^:]+]]: tensor<1x8x9x4xf32>, %[[S:[^:]+]]: tensor<4x1x1xf32>
func.func @cancels(%x: tensor<1x8x9x4xf32>, %s: tensor<4x1x1xf32>) -> tensor<1x8x9x4xf32> {
  // CHECK-NOT: linalg.transpose
  // CHECK: %[[R:.+]] = linalg.generic {indexing_maps = [#{{.+}}, #[[CHANNEL]], #{{.+}}]{{.*}} ins(%[[X]], %[[S]]
  // CHECK-NOT: linalg.transpose
  // CHECK: return %[[R]]
  %e0 = tensor.empty() : tensor<1x4x8x9xf32>
  %e1 = tensor.empty() : tensor<1x8x9x4xf32>
  %0 = linalg.transpose ins(%x : tensor<1x8x9x4xf32>) outs(%e0 : tensor<1x4x8x9xf32>) permutation = [0, 3, 1, 2]
  %1 = linalg.generic {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%0, %s : tensor<1x4x8x9xf32>, tensor<4x1x1xf32>) outs(%e0 : tensor<1x4x8x9xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %m = arith.mulf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<1x4x8x9xf32>
  %2 = linalg.transpose ins(%1 : tensor<1x4x8x9xf32>) outs(%e1 : tensor<1x8x9x4xf32>) permutation = [0, 2, 3, 1]
  return %2 : tensor<1x8x9x4xf32>
}

// -----

// A residual addition: two transposed operands, one transposed result.
// CHECK-LABEL: @residual
// CHECK-SAME: %[[X:[^:]+]]: tensor<1x8x9x4xf32>, %[[Y:[^:]+]]: tensor<1x8x9x4xf32>
func.func @residual(%x: tensor<1x8x9x4xf32>, %y: tensor<1x8x9x4xf32>) -> tensor<1x4x8x9xf32> {
  %e0 = tensor.empty() : tensor<1x4x8x9xf32>
  %0 = linalg.transpose ins(%x : tensor<1x8x9x4xf32>) outs(%e0 : tensor<1x4x8x9xf32>) permutation = [0, 3, 1, 2]
  %1 = linalg.transpose ins(%y : tensor<1x8x9x4xf32>) outs(%e0 : tensor<1x4x8x9xf32>) permutation = [0, 3, 1, 2]
  // CHECK: %[[SUM:.+]] = linalg.generic {{.*}} ins(%[[X]], %[[Y]]
  // CHECK: linalg.transpose ins(%[[SUM]]
  %2 = linalg.add ins(%0, %1 : tensor<1x4x8x9xf32>, tensor<1x4x8x9xf32>) outs(%e0 : tensor<1x4x8x9xf32>) -> tensor<1x4x8x9xf32>
  return %2 : tensor<1x4x8x9xf32>
}

// -----

// One operand of two is no majority: nothing moves.
// CHECK-LABEL: @undecided
func.func @undecided(%x: tensor<8x4xf32>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %e0 = tensor.empty() : tensor<4x8xf32>
  // CHECK: %[[T:.+]] = linalg.transpose
  // CHECK: linalg.generic {{.*}} ins(%[[T]],
  // CHECK-NOT: linalg.transpose
  %0 = linalg.transpose ins(%x : tensor<8x4xf32>) outs(%e0 : tensor<4x8xf32>) permutation = [1, 0]
  %1 = linalg.add ins(%0, %y : tensor<4x8xf32>, tensor<4x8xf32>) outs(%e0 : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// -----

// A reduction absorbs the transpose in its loop order.
// CHECK: #[[OUT:.+]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-LABEL: @reduction
func.func @reduction(%x: tensor<2x8x4xf32>, %init: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %e0 = tensor.empty() : tensor<2x4x8xf32>
  // CHECK-NOT: linalg.transpose
  // CHECK: linalg.generic {indexing_maps = [#{{.+}}, #[[OUT]]], iterator_types = ["parallel", "reduction", "parallel"]}
  // CHECK-NOT: linalg.transpose
  %0 = linalg.transpose ins(%x : tensor<2x8x4xf32>) outs(%e0 : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %1 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel", "reduction"]} ins(%0 : tensor<2x4x8xf32>) outs(%init : tensor<2x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %a, %o : f32
    linalg.yield %s : f32
  } -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// -----

// Pads, slices and concatenations move their own dimension.
// CHECK-LABEL: @moves_dimensions
func.func @moves_dimensions(%x: tensor<1x8x4xf32>) -> tensor<1x3x9xf32> {
  %z = arith.constant 0.0 : f32
  %e0 = tensor.empty() : tensor<1x4x8xf32>
  %0 = linalg.transpose ins(%x : tensor<1x8x4xf32>) outs(%e0 : tensor<1x4x8xf32>) permutation = [0, 2, 1]
  // CHECK: tensor.concat dim(2)
  %1 = tensor.concat dim(1) %0, %0 : (tensor<1x4x8xf32>, tensor<1x4x8xf32>) -> tensor<1x8x8xf32>
  // CHECK: tensor.extract_slice %{{.+}}[0, 0, 2] [1, 8, 3] [1, 1, 1]
  %2 = tensor.extract_slice %1[0, 2, 0] [1, 3, 8] [1, 1, 1] : tensor<1x8x8xf32> to tensor<1x3x8xf32>
  %3 = tensor.pad %2 low[0, 0, 1] high[0, 0, 0] {
  ^bb0(%i: index, %j: index, %k: index):
    tensor.yield %z : f32
  } : tensor<1x3x8xf32> to tensor<1x3x9xf32>
  // CHECK: linalg.transpose
  // CHECK-NEXT: return
  return %3 : tensor<1x3x9xf32>
}

// -----

// Only extents of one move: that is a reshape.
// CHECK-LABEL: @moves_nothing
func.func @moves_nothing(%x: tensor<1x1x8xf32>) -> tensor<1x8x1xf32> {
  %e0 = tensor.empty() : tensor<1x8x1xf32>
  // CHECK-NOT: linalg.transpose
  // CHECK: tensor.collapse_shape
  // CHECK: tensor.expand_shape
  %0 = linalg.transpose ins(%x : tensor<1x1x8xf32>) outs(%e0 : tensor<1x8x1xf32>) permutation = [0, 2, 1]
  return %0 : tensor<1x8x1xf32>
}

// -----

// The position in the loop follows the loop.
// CHECK-LABEL: @index
func.func @index(%x: tensor<8x4xf32>) -> tensor<4x8xf32> {
  %e0 = tensor.empty() : tensor<4x8xf32>
  %0 = linalg.transpose ins(%x : tensor<8x4xf32>) outs(%e0 : tensor<4x8xf32>) permutation = [1, 0]
  // CHECK: linalg.index 1
  %1 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<4x8xf32>) outs(%e0 : tensor<4x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %i = linalg.index 0 : index
    %n = arith.index_cast %i : index to i32
    %f = arith.sitofp %n : i32 to f32
    %s = arith.addf %a, %f : f32
    linalg.yield %s : f32
  } -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// -----

// Blocks of channels become pixels between two convolutions in one move.
// CHECK-LABEL: @depth_to_space
// CHECK-SAME: %[[X:.+]]: tensor<1x4x5x24xf32>
func.func @depth_to_space(%x: tensor<1x4x5x24xf32>) -> tensor<1x8x10x6xf32> {
  // CHECK: %[[PARTS:.+]] = tensor.expand_shape %[[X]] {{\[\[}}0], [1], [2], [3, 4, 5]]
  // CHECK: %[[MOVED:.+]] = linalg.transpose ins(%[[PARTS]] {{.+}} permutation = [0, 1, 4, 2, 5, 3]
  // CHECK-NOT: linalg.transpose
  // CHECK: %[[Y:.+]] = tensor.collapse_shape %[[MOVED]] {{\[\[}}0], [1, 2], [3, 4], [5]]
  // CHECK: return %[[Y]]
  %e0 = tensor.empty() : tensor<1x24x4x5xf32>
  %0 = linalg.transpose ins(%x : tensor<1x4x5x24xf32>) outs(%e0 : tensor<1x24x4x5xf32>) permutation = [0, 3, 1, 2]
  %1 = tensor.expand_shape %0 [[0], [1, 2, 3], [4], [5]] output_shape [1, 6, 2, 2, 4, 5] : tensor<1x24x4x5xf32> into tensor<1x6x2x2x4x5xf32>
  %e1 = tensor.empty() : tensor<1x6x4x2x5x2xf32>
  %2 = linalg.transpose ins(%1 : tensor<1x6x2x2x4x5xf32>) outs(%e1 : tensor<1x6x4x2x5x2xf32>) permutation = [0, 1, 4, 2, 5, 3]
  %3 = tensor.collapse_shape %2 [[0], [1], [2, 3], [4, 5]] : tensor<1x6x4x2x5x2xf32> into tensor<1x6x8x10xf32>
  %e2 = tensor.empty() : tensor<1x8x10x6xf32>
  %4 = linalg.transpose ins(%3 : tensor<1x6x8x10xf32>) outs(%e2 : tensor<1x8x10x6xf32>) permutation = [0, 2, 3, 1]
  return %4 : tensor<1x8x10x6xf32>
}

// -----

// A collapse that follows no transpose keeps its reader's.
// CHECK-LABEL: @collapse_alone
func.func @collapse_alone(%x: tensor<4x2x3xf32>) -> tensor<3x8xf32> {
  // CHECK: tensor.collapse_shape
  // CHECK-NEXT: tensor.empty
  // CHECK-NEXT: linalg.transpose
  %0 = tensor.collapse_shape %x [[0, 1], [2]] : tensor<4x2x3xf32> into tensor<8x3xf32>
  %e0 = tensor.empty() : tensor<3x8xf32>
  %1 = linalg.transpose ins(%0 : tensor<8x3xf32>) outs(%e0 : tensor<3x8xf32>) permutation = [1, 0]
  return %1 : tensor<3x8xf32>
}

// -----

// A state is carried in the layout in which the body makes it.
// CHECK-LABEL: @carries_as_made
// CHECK-SAME: %[[X:[^:]+]]: tensor<1x8x9x4xf32>
func.func @carries_as_made(%x: tensor<1x8x9x4xf32>, %w: tensor<1x1x4xf32>, %steps: index) -> tensor<1x4x8x9xf32> {
  // CHECK-NOT: linalg.transpose
  // CHECK: %[[LAST:.+]] = net.scan %{{.+}} init(%[[X]] : tensor<1x8x9x4xf32>)
  // CHECK-NEXT: ^bb0(%{{.+}}: index, %[[STATE:.+]]: tensor<1x8x9x4xf32>):
  // CHECK-NOT: linalg.transpose
  // CHECK: linalg.generic {{.+}} ins(%[[STATE]]
  // CHECK-NOT: linalg.transpose
  // CHECK: net.yield
  // CHECK: linalg.transpose ins(%[[LAST]]
  %e0 = tensor.empty() : tensor<1x4x8x9xf32>
  %e1 = tensor.empty() : tensor<1x8x9x4xf32>
  %first = linalg.transpose ins(%x : tensor<1x8x9x4xf32>) outs(%e0 : tensor<1x4x8x9xf32>) permutation = [0, 3, 1, 2]
  %last = net.scan %steps init(%first : tensor<1x4x8x9xf32>) {
  ^bb0(%i: index, %state: tensor<1x4x8x9xf32>):
    %0 = linalg.abs ins(%state : tensor<1x4x8x9xf32>) outs(%e0 : tensor<1x4x8x9xf32>) -> tensor<1x4x8x9xf32>
    %1 = linalg.transpose ins(%0 : tensor<1x4x8x9xf32>) outs(%e1 : tensor<1x8x9x4xf32>) permutation = [0, 2, 3, 1]
    %2 = linalg.depthwise_conv_2d_nhwc_hwc ins(%1, %w : tensor<1x8x9x4xf32>, tensor<1x1x4xf32>) outs(%e1 : tensor<1x8x9x4xf32>) -> tensor<1x8x9x4xf32>
    %3 = linalg.transpose ins(%2 : tensor<1x8x9x4xf32>) outs(%e0 : tensor<1x4x8x9xf32>) permutation = [0, 3, 1, 2]
    net.yield %3 : tensor<1x4x8x9xf32>
  }
  return %last : tensor<1x4x8x9xf32>
}

// -----

// Nothing in the body would cancel: the state stays as it is.
// CHECK-LABEL: @keeps_state
func.func @keeps_state(%x: tensor<8x4xf32>, %steps: index) -> tensor<4x8xf32> {
  // CHECK: %[[FIRST:.+]] = linalg.transpose
  // CHECK: net.scan %{{.+}} init(%[[FIRST]] : tensor<4x8xf32>)
  // CHECK-NOT: linalg.transpose
  %e0 = tensor.empty() : tensor<4x8xf32>
  %first = linalg.transpose ins(%x : tensor<8x4xf32>) outs(%e0 : tensor<4x8xf32>) permutation = [1, 0]
  %last = net.scan %steps init(%first : tensor<4x8xf32>) {
  ^bb0(%i: index, %state: tensor<4x8xf32>):
    %0 = linalg.abs ins(%state : tensor<4x8xf32>) outs(%e0 : tensor<4x8xf32>) -> tensor<4x8xf32>
    net.yield %0 : tensor<4x8xf32>
  }
  return %last : tensor<4x8xf32>
}

// -----

// What is read transposed as a whole: the part that comes otherwise is
// transposed alone.
// CHECK-LABEL: @joins_as_read
// CHECK-SAME: %[[X:[^:]+]]: tensor<1x8x9x4xf32>, %[[Y:.+]]: tensor<1x2x8x9xf32>
func.func @joins_as_read(%x: tensor<1x8x9x4xf32>, %y: tensor<1x2x8x9xf32>) -> tensor<1x8x9x6xf32> {
  // CHECK: %[[PART:.+]] = linalg.transpose ins(%[[Y]]
  // CHECK: %[[ALL:.+]] = tensor.concat dim(3) %[[X]], %[[PART]]
  // CHECK: return %[[ALL]]
  %e0 = tensor.empty() : tensor<1x4x8x9xf32>
  %e1 = tensor.empty() : tensor<1x8x9x6xf32>
  %0 = linalg.transpose ins(%x : tensor<1x8x9x4xf32>) outs(%e0 : tensor<1x4x8x9xf32>) permutation = [0, 3, 1, 2]
  %1 = tensor.concat dim(1) %0, %y : (tensor<1x4x8x9xf32>, tensor<1x2x8x9xf32>) -> tensor<1x6x8x9xf32>
  %2 = linalg.transpose ins(%1 : tensor<1x6x8x9xf32>) outs(%e1 : tensor<1x8x9x6xf32>) permutation = [0, 2, 3, 1]
  return %2 : tensor<1x8x9x6xf32>
}
