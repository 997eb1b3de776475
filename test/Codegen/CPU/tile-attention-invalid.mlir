// RUN: lig-opt %s -split-input-file -lig-cpu-tile-attention -verify-diagnostics

func.func @dynamic(%q: memref<?x4xf32>, %k: memref<100x4xf32>, %v: memref<100x5xf32>, %o: memref<?x5xf32>) {
  // expected-error @below {{has an extent that is not known or 0, but blocks are cut when the model is compiled}}
  net.attention %q, %k, %v into %o
      maps [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
            affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>] {
  ^bb0(%score: f32, %m: index, %n: index):
    net.yield %score : f32
  } : memref<?x4xf32>, memref<100x4xf32>, memref<100x5xf32> into memref<?x5xf32>
  return
}
