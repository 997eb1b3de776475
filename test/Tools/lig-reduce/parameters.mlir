// The interesting thing is a read of a parameter; what has no part in it goes.
// RUN: printf '#!/bin/sh\nif grep -q share.get "$1"; then exit 1; fi\n' > %t.sh
// RUN: chmod +x %t.sh
// RUN: lig-reduce %s -reduction-tree='traversal-mode=0 test=%t.sh' 2>/dev/null | FileCheck %s

// CHECK: share.param @kept
// CHECK-NOT: func.func @bystander
// CHECK: func.func @reads
// CHECK: share.get @kept

func.func @bystander(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = arith.addf %x, %x : tensor<4xf32>
  return %y : tensor<4xf32>
}
share.param @kept : tensor<2xf32> = dense<[1.0, 2.0]> : tensor<2xf32>
func.func @reads() -> tensor<2xf32> {
  %w = share.get @kept : tensor<2xf32>
  return %w : tensor<2xf32>
}
