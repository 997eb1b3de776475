// The contracts of the phases that speak the network's language.
// RUN: lig-opt %s -split-input-file -lig-verify-import -verify-diagnostics
// RUN: lig-opt %s -split-input-file -lig-verify-share -verify-diagnostics

module @holds {
  share.param @w : tensor<4xf32> = dense<1.0> : tensor<4xf32>
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> attributes {net.entry} {
    %w = share.get @w : tensor<4xf32>
    %0 = net.normalize %w axes [0] epsilon 1.0e-5 : tensor<4xf32>
    %1 = linalg.add ins(%x, %0 : tensor<4xf32>, tensor<4xf32>)
                    outs(%x : tensor<4xf32>) -> tensor<4xf32>
    return %1 : tensor<4xf32>
  }
}

// -----

module @on_buffers {
  func.func @main(%x: memref<4xf32>) attributes {net.entry} {
    // expected-error-re @below {{'memref.dealloc' may not be left after the {{import|share}} phase: its dialect}}
    memref.dealloc %x : memref<4xf32>
    return
  }
}
