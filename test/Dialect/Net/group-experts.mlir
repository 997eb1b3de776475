// Rows that choose weights are grouped by what they chose.
// RUN: lig-opt %s -split-input-file -net-group-experts | FileCheck %s
// RUN: lig-opt %s -split-input-file -net-group-experts --remarks-filter=share --remark-format=emitRemark 2>&1 >/dev/null | FileCheck --check-prefix=REMARK %s

#row = affine_map<(e, t, n, c) -> (t, c)>
#bank = affine_map<(e, t, n, c) -> (e, c, n)>
#sums = affine_map<(e, t, n, c) -> (e, t, n)>
#all = affine_map<(e, t, n) -> (e, t, n)>
#gates = affine_map<(e, t, n) -> (e, t)>
#out = affine_map<(e, t, n) -> (t, n)>

// All experts and gates, of which 16 of 512 are open.
// REMARK: grouped{{.*}}16 rows of 32 experts
// CHECK-LABEL: func.func @gated
// CHECK-SAME: (%[[X:.+]]: tensor<16x64xf32>, %[[INDEX:.+]]: tensor<16xindex>
// CHECK: %[[GATES:.+]] = scf.for
// CHECK: %[[TABLES:.+]]:3 = scf.for {{.*}} -> (tensor<{{.+}}xi64>, tensor<{{.+}}xi64>, index)
// CHECK: %[[GATE:.+]] = tensor.extract %[[GATES]]
// CHECK: arith.cmpf une, %[[GATE]]
// CHECK: %[[COUNT:.+]] = arith.divui %[[TABLES]]#2
// CHECK: %[[SUMS:.+]] = net.scan %[[COUNT]] init(%{{.+}} : tensor<17x64xf32>)
// CHECK: tensor.extract %[[TABLES]]#0
// CHECK: tensor.extract_slice %[[X]]
// CHECK: %[[W:.+]] = tensor.extract_slice %{{.+}}[%{{.+}}, 0, 0] [1, 64, 64]
// CHECK: linalg.generic {{.*}} ins(%{{.+}}, %[[W]]
// CHECK: tensor.extract_slice %[[SUMS]][0, 0] [16, 64]
module @gated {
  share.param @bank : tensor<32x64x64xf32>
  func.func @gated(%x: tensor<16x64xf32>, %index: tensor<16xindex>, %values: tensor<16xf32>) -> tensor<16x64xf32> {
    %zero = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %g0 = tensor.empty() : tensor<32x16xf32>
    %g1 = linalg.fill ins(%zero : f32) outs(%g0 : tensor<32x16xf32>) -> tensor<32x16xf32>
    %gates = scf.for %t = %c0 to %c16 step %c1 iter_args(%g = %g1) -> (tensor<32x16xf32>) {
      %e = tensor.extract %index[%t] : tensor<16xindex>
      %v = tensor.extract %values[%t] : tensor<16xf32>
      %next = tensor.insert %v into %g[%e, %t] : tensor<32x16xf32>
      scf.yield %next : tensor<32x16xf32>
    }
    %w = share.get @bank : tensor<32x64x64xf32>
    %room = tensor.empty() : tensor<32x16x64xf32>
    %init = linalg.fill ins(%zero : f32) outs(%room : tensor<32x16x64xf32>) -> tensor<32x16x64xf32>
    %y = linalg.generic {indexing_maps = [#row, #bank, #sums], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<16x64xf32>, tensor<32x64x64xf32>) outs(%init : tensor<32x16x64xf32>) {
    ^bb0(%a: f32, %b: f32, %s: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    } -> tensor<32x16x64xf32>
    %weighted = linalg.generic {indexing_maps = [#all, #gates, #all], iterator_types = ["parallel", "parallel", "parallel"]}
        ins(%y, %gates : tensor<32x16x64xf32>, tensor<32x16xf32>) outs(%room : tensor<32x16x64xf32>) {
    ^bb0(%a: f32, %b: f32, %s: f32):
      %p = arith.mulf %a, %b : f32
      linalg.yield %p : f32
    } -> tensor<32x16x64xf32>
    %r0 = tensor.empty() : tensor<16x64xf32>
    %r1 = linalg.fill ins(%zero : f32) outs(%r0 : tensor<16x64xf32>) -> tensor<16x64xf32>
    %r = linalg.generic {indexing_maps = [#all, #out], iterator_types = ["reduction", "parallel", "parallel"]}
        ins(%weighted : tensor<32x16x64xf32>) outs(%r1 : tensor<16x64xf32>) {
    ^bb0(%a: f32, %s: f32):
      %p = arith.addf %a, %s : f32
      linalg.yield %p : f32
    } -> tensor<16x64xf32>
    return %r : tensor<16x64xf32>
  }
}

// -----

#row = affine_map<(e, t, n, c) -> (t, c)>
#bank = affine_map<(e, t, n, c) -> (e, c, n)>
#sums = affine_map<(e, t, n, c) -> (e, t, n)>
#all = affine_map<(e, t, n) -> (e, t, n)>
#gates = affine_map<(e, t, n) -> (e, t)>
#out = affine_map<(e, t, n) -> (t, n)>

// Any gate may be open: nobody knows whether grouping gains.
// CHECK-LABEL: func.func @dense_gates
// CHECK-NOT: net.scan
module @dense_gates {
  share.param @bank : tensor<32x64x64xf32>
  func.func @dense_gates(%x: tensor<16x64xf32>, %gates: tensor<32x16xf32>) -> tensor<16x64xf32> {
    %zero = arith.constant 0.0 : f32
    %w = share.get @bank : tensor<32x64x64xf32>
    %room = tensor.empty() : tensor<32x16x64xf32>
    %init = linalg.fill ins(%zero : f32) outs(%room : tensor<32x16x64xf32>) -> tensor<32x16x64xf32>
    %y = linalg.generic {indexing_maps = [#row, #bank, #sums], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<16x64xf32>, tensor<32x64x64xf32>) outs(%init : tensor<32x16x64xf32>) {
    ^bb0(%a: f32, %b: f32, %s: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    } -> tensor<32x16x64xf32>
    %weighted = linalg.generic {indexing_maps = [#all, #gates, #all], iterator_types = ["parallel", "parallel", "parallel"]}
        ins(%y, %gates : tensor<32x16x64xf32>, tensor<32x16xf32>) outs(%room : tensor<32x16x64xf32>) {
    ^bb0(%a: f32, %b: f32, %s: f32):
      %p = arith.mulf %a, %b : f32
      linalg.yield %p : f32
    } -> tensor<32x16x64xf32>
    %r0 = tensor.empty() : tensor<16x64xf32>
    %r1 = linalg.fill ins(%zero : f32) outs(%r0 : tensor<16x64xf32>) -> tensor<16x64xf32>
    %r = linalg.generic {indexing_maps = [#all, #out], iterator_types = ["reduction", "parallel", "parallel"]}
        ins(%weighted : tensor<32x16x64xf32>) outs(%r1 : tensor<16x64xf32>) {
    ^bb0(%a: f32, %s: f32):
      %p = arith.addf %a, %s : f32
      linalg.yield %p : f32
    } -> tensor<16x64xf32>
    return %r : tensor<16x64xf32>
  }
}

// -----

#x = affine_map<(t, k, n, c) -> (t, c)>
#w = affine_map<(t, k, n, c) -> (t, k, c, n)>
#y = affine_map<(t, k, n, c) -> (t, k, n)>

// A copy of a weight for each of 12 tokens and 2 choices.
// REMARK: grouped{{.*}}24 rows of 8 experts
// CHECK-LABEL: func.func @gathered
// CHECK-SAME: (%[[X:.+]]: tensor<12x32xf32>, %[[INDEX:.+]]: tensor<24xi64>)
// CHECK: %[[TABLES:.+]]:3 = scf.for
// CHECK: %[[INDEXED:.+]] = tensor.extract %[[INDEX]]
// CHECK: %[[ALL:.+]] = net.scan %{{.+}} init(%{{.+}} : tensor<25x16xf32>)
// CHECK: tensor.extract_slice %{{.+}}[%{{.+}}, 0, 0] [1, 32, 16] [1, 1, 1] : tensor<8x32x16xf32> to tensor<32x16xf32>
// CHECK: %[[ROWS:.+]] = tensor.extract_slice %[[ALL]][0, 0] [24, 16]
// CHECK: %[[Y:.+]] = tensor.expand_shape %[[ROWS]]
// CHECK: return %[[Y]]
module @gathered {
  share.param @bank : tensor<8x32x16xf32>
  func.func @gathered(%x: tensor<12x32xf32>, %index: tensor<24xi64>) -> tensor<12x2x16xf32> {
    %zero = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c24 = arith.constant 24 : index
    %w = share.get @bank : tensor<8x32x16xf32>
    %flat = tensor.collapse_shape %w [[0], [1, 2]] : tensor<8x32x16xf32> into tensor<8x512xf32>
    %bank = tensor.expand_shape %flat [[0, 1], [2]] output_shape [1, 8, 512] : tensor<8x512xf32> into tensor<1x8x512xf32>
    %empty = tensor.empty() : tensor<1x24x512xf32>
    %copies = scf.for %r = %c0 to %c24 step %c1 iter_args(%rows = %empty) -> (tensor<1x24x512xf32>) {
      %id = tensor.extract %index[%r] : tensor<24xi64>
      %e = arith.index_cast %id : i64 to index
      %one = tensor.extract_slice %bank[0, %e, 0] [1, 1, 512] [1, 1, 1] : tensor<1x8x512xf32> to tensor<1x1x512xf32>
      %next = tensor.insert_slice %one into %rows[0, %r, 0] [1, 1, 512] [1, 1, 1] : tensor<1x1x512xf32> into tensor<1x24x512xf32>
      scf.yield %next : tensor<1x24x512xf32>
    }
    %joint = tensor.collapse_shape %copies [[0, 1], [2]] : tensor<1x24x512xf32> into tensor<24x512xf32>
    %each = tensor.expand_shape %joint [[0, 1], [2, 3]] output_shape [12, 2, 32, 16] : tensor<24x512xf32> into tensor<12x2x32x16xf32>
    %room = tensor.empty() : tensor<12x2x16xf32>
    %init = linalg.fill ins(%zero : f32) outs(%room : tensor<12x2x16xf32>) -> tensor<12x2x16xf32>
    %y = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
        ins(%x, %each : tensor<12x32xf32>, tensor<12x2x32x16xf32>) outs(%init : tensor<12x2x16xf32>) {
    ^bb0(%a: f32, %b: f32, %s: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    } -> tensor<12x2x16xf32>
    return %y : tensor<12x2x16xf32>
  }
}

// -----

#x = affine_map<(t, n, c) -> (t, c)>
#w = affine_map<(t, n, c) -> (t, c, n)>
#y = affine_map<(t, n, c) -> (t, n)>

// A weight of 64 numbers is copied sooner than tables of 512 experts are made.
// REMARK: apart{{.*}}4 rows of 512 experts
// CHECK-LABEL: func.func @many_small
// CHECK-NOT: net.scan
module @many_small {
  share.param @bank : tensor<1x512x64xf32>
  func.func @many_small(%x: tensor<4x8xf32>, %index: tensor<4xi64>) -> tensor<4x8xf32> {
    %zero = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %bank = share.get @bank : tensor<1x512x64xf32>
    %empty = tensor.empty() : tensor<1x4x64xf32>
    %copies = scf.for %r = %c0 to %c4 step %c1 iter_args(%rows = %empty) -> (tensor<1x4x64xf32>) {
      %id = tensor.extract %index[%r] : tensor<4xi64>
      %e = arith.index_cast %id : i64 to index
      %one = tensor.extract_slice %bank[0, %e, 0] [1, 1, 64] [1, 1, 1] : tensor<1x512x64xf32> to tensor<1x1x64xf32>
      %next = tensor.insert_slice %one into %rows[0, %r, 0] [1, 1, 64] [1, 1, 1] : tensor<1x1x64xf32> into tensor<1x4x64xf32>
      scf.yield %next : tensor<1x4x64xf32>
    }
    %joint = tensor.collapse_shape %copies [[0, 1], [2]] : tensor<1x4x64xf32> into tensor<4x64xf32>
    %each = tensor.expand_shape %joint [[0], [1, 2]] output_shape [4, 8, 8] : tensor<4x64xf32> into tensor<4x8x8xf32>
    %room = tensor.empty() : tensor<4x8xf32>
    %init = linalg.fill ins(%zero : f32) outs(%room : tensor<4x8xf32>) -> tensor<4x8xf32>
    %y = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %each : tensor<4x8xf32>, tensor<4x8x8xf32>) outs(%init : tensor<4x8xf32>) {
    ^bb0(%a: f32, %b: f32, %s: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    } -> tensor<4x8xf32>
    return %y : tensor<4x8xf32>
  }
}
