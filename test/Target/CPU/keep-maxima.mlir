// RUN: lig-opt %s -lig-cpu-keep-maxima | FileCheck %s

// Flags go along.
// CHECK-LABEL: @kept
func.func @kept(%a: vector<8xf32>, %b: vector<8xf32>, %x: f64, %y: f64) -> (vector<8xf32>, f64) {
  // CHECK: llvm.intr.maximum(%arg0, %arg1) {fastmathFlags = #llvm.fastmath<nsz>} : (vector<8xf32>, vector<8xf32>) -> vector<8xf32>
  %m = arith.maximumf %a, %b fastmath<nsz> : vector<8xf32>
  // CHECK: llvm.intr.minimum(%arg2, %arg3) : (f64, f64) -> f64
  %n = arith.minimumf %x, %y : f64
  return %m, %n : vector<8xf32>, f64
}

// Small floats are computed in f32 by what follows, and several dimensions are
// taken apart first; those that prefer numbers to NaN are others.
// CHECK-LABEL: @left
func.func @left(%a: bf16, %b: f16, %c: vector<2x4xf32>, %d: f32) -> (bf16, f16, vector<2x4xf32>, f32) {
  // CHECK-NOT: llvm.intr
  // CHECK: arith.maximumf {{.+}} : bf16
  %m = arith.maximumf %a, %a : bf16
  // CHECK: arith.minimumf {{.+}} : f16
  %n = arith.minimumf %b, %b : f16
  // CHECK: arith.maximumf {{.+}} : vector<2x4xf32>
  %o = arith.maximumf %c, %c : vector<2x4xf32>
  // CHECK: arith.maxnumf {{.+}} : f32
  %p = arith.maxnumf %d, %d : f32
  return %m, %n, %o, %p : bf16, f16, vector<2x4xf32>, f32
}
