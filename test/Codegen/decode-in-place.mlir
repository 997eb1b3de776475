// Readers decode narrower numbers and codes; what scales them is told apart first.
// RUN: lig-opt %s -split-input-file -lig-split-decodings -cse | FileCheck %s --check-prefix=SPLIT
// RUN: lig-opt %s -split-input-file -lig-decode-in-place -cse | FileCheck %s

// SPLIT-LABEL: func.func @scaled
// SPLIT: %[[NUMBERS:.+]] = linalg.generic
// SPLIT: arith.extsi
// SPLIT: arith.subi
// SPLIT: %[[F:.+]] = arith.sitofp
// SPLIT-NEXT: linalg.yield %[[F]]
// SPLIT: linalg.generic {{.*}} ins(%{{.+}}, %[[NUMBERS]] :
// SPLIT-NOT: sitofp
// SPLIT: linalg.matmul

// A product and the rows of an embedding: no buffer of floats.
// CHECK-LABEL: func.func @scaled
// CHECK-NOT: -> tensor<16x8xf32>
// CHECK: %[[Q:.+]] = share.get @q
// CHECK: linalg.generic {{.*}}"reduction"]} ins(%{{.+}}, %[[Q]], %{{.+}} : tensor<4x16xf32>, tensor<16x8xi8>, tensor<8xf32>)
// CHECK: arith.extsi
// CHECK: arith.sitofp
// CHECK: linalg.generic
// CHECK: tensor.extract %[[Q]][
// CHECK: arith.sitofp
module @scaled {
  share.param @q : tensor<16x8xi8> = dense<3> : tensor<16x8xi8>
  share.param @s : tensor<8xf32> = dense<0.5> : tensor<8xf32>
  func.func @scaled(%x: tensor<4x16xf32>, %start: tensor<4x8xf32>, %ids: tensor<4xindex>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
    %q = share.get @q : tensor<16x8xi8>
    %s = share.get @s : tensor<8xf32>
    %zero = arith.constant 1 : i32
    %room = tensor.empty() : tensor<16x8xf32>
    %w = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
        iterator_types = ["parallel", "parallel"]} ins(%q, %s : tensor<16x8xi8>, tensor<8xf32>) outs(%room : tensor<16x8xf32>) {
    ^bb0(%a: i8, %b: f32, %out: f32):
      %i = arith.extsi %a : i8 to i32
      %c = arith.subi %i, %zero : i32
      %f = arith.sitofp %c : i32 to f32
      %r = arith.mulf %f, %b : f32
      linalg.yield %r : f32
    } -> tensor<16x8xf32>
    %y = linalg.matmul ins(%x, %w : tensor<4x16xf32>, tensor<16x8xf32>) outs(%start : tensor<4x8xf32>) -> tensor<4x8xf32>
    %rows = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
        iterator_types = ["parallel", "parallel"]} ins(%ids : tensor<4xindex>) outs(%start : tensor<4x8xf32>) {
    ^bb0(%i: index, %out: f32):
      %j = linalg.index 1 : index
      %e = tensor.extract %w[%i, %j] : tensor<16x8xf32>
      linalg.yield %e : f32
    } -> tensor<4x8xf32>
    return %y, %rows : tensor<4x8xf32>, tensor<4x8xf32>
  }
}

// -----

// Codes of a small table are counted unsigned, as kernels look them up.
// SPLIT-LABEL: func.func @coded
// CHECK-LABEL: func.func @coded
// CHECK-DAG: %[[CODES:.+]] = share.get @codes
// CHECK-DAG: %[[TABLE:.+]] = share.get @table
// CHECK: linalg.generic {{.*}}"reduction"]} ins(%{{.+}}, %[[CODES]] : tensor<4x16xf32>, tensor<16x8xi8>)
// CHECK: arith.index_castui
// CHECK: tensor.extract %[[TABLE]]
module @codes {
  share.param @codes : tensor<16x8xi8> = dense<3> : tensor<16x8xi8>
  share.param @table : tensor<16xf32> = dense<0.5> : tensor<16xf32>
  func.func @coded(%x: tensor<4x16xf32>, %start: tensor<4x8xf32>) -> tensor<4x8xf32> {
    %codes = share.get @codes : tensor<16x8xi8>
    %table = share.get @table : tensor<16xf32>
    %room = tensor.empty() : tensor<16x8xf32>
    %w = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
        iterator_types = ["parallel", "parallel"]} ins(%codes : tensor<16x8xi8>) outs(%room : tensor<16x8xf32>) {
    ^bb0(%a: i8, %out: f32):
      %i = arith.index_cast %a : i8 to index
      %r = tensor.extract %table[%i] : tensor<16xf32>
      linalg.yield %r : f32
    } -> tensor<16x8xf32>
    %y = linalg.matmul ins(%x, %w : tensor<4x16xf32>, tensor<16x8xf32>) outs(%start : tensor<4x8xf32>) -> tensor<4x8xf32>
    return %y : tensor<4x8xf32>
  }
}

// -----

// What is returned has to be in memory; a trainable weight may change.
// SPLIT-LABEL: func.func @stays
// CHECK-LABEL: func.func @stays
// CHECK: %[[W:.+]] = linalg.generic {{.*}} ins(%{{.+}} : tensor<16x8xf16>)
// CHECK: linalg.{{.*}} ins(%{{.+}}, %[[W]] :
// CHECK: %[[V:.+]] = linalg.generic {{.*}} ins(%{{.+}} : tensor<16x8xf16>)
// CHECK: linalg.{{.*}} ins(%{{.+}}, %[[V]] :
#map = affine_map<(i, j) -> (i, j)>
module @stays {
  share.param @h : tensor<16x8xf16> = dense<3.0> : tensor<16x8xf16>
  share.param trainable @t : tensor<16x8xf16> = dense<3.0> : tensor<16x8xf16>
  func.func @stays(%x: tensor<4x16xf32>, %start: tensor<4x8xf32>) -> (tensor<16x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) {
    %room = tensor.empty() : tensor<16x8xf32>
    %h = share.get @h : tensor<16x8xf16>
    %w = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%h : tensor<16x8xf16>) outs(%room : tensor<16x8xf32>) {
    ^bb0(%a: f16, %out: f32):
      %r = arith.extf %a : f16 to f32
      linalg.yield %r : f32
    } -> tensor<16x8xf32>
    %y = linalg.matmul ins(%x, %w : tensor<4x16xf32>, tensor<16x8xf32>) outs(%start : tensor<4x8xf32>) -> tensor<4x8xf32>
    %t = share.get @t : tensor<16x8xf16>
    %v = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%t : tensor<16x8xf16>) outs(%room : tensor<16x8xf32>) {
    ^bb0(%a: f16, %out: f32):
      %r = arith.extf %a : f16 to f32
      linalg.yield %r : f32
    } -> tensor<16x8xf32>
    %z = linalg.matmul ins(%x, %v : tensor<4x16xf32>, tensor<16x8xf32>) outs(%start : tensor<4x8xf32>) -> tensor<4x8xf32>
    return %w, %y, %z : tensor<16x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
  }
}

// -----

// Many rows are worth the floats; so are some, if the weight is read in two orders.
// SPLIT-LABEL: func.func @rows
// CHECK-LABEL: func.func @rows
// CHECK: %[[W:.+]] = linalg.generic {{.*}} ins(%{{.+}} : tensor<16x16xf16>)
// CHECK: linalg.{{.*}} ins(%{{.+}}, %[[W]] :
// CHECK: %[[V:.+]] = linalg.generic {{.*}} ins(%{{.+}} : tensor<16x16xf16>)
// CHECK: linalg.{{.*}} ins(%{{.+}}, %[[V]] :
// CHECK: linalg.{{.*}} ins(%{{.+}}, %[[V]] :
#map = affine_map<(i, j) -> (i, j)>
module @rows {
  share.param @h : tensor<16x16xf16> = dense<3.0> : tensor<16x16xf16>
  share.param @g : tensor<16x16xf16> = dense<2.0> : tensor<16x16xf16>
  func.func @rows(%x: tensor<65x16xf32>, %y: tensor<9x16xf32>) -> (tensor<65x16xf32>, tensor<9x16xf32>) {
    %room = tensor.empty() : tensor<16x16xf32>
    %h = share.get @h : tensor<16x16xf16>
    %w = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%h : tensor<16x16xf16>) outs(%room : tensor<16x16xf32>) {
    ^bb0(%a: f16, %out: f32):
      %r = arith.extf %a : f16 to f32
      linalg.yield %r : f32
    } -> tensor<16x16xf32>
    %p = linalg.matmul ins(%x, %w : tensor<65x16xf32>, tensor<16x16xf32>) outs(%x : tensor<65x16xf32>) -> tensor<65x16xf32>
    %g = share.get @g : tensor<16x16xf16>
    %v = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%g : tensor<16x16xf16>) outs(%room : tensor<16x16xf32>) {
    ^bb0(%a: f16, %out: f32):
      %r = arith.extf %a : f16 to f32
      linalg.yield %r : f32
    } -> tensor<16x16xf32>
    %q = linalg.matmul ins(%y, %v : tensor<9x16xf32>, tensor<16x16xf32>) outs(%y : tensor<9x16xf32>) -> tensor<9x16xf32>
    %z = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>] ins(%q, %v : tensor<9x16xf32>, tensor<16x16xf32>) outs(%y : tensor<9x16xf32>) -> tensor<9x16xf32>
    return %p, %z : tensor<65x16xf32>, tensor<9x16xf32>
  }
}
