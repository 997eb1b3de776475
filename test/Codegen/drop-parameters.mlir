// RUN: lig-opt %s -split-input-file -lig-drop-parameters -verify-diagnostics | FileCheck %s

// CHECK-LABEL: module @drops_what_code_reaches_by_pointer
// CHECK-NOT: share.params_bytes
// CHECK-NOT: share.param
module @drops_what_code_reaches_by_pointer attributes {share.params_bytes = 64 : i64} {
  share.param @w {share.offset = 0 : i64} : tensor<4xf32> = dense<1.0> : tensor<4xf32>
  // CHECK: func.func @main
  func.func @main() {
    return
  }
}

// -----

module @refuses_what_is_named {
  share.param @w : tensor<4xf32> = dense<1.0> : tensor<4xf32>
  func.func @main() -> memref<4xf32> {
    // expected-error@+1 {{'share.address' op names a parameter, which has no place in memory yet}}
    %w = share.address @w : memref<4xf32>
    return %w : memref<4xf32>
  }
}
