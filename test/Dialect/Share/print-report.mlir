// Who shares what, as text and as JSON.
// RUN: lig-opt %s -share-print-report -o /dev/null | FileCheck %s
// RUN: lig-opt %s -share-print-report=json -o /dev/null | FileCheck %s --check-prefix=JSON

// CHECK: parameters stored     3, 840 B
// CHECK: views of them         1
// CHECK: uses                  4, 12 counting every step of loops
// CHECK: with a copy per use   1.6 kB
// CHECK: saved by sharing      768 B

// The embedding is read by a view and, through a transpose, by an addition.
// CHECK: 512 B      2           e : 16x8xf32
// CHECK: 256 B      2       10  cell : 8x8xf32, trainable
// CHECK-NEXT: holds also cell.1, cell.2
// A parameter that nothing reads is stored all the same.
// CHECK: 72 B      0           unread : 9xi64, mutable
// CHECK: 0 B      1           out : 8x16xf32 = e, transposed

// JSON: "applications": 12
// JSON: "bytes_if_copied": 1608
// JSON: "bytes_saved": 768
// JSON: "bytes_stored": 840
// JSON: "parameters_stored": 3
// JSON: "uses": 4
// JSON: "views"
// JSON: "kind": "index"
// JSON: "moves": "transposed"
// JSON: "name": "out"
// JSON: "reads": [
// JSON-NEXT: "e"

module @report {
  share.param @e : tensor<16x8xf32> = dense<1.0> : tensor<16x8xf32>
  share.param trainable @cell {share.merged = ["cell.1", "cell.2"]} : tensor<8x8xf32> = dense<2.0> : tensor<8x8xf32>
  share.param mutable @unread : tensor<9xi64>
  share.view @out : tensor<8x16xf32> {
    %e = share.get @e : tensor<16x8xf32>
    %room = tensor.empty() : tensor<8x16xf32>
    %t = linalg.transpose ins(%e : tensor<16x8xf32>) outs(%room : tensor<8x16xf32>) permutation = [1, 0]
    share.yield %t : tensor<8x16xf32>
  }
  func.func @main(%x: tensor<8x16xf32>) -> (tensor<8x16xf32>, tensor<8x8xf32>) {
    %out = share.get @out : tensor<8x16xf32>
    %e = share.get @e : tensor<16x8xf32>
    %cell = share.get @cell : tensor<8x8xf32>
    %t = linalg.transpose ins(%e : tensor<16x8xf32>) outs(%x : tensor<8x16xf32>) permutation = [1, 0]
    %sum = linalg.add ins(%out, %t : tensor<8x16xf32>, tensor<8x16xf32>) outs(%x : tensor<8x16xf32>) -> tensor<8x16xf32>
    %n = arith.constant 9 : index
    %h = net.scan %n init(%cell : tensor<8x8xf32>) {
    ^bb0(%i: index, %state: tensor<8x8xf32>):
      %next = linalg.add ins(%cell, %state : tensor<8x8xf32>, tensor<8x8xf32>) outs(%state : tensor<8x8xf32>) -> tensor<8x8xf32>
      net.yield %next : tensor<8x8xf32>
    }
    return %sum, %h : tensor<8x16xf32>, tensor<8x8xf32>
  }
}
