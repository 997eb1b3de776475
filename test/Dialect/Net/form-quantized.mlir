// Floats between a dequantization and a quantization become sums of integers.
// RUN: lig-opt %s -split-input-file -net-form-quantized -canonicalize | FileCheck %s

#id = affine_map<(m, k) -> (m, k)>
#one = affine_map<(m, k) -> ()>
#column = affine_map<(m, k) -> (k)>

// A scale for each column, a bias in its units, a rectifier, a quantization.
// CHECK-LABEL: module @layer
// CHECK: %[[W:.+]] = share.get @w
// CHECK: %[[SUMS:.+]] = linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]} ins(%{{.+}}, %{{.+}} : tensor<4x2xi16>, tensor<2x3xi16>)
// CHECK: arith.muli
// CHECK: linalg.generic {{.*}} ins(%[[SUMS]], %{{.+}} : tensor<4x3xi32>, tensor<3xi32>)
// CHECK: arith.addi
// CHECK: arith.divf
// CHECK: arith.sitofp
// CHECK-NOT: arith.divf
// CHECK: arith.maximumf
// CHECK-NOT: arith.divf
// CHECK: math.roundeven
module @layer {
  share.param @w : tensor<2x3xi8> = dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
  share.param @sw : tensor<3xf32> = dense<[1.0, 2.0, 4.0]> : tensor<3xf32>
  share.param @b : tensor<3xi32> = dense<[1, 2, 3]> : tensor<3xi32>
  share.param @sb : tensor<3xf32> = dense<[5.0e-1, 1.0, 2.0]> : tensor<3xf32>
  func.func @main(%x: tensor<4x2xi8>) -> tensor<4x3xi8> {
    %half = arith.constant 5.0e-1 : f32
    %zero = arith.constant 0.0 : f32
    %most = arith.constant 2.55e+2 : f32
    %seven = arith.constant 7 : i32
    %w = share.get @w : tensor<2x3xi8>
    %sw = share.get @sw : tensor<3xf32>
    %b = share.get @b : tensor<3xi32>
    %sb = share.get @sb : tensor<3xf32>
    %ex = tensor.empty() : tensor<4x2xf32>
    %dx = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x2xi8>) outs(%ex : tensor<4x2xf32>) {
    ^bb0(%a: i8, %o: f32):
      %0 = arith.extui %a : i8 to i32
      %1 = arith.subi %0, %seven : i32
      %2 = arith.sitofp %1 : i32 to f32
      %3 = arith.mulf %2, %half : f32
      linalg.yield %3 : f32
    } -> tensor<4x2xf32>
    %ew = tensor.empty() : tensor<2x3xf32>
    %dw = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]} ins(%w, %sw : tensor<2x3xi8>, tensor<3xf32>) outs(%ew : tensor<2x3xf32>) {
    ^bb0(%a: i8, %s: f32, %o: f32):
      %0 = arith.extsi %a : i8 to i32
      %1 = arith.sitofp %0 : i32 to f32
      %2 = arith.mulf %1, %s : f32
      linalg.yield %2 : f32
    } -> tensor<2x3xf32>
    %eb = tensor.empty() : tensor<3xf32>
    %db = linalg.generic {indexing_maps = [affine_map<(k) -> (k)>, affine_map<(k) -> (k)>, affine_map<(k) -> (k)>], iterator_types = ["parallel"]} ins(%b, %sb : tensor<3xi32>, tensor<3xf32>) outs(%eb : tensor<3xf32>) {
    ^bb0(%a: i32, %s: f32, %o: f32):
      %0 = arith.sitofp %a : i32 to f32
      %1 = arith.mulf %0, %s : f32
      linalg.yield %1 : f32
    } -> tensor<3xf32>
    %ey = tensor.empty() : tensor<4x3xf32>
    %init = linalg.fill ins(%zero : f32) outs(%ey : tensor<4x3xf32>) -> tensor<4x3xf32>
    %y = linalg.matmul ins(%dx, %dw : tensor<4x2xf32>, tensor<2x3xf32>) outs(%init : tensor<4x3xf32>) -> tensor<4x3xf32>
    %sum = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]} ins(%y, %db : tensor<4x3xf32>, tensor<3xf32>) outs(%ey : tensor<4x3xf32>) {
    ^bb0(%a: f32, %c: f32, %o: f32):
      %0 = arith.addf %a, %c : f32
      linalg.yield %0 : f32
    } -> tensor<4x3xf32>
    %relu = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%sum : tensor<4x3xf32>) outs(%ey : tensor<4x3xf32>) {
    ^bb0(%a: f32, %o: f32):
      %0 = arith.maximumf %a, %zero : f32
      linalg.yield %0 : f32
    } -> tensor<4x3xf32>
    %eq = tensor.empty() : tensor<4x3xi8>
    %q = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%relu : tensor<4x3xf32>) outs(%eq : tensor<4x3xi8>) {
    ^bb0(%a: f32, %o: i8):
      %0 = arith.divf %a, %half : f32
      %1 = math.roundeven %0 : f32
      %2 = arith.maximumf %1, %zero : f32
      %3 = arith.minimumf %2, %most : f32
      %4 = arith.fptoui %3 : f32 to i8
      linalg.yield %4 : i8
    } -> tensor<4x3xi8>
    return %q : tensor<4x3xi8>
  }
}

// -----

#id = affine_map<(m, k) -> (m, k)>
#row = affine_map<(m, k) -> (m)>

// A scale that differs along what is summed up stays in the sum.
// CHECK-LABEL: module @rows
// CHECK: linalg.matmul ins(%{{.+}}, %{{.+}} : tensor<4x2xf32>, tensor<2x3xf32>)
module @rows {
  share.param @w : tensor<2x3xi8> = dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
  share.param @sw : tensor<2xf32> = dense<[1.0, 2.0]> : tensor<2xf32>
  func.func @main(%x: tensor<4x2xi8>) -> tensor<4x3xf32> {
    %half = arith.constant 5.0e-1 : f32
    %zero = arith.constant 0.0 : f32
    %w = share.get @w : tensor<2x3xi8>
    %sw = share.get @sw : tensor<2xf32>
    %ex = tensor.empty() : tensor<4x2xf32>
    %dx = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x2xi8>) outs(%ex : tensor<4x2xf32>) {
    ^bb0(%a: i8, %o: f32):
      %0 = arith.extui %a : i8 to i32
      %1 = arith.sitofp %0 : i32 to f32
      %2 = arith.mulf %1, %half : f32
      linalg.yield %2 : f32
    } -> tensor<4x2xf32>
    %ew = tensor.empty() : tensor<2x3xf32>
    %dw = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%w, %sw : tensor<2x3xi8>, tensor<2xf32>) outs(%ew : tensor<2x3xf32>) {
    ^bb0(%a: i8, %s: f32, %o: f32):
      %0 = arith.extsi %a : i8 to i32
      %1 = arith.sitofp %0 : i32 to f32
      %2 = arith.mulf %1, %s : f32
      linalg.yield %2 : f32
    } -> tensor<2x3xf32>
    %ey = tensor.empty() : tensor<4x3xf32>
    %init = linalg.fill ins(%zero : f32) outs(%ey : tensor<4x3xf32>) -> tensor<4x3xf32>
    %y = linalg.matmul ins(%dx, %dw : tensor<4x2xf32>, tensor<2x3xf32>) outs(%init : tensor<4x3xf32>) -> tensor<4x3xf32>
    return %y : tensor<4x3xf32>
  }
}

// -----

#id = affine_map<(m, k) -> (m, k)>
#column = affine_map<(m, k) -> (k)>
#one = affine_map<(k) -> (k)>

// A bias of 32 bits less zero points joins the sum, and so does one that is less a
// constant.
// CHECK-LABEL: module @offset
// CHECK: %[[SUMS:.+]] = linalg.generic {{.*}} ins(%{{.+}}, %{{.+}} : tensor<4x2xi16>, tensor<2x3xi16>)
// CHECK: %[[BIAS:.+]] = linalg.generic {{.*}} ins(%{{.+}}, %{{.+}} : tensor<3xi32>, tensor<3xi32>)
// CHECK: arith.subi {{.+}} : i32
// CHECK: %[[FIRST:.+]] = linalg.generic {{.*}} ins(%[[SUMS]], %[[BIAS]] : tensor<4x3xi32>, tensor<3xi32>)
// CHECK: arith.addi
// CHECK: %[[LESS:.+]] = linalg.generic {{.*}} ins(%{{.+}} : tensor<3xi32>)
// CHECK: arith.subi {{.+}}, %c7_i32
// CHECK: %[[BOTH:.+]] = linalg.generic {{.*}} ins(%[[FIRST]], %[[LESS]] : tensor<4x3xi32>, tensor<3xi32>)
// CHECK: arith.addi
// CHECK: linalg.generic {{.*}} ins(%[[BOTH]], %{{.+}} : tensor<4x3xi32>, tensor<f32>)
// CHECK: arith.sitofp
// CHECK-NOT: arith.addf
module @offset {
  share.param @w : tensor<2x3xi8> = dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
  share.param @b : tensor<3xi32> = dense<[1, 2, 3]> : tensor<3xi32>
  share.param @z : tensor<3xi32> = dense<[4, 5, 6]> : tensor<3xi32>
  func.func @main(%x: tensor<4x2xi8>) -> tensor<4x3xf32> {
    %half = arith.constant 5.0e-1 : f32
    %quarter = arith.constant 2.5e-1 : f32
    %zero = arith.constant 0.0 : f32
    %seven = arith.constant 7 : i32
    %w = share.get @w : tensor<2x3xi8>
    %b = share.get @b : tensor<3xi32>
    %z = share.get @z : tensor<3xi32>
    %ex = tensor.empty() : tensor<4x2xf32>
    %dx = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x2xi8>) outs(%ex : tensor<4x2xf32>) {
    ^bb0(%a: i8, %o: f32):
      %0 = arith.extui %a : i8 to i32
      %1 = arith.sitofp %0 : i32 to f32
      %2 = arith.mulf %1, %half : f32
      linalg.yield %2 : f32
    } -> tensor<4x2xf32>
    %ew = tensor.empty() : tensor<2x3xf32>
    %dw = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%w : tensor<2x3xi8>) outs(%ew : tensor<2x3xf32>) {
    ^bb0(%a: i8, %o: f32):
      %0 = arith.extsi %a : i8 to i32
      %1 = arith.sitofp %0 : i32 to f32
      %2 = arith.mulf %1, %half : f32
      linalg.yield %2 : f32
    } -> tensor<2x3xf32>
    %eb = tensor.empty() : tensor<3xf32>
    %db = linalg.generic {indexing_maps = [#one, #one, #one], iterator_types = ["parallel"]} ins(%b, %z : tensor<3xi32>, tensor<3xi32>) outs(%eb : tensor<3xf32>) {
    ^bb0(%a: i32, %c: i32, %o: f32):
      %0 = arith.subi %a, %c : i32
      %1 = arith.sitofp %0 : i32 to f32
      %2 = arith.mulf %1, %quarter : f32
      linalg.yield %2 : f32
    } -> tensor<3xf32>
    %dc = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]} ins(%b : tensor<3xi32>) outs(%eb : tensor<3xf32>) {
    ^bb0(%a: i32, %o: f32):
      %0 = arith.subi %a, %seven : i32
      %1 = arith.sitofp %0 : i32 to f32
      %2 = arith.mulf %1, %quarter : f32
      linalg.yield %2 : f32
    } -> tensor<3xf32>
    %ey = tensor.empty() : tensor<4x3xf32>
    %init = linalg.fill ins(%zero : f32) outs(%ey : tensor<4x3xf32>) -> tensor<4x3xf32>
    %y = linalg.matmul ins(%dx, %dw : tensor<4x2xf32>, tensor<2x3xf32>) outs(%init : tensor<4x3xf32>) -> tensor<4x3xf32>
    %sum = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]} ins(%y, %db : tensor<4x3xf32>, tensor<3xf32>) outs(%ey : tensor<4x3xf32>) {
    ^bb0(%a: f32, %c: f32, %o: f32):
      %0 = arith.addf %a, %c : f32
      linalg.yield %0 : f32
    } -> tensor<4x3xf32>
    %both = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]} ins(%sum, %dc : tensor<4x3xf32>, tensor<3xf32>) outs(%ey : tensor<4x3xf32>) {
    ^bb0(%a: f32, %c: f32, %o: f32):
      %0 = arith.addf %a, %c : f32
      linalg.yield %0 : f32
    } -> tensor<4x3xf32>
    return %both : tensor<4x3xf32>
  }
}
