// Operands of integer products become bytes again.
// RUN: lig-opt %s -split-input-file -lig-narrow-integers | FileCheck %s
// RUN: lig-opt %s -split-input-file "-lig-narrow-integers=dots=vnni" | FileCheck %s --check-prefix=VNNI
// RUN: lig-opt %s -split-input-file "-lig-narrow-integers=dots=ssse3" | FileCheck %s --check-prefix=SSSE3
// RUN: lig-opt %s -split-input-file "-lig-narrow-integers=dots=neon" | FileCheck %s --check-prefix=NEON

#x = affine_map<(m, k) -> (m, k)>
#z = affine_map<(m, k) -> ()>

// Weights of [250, 1] less 129 are [121, -128]: bytes. Data are unsigned: as they
// are for VNNI, less 128 for NEON, and sums start from the zero point times 121 - 128.
// CHECK-LABEL: module @product
// CHECK: share.param @w{{.*}} : tensor<2x1xi8> = dense<{{\[}}[121], [-128]]>
// CHECK: arith.subi
// CHECK: linalg.generic {{.*}} ins(%{{.+}}, %{{.+}} : tensor<4x2xi16>, tensor<2x1xi8>)
// VNNI-LABEL: module @product
// VNNI-DAG: share.param @{{.+}} : tensor<1xi32> = dense<-7>
// VNNI-NOT: arith.xori
// VNNI: arith.subi
// VNNI: linalg.generic {{.*}} ins(%{{.+}}, %{{.+}} : tensor<4x2xi8>, tensor<2x1xi8>)
// VNNI: arith.extui
// 255 times 121 and times -128 are numbers of 16 bits.
// SSSE3-LABEL: module @product
// SSSE3: linalg.generic {{.*}} ins(%{{.+}}, %{{.+}} : tensor<4x2xi8>, tensor<2x1xi8>)
// SSSE3: arith.extui
// NEON-LABEL: module @product
// NEON: arith.xori
// NEON: linalg.generic {{.*}} ins(%{{.+}}, %{{.+}} : tensor<4x2xi8>, tensor<2x1xi8>)
// NEON-NOT: arith.extui
module @product {
  share.param @w : tensor<2x1xi8> = dense<[[-6], [1]]> : tensor<2x1xi8>
  func.func @main(%x: tensor<4x2xi8>, %zero: tensor<i8>) -> tensor<4x1xi32> {
    %w = share.get @w : tensor<2x1xi8>
    %c129 = arith.constant 129 : i16
    %c0 = arith.constant 0 : i32
    %e0 = tensor.empty() : tensor<4x2xi16>
    %numbers = linalg.generic {indexing_maps = [#x, #z, #x], iterator_types = ["parallel", "parallel"]} ins(%x, %zero : tensor<4x2xi8>, tensor<i8>) outs(%e0 : tensor<4x2xi16>) {
    ^bb0(%a: i8, %b: i8, %o: i16):
      %0 = arith.extui %a : i8 to i16
      %1 = arith.extui %b : i8 to i16
      %2 = arith.subi %0, %1 : i16
      linalg.yield %2 : i16
    } -> tensor<4x2xi16>
    %e1 = tensor.empty() : tensor<2x1xi16>
    %weights = linalg.generic {indexing_maps = [#x, #x], iterator_types = ["parallel", "parallel"]} ins(%w : tensor<2x1xi8>) outs(%e1 : tensor<2x1xi16>) {
    ^bb0(%a: i8, %o: i16):
      %0 = arith.extui %a : i8 to i16
      %1 = arith.subi %0, %c129 : i16
      linalg.yield %1 : i16
    } -> tensor<2x1xi16>
    %e2 = tensor.empty() : tensor<4x1xi32>
    %init = linalg.fill ins(%c0 : i32) outs(%e2 : tensor<4x1xi32>) -> tensor<4x1xi32>
    %sums = linalg.matmul ins(%numbers, %weights : tensor<4x2xi16>, tensor<2x1xi16>) outs(%init : tensor<4x1xi32>) -> tensor<4x1xi32>
    return %sums : tensor<4x1xi32>
  }
}

// -----

#x = affine_map<(m, k) -> (m, k)>

// 250 less 1 is no byte.
// CHECK-LABEL: module @wide
// CHECK: ins(%{{.+}}, %{{.+}} : tensor<4x2xi16>, tensor<2x1xi16>)
// VNNI-LABEL: module @wide
// NEON-LABEL: module @wide
// VNNI: ins(%{{.+}}, %{{.+}} : tensor<4x2xi16>, tensor<2x1xi16>)
module @wide {
  share.param @w : tensor<2x1xi8> = dense<[[-6], [1]]> : tensor<2x1xi8>
  func.func @main(%x: tensor<4x2xi16>) -> tensor<4x1xi32> {
    %w = share.get @w : tensor<2x1xi8>
    %c1 = arith.constant 1 : i16
    %c0 = arith.constant 0 : i32
    %e1 = tensor.empty() : tensor<2x1xi16>
    %weights = linalg.generic {indexing_maps = [#x, #x], iterator_types = ["parallel", "parallel"]} ins(%w : tensor<2x1xi8>) outs(%e1 : tensor<2x1xi16>) {
    ^bb0(%a: i8, %o: i16):
      %0 = arith.extui %a : i8 to i16
      %1 = arith.subi %0, %c1 : i16
      linalg.yield %1 : i16
    } -> tensor<2x1xi16>
    %e2 = tensor.empty() : tensor<4x1xi32>
    %init = linalg.fill ins(%c0 : i32) outs(%e2 : tensor<4x1xi32>) -> tensor<4x1xi32>
    %sums = linalg.matmul ins(%x, %weights : tensor<4x2xi16>, tensor<2x1xi16>) outs(%init : tensor<4x1xi32>) -> tensor<4x1xi32>
    return %sums : tensor<4x1xi32>
  }
}

// -----

#x = affine_map<(m, k) -> (m, k)>
#z = affine_map<(m, k) -> ()>

// 255 times 100 + 29 is more than 16 bits hold.
// CHECK-LABEL: module @large
// VNNI-LABEL: module @large
// VNNI: ins(%{{.+}}, %{{.+}} : tensor<4x2xi8>, tensor<2x1xi8>)
// SSSE3-LABEL: module @large
// SSSE3: ins(%{{.+}}, %{{.+}} : tensor<4x2xi16>, tensor<2x1xi8>)
// NEON-LABEL: module @large
module @large {
  share.param @w : tensor<2x1xi8> = dense<[[100], [29]]> : tensor<2x1xi8>
  func.func @main(%x: tensor<4x2xi8>, %zero: tensor<i8>) -> tensor<4x1xi32> {
    %w = share.get @w : tensor<2x1xi8>
    %c0 = arith.constant 0 : i32
    %e0 = tensor.empty() : tensor<4x2xi16>
    %numbers = linalg.generic {indexing_maps = [#x, #z, #x], iterator_types = ["parallel", "parallel"]} ins(%x, %zero : tensor<4x2xi8>, tensor<i8>) outs(%e0 : tensor<4x2xi16>) {
    ^bb0(%a: i8, %b: i8, %o: i16):
      %0 = arith.extui %a : i8 to i16
      %1 = arith.extui %b : i8 to i16
      %2 = arith.subi %0, %1 : i16
      linalg.yield %2 : i16
    } -> tensor<4x2xi16>
    %e1 = tensor.empty() : tensor<2x1xi16>
    %weights = linalg.generic {indexing_maps = [#x, #x], iterator_types = ["parallel", "parallel"]} ins(%w : tensor<2x1xi8>) outs(%e1 : tensor<2x1xi16>) {
    ^bb0(%a: i8, %o: i16):
      %0 = arith.extsi %a : i8 to i16
      linalg.yield %0 : i16
    } -> tensor<2x1xi16>
    %e2 = tensor.empty() : tensor<4x1xi32>
    %init = linalg.fill ins(%c0 : i32) outs(%e2 : tensor<4x1xi32>) -> tensor<4x1xi32>
    %sums = linalg.matmul ins(%numbers, %weights : tensor<4x2xi16>, tensor<2x1xi16>) outs(%init : tensor<4x1xi32>) -> tensor<4x1xi32>
    return %sums : tensor<4x1xi32>
  }
}
