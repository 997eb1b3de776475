// Loops over the same weights become one loop, if their bodies treat what is in
// the leading dimension of their states alike and apart.
// RUN: lig-opt %s -split-input-file -net-batch-uses | FileCheck %s
// RUN: lig-opt %s -split-input-file -net-batch-uses=force | FileCheck %s --check-prefix=FORCE

// Two sequences through one cell: states, inputs and stacked results of both,
// a destination that grows, a slice of time steps that is the same for both.
// FORCE-LABEL: func.func @siamese
// FORCE-SAME: %[[A:.*]]: tensor<9x1x64xf32>, %[[B:.*]]: tensor<9x1x64xf32>, %[[TIME:.*]]: tensor<9x64xf32>
// FORCE-DAG: %[[START:.*]] = linalg.fill {{.*}} -> tensor<2x64xf32>
// FORCE-DAG: %[[IN:.*]] = tensor.concat dim(1) %[[A]], %[[B]] : {{.*}} -> tensor<9x2x64xf32>
// FORCE: %[[S:.*]]:2 = net.scan %{{.*}} init(%[[START]] : tensor<2x64xf32>) over(%[[IN]], %[[TIME]] : tensor<9x2x64xf32>, tensor<9x64xf32>) attributes {reverse_inputs = array<i1: true, true>} -> (tensor<9x2x64xf32>)
// FORCE-NEXT: ^bb0(%{{.*}}: index, %[[STATE:.*]]: tensor<2x64xf32>, %[[X:.*]]: tensor<2x64xf32>, %[[T:.*]]: tensor<64xf32>):
// FORCE: linalg.matmul {share.calls = 2 : i64} ins(%[[STATE]], %{{.*}} outs(%[[X]] : tensor<2x64xf32>)
// FORCE: linalg.generic {{.*}} ins(%{{.*}}, %[[T]] : tensor<2x64xf32>, tensor<64xf32>)
// FORCE: net.yield {{.*}} : tensor<2x64xf32>, tensor<2x64xf32>
// FORCE-DAG: tensor.extract_slice %[[S]]#0[0, 0] [1, 64]
// FORCE-DAG: tensor.extract_slice %[[S]]#0[1, 0] [1, 64]
// FORCE-DAG: tensor.extract_slice %[[S]]#1[0, 0, 0] [9, 1, 64]
// FORCE-NOT: net.scan
// FORCE: return
// Copying such short sequences costs more than it gains.
// CHECK-LABEL: func.func @siamese
// CHECK-COUNT-2: net.scan {{.*}} init(%{{.*}} : tensor<1x64xf32>)
#all = affine_map<(b, h) -> (b, h)>
#row = affine_map<(b, h) -> (h)>
module @siamese {
  share.param @w : tensor<64x64xf32> = dense<0.5> : tensor<64x64xf32>
  func.func @siamese(%a: tensor<9x1x64xf32>, %b: tensor<9x1x64xf32>, %time: tensor<9x64xf32>) -> (tensor<1x64xf32>, tensor<1x64xf32>, tensor<9x1x64xf32>, tensor<9x1x64xf32>) {
    %zero = arith.constant 0.0 : f32
    %n = arith.constant 9 : index
    %w = share.get @w : tensor<64x64xf32>
    %room = tensor.empty() : tensor<1x64xf32>
    %start = linalg.fill ins(%zero : f32) outs(%room : tensor<1x64xf32>) -> tensor<1x64xf32>
    %ha, %sa = net.scan %n init(%start : tensor<1x64xf32>) over(%a, %time : tensor<9x1x64xf32>, tensor<9x64xf32>) attributes {reverse_inputs = array<i1: true, true>} -> (tensor<9x1x64xf32>) {
    ^bb0(%i: index, %h: tensor<1x64xf32>, %x: tensor<1x64xf32>, %t: tensor<64xf32>):
      %0 = linalg.matmul ins(%h, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%x : tensor<1x64xf32>) -> tensor<1x64xf32>
      %1 = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]} ins(%0, %t : tensor<1x64xf32>, tensor<64xf32>) outs(%room : tensor<1x64xf32>) {
      ^bb0(%u: f32, %v: f32, %o: f32):
        %s = arith.addf %u, %v : f32
        %r = math.tanh %s : f32
        linalg.yield %r : f32
      } -> tensor<1x64xf32>
      net.yield %1, %1 : tensor<1x64xf32>, tensor<1x64xf32>
    }
    %hb, %sb = net.scan %n init(%start : tensor<1x64xf32>) over(%b, %time : tensor<9x1x64xf32>, tensor<9x64xf32>) attributes {reverse_inputs = array<i1: true, true>} -> (tensor<9x1x64xf32>) {
    ^bb0(%i: index, %h: tensor<1x64xf32>, %x: tensor<1x64xf32>, %t: tensor<64xf32>):
      %0 = linalg.matmul ins(%h, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%x : tensor<1x64xf32>) -> tensor<1x64xf32>
      %1 = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]} ins(%0, %t : tensor<1x64xf32>, tensor<64xf32>) outs(%room : tensor<1x64xf32>) {
      ^bb0(%u: f32, %v: f32, %o: f32):
        %s = arith.addf %u, %v : f32
        %r = math.tanh %s : f32
        linalg.yield %r : f32
      } -> tensor<1x64xf32>
      net.yield %1, %1 : tensor<1x64xf32>, tensor<1x64xf32>
    }
    return %ha, %hb, %sa, %sb : tensor<1x64xf32>, tensor<1x64xf32>, tensor<9x1x64xf32>, tensor<9x1x64xf32>
  }
}

// -----

// One waits for the other's result.
// FORCE-LABEL: func.func @chained
// FORCE-COUNT-2: net.scan {{.*}} init(%{{.*}} : tensor<1x8xf32>)
module @chained {
  share.param @w : tensor<8x8xf32> = dense<0.5> : tensor<8x8xf32>
  func.func @chained(%h0: tensor<1x8xf32>, %x: tensor<9x1x8xf32>) -> tensor<1x8xf32> {
    %n = arith.constant 9 : index
    %w = share.get @w : tensor<8x8xf32>
    %ha = net.scan %n init(%h0 : tensor<1x8xf32>) over(%x : tensor<9x1x8xf32>) {
    ^bb0(%i: index, %h: tensor<1x8xf32>, %t: tensor<1x8xf32>):
      %0 = linalg.matmul ins(%h, %w : tensor<1x8xf32>, tensor<8x8xf32>) outs(%t : tensor<1x8xf32>) -> tensor<1x8xf32>
      net.yield %0 : tensor<1x8xf32>
    }
    %hb = net.scan %n init(%ha : tensor<1x8xf32>) over(%x : tensor<9x1x8xf32>) {
    ^bb0(%i: index, %h: tensor<1x8xf32>, %t: tensor<1x8xf32>):
      %0 = linalg.matmul ins(%h, %w : tensor<1x8xf32>, tensor<8x8xf32>) outs(%t : tensor<1x8xf32>) -> tensor<1x8xf32>
      net.yield %0 : tensor<1x8xf32>
    }
    return %hb : tensor<1x8xf32>
  }
}

// -----

// Another count, another direction, another body: apart.
// FORCE-LABEL: func.func @unlike
// FORCE-COUNT-4: net.scan {{.*}} init(%{{.*}} : tensor<1x8xf32>)
module @unlike {
  share.param @w : tensor<8x8xf32> = dense<0.5> : tensor<8x8xf32>
  func.func @unlike(%h0: tensor<1x8xf32>, %x: tensor<9x1x8xf32>, %y: tensor<9x1x8xf32>, %m: index) -> (tensor<1x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>) {
    %n = arith.constant 9 : index
    %w = share.get @w : tensor<8x8xf32>
    %a = net.scan %n init(%h0 : tensor<1x8xf32>) over(%x : tensor<9x1x8xf32>) {
    ^bb0(%i: index, %h: tensor<1x8xf32>, %t: tensor<1x8xf32>):
      %0 = linalg.matmul ins(%h, %w : tensor<1x8xf32>, tensor<8x8xf32>) outs(%t : tensor<1x8xf32>) -> tensor<1x8xf32>
      net.yield %0 : tensor<1x8xf32>
    }
    %b = net.scan %m init(%h0 : tensor<1x8xf32>) over(%y : tensor<9x1x8xf32>) {
    ^bb0(%i: index, %h: tensor<1x8xf32>, %t: tensor<1x8xf32>):
      %0 = linalg.matmul ins(%h, %w : tensor<1x8xf32>, tensor<8x8xf32>) outs(%t : tensor<1x8xf32>) -> tensor<1x8xf32>
      net.yield %0 : tensor<1x8xf32>
    }
    %c = net.scan %n init(%h0 : tensor<1x8xf32>) over(%y : tensor<9x1x8xf32>) attributes {reverse_inputs = array<i1: true>} {
    ^bb0(%i: index, %h: tensor<1x8xf32>, %t: tensor<1x8xf32>):
      %0 = linalg.matmul ins(%h, %w : tensor<1x8xf32>, tensor<8x8xf32>) outs(%t : tensor<1x8xf32>) -> tensor<1x8xf32>
      net.yield %0 : tensor<1x8xf32>
    }
    %d = net.scan %n init(%h0 : tensor<1x8xf32>) over(%y : tensor<9x1x8xf32>) {
    ^bb0(%i: index, %h: tensor<1x8xf32>, %t: tensor<1x8xf32>):
      %0 = linalg.matmul ins(%t, %w : tensor<1x8xf32>, tensor<8x8xf32>) outs(%h : tensor<1x8xf32>) -> tensor<1x8xf32>
      net.yield %0 : tensor<1x8xf32>
    }
    return %a, %b, %c, %d : tensor<1x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>
  }
}

// -----

// The body sums up over the rows that would be joined; may end early; carries
// something that has no rows.
// FORCE-LABEL: func.func @mixing
// FORCE-COUNT-6: net.scan
module @mixing {
  share.param @w : tensor<8x8xf32> = dense<0.5> : tensor<8x8xf32>
  func.func @mixing(%a: tensor<8x8xf32>, %b: tensor<8x8xf32>, %true: i1, %z: f32) -> (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, f32, f32) {
    %n = arith.constant 9 : index
    %w = share.get @w : tensor<8x8xf32>
    %0 = net.scan %n init(%a : tensor<8x8xf32>) {
    ^bb0(%i: index, %h: tensor<8x8xf32>):
      %s = linalg.matmul ins(%w, %h : tensor<8x8xf32>, tensor<8x8xf32>) outs(%h : tensor<8x8xf32>) -> tensor<8x8xf32>
      net.yield %s : tensor<8x8xf32>
    }
    %1 = net.scan %n init(%b : tensor<8x8xf32>) {
    ^bb0(%i: index, %h: tensor<8x8xf32>):
      %s = linalg.matmul ins(%w, %h : tensor<8x8xf32>, tensor<8x8xf32>) outs(%h : tensor<8x8xf32>) -> tensor<8x8xf32>
      net.yield %s : tensor<8x8xf32>
    }
    %2, %c2 = net.scan %n init(%a : tensor<8x8xf32>) conditional {
    ^bb0(%i: index, %h: tensor<8x8xf32>):
      %s = linalg.matmul ins(%h, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%h : tensor<8x8xf32>) -> tensor<8x8xf32>
      net.yield %s, %true : tensor<8x8xf32>, i1
    }
    %3, %c3 = net.scan %n init(%b : tensor<8x8xf32>) conditional {
    ^bb0(%i: index, %h: tensor<8x8xf32>):
      %s = linalg.matmul ins(%h, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%h : tensor<8x8xf32>) -> tensor<8x8xf32>
      net.yield %s, %true : tensor<8x8xf32>, i1
    }
    %4:2 = net.scan %n init(%a, %z : tensor<8x8xf32>, f32) {
    ^bb0(%i: index, %h: tensor<8x8xf32>, %t: f32):
      %s = linalg.matmul ins(%h, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%h : tensor<8x8xf32>) -> tensor<8x8xf32>
      net.yield %s, %t : tensor<8x8xf32>, f32
    }
    %5:2 = net.scan %n init(%b, %z : tensor<8x8xf32>, f32) {
    ^bb0(%i: index, %h: tensor<8x8xf32>, %t: f32):
      %s = linalg.matmul ins(%h, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%h : tensor<8x8xf32>) -> tensor<8x8xf32>
      net.yield %s, %t : tensor<8x8xf32>, f32
    }
    return %0, %1, %2, %3, %4#0, %5#0, %4#1, %5#1 : tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, f32, f32
  }
}
