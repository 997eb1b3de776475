// The import phase reads what lies in files and checks that entry points are
// tensors of known shape.
// RUN: lig-opt %s -split-input-file -lig-phase-import -verify-diagnostics | FileCheck %s

// CHECK: module @marks attributes {net.phase = "import"}
module @marks {
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> attributes {net.entry} {
    return %x : tensor<4xf32>
  }
}

// -----

// expected-error @+1 {{parameter @w cannot be loaded}}
share.param @w : tensor<4xf32> = #share.file<"absent.safetensors", "w">
