// One layer applied twice; the bias is used once.
module @tied {
  share.param @w : tensor<32x32xf32> = dense<0.125> : tensor<32x32xf32>
  share.param @other : tensor<4x32xf32> = dense<0.5> : tensor<4x32xf32>
  func.func @main(%x: tensor<4x32xf32>) -> tensor<4x32xf32> {
    %w = share.get @w : tensor<32x32xf32>
    %b = share.get @other : tensor<4x32xf32>
    %zero = arith.constant 0.0 : f32
    %room = tensor.empty() : tensor<4x32xf32>
    %f = linalg.fill ins(%zero : f32) outs(%room : tensor<4x32xf32>) -> tensor<4x32xf32>
    %h = linalg.matmul ins(%x, %w : tensor<4x32xf32>, tensor<32x32xf32>) outs(%f : tensor<4x32xf32>) -> tensor<4x32xf32>
    %e = math.exp %h : tensor<4x32xf32>
    %y = linalg.matmul ins(%e, %w : tensor<4x32xf32>, tensor<32x32xf32>) outs(%f : tensor<4x32xf32>) -> tensor<4x32xf32>
    %s = arith.addf %y, %b : tensor<4x32xf32>
    return %s : tensor<4x32xf32>
  }
}
