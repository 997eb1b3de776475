// Over what each weight is reused.
// RUN: lig-opt %s -share-print-report -o /dev/null | FileCheck %s

// A filter over pixels.
// CHECK-DAG: filter : 2x2x3x3xf32, reused over space{{$}}
// A layer that feeds itself; its bias is added at each row.
// CHECK-DAG: layer : 8x8xf32, reused over space, depth{{$}}
// One step of a sequence.
// CHECK-DAG: cell : 8x8xf32, reused over time{{$}}
// A loop whose state is the activation, and that reads a weight a step.
// CHECK-DAG: block : 8x8xf32, reused over depth{{$}}
// CHECK-DAG: perlayer : 5x8x8xf32{{$}}
// Two rows here, four there.
// CHECK-DAG: head : 8x4xf32, reused over space, level{{$}}
// Side by side.
// CHECK-DAG: tower : 8x8xf32, reused over space, branch{{$}}
// A chain of two beside one use alone: both.
// CHECK-DAG: mixed : 8x8xf32, reused over space, depth, branch{{$}}
// Another entry point reads it, too.
// CHECK-DAG: common : 8x8xf32, reused over model{{$}}
// Batched by a pass, which said so.
// CHECK-DAG: batched : 8x8xf32, reused over space, branch{{$}}
// Read as it is and transposed: one parameter, but no reuse of one operation.
// CHECK-DAG: embedding : 8x8xf32{{$}}
// One row and one use.
// CHECK-DAG: once : 8x8xf32{{$}}

module @reuse {
  share.param @filter : tensor<2x2x3x3xf32>
  share.param @layer : tensor<8x8xf32>
  share.param @cell : tensor<8x8xf32>
  share.param @block : tensor<8x8xf32>
  share.param @perlayer : tensor<5x8x8xf32>
  share.param @head : tensor<8x4xf32>
  share.param @tower : tensor<8x8xf32>
  share.param @mixed : tensor<8x8xf32>
  share.param @common : tensor<8x8xf32>
  share.param @batched : tensor<8x8xf32>
  share.param @embedding : tensor<8x8xf32>
  share.param @once : tensor<8x8xf32>
  share.view @output : tensor<8x8xf32> {
    %w = share.get @embedding : tensor<8x8xf32>
    %e = tensor.empty() : tensor<8x8xf32>
    %t = linalg.transpose ins(%w : tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) permutation = [1, 0]
    share.yield %t : tensor<8x8xf32>
  }

  func.func @positions(%image: tensor<1x2x8x8xf32>) -> tensor<1x2x6x6xf32> {
    %w = share.get @filter : tensor<2x2x3x3xf32>
    %y = net.conv %image, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : tensor<1x2x8x8xf32>, tensor<2x2x3x3xf32> -> tensor<1x2x6x6xf32>
    return %y : tensor<1x2x6x6xf32>
  }

  func.func @chains(%x: tensor<2x8xf32>, %o: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>) {
    %w = share.get @layer : tensor<8x8xf32>
    %a = linalg.matmul ins(%x, %w : tensor<2x8xf32>, tensor<8x8xf32>) outs(%o : tensor<2x8xf32>) -> tensor<2x8xf32>
    %b = math.exp %a : tensor<2x8xf32>
    %c = linalg.matmul ins(%b, %w : tensor<2x8xf32>, tensor<8x8xf32>) outs(%o : tensor<2x8xf32>) -> tensor<2x8xf32>
    %m = share.get @mixed : tensor<8x8xf32>
    %d = linalg.matmul ins(%x, %m : tensor<2x8xf32>, tensor<8x8xf32>) outs(%o : tensor<2x8xf32>) -> tensor<2x8xf32>
    %e = linalg.matmul ins(%d, %m : tensor<2x8xf32>, tensor<8x8xf32>) outs(%o : tensor<2x8xf32>) -> tensor<2x8xf32>
    %f = linalg.matmul ins(%o, %m : tensor<2x8xf32>, tensor<8x8xf32>) outs(%o : tensor<2x8xf32>) -> tensor<2x8xf32>
    return %c, %e, %f : tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>
  }

  func.func @sides(%x: tensor<2x8xf32>, %y: tensor<4x8xf32>, %o: tensor<2x4xf32>, %p: tensor<4x4xf32>) -> (tensor<2x4xf32>, tensor<4x4xf32>, tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>) {
    %h = share.get @head : tensor<8x4xf32>
    %a = linalg.matmul ins(%x, %h : tensor<2x8xf32>, tensor<8x4xf32>) outs(%o : tensor<2x4xf32>) -> tensor<2x4xf32>
    %b = linalg.matmul ins(%y, %h : tensor<4x8xf32>, tensor<8x4xf32>) outs(%p : tensor<4x4xf32>) -> tensor<4x4xf32>
    %t = share.get @tower : tensor<8x8xf32>
    %neg = math.exp %x : tensor<2x8xf32>
    %c = linalg.matmul ins(%x, %t : tensor<2x8xf32>, tensor<8x8xf32>) outs(%x : tensor<2x8xf32>) -> tensor<2x8xf32>
    %d = linalg.matmul ins(%neg, %t : tensor<2x8xf32>, tensor<8x8xf32>) outs(%x : tensor<2x8xf32>) -> tensor<2x8xf32>
    %g = share.get @batched : tensor<8x8xf32>
    %e = linalg.matmul {share.calls = 2} ins(%x, %g : tensor<2x8xf32>, tensor<8x8xf32>) outs(%x : tensor<2x8xf32>) -> tensor<2x8xf32>
    return %a, %b, %c, %d, %e : tensor<2x4xf32>, tensor<4x4xf32>, tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>
  }

  func.func @loops(%xs: tensor<9x1x8xf32>, %x: tensor<1x8xf32>) -> (tensor<1x8xf32>, tensor<1x8xf32>) {
    %n = arith.constant 9 : index
    %cell = share.get @cell : tensor<8x8xf32>
    %a = net.scan %n init(%x : tensor<1x8xf32>) over(%xs : tensor<9x1x8xf32>) {
    ^bb0(%i: index, %state: tensor<1x8xf32>, %slice: tensor<1x8xf32>):
      %next = linalg.matmul ins(%state, %cell : tensor<1x8xf32>, tensor<8x8xf32>) outs(%slice : tensor<1x8xf32>) -> tensor<1x8xf32>
      net.yield %next : tensor<1x8xf32>
    }
    %m = arith.constant 5 : index
    %block = share.get @block : tensor<8x8xf32>
    %perlayer = share.get @perlayer : tensor<5x8x8xf32>
    %b = net.scan %m init(%x : tensor<1x8xf32>) over(%perlayer : tensor<5x8x8xf32>) {
    ^bb0(%i: index, %state: tensor<1x8xf32>, %w: tensor<8x8xf32>):
      %h = linalg.matmul ins(%state, %block : tensor<1x8xf32>, tensor<8x8xf32>) outs(%state : tensor<1x8xf32>) -> tensor<1x8xf32>
      %next = linalg.matmul ins(%h, %w : tensor<1x8xf32>, tensor<8x8xf32>) outs(%state : tensor<1x8xf32>) -> tensor<1x8xf32>
      net.yield %next : tensor<1x8xf32>
    }
    return %a, %b : tensor<1x8xf32>, tensor<1x8xf32>
  }

  func.func @models(%x: tensor<1x8xf32>) -> (tensor<1x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>) {
    %w = share.get @common : tensor<8x8xf32>
    %a = linalg.matmul ins(%x, %w : tensor<1x8xf32>, tensor<8x8xf32>) outs(%x : tensor<1x8xf32>) -> tensor<1x8xf32>
    %e = share.get @embedding : tensor<8x8xf32>
    %o = share.get @output : tensor<8x8xf32>
    %b = linalg.matmul ins(%x, %e : tensor<1x8xf32>, tensor<8x8xf32>) outs(%x : tensor<1x8xf32>) -> tensor<1x8xf32>
    %c = linalg.matmul ins(%b, %o : tensor<1x8xf32>, tensor<8x8xf32>) outs(%x : tensor<1x8xf32>) -> tensor<1x8xf32>
    %w1 = share.get @once : tensor<8x8xf32>
    %d = linalg.matmul ins(%x, %w1 : tensor<1x8xf32>, tensor<8x8xf32>) outs(%x : tensor<1x8xf32>) -> tensor<1x8xf32>
    return %a, %c, %d : tensor<1x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>
  }

  func.func @others(%x: tensor<1x8xf32>) -> tensor<1x8xf32> {
    %w = share.get @common : tensor<8x8xf32>
    %a = linalg.matmul ins(%x, %w : tensor<1x8xf32>, tensor<8x8xf32>) outs(%x : tensor<1x8xf32>) -> tensor<1x8xf32>
    return %a : tensor<1x8xf32>
  }
}
