// Chains become one operation; nothing is computed twice.
// RUN: lig-opt %s -split-input-file -net-fuse-elementwise | FileCheck %s
// RUN: lig-opt %s -split-input-file -net-fuse-elementwise=max-body=3 | FileCheck %s --check-prefix=SMALL

// CHECK-LABEL: @chain
// SMALL-LABEL: @chain
func.func @chain(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  // CHECK: linalg.generic
  // CHECK: math.exp
  // CHECK-NEXT: arith.addf
  // CHECK-NOT: linalg.generic
  // SMALL-COUNT-2: linalg.generic
  %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %1 = linalg.add ins(%0, %y : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// Two consumers would both compute the exponential.
// CHECK-LABEL: @two_uses
func.func @two_uses(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %e = tensor.empty() : tensor<4xf32>
  // CHECK-COUNT-1: math.exp
  // CHECK-NOT: math.exp
  %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %1 = linalg.negf ins(%0 : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %2 = linalg.abs ins(%0 : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %1, %2 : tensor<4xf32>, tensor<4xf32>
}

// -----

// Through a broadcast each element would be computed again.
// CHECK-LABEL: @broadcast
func.func @broadcast(%x: tensor<4xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %e2 = tensor.empty() : tensor<8x4xf32>
  // CHECK-COUNT-2: linalg.generic
  %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel"]} ins(%0, %y : tensor<4xf32>, tensor<8x4xf32>) outs(%e2 : tensor<8x4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<8x4xf32>
  return %1 : tensor<8x4xf32>
}

// -----

// A constant of one repeated element is a scalar in the body.
// CHECK-LABEL: @splat
func.func @splat(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = arith.constant dense<2.0> : tensor<4xf32>
  %e = tensor.empty() : tensor<4xf32>
  // CHECK: %[[C:.+]] = arith.constant 2.000000e+00 : f32
  // CHECK-NOT: dense<
  // CHECK: arith.mulf %{{.+}}, %[[C]]
  %0 = linalg.mul ins(%x, %c : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// A square is a product, once its exponent is a scalar of the body.
// CHECK-LABEL: module @small_powers
module @small_powers {
  func.func @main(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
    // CHECK-NOT: math.powf
    // CHECK: arith.mulf %[[X:.+]], %[[X]]
    %two = arith.constant dense<2.0> : tensor<1xf32>
    %room = tensor.empty() : tensor<4x8xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (0)>,
                                          affine_map<(a, b) -> (a, b)>],
                         iterator_types = ["parallel", "parallel"]}
        ins(%x, %two : tensor<4x8xf32>, tensor<1xf32>) outs(%room : tensor<4x8xf32>) {
    ^bb0(%v: f32, %e: f32, %o: f32):
      %p = math.powf %v, %e : f32
      linalg.yield %p : f32
    } -> tensor<4x8xf32>
    return %y : tensor<4x8xf32>
  }
}

// -----

// A number that was rounded is not rounded again once an integer was added, and it
// need not become a byte to be taken back, unless the byte counts as signed and it was
// not saturated so.
// CHECK-LABEL: func.func @quantized_and_back
// CHECK: math.roundeven
// CHECK-NEXT: %[[SUM:.+]] = arith.addf
// CHECK-NEXT: %[[LEAST:.+]] = arith.maximumf %[[SUM]]
// CHECK-NEXT: %[[MOST:.+]] = arith.minimumf %[[LEAST]]
// CHECK-NEXT: %[[LESS:.+]] = arith.subf %[[MOST]], %{{.+}} : f32
// CHECK-NEXT: arith.mulf %[[LESS]]
#id = affine_map<(m) -> (m)>
func.func @quantized_and_back(%x: tensor<4xf32>) -> tensor<4xf32> {
  %step = arith.constant 0.25 : f32
  %zero = arith.constant 7.0 : f32
  %least = arith.constant 0.0 : f32
  %most = arith.constant 255.0 : f32
  %seven = arith.constant 7 : i32
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = math.roundeven %a : f32
    %1 = arith.addf %0, %zero : f32
    %2 = math.roundeven %1 : f32
    %3 = arith.maximumf %2, %least : f32
    %4 = arith.minimumf %3, %most : f32
    %5 = arith.fptosi %4 : f32 to i32
    %6 = arith.trunci %5 : i32 to i8
    %7 = arith.extui %6 : i8 to i32
    %8 = arith.subi %7, %seven : i32
    %9 = arith.sitofp %8 : i32 to f32
    %10 = arith.mulf %9, %step : f32
    linalg.yield %10 : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// CHECK-LABEL: func.func @half_of_a_byte
// CHECK: math.roundeven
// CHECK: arith.trunci
// CHECK: arith.sitofp
func.func @half_of_a_byte(%x: tensor<4xf32>) -> tensor<4xf32> {
  %least = arith.constant 0.0 : f32
  %most = arith.constant 255.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = math.roundeven %a : f32
    %1 = arith.maximumf %0, %least : f32
    %2 = arith.minimumf %1, %most : f32
    %3 = arith.fptosi %2 : f32 to i32
    %4 = arith.trunci %3 : i32 to i8
    %5 = arith.extsi %4 : i8 to i32
    %6 = arith.sitofp %5 : i32 to f32
    linalg.yield %6 : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// CHECK-LABEL: func.func @fractions
// CHECK: math.roundeven
// CHECK: arith.addf
// CHECK: math.roundeven
func.func @fractions(%x: tensor<4xf32>) -> tensor<4xf32> {
  %half = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = math.roundeven %a : f32
    %1 = arith.addf %0, %half : f32
    %2 = math.roundeven %1 : f32
    linalg.yield %2 : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}
