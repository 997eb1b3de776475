// Where the machine cannot fuse them, a product and a sum are two operations;
// otherwise LLVM would call fmaf for every lane.
// RUN: lig-opt %s -pass-pipeline='builtin.module(func.func(lig-cpu-expand-math{fma=false}))' | FileCheck %s

// CHECK-LABEL: @exponential
func.func @exponential(%x: vector<4xf32>) -> vector<4xf32> {
  // CHECK-NOT: math.fma
  // CHECK: arith.mulf
  // CHECK: arith.addf
  // CHECK-NOT: math.fma
  // CHECK: return
  %y = math.exp %x : vector<4xf32>
  return %y : vector<4xf32>
}
