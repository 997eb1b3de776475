// RUN: lig-opt %s -lig-gpu-expand-math | FileCheck %s

// Narrow floats are widened, and the result is rounded once.
// CHECK-LABEL: func.func @writes_functions_out
// CHECK-NOT: math.sin
// CHECK-NOT: math.powf
// CHECK: arith.extf %{{.+}} : f32 to f64
// CHECK: math.fma
// CHECK: arith.truncf %{{.+}} : f64 to f32
// CHECK: return
func.func @writes_functions_out(%x: f32, %y: f32) -> (f32, f32) {
  %s = math.sin %x : f32
  %p = math.powf %x, %y : f32
  return %s, %p : f32, f32
}

// CHECK-LABEL: func.func @takes_vectors
// CHECK-NOT: math.log
// CHECK: arith.divf %{{.+}} : vector<4xf64>
func.func @takes_vectors(%x: vector<4xf64>) -> vector<4xf64> {
  %l = math.log %x : vector<4xf64>
  return %l : vector<4xf64>
}

// What has an instruction is kept, and what this pass does not know.
// CHECK-LABEL: func.func @keeps_instructions
// CHECK-NEXT: math.sqrt %{{.+}} : f32
// CHECK-NEXT: math.erf %{{.+}} : f64
// CHECK-NEXT: math.absi
// CHECK-NEXT: return
func.func @keeps_instructions(%x: f32, %y: f64, %i: i32) -> (f32, f64, i32) {
  %s = math.sqrt %x : f32
  %e = math.erf %y : f64
  %a = math.absi %i : i32
  return %s, %e, %a : f32, f64, i32
}
