// One small matrix read as it is and negated, which is stored for the speed of it.
module @untied {
  share.param @w : tensor<4x4xf32> = dense<[[1., 2., 3., 4.], [5., 6., 7., 8.], [9., 1., 2., 3.], [4., 5., 6., 7.]]> : tensor<4x4xf32>
  share.param @other : tensor<4x4xf32> = dense<0.5> : tensor<4x4xf32>
  func.func @main(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
    %w = share.get @w : tensor<4x4xf32>
    %b = share.get @other : tensor<4x4xf32>
    %zero = arith.constant 0.0 : f32
    %room = tensor.empty() : tensor<4x4xf32>
    %f = linalg.fill ins(%zero : f32) outs(%room : tensor<4x4xf32>) -> tensor<4x4xf32>
    %h = linalg.matmul ins(%x, %w : tensor<4x4xf32>, tensor<4x4xf32>) outs(%f : tensor<4x4xf32>) -> tensor<4x4xf32>
    %e = math.exp %h : tensor<4x4xf32>
    %n = linalg.negf ins(%w : tensor<4x4xf32>) outs(%room : tensor<4x4xf32>) -> tensor<4x4xf32>
    %y = linalg.matmul ins(%e, %n : tensor<4x4xf32>, tensor<4x4xf32>) outs(%f : tensor<4x4xf32>) -> tensor<4x4xf32>
    %s = arith.addf %y, %b : tensor<4x4xf32>
    return %s : tensor<4x4xf32>
  }
}
