// What is computed from parameters alone is computed at compile time, once, if
// that costs no bytes.
// RUN: lig-opt %s -split-input-file -lig-pack-parameters | FileCheck %s

// Moves of every kind, to the end of the expression.
// CHECK-LABEL: module @moves
module @moves {
  // CHECK: share.param @w.packed {{.*}} : tensor<2x3xi32> = dense<{{\[\[}}0, 4, 3], [0, 9, 9]]>
  share.param @w : tensor<4xi32> = dense<[1, 2, 3, 4]> : tensor<4xi32>
  func.func @main() -> tensor<2x3xi32> {
    %w = share.get @w : tensor<4xi32>
    %z = arith.constant 0 : i32
    %s = tensor.extract_slice %w[2] [2] [1] : tensor<4xi32> to tensor<2xi32>
    %e = tensor.empty() : tensor<2xi32>
    %r = linalg.generic {indexing_maps = [affine_map<(d0) -> (1 - d0)>, affine_map<(d0) -> (d0)>],
        iterator_types = ["parallel"]} ins(%s : tensor<2xi32>) outs(%e : tensor<2xi32>) {
    ^bb0(%in: i32, %out: i32):
      linalg.yield %in : i32
    } -> tensor<2xi32>
    %p = tensor.pad %r low[1] high[0] {
    ^bb0(%i: index):
      tensor.yield %z : i32
    } : tensor<2xi32> to tensor<3xi32>
    %c9 = arith.constant 9 : i32
    %e2 = tensor.empty() : tensor<3xi32>
    %f = linalg.fill ins(%c9 : i32) outs(%e2 : tensor<3xi32>) -> tensor<3xi32>
    %f0 = tensor.extract_slice %f[0] [2] [1] : tensor<3xi32> to tensor<2xi32>
    %fp = tensor.pad %f0 low[1] high[0] {
    ^bb0(%i: index):
      tensor.yield %z : i32
    } : tensor<2xi32> to tensor<3xi32>
    %c = tensor.concat dim(0) %p, %fp : (tensor<3xi32>, tensor<3xi32>) -> tensor<6xi32>
    %x = tensor.expand_shape %c [[0, 1]] output_shape [2, 3] : tensor<6xi32> into tensor<2x3xi32>
    return %x : tensor<2x3xi32>
  }
}

// -----

// Arithmetic rounds as the element type does: 2^24 + 1 is not an f32.
// CHECK-LABEL: module @computes
module @computes {
  // CHECK: share.param @w.packed {{.*}} = dense<[0x4B800000, 1.500000e+00]>
  share.param @w : tensor<2xf32> = dense<[16777216.0, 0.5]> : tensor<2xf32>
  func.func @main() -> tensor<2xf32> {
    %w = share.get @w : tensor<2xf32>
    %one = arith.constant 1.0 : f32
    %e = tensor.empty() : tensor<2xf32>
    %r = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>],
        iterator_types = ["parallel"]} ins(%w : tensor<2xf32>) outs(%e : tensor<2xf32>) {
    ^bb0(%in: f32, %out: f32):
      %s = arith.addf %in, %one : f32
      linalg.yield %s : f32
    } -> tensor<2xf32>
    return %r : tensor<2xf32>
  }
}

// -----

// A broadcast would cost room, a reshape costs nothing, a trainable parameter
// changes, and what reads an input is not known: all stay.
// CHECK-LABEL: module @leaves_alone
module @leaves_alone {
  // CHECK-NOT: share.packed_from
  share.param @b : tensor<4xf32> = dense<[1., 2., 3., 4.]> : tensor<4xf32>
  share.param trainable @t : tensor<1x4xf32> = dense<[[1., 2., 3., 4.]]> : tensor<1x4xf32>
  func.func @main(%x: tensor<4xf32>) -> (tensor<32x4xf32>, tensor<2x2xf32>, tensor<4x1xf32>, tensor<4xf32>) {
    %b = share.get @b : tensor<4xf32>
    %t = share.get @t : tensor<1x4xf32>
    %e = tensor.empty() : tensor<32x4xf32>
    // CHECK: linalg.broadcast
    %0 = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<32x4xf32>) dimensions = [0]
    // CHECK: tensor.expand_shape
    %1 = tensor.expand_shape %b [[0, 1]] output_shape [2, 2] : tensor<4xf32> into tensor<2x2xf32>
    %e2 = tensor.empty() : tensor<4x1xf32>
    // CHECK: linalg.transpose
    %2 = linalg.transpose ins(%t : tensor<1x4xf32>) outs(%e2 : tensor<4x1xf32>) permutation = [1, 0]
    // CHECK: linalg.add
    %3 = linalg.add ins(%x, %b : tensor<4xf32>, tensor<4xf32>) outs(%x : tensor<4xf32>) -> tensor<4xf32>
    return %0, %1, %2, %3 : tensor<32x4xf32>, tensor<2x2xf32>, tensor<4x1xf32>, tensor<4xf32>
  }
}

// -----

// Two scales of one weight would be two copies of it, and a weight that is also
// read as it is would be stored beside its scale: both are left.
// CHECK-LABEL: module @costs_bytes
module @costs_bytes {
  // CHECK: share.param @w : tensor<100xf32>
  // CHECK-NOT: share.param
  share.param @w : tensor<100xf32> = dense_resource<w100> : tensor<100xf32>
  func.func @main(%x: tensor<100xf32>) -> tensor<100xf32> {
    // CHECK-COUNT-2: arith.mulf
    %w = share.get @w : tensor<100xf32>
    %e = tensor.empty() : tensor<100xf32>
    %half = arith.constant 0.5 : f32
    %a = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>],
        iterator_types = ["parallel"]} ins(%w : tensor<100xf32>) outs(%e : tensor<100xf32>) {
    ^bb0(%in: f32, %out: f32):
      %p = arith.mulf %in, %half : f32
      linalg.yield %p : f32
    } -> tensor<100xf32>
    %y = linalg.mul ins(%x, %a : tensor<100xf32>, tensor<100xf32>) outs(%e : tensor<100xf32>) -> tensor<100xf32>
    %third = arith.constant 0.3 : f32
    %b = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>],
        iterator_types = ["parallel"]} ins(%w : tensor<100xf32>) outs(%e : tensor<100xf32>) {
    ^bb0(%in: f32, %out: f32):
      %p = arith.mulf %in, %third : f32
      linalg.yield %p : f32
    } -> tensor<100xf32>
    %z = linalg.add ins(%y, %b : tensor<100xf32>, tensor<100xf32>) outs(%e : tensor<100xf32>) -> tensor<100xf32>
    return %z : tensor<100xf32>
  }
}

{-# dialect_resources: { builtin: { w100: "0x040000000000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040" } } #-}

// -----

// A weight that is looked up: what it becomes is marked, because its codes take
// less than the model's own indices and table.
// CHECK-LABEL: module @looked_up
module @looked_up {
  // CHECK-NOT: share.param @codes :
  // CHECK: share.param @{{.+}}.packed {{{.*}}share.codes{{.*}}} : tensor<8x16xf32>
  share.param @codes : tensor<8x16xi64> = dense<[[0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3], [3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2], [2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1], [1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0], [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3], [3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2], [2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1], [1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0]]> : tensor<8x16xi64>
  share.param @book : tensor<4xf32> = dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  func.func @main(%x: tensor<2x8xf32>, %start: tensor<2x16xf32>) -> tensor<2x16xf32> {
    %codes = share.get @codes : tensor<8x16xi64>
    %book = share.get @book : tensor<4xf32>
    %room = tensor.empty() : tensor<8x16xf32>
    %w = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%codes : tensor<8x16xi64>) outs(%room : tensor<8x16xf32>) {
    ^bb0(%code: i64, %out: f32):
      %at = arith.index_cast %code : i64 to index
      %number = tensor.extract %book[%at] : tensor<4xf32>
      linalg.yield %number : f32
    } -> tensor<8x16xf32>
    %y = linalg.matmul ins(%x, %w : tensor<2x8xf32>, tensor<8x16xf32>) outs(%start : tensor<2x16xf32>) -> tensor<2x16xf32>
    return %y : tensor<2x16xf32>
  }
}

// -----

// Codes that lie outside of their table are left to run time.
// CHECK-LABEL: module @outside
module @outside {
  // CHECK: share.param @codes
  // CHECK-NOT: packed
  share.param @codes : tensor<8x16xi64> = dense<4> : tensor<8x16xi64>
  share.param @book : tensor<4xf32> = dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  func.func @main() -> tensor<8x16xf32> {
    %start = tensor.empty() : tensor<8x16xf32>
    %codes = share.get @codes : tensor<8x16xi64>
    %book = share.get @book : tensor<4xf32>
    %w = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%codes : tensor<8x16xi64>) outs(%start : tensor<8x16xf32>) {
    ^bb0(%code: i64, %out: f32):
      %at = arith.index_cast %code : i64 to index
      %number = tensor.extract %book[%at] : tensor<4xf32>
      linalg.yield %number : f32
    } -> tensor<8x16xf32>
    return %w : tensor<8x16xf32>
  }
}

// -----

// What is computed and read in two orders is stored in one.
// CHECK-LABEL: module @two_orders
module @two_orders {
  // CHECK: share.param @w.packed {{.*}} : tensor<9x10xf32>
  // CHECK-NOT: share.param
  // CHECK: %[[W:.+]] = share.get @w.packed
  // CHECK: linalg.matmul ins(%{{.+}}, %[[W]] :
  // CHECK: %[[T:.+]] = linalg.transpose ins(%[[W]] :
  // CHECK: linalg.matmul ins(%{{.+}}, %[[T]] :
  share.param @w : tensor<9x10xf32> = dense<[[1., 2., 3., 4., 5., 6., 7., 8., 9., 10.], [1., 2., 3., 4., 5., 6., 7., 8., 9., 11.], [1., 2., 3., 4., 5., 6., 7., 8., 9., 12.], [1., 2., 3., 4., 5., 6., 7., 8., 9., 13.], [1., 2., 3., 4., 5., 6., 7., 8., 9., 14.], [1., 2., 3., 4., 5., 6., 7., 8., 9., 15.], [1., 2., 3., 4., 5., 6., 7., 8., 9., 16.], [1., 2., 3., 4., 5., 6., 7., 8., 9., 17.], [1., 2., 3., 4., 5., 6., 7., 8., 9., 18.]]> : tensor<9x10xf32>
  func.func @main(%x: tensor<2x9xf32>, %s: tensor<2x10xf32>, %t: tensor<2x9xf32>) -> tensor<2x9xf32> {
    %w = share.get @w : tensor<9x10xf32>
    %room = tensor.empty() : tensor<9x10xf32>
    %n = linalg.negf ins(%w : tensor<9x10xf32>) outs(%room : tensor<9x10xf32>) -> tensor<9x10xf32>
    %h = linalg.matmul ins(%x, %n : tensor<2x9xf32>, tensor<9x10xf32>) outs(%s : tensor<2x10xf32>) -> tensor<2x10xf32>
    %other = tensor.empty() : tensor<10x9xf32>
    %turned = linalg.transpose ins(%n : tensor<9x10xf32>) outs(%other : tensor<10x9xf32>) permutation = [1, 0]
    %y = linalg.matmul ins(%h, %turned : tensor<2x10xf32>, tensor<10x9xf32>) outs(%t : tensor<2x9xf32>) -> tensor<2x9xf32>
    return %y : tensor<2x9xf32>
  }
}

// -----

// A hashed weight: its table is far smaller, but beside the other parameter it
// costs little, and no run has to hash.
// CHECK-LABEL: module @hashed
module @hashed {
  // CHECK: share.param @large
  // CHECK-NOT: share.param @table :
  // CHECK: share.param @table.packed {{{.*}}share.codes{{.*}}} : tensor<8x16xf32>
  share.param @table : tensor<8xf32> = dense<[1., 2., 3., 4., 5., 6., 7., 8.]> : tensor<8xf32>
  share.param @large : tensor<16x1000xf32> = dense_resource<large> : tensor<16x1000xf32>
  func.func @main(%x: tensor<2x8xf32>, %start: tensor<2x16xf32>, %next: tensor<2x1000xf32>) -> tensor<2x1000xf32> {
    %table = share.get @table : tensor<8xf32>
    %large = share.get @large : tensor<16x1000xf32>
    %room = tensor.empty() : tensor<8x16xf32>
    %w = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} outs(%room : tensor<8x16xf32>) {
    ^bb0(%out: f32):
      %i = linalg.index 0 : index
      %j = linalg.index 1 : index
      %factor = arith.constant 7919 : index
      %count = arith.constant 8 : index
      %far = arith.muli %i, %factor : index
      %mixed = arith.xori %far, %j : index
      %at = arith.remui %mixed, %count : index
      %number = tensor.extract %table[%at] : tensor<8xf32>
      linalg.yield %number : f32
    } -> tensor<8x16xf32>
    %h = linalg.matmul ins(%x, %w : tensor<2x8xf32>, tensor<8x16xf32>) outs(%start : tensor<2x16xf32>) -> tensor<2x16xf32>
    %y = linalg.matmul ins(%h, %large : tensor<2x16xf32>, tensor<16x1000xf32>) outs(%next : tensor<2x1000xf32>) -> tensor<2x1000xf32>
    return %y : tensor<2x1000xf32>
  }
}
