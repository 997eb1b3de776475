#i = affine_map<(d0) -> (d0)>
func.func @main(%x: tensor<8xf64>) -> tensor<8xf64> {
  %e = tensor.empty() : tensor<8xf64>
  %r = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf64>) outs(%e : tensor<8xf64>) {
  ^bb0(%v: f64, %o: f64):
    %y = math.erf %v : f64
    linalg.yield %y : f64
  } -> tensor<8xf64>
  return %r : tensor<8xf64>
}
