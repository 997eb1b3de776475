// RUN: lig-opt %s -split-input-file -lig-narrow-weights="format=bf16 min-elements=4" | FileCheck %s --check-prefix=BF16
// RUN: lig-opt %s -split-input-file -lig-narrow-weights="format=int8 min-elements=4" | FileCheck %s --check-prefix=INT8
// RUN: lig-opt %s -split-input-file -lig-narrow-weights="format=f16" | FileCheck %s --check-prefix=SMALL
// RUN: not lig-opt %s -split-input-file -lig-narrow-weights="format=int9" 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// RUN: lig-opt %s -split-input-file -lig-narrow-weights="format=f32" | FileCheck %s --check-prefix=PLAIN
// RUN: lig-opt %s -split-input-file -lig-narrow-weights="format=codebook4 min-elements=20" | FileCheck %s --check-prefix=BOOK

// RUN: lig-opt %s -split-input-file -lig-narrow-weights="format=bf16 min-elements=4 products-only" | FileCheck %s --check-prefix=ONLY

// UNKNOWN: weights cannot be stored as 'int9'; the formats are f32, bf16, f16, int8 and codebook4

// Few elements are not worth it.
// BOOK-LABEL: module @matmul
// BOOK: share.param @w : tensor<2x3xf32>

// Few elements are not worth it.
// SMALL-NOT: f16

// The product reads the narrow numbers; integers are scaled after summing.
// BF16-LABEL: module @matmul
// BF16: share.param @w {share.rounding_error = {{.+}}} : tensor<2x3xbf16>
// ONLY-LABEL: module @matmul
// ONLY: share.param @w {{.*}} : tensor<2x3xbf16>
// INT8-LABEL: module @matmul
// INT8: share.param @w {share.rounding_error = {{.+}}} : tensor<2x3xi8>
// INT8: share.param @w.scales : tensor<3xf32>
module @matmul {
  share.param @w : tensor<2x3xf32> = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.1]]> : tensor<2x3xf32>
  func.func @main(%x: tensor<5x2xf32>, %start: tensor<5x3xf32>) -> tensor<5x3xf32> {
    // BF16: %[[W:.+]] = share.get @w : tensor<2x3xbf16>
    // BF16: linalg.generic
    // BF16: ^bb0(%[[X:[^:]+]]: f32, %[[N:[^:]+]]: bf16
    // BF16: %[[WIDE:.+]] = arith.extf %[[N]] : bf16 to f32
    // BF16: arith.mulf %[[X]], %[[WIDE]]
    // INT8: %[[W:.+]] = share.get @w : tensor<2x3xi8>
    // INT8: %[[ZERO:.+]] = linalg.fill
    // INT8: %[[SUMS:.+]] = linalg.generic {{.*}} ins(%{{.+}}, %[[W]] : tensor<5x2xf32>, tensor<2x3xi8>) outs(%[[ZERO]]
    // INT8: arith.sitofp
    // INT8: linalg.generic {{.*}} ins(%[[SUMS]], %{{.+}}, %{{.+}} : tensor<5x3xf32>, tensor<3xf32>, tensor<5x3xf32>)
    // INT8: %[[SCALED:.+]] = arith.mulf
    // INT8: arith.addf %[[SCALED]]
    %w = share.get @w : tensor<2x3xf32>
    %y = linalg.matmul ins(%x, %w : tensor<5x2xf32>, tensor<2x3xf32>)
                       outs(%start : tensor<5x3xf32>) -> tensor<5x3xf32>
    return %y : tensor<5x3xf32>
  }
}

// -----

// The embedding's rows and the output layer read one narrow tensor; each row
// has its scale.
// BF16-LABEL: module @tied_embedding
// BF16: share.param @w {{.*}} : tensor<4x2xbf16>
// What is looked up is not rounded where only products are.
// ONLY-LABEL: module @tied_embedding
// ONLY: share.param @w : tensor<4x2xf32>
// INT8-LABEL: module @tied_embedding
// INT8: share.param @w {{.*}} : tensor<4x2xi8>
// INT8: share.param @w.scales : tensor<4xf32>
#rows = affine_map<(b, v, d) -> (b, d)>
#table = affine_map<(b, v, d) -> (v, d)>
#out = affine_map<(b, v, d) -> (b, v)>
module @tied_embedding {
  share.param @w : tensor<4x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]> : tensor<4x2xf32>
  func.func @main(%at: tensor<3xindex>, %zero: tensor<3x4xf32>) -> tensor<3x4xf32> {
    %w = share.get @w : tensor<4x2xf32>
    %room = tensor.empty() : tensor<3x2xf32>
    // BF16: tensor.extract %{{.+}} : tensor<4x2xbf16>
    // BF16: arith.extf
    // INT8: %[[ROW:.+]] = tensor.extract %{{.+}} : tensor<3xindex>
    // INT8: %[[Q:.+]] = tensor.extract %{{.+}}[%[[ROW]], %{{.+}}] : tensor<4x2xi8>
    // INT8: %[[SCALE:.+]] = tensor.extract %{{.+}}[%[[ROW]]] : tensor<4xf32>
    // INT8: arith.mulf %{{.+}}, %[[SCALE]]
    %e = linalg.generic {indexing_maps = [affine_map<(b, d) -> (b, d)>],
                         iterator_types = ["parallel", "parallel"]}
        outs(%room : tensor<3x2xf32>) {
    ^bb0(%o: f32):
      %b = linalg.index 0 : index
      %d = linalg.index 1 : index
      %row = tensor.extract %at[%b] : tensor<3xindex>
      %v = tensor.extract %w[%row, %d] : tensor<4x2xf32>
      linalg.yield %v : f32
    } -> tensor<3x2xf32>
    %y = linalg.generic {indexing_maps = [#rows, #table, #out],
                         iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%e, %w : tensor<3x2xf32>, tensor<4x2xf32>) outs(%zero : tensor<3x4xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    } -> tensor<3x4xf32>
    return %y : tensor<3x4xf32>
  }
}

// -----

// A scan hands each step its weight.
// BF16-LABEL: module @stacked
// BF16: share.param @w {{.*}} : tensor<6x2x2xbf16>
// BF16: net.scan
// BF16: %[[SLICE:[^:]+]]: tensor<2x2xbf16>
// BF16: arith.extf
module @stacked {
  share.param @w : tensor<6x2x2xf32> = dense<1.5> : tensor<6x2x2xf32>
  func.func @main(%x: tensor<1x2xf32>, %zero: tensor<1x2xf32>) -> tensor<1x2xf32> {
    %w = share.get @w : tensor<6x2x2xf32>
    %n = arith.constant 6 : index
    %y = net.scan %n init(%x : tensor<1x2xf32>) over(%w : tensor<6x2x2xf32>) {
    ^bb0(%i: index, %h: tensor<1x2xf32>, %layer: tensor<2x2xf32>):
      %s = linalg.matmul ins(%h, %layer : tensor<1x2xf32>, tensor<2x2xf32>)
                         outs(%zero : tensor<1x2xf32>) -> tensor<1x2xf32>
      net.yield %s : tensor<1x2xf32>
    }
    return %y : tensor<1x2xf32>
  }
}

// -----

// What is trained, what no sum of products reads, what is infinite, and what is
// read by an operation that cannot convert, stays.
// BF16-LABEL: module @keeps
// BF16-NOT: bf16
// INT8-LABEL: module @keeps
// INT8-NOT: i8
module @keeps {
  share.param trainable @t : tensor<2x2xf32> = dense<1.5> : tensor<2x2xf32>
  share.param @bias : tensor<5x2xf32> = dense<1.5> : tensor<5x2xf32>
  share.param @infinite : tensor<2x2xf32> = dense<0x7F800000> : tensor<2x2xf32>
  share.param @returned : tensor<2x2xf32> = dense<1.5> : tensor<2x2xf32>
  func.func @main(%x: tensor<5x2xf32>) -> (tensor<5x2xf32>, tensor<2x2xf32>) {
    %t = share.get @t : tensor<2x2xf32>
    %b = share.get @bias : tensor<5x2xf32>
    %i = share.get @infinite : tensor<2x2xf32>
    %r = share.get @returned : tensor<2x2xf32>
    %0 = linalg.matmul ins(%x, %t : tensor<5x2xf32>, tensor<2x2xf32>)
                       outs(%b : tensor<5x2xf32>) -> tensor<5x2xf32>
    %1 = linalg.matmul ins(%0, %i : tensor<5x2xf32>, tensor<2x2xf32>)
                       outs(%b : tensor<5x2xf32>) -> tensor<5x2xf32>
    %2 = linalg.matmul ins(%1, %r : tensor<5x2xf32>, tensor<2x2xf32>)
                       outs(%b : tensor<5x2xf32>) -> tensor<5x2xf32>
    return %2, %r : tensor<5x2xf32>, tensor<2x2xf32>
  }
}

// -----

// What the model looks up in a table becomes codes and a table again, whatever
// is asked for; the table has 16 entries, those beyond the values are zero.
// PLAIN-LABEL: module @looked_up
// BF16-LABEL: module @looked_up
// BF16: share.param @w : tensor<2x2xi8>
// INT8-LABEL: module @looked_up
module @looked_up {
  // PLAIN: share.param @w : tensor<2x2xi8> = dense<{{\[\[}}0, 1], [0, 1]]>
  // PLAIN: share.param @w.table : tensor<16xf32> = dense<[5.{{0+}}e-01, 2.{{0+}}e+00, 0.{{0+}}e+00
  share.param @w {share.codes} : tensor<2x2xf32> = dense<[[0.5, 2.0], [0.5, 2.0]]> : tensor<2x2xf32>
  func.func @main(%x: tensor<5x2xf32>, %start: tensor<5x2xf32>) -> tensor<5x2xf32> {
    // PLAIN: %[[TABLE:.+]] = share.get @w.table
    // PLAIN: linalg.generic
    // PLAIN: ^bb0(%[[X:[^:]+]]: f32, %[[CODE:[^:]+]]: i8
    // PLAIN: %[[AT:.+]] = arith.index_castui %[[CODE]] : i8 to index
    // PLAIN: %[[NUMBER:.+]] = tensor.extract %[[TABLE]][%[[AT]]]
    // PLAIN: arith.mulf %[[X]], %[[NUMBER]]
    %w = share.get @w : tensor<2x2xf32>
    %y = linalg.matmul ins(%x, %w : tensor<5x2xf32>, tensor<2x2xf32>)
                       outs(%start : tensor<5x2xf32>) -> tensor<5x2xf32>
    return %y : tensor<5x2xf32>
  }
}

// -----

// A reader that takes no codes reads what they stand for.
// PLAIN-LABEL: module @decoded
module @decoded {
  // PLAIN: share.param @w : tensor<2xi8>
  share.param @w {share.codes} : tensor<2xf32> = dense<[0.5, 2.0]> : tensor<2xf32>
  func.func @main() -> tensor<2xf32> {
    // PLAIN: %[[CODES:.+]] = share.get @w : tensor<2xi8>
    // PLAIN: %[[W:.+]] = linalg.generic {{.*}} ins(%[[CODES]] : tensor<2xi8>)
    // PLAIN: tensor.extract
    // PLAIN: return %[[W]]
    %w = share.get @w : tensor<2xf32>
    return %w : tensor<2xf32>
  }
}

// -----

// More values than entries: clusters, and the scale of each column after its
// sum.
// BOOK-LABEL: module @clustered
module @clustered {
  // BOOK: share.param @w {share.rounding_error = {{.+}}} : tensor<10x2xi8>
  // BOOK: share.param @w.scales : tensor<2xf32>
  // BOOK: share.param @w.table : tensor<16xf32>
  share.param @w : tensor<10x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0], [9.0, 10.0], [11.0, 12.0], [13.0, 14.0], [15.0, 16.0], [17.0, 18.0], [19.0, 20.0]]> : tensor<10x2xf32>
  func.func @main(%x: tensor<5x10xf32>, %start: tensor<5x2xf32>) -> tensor<5x2xf32> {
    // BOOK: %[[SUMS:.+]] = linalg.generic
    // BOOK: tensor.extract
    // BOOK: linalg.generic {{.*}} ins(%[[SUMS]], %{{.+}}, %{{.+}} : tensor<5x2xf32>, tensor<2xf32>, tensor<5x2xf32>)
    %w = share.get @w : tensor<10x2xf32>
    %y = linalg.matmul ins(%x, %w : tensor<5x10xf32>, tensor<10x2xf32>)
                       outs(%start : tensor<5x2xf32>) -> tensor<5x2xf32>
    return %y : tensor<5x2xf32>
  }
}
