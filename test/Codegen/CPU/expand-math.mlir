// Polynomials instead of calls, for f32 only.
// RUN: lig-opt %s -lig-cpu-expand-math | FileCheck %s

module @expands {
  // CHECK-LABEL: func.func @vector
  // CHECK-NOT: math.exp
  // CHECK: math.fma {{.+}} : vector<8xf32>
  func.func @vector(%x: vector<8xf32>) -> vector<8xf32> {
    %0 = math.exp %x : vector<8xf32>
    return %0 : vector<8xf32>
  }
  // CHECK-LABEL: func.func @leaves_double
  // CHECK-NEXT: math.exp
  func.func @leaves_double(%x: f64) -> f64 {
    %0 = math.exp %x : f64
    return %0 : f64
  }
  // CHECK-LABEL: func.func @leaves_sine
  // CHECK-NEXT: math.sin
  func.func @leaves_sine(%x: f32) -> f32 {
    %0 = math.sin %x : f32
    return %0 : f32
  }
  // CHECK-LABEL: func.func @forgets_signs_of_zeros
  // CHECK: arith.maximumf {{.*}} fastmath<nsz>
  // CHECK: arith.minimumf {{.*}} fastmath<nnan,nsz>
  // CHECK: vector.reduction <maximumf>, {{.*}} fastmath<nsz>
  func.func @forgets_signs_of_zeros(%x: vector<8xf32>, %y: vector<8xf32>) -> f32 {
    %0 = arith.maximumf %x, %y : vector<8xf32>
    %1 = arith.minimumf %0, %y fastmath<nnan> : vector<8xf32>
    %2 = vector.reduction <maximumf>, %1 : vector<8xf32> into f32
    return %2 : f32
  }
}
