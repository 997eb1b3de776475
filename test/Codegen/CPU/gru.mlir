// A GRU whose reset gate comes before the product of the candidate is two
// kernels a step: the second product reads all of the state that the first one
// has reset.
// RUN: lig-opt %s -lig-cpu-emit-kernels="outline=false vector-bits=512" -cse | FileCheck %s
// RUN: lig-opt %s -lig-cpu-emit-kernels="outline=false vector-bits=256" -cse | FileCheck %s --check-prefix=AVX2

#row = affine_map<(m, n) -> (m, n)>
#state = affine_map<(m, n, k) -> (m, k)>
#weight = affine_map<(m, n, k) -> (n, k)>
#sum = affine_map<(m, n, k) -> (m, n)>

share.param @r : tensor<96x32xf32> = dense<0.5> : tensor<96x32xf32>
// Two accumulators for each of two gates take the steps in turn; the candidate
// has vectors enough.
// CHECK: share.param @r.panels
// CHECK: func.func @main
// CHECK: scf.for {{.+}} to %c6 step %c1
// CHECK: scf.for {{.+}} to %c32 step %c16
// CHECK: scf.for {{.+}} to %c32 step %c2 iter_args({{.+}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK-COUNT-4: vector.fma
// CHECK: scf.yield
// CHECK-COUNT-2: arith.addf {{.+}} : vector<16xf32>
// CHECK: %[[RESET:.+]] = math.exp {{.+}} : vector<16xf32>
// CHECK: %[[OF_STATE:.+]] = arith.mulf %[[RESET]], {{.+}} : vector<16xf32>
// CHECK: vector.store %[[OF_STATE]]
// CHECK: scf.for {{.+}} to %c32 step %c1 iter_args({{.+}}) -> (vector<16xf32>, vector<16xf32>)
// CHECK-COUNT-2: math.tanh {{.+}} : vector<16xf32>
// CHECK-NOT: linalg
// AVX2: scf.for {{.+}} to %c32 step %c2 iter_args({{.+}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
// AVX2: math.exp {{.+}} : vector<8xf32>
func.func @main(%x: memref<6x1x96xf32>, %h: memref<1x32xf32>, %y: memref<6x1x32xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c6 = arith.constant 6 : index
  %one = arith.constant 1.0 : f32
  scf.for %t = %c0 to %c6 step %c1 {
    %r = share.address @r : memref<96x32xf32>
    // Update and reset gate, from their part of the inputs' product on.
    %gates = memref.subview %r[0, 0] [64, 32] [1, 1] : memref<96x32xf32> to memref<64x32xf32, strided<[32, 1]>>
    %from = memref.subview %x[%t, 0, 0] [1, 1, 64] [1, 1, 1] : memref<6x1x96xf32> to memref<1x64xf32, strided<[96, 1], offset: ?>>
    %zr = memref.alloc() : memref<1x64xf32>
    memref.copy %from, %zr : memref<1x64xf32, strided<[96, 1], offset: ?>> to memref<1x64xf32>
    linalg.generic {indexing_maps = [#state, #weight, #sum], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%h, %gates : memref<1x32xf32>, memref<64x32xf32, strided<[32, 1]>>) outs(%zr : memref<1x64xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    }
    %reset = memref.subview %zr[0, 32] [1, 32] [1, 1] : memref<1x64xf32> to memref<1x32xf32, strided<[64, 1], offset: 32>>
    %rh = memref.alloc() : memref<1x32xf32>
    linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel", "parallel"]}
        ins(%reset, %h : memref<1x32xf32, strided<[64, 1], offset: 32>>, memref<1x32xf32>) outs(%rh : memref<1x32xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %e = math.exp %a : f32
      %p = arith.mulf %e, %b : f32
      linalg.yield %p : f32
    }
    // The candidate, and the new state.
    %last = memref.subview %r[64, 0] [32, 32] [1, 1] : memref<96x32xf32> to memref<32x32xf32, strided<[32, 1], offset: 2048>>
    %more = memref.subview %x[%t, 0, 64] [1, 1, 32] [1, 1, 1] : memref<6x1x96xf32> to memref<1x32xf32, strided<[96, 1], offset: ?>>
    %n = memref.alloc() : memref<1x32xf32>
    memref.copy %more, %n : memref<1x32xf32, strided<[96, 1], offset: ?>> to memref<1x32xf32>
    linalg.generic {indexing_maps = [#state, #weight, #sum], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%rh, %last : memref<1x32xf32>, memref<32x32xf32, strided<[32, 1], offset: 2048>>) outs(%n : memref<1x32xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    }
    %update = memref.subview %zr[0, 0] [1, 32] [1, 1] : memref<1x64xf32> to memref<1x32xf32, strided<[64, 1]>>
    %out = memref.subview %y[%t, 0, 0] [1, 1, 32] [1, 1, 1] : memref<6x1x32xf32> to memref<1x32xf32, strided<[32, 1], offset: ?>>
    linalg.generic {indexing_maps = [#row, #row, #row, #row], iterator_types = ["parallel", "parallel"]}
        ins(%h, %n, %update : memref<1x32xf32>, memref<1x32xf32>, memref<1x32xf32, strided<[64, 1]>>)
        outs(%out : memref<1x32xf32, strided<[32, 1], offset: ?>>) {
    ^bb0(%a: f32, %b: f32, %c: f32, %o: f32):
      %tanh = math.tanh %b : f32
      %keep = arith.mulf %c, %a : f32
      %rest = arith.subf %one, %c : f32
      %new = arith.mulf %rest, %tanh : f32
      %both = arith.addf %new, %keep : f32
      linalg.yield %both : f32
    }
    memref.copy %out, %h : memref<1x32xf32, strided<[32, 1], offset: ?>> to memref<1x32xf32>
  }
  return
}
