// h = tanh(W h + x[t]) over 20 steps: the weight is read in every one.
share.param @w : tensor<64x64xf32> = dense<0.01> : tensor<64x64xf32>
func.func @main(%xs: tensor<20x64xf32>) -> tensor<64xf32> attributes {net.entry} {
  %n = arith.constant 20 : index
  %zero = arith.constant 0.0 : f32
  %h0 = arith.constant dense<0.0> : tensor<64xf32>
  %w = share.get @w : tensor<64x64xf32>
  %h = net.scan %n init(%h0 : tensor<64xf32>) over(%xs : tensor<20x64xf32>) {
  ^bb0(%i: index, %before: tensor<64xf32>, %x: tensor<64xf32>):
    %sum = linalg.matvec ins(%w, %before : tensor<64x64xf32>, tensor<64xf32>) outs(%x : tensor<64xf32>) -> tensor<64xf32>
    %next = math.tanh %sum : tensor<64xf32>
    net.yield %next : tensor<64xf32>
  }
  return %h : tensor<64xf32>
}
