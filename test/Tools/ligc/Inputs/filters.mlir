// A convolution of 3x3 taps, for which Winograd's transform gains.
share.param @w : tensor<64x64x3x3xf32> = dense<0.5> : tensor<64x64x3x3xf32>
func.func @main(%x: tensor<1x64x28x28xf32> {net.name = "x"}) -> (tensor<1x64x28x28xf32> {net.name = "y"}) attributes {net.entry} {
  %w = share.get @w : tensor<64x64x3x3xf32>
  %y = net.conv %x, %w strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1
      : tensor<1x64x28x28xf32>, tensor<64x64x3x3xf32> -> tensor<1x64x28x28xf32>
  return %y : tensor<1x64x28x28xf32>
}
