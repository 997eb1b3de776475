// A convolution with a bias and a ReLU behind it.
share.param @w : tensor<64x32x3x3xf32> = dense<0.5> : tensor<64x32x3x3xf32>
share.param @b : tensor<64xf32> = dense<0.25> : tensor<64xf32>
func.func @main(%x: tensor<1x32x16x16xf32>) -> tensor<1x64x16x16xf32> attributes {net.entry} {
  %w = share.get @w : tensor<64x32x3x3xf32>
  %b = share.get @b : tensor<64xf32>
  %y = net.conv %x, %w bias(%b) strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1
     : tensor<1x32x16x16xf32>, tensor<64x32x3x3xf32>, tensor<64xf32> -> tensor<1x64x16x16xf32>
  %zero = arith.constant dense<0.0> : tensor<1x64x16x16xf32>
  %r = arith.maximumf %y, %zero : tensor<1x64x16x16xf32>
  return %r : tensor<1x64x16x16xf32>
}
