// The tied autoencoder in the dialects of the compiler: two matrices make four
// layers. A decoder weight is a view of an encoder weight and owns no bytes.
// Every layer is out[m,n] = bias[n] + sum over k of in[m,k] * weight[n,k].

#in = affine_map<(m, n, k) -> (m, k)>
#weight = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#each = affine_map<(m, n) -> (m, n)>

module @autoencoder {
  share.param @encoder0 : tensor<48x64xf32> = #share.file<"autoencoder.safetensors", "encoder0">
  share.param @encoder1 : tensor<16x48xf32> = #share.file<"autoencoder.safetensors", "encoder1">
  share.param @encoder0.bias : tensor<48xf32> = #share.file<"autoencoder.safetensors", "encoder0.bias">
  share.param @encoder1.bias : tensor<16xf32> = #share.file<"autoencoder.safetensors", "encoder1.bias">
  share.param @decoder1.bias : tensor<48xf32> = #share.file<"autoencoder.safetensors", "decoder1.bias">
  share.param @decoder0.bias : tensor<64xf32> = #share.file<"autoencoder.safetensors", "decoder0.bias">

  share.view @decoder1 : tensor<48x16xf32> {
    %w = share.get @encoder1 : tensor<16x48xf32>
    %empty = tensor.empty() : tensor<48x16xf32>
    %t = linalg.transpose ins(%w : tensor<16x48xf32>) outs(%empty : tensor<48x16xf32>) permutation = [1, 0]
    share.yield %t : tensor<48x16xf32>
  }
  share.view @decoder0 : tensor<64x48xf32> {
    %w = share.get @encoder0 : tensor<48x64xf32>
    %empty = tensor.empty() : tensor<64x48xf32>
    %t = linalg.transpose ins(%w : tensor<48x64xf32>) outs(%empty : tensor<64x48xf32>) permutation = [1, 0]
    share.yield %t : tensor<64x48xf32>
  }

  func.func @main(%x: tensor<360x64xf32> {net.name = "x"})
      -> (tensor<360x64xf32> {net.name = "y"}) attributes {net.entry} {
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %empty64 = tensor.empty() : tensor<360x64xf32>
    %empty48 = tensor.empty() : tensor<360x48xf32>
    %empty16 = tensor.empty() : tensor<360x16xf32>
    %zero48 = linalg.fill ins(%zero : f32) outs(%empty48 : tensor<360x48xf32>) -> tensor<360x48xf32>
    %zero16 = linalg.fill ins(%zero : f32) outs(%empty16 : tensor<360x16xf32>) -> tensor<360x16xf32>

    // h = relu(encoder0 x)
    %w0 = share.get @encoder0 : tensor<48x64xf32>
    %b0 = share.get @encoder0.bias : tensor<48xf32>
    %start0 = linalg.broadcast ins(%b0 : tensor<48xf32>) outs(%empty48 : tensor<360x48xf32>) dimensions = [0]
    %linear0 = linalg.matmul indexing_maps = [#in, #weight, #out]
        ins(%x, %w0 : tensor<360x64xf32>, tensor<48x64xf32>) outs(%start0 : tensor<360x48xf32>) -> tensor<360x48xf32>
    %h = linalg.max ins(%linear0, %zero48 : tensor<360x48xf32>, tensor<360x48xf32>)
        outs(%empty48 : tensor<360x48xf32>) -> tensor<360x48xf32>

    // z = relu(encoder1 h)
    %w1 = share.get @encoder1 : tensor<16x48xf32>
    %b1 = share.get @encoder1.bias : tensor<16xf32>
    %start1 = linalg.broadcast ins(%b1 : tensor<16xf32>) outs(%empty16 : tensor<360x16xf32>) dimensions = [0]
    %linear1 = linalg.matmul indexing_maps = [#in, #weight, #out]
        ins(%h, %w1 : tensor<360x48xf32>, tensor<16x48xf32>) outs(%start1 : tensor<360x16xf32>) -> tensor<360x16xf32>
    %z = linalg.max ins(%linear1, %zero16 : tensor<360x16xf32>, tensor<360x16xf32>)
        outs(%empty16 : tensor<360x16xf32>) -> tensor<360x16xf32>

    // g = relu(decoder1 z), the transpose of encoder1
    %w2 = share.get @decoder1 : tensor<48x16xf32>
    %b2 = share.get @decoder1.bias : tensor<48xf32>
    %start2 = linalg.broadcast ins(%b2 : tensor<48xf32>) outs(%empty48 : tensor<360x48xf32>) dimensions = [0]
    %linear2 = linalg.matmul indexing_maps = [#in, #weight, #out]
        ins(%z, %w2 : tensor<360x16xf32>, tensor<48x16xf32>) outs(%start2 : tensor<360x48xf32>) -> tensor<360x48xf32>
    %g = linalg.max ins(%linear2, %zero48 : tensor<360x48xf32>, tensor<360x48xf32>)
        outs(%empty48 : tensor<360x48xf32>) -> tensor<360x48xf32>

    // y = sigmoid(decoder0 g), the transpose of encoder0
    %w3 = share.get @decoder0 : tensor<64x48xf32>
    %b3 = share.get @decoder0.bias : tensor<64xf32>
    %start3 = linalg.broadcast ins(%b3 : tensor<64xf32>) outs(%empty64 : tensor<360x64xf32>) dimensions = [0]
    %linear3 = linalg.matmul indexing_maps = [#in, #weight, #out]
        ins(%g, %w3 : tensor<360x48xf32>, tensor<64x48xf32>) outs(%start3 : tensor<360x64xf32>) -> tensor<360x64xf32>
    %y = linalg.generic {indexing_maps = [#each, #each], iterator_types = ["parallel", "parallel"]}
        ins(%linear3 : tensor<360x64xf32>) outs(%empty64 : tensor<360x64xf32>) {
    ^bb0(%v: f32, %unused: f32):
      %negative = arith.negf %v : f32
      %power = math.exp %negative : f32
      %sum = arith.addf %one, %power : f32
      %s = arith.divf %one, %sum : f32
      linalg.yield %s : f32
    } -> tensor<360x64xf32>
    return %y : tensor<360x64xf32>
  }
}
