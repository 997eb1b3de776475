// Each phase's contract: what holds passes, and the first breach is named.
// RUN: lig-opt %s -split-input-file -lig-verify-net -verify-diagnostics
// RUN: not lig-opt %s -split-input-file -lig-verify-kernel 2>&1 | FileCheck %s --check-prefix=KERNEL

// KERNEL: 'func.func' may not be left after the kernel phase: its signature has tensors
module @holds {
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> attributes {net.entry} {
    %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%x : tensor<4xf32>) -> tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}

// -----

module @structured {
  func.func @main(%x: tensor<4x8xf32>) -> tensor<4x8xf32> attributes {net.entry} {
    // expected-error @below {{'net.normalize' may not be left after the net phase}}
    %0 = net.normalize %x axes [1] epsilon 1.0e-5 : tensor<4x8xf32>
    return %0 : tensor<4x8xf32>
  }
}

// -----

module @foreign {
  func.func @main(%x: memref<4xf32>) attributes {net.entry} {
    // expected-error @below {{'memref.dealloc' may not be left after the net phase: its dialect}}
    memref.dealloc %x : memref<4xf32>
    return
  }
}

// -----

module @unknown_shape {
  // expected-error @below {{an entry point takes a tensor of unknown shape}}
  func.func @main(%x: tensor<?xf32>) attributes {net.entry} {
    return
  }
}
