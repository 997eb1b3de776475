// Products in fewer bits, on request.
// RUN: lig-opt %s "-lig-round-products=compute=bf16 min-elements=1" | FileCheck %s --check-prefix=BF16
// RUN: lig-opt %s "-lig-round-products=compute=vnni min-elements=1" | FileCheck %s --check-prefix=VNNI
// RUN: lig-opt %s -lig-round-products | FileCheck %s --check-prefix=SAME
// RUN: lig-opt %s "-lig-round-products=compute=vnni" | FileCheck %s --check-prefix=SAME
// RUN: not lig-opt %s "-lig-round-products=compute=f8" 2>&1 | FileCheck %s --check-prefix=WRONG
// WRONG: a CPU computes in f32, bf16 or vnni, not in 'f8'

// 0.3 is 0.30078125 in bf16: off by 2.6e-4 of 3.
// BF16: share.param @w{{.*}}share.rounding_error = 2.6{{[0-9]+}}E-4 : f64} : tensor<2x2xbf16>
// BF16: linalg.generic {{.*}} ins(%arg0 : tensor<4x2xf32>) outs(%{{.+}} : tensor<4x2xbf16>)
// BF16: arith.truncf
// BF16: linalg.generic {{.*}} ins(%{{.+}}, %{{.+}} : tensor<4x2xbf16>, tensor<2x2xbf16>)
// BF16: arith.extf
// BF16: arith.addf

// Channels are scaled by 3 / 127 and 2 / 127.
// VNNI-DAG: share.param @w{{.*}} : tensor<2x2xi8> = dense<{{\[}}[127, 127], [13, -64]]>
// VNNI-DAG: share.param @w{{.*}} : tensor<2xf32> = dense<[0.0236{{[0-9]+}}, 0.0157{{[0-9]+}}]>
// VNNI: arith.maximumf
// VNNI: arith.fptosi
// VNNI: arith.muli
// VNNI: arith.sitofp
// VNNI: return %{{.+}} : tensor<4x2xf32>

// SAME: share.param @w : tensor<2x2xf32>
// SAME: linalg.matmul
module @product {
  share.param @w : tensor<2x2xf32> = dense<[[3.0, 2.0], [0.3, -1.0]]> : tensor<2x2xf32>
  func.func @main(%x: tensor<4x2xf32>) -> tensor<4x2xf32> {
    %w = share.get @w : tensor<2x2xf32>
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<4x2xf32>
    %init = linalg.fill ins(%zero : f32) outs(%e : tensor<4x2xf32>) -> tensor<4x2xf32>
    %y = linalg.matmul ins(%x, %w : tensor<4x2xf32>, tensor<2x2xf32>) outs(%init : tensor<4x2xf32>) -> tensor<4x2xf32>
    return %y : tensor<4x2xf32>
  }
}
