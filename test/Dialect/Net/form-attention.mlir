// Products, a softmax and products become one operation where scores are many.
// RUN: lig-opt %s -split-input-file -net-form-attention -canonicalize | FileCheck %s
// RUN: lig-opt %s -split-input-file "-net-form-attention=min-scores=1 min-rows=1" -canonicalize | FileCheck %s --check-prefix=ALWAYS
// RUN: lig-opt %s -split-input-file "-net-form-attention=min-scores=100000" -canonicalize | FileCheck %s --check-prefix=NEVER

#q = affine_map<(h, m, n, d) -> (h, m, d)>
#k = affine_map<(h, m, n, d) -> (h, d, n)>
#s = affine_map<(h, m, n, d) -> (h, m, n)>
#all = affine_map<(h, m, n) -> (h, m, n)>
#row = affine_map<(h, m, n) -> (h, m)>
#mask = affine_map<(h, m, n) -> (m, n)>
#line = affine_map<(h, m) -> (h, m)>

// Keys and the result are read and written where they were before a transpose.
// CHECK: #[[Q:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d3)>
// CHECK: #[[K:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d2, d3)>
// CHECK: #[[V:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d2, d4)>
// CHECK: #[[M:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d1, d2)>
// CHECK: #[[O:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d1, d0, d4)>
// CHECK-LABEL: module @masked
// CHECK-NOT: linalg.generic
// CHECK: %[[RESULT:.+]] = net.attention %arg0, %arg1, %arg2, %arg3 into %{{.+}} maps [#[[Q]], #[[K]], #[[V]], #[[M]], #[[O]]] {
// CHECK-NEXT: ^bb0(%[[S:.+]]: f32, %[[A:.+]]: f32, %{{.+}}: index, %{{.+}}: index):
// CHECK-NEXT: %[[X:.+]] = arith.mulf %[[S]], %cst
// CHECK-NEXT: %[[Y:.+]] = arith.addf %[[X]], %[[A]]
// CHECK-NEXT: net.yield %[[Y]]
// CHECK: return %[[RESULT]]
// NEVER-LABEL: module @masked
// NEVER-NOT: net.attention
module @masked {
  func.func @main(%q: tensor<2x256x16xf32>, %k: tensor<2x256x16xf32>, %v: tensor<2x256x8xf32>,
                  %m: tensor<256x256xf32>) -> tensor<256x2x8xf32> {
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %low = arith.constant 0xFF800000 : f32
    %scale = arith.constant 2.5e-1 : f32
    %ek = tensor.empty() : tensor<2x16x256xf32>
    %kt = linalg.transpose ins(%k : tensor<2x256x16xf32>) outs(%ek : tensor<2x16x256xf32>) permutation = [0, 2, 1]
    %e = tensor.empty() : tensor<2x256x256xf32>
    %er = tensor.empty() : tensor<2x256xf32>
    %eo = tensor.empty() : tensor<2x256x8xf32>
    %et = tensor.empty() : tensor<256x2x8xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x256x256xf32>) -> tensor<2x256x256xf32>
    %s = linalg.generic {indexing_maps = [#q, #k, #s], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%q, %kt : tensor<2x256x16xf32>, tensor<2x16x256xf32>) outs(%f : tensor<2x256x256xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %r = arith.addf %o, %p : f32
      linalg.yield %r : f32
    } -> tensor<2x256x256xf32>
    %x = linalg.generic {indexing_maps = [#all, #mask, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %m : tensor<2x256x256xf32>, tensor<256x256xf32>) outs(%e : tensor<2x256x256xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %scale : f32
      %r = arith.addf %p, %b : f32
      linalg.yield %r : f32
    } -> tensor<2x256x256xf32>
    %fl = linalg.fill ins(%low : f32) outs(%er : tensor<2x256xf32>) -> tensor<2x256xf32>
    %most = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x : tensor<2x256x256xf32>) outs(%fl : tensor<2x256xf32>) {
    ^bb0(%a: f32, %o: f32):
      %r = arith.maximumf %a, %o : f32
      linalg.yield %r : f32
    } -> tensor<2x256xf32>
    %powers = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %most : tensor<2x256x256xf32>, tensor<2x256xf32>) outs(%e : tensor<2x256x256xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.subf %a, %b : f32
      %r = math.exp %p : f32
      linalg.yield %r : f32
    } -> tensor<2x256x256xf32>
    %fz = linalg.fill ins(%zero : f32) outs(%er : tensor<2x256xf32>) -> tensor<2x256xf32>
    %sums = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%powers : tensor<2x256x256xf32>) outs(%fz : tensor<2x256xf32>) {
    ^bb0(%a: f32, %o: f32):
      %r = arith.addf %a, %o : f32
      linalg.yield %r : f32
    } -> tensor<2x256xf32>
    %inverse = linalg.generic {indexing_maps = [#line, #line], iterator_types = ["parallel", "parallel"]} ins(%sums : tensor<2x256xf32>) outs(%er : tensor<2x256xf32>) {
    ^bb0(%a: f32, %o: f32):
      %r = arith.divf %one, %a : f32
      linalg.yield %r : f32
    } -> tensor<2x256xf32>
    %w = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%powers, %inverse : tensor<2x256x256xf32>, tensor<2x256xf32>) outs(%e : tensor<2x256x256xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %r = arith.mulf %a, %b : f32
      linalg.yield %r : f32
    } -> tensor<2x256x256xf32>
    %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x256x8xf32>) -> tensor<2x256x8xf32>
    %mixed = linalg.batch_matmul ins(%w, %v : tensor<2x256x256xf32>, tensor<2x256x8xf32>) outs(%fo : tensor<2x256x8xf32>) -> tensor<2x256x8xf32>
    %t = linalg.transpose ins(%mixed : tensor<2x256x8xf32>) outs(%et : tensor<256x2x8xf32>) permutation = [1, 0, 2]
    return %t : tensor<256x2x8xf32>
  }
}

// -----

// A sum that is divided by, and no batch. A product of what is no softmax stays.
// CHECK-LABEL: module @plain
// CHECK-NOT: net.attention
// ALWAYS-LABEL: module @plain
// ALWAYS-LABEL: func.func @main
// ALWAYS: net.attention
// ALWAYS-NOT: linalg.matmul
// ALWAYS-LABEL: func.func @product
// ALWAYS-NOT: net.attention
module @plain {
  func.func @main(%q: tensor<8x4xf32>, %k: tensor<4x8xf32>, %v: tensor<8x4xf32>) -> tensor<8x4xf32> {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<8x8xf32>
    %er = tensor.empty() : tensor<8xf32>
    %eo = tensor.empty() : tensor<8x4xf32>
    %low = arith.constant 0xFF800000 : f32
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<8x8xf32>) -> tensor<8x8xf32>
    %s = linalg.matmul ins(%q, %k : tensor<8x4xf32>, tensor<4x8xf32>) outs(%f : tensor<8x8xf32>) -> tensor<8x8xf32>
    %fl = linalg.fill ins(%low : f32) outs(%er : tensor<8xf32>) -> tensor<8xf32>
    %most = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>], iterator_types = ["parallel", "reduction"]} ins(%s : tensor<8x8xf32>) outs(%fl : tensor<8xf32>) {
    ^bb0(%a: f32, %o: f32):
      %r = arith.maximumf %o, %a : f32
      linalg.yield %r : f32
    } -> tensor<8xf32>
    %powers = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]} ins(%s, %most : tensor<8x8xf32>, tensor<8xf32>) outs(%e : tensor<8x8xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.subf %a, %b : f32
      %r = math.exp %p : f32
      linalg.yield %r : f32
    } -> tensor<8x8xf32>
    %fz = linalg.fill ins(%zero : f32) outs(%er : tensor<8xf32>) -> tensor<8xf32>
    %sums = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>], iterator_types = ["parallel", "reduction"]} ins(%powers : tensor<8x8xf32>) outs(%fz : tensor<8xf32>) {
    ^bb0(%a: f32, %o: f32):
      %r = arith.addf %a, %o : f32
      linalg.yield %r : f32
    } -> tensor<8xf32>
    %p = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]} ins(%powers, %sums : tensor<8x8xf32>, tensor<8xf32>) outs(%e : tensor<8x8xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %r = arith.divf %a, %b : f32
      linalg.yield %r : f32
    } -> tensor<8x8xf32>
    %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<8x4xf32>) -> tensor<8x4xf32>
    %y = linalg.matmul ins(%p, %v : tensor<8x8xf32>, tensor<8x4xf32>) outs(%fo : tensor<8x4xf32>) -> tensor<8x4xf32>
    return %y : tensor<8x4xf32>
  }
  func.func @product(%s: tensor<8x8xf32>, %v: tensor<8x4xf32>) -> tensor<8x4xf32> {
    %zero = arith.constant 0.0 : f32
    %eo = tensor.empty() : tensor<8x4xf32>
    %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<8x4xf32>) -> tensor<8x4xf32>
    %y = linalg.matmul ins(%s, %v : tensor<8x8xf32>, tensor<8x4xf32>) outs(%fo : tensor<8x4xf32>) -> tensor<8x4xf32>
    return %y : tensor<8x4xf32>
  }
}

// -----

#q = affine_map<(h, m, n, d) -> (h, m, d)>
#k = affine_map<(h, m, n, d) -> (h, n, d)>
#s = affine_map<(h, m, n, d) -> (h, m, n)>
#all = affine_map<(h, m, n) -> (h, m, n)>
#row = affine_map<(h, m, n) -> (h, m)>
#repeated = affine_map<(g, h, m, d) -> (g, m, d)>
#each = affine_map<(g, h, m, d) -> (g, h, m, d)>

// Six heads in groups of three, which share keys and values: those are read as they
// are, once for a group.
// CHECK-LABEL: module @grouped
// ALWAYS-LABEL: module @grouped
// CHECK: %[[Q:.+]] = tensor.expand_shape %arg0 {{\[\[}}0, 1], [2], [3]] {{.*}} into tensor<2x3x256x16xf32>
// CHECK: %[[O:.+]] = net.attention %[[Q]], %arg1, %arg2 into
// CHECK: -> tensor<2x3x256x16xf32>
// CHECK: tensor.collapse_shape %[[O]] {{\[\[}}0, 1], [2], [3]]
module @grouped {
  func.func @main(%q: tensor<6x256x16xf32>, %k2: tensor<2x256x16xf32>, %v2: tensor<2x256x16xf32>) -> tensor<6x256x16xf32> {
    %zero = arith.constant 0.0 : f32
    %low = arith.constant 0xFF800000 : f32
    %er6 = tensor.empty() : tensor<2x3x256x16xf32>
    %kr = linalg.generic {indexing_maps = [#repeated, #each], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%k2 : tensor<2x256x16xf32>) outs(%er6 : tensor<2x3x256x16xf32>) {
    ^bb0(%a: f32, %o: f32):
      linalg.yield %a : f32
    } -> tensor<2x3x256x16xf32>
    %vr = linalg.generic {indexing_maps = [#repeated, #each], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%v2 : tensor<2x256x16xf32>) outs(%er6 : tensor<2x3x256x16xf32>) {
    ^bb0(%a: f32, %o: f32):
      linalg.yield %a : f32
    } -> tensor<2x3x256x16xf32>
    %k = tensor.collapse_shape %kr [[0, 1], [2], [3]] : tensor<2x3x256x16xf32> into tensor<6x256x16xf32>
    %v = tensor.collapse_shape %vr [[0, 1], [2], [3]] : tensor<2x3x256x16xf32> into tensor<6x256x16xf32>
    %e = tensor.empty() : tensor<6x256x256xf32>
    %er = tensor.empty() : tensor<6x256xf32>
    %eo = tensor.empty() : tensor<6x256x16xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<6x256x256xf32>) -> tensor<6x256x256xf32>
    %s = linalg.generic {indexing_maps = [#q, #k, #s], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%q, %k : tensor<6x256x16xf32>, tensor<6x256x16xf32>) outs(%f : tensor<6x256x256xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %r = arith.addf %o, %p : f32
      linalg.yield %r : f32
    } -> tensor<6x256x256xf32>
    %fl = linalg.fill ins(%low : f32) outs(%er : tensor<6x256xf32>) -> tensor<6x256xf32>
    %most = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%s : tensor<6x256x256xf32>) outs(%fl : tensor<6x256xf32>) {
    ^bb0(%a: f32, %o: f32):
      %r = arith.maximumf %a, %o : f32
      linalg.yield %r : f32
    } -> tensor<6x256xf32>
    %powers = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %most : tensor<6x256x256xf32>, tensor<6x256xf32>) outs(%e : tensor<6x256x256xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.subf %a, %b : f32
      %r = math.exp %p : f32
      linalg.yield %r : f32
    } -> tensor<6x256x256xf32>
    %fz = linalg.fill ins(%zero : f32) outs(%er : tensor<6x256xf32>) -> tensor<6x256xf32>
    %sums = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%powers : tensor<6x256x256xf32>) outs(%fz : tensor<6x256xf32>) {
    ^bb0(%a: f32, %o: f32):
      %r = arith.addf %a, %o : f32
      linalg.yield %r : f32
    } -> tensor<6x256xf32>
    %w = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%powers, %sums : tensor<6x256x256xf32>, tensor<6x256xf32>) outs(%e : tensor<6x256x256xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %r = arith.divf %a, %b : f32
      linalg.yield %r : f32
    } -> tensor<6x256x256xf32>
    %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<6x256x16xf32>) -> tensor<6x256x16xf32>
    %mixed = linalg.batch_matmul ins(%w, %v : tensor<6x256x256xf32>, tensor<6x256x16xf32>) outs(%fo : tensor<6x256x16xf32>) -> tensor<6x256x16xf32>
    return %mixed : tensor<6x256x16xf32>
  }
}
