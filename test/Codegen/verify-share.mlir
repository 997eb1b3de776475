// The contract of the share phase.
// RUN: lig-opt %s -split-input-file -lig-verify-share -verify-diagnostics

module @holds {
  share.param @w : tensor<2xf32> = dense<1.0> : tensor<2xf32>
  share.param @external : tensor<2xf32>
  share.view @part : tensor<1xf32> {
    %w = share.get @w : tensor<2xf32>
    %s = tensor.extract_slice %w[1] [1] [1] : tensor<2xf32> to tensor<1xf32>
    share.yield %s : tensor<1xf32>
  }
  func.func @main(%x: tensor<1x3x8x8xf32>) -> tensor<1x3x4x4xf32> attributes {net.entry} {
    %p = share.get @part : tensor<1xf32>
    %y = net.pool max %x kernel [2, 2] strides [2, 2] dilations [1, 1] pads [0, 0, 0, 0]
       : tensor<1x3x8x8xf32> -> tensor<1x3x4x4xf32>
    return %y : tensor<1x3x4x4xf32>
  }
}

// -----

module @unread_file {
  // expected-error @below {{'share.param' may not be left after the share phase: its value is still in a file, which share-load-files maps}}
  share.param @w : tensor<2xf32> = #share.file<"m.safetensors", "w">
}

// -----

module @view_of_a_view {
  share.view @inner : tensor<2xf32> {
    %w = share.get @w : tensor<2xf32>
    share.yield %w : tensor<2xf32>
  }
  share.view @outer : tensor<2xf32> {
    // expected-error @below {{'share.get' may not be left after the share phase: a view reads parameters, but @inner is a view}}
    %w = share.get @inner : tensor<2xf32>
    share.yield %w : tensor<2xf32>
  }
  share.param @w : tensor<2xf32> = dense<1.0> : tensor<2xf32>
}

// -----

module @buffers {
  share.param @w : tensor<2xf32> = dense<1.0> : tensor<2xf32>
  func.func @main() {
    // expected-error @below {{'share.address' may not be left after the share phase: it is the buffer form}}
    %w = share.address @w : memref<2xf32>
    return
  }
}
