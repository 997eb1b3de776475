// Every use gets a parameter of its own.
// RUN: lig-opt %s -split-input-file -verify-diagnostics -share-untie | FileCheck %s

// expected-remark @below {{untying 3 uses costs 64 bytes}}
module @unties {
  // CHECK: share.param @w : tensor<2x3xf32> = dense<1.0
  // CHECK-NEXT: share.param @w.untied {share.broken_tie = #share.broken_tie<of "w", by "share-untie", "every use was to have its own">} : tensor<2x3xf32> = dense<1.0
  // CHECK-NEXT: share.param @w.untied_0 {{{.*}}} : tensor<2x3xf32> = dense<1.0
  // CHECK-NEXT: share.param @once
  // CHECK-NEXT: share.view @t
  // CHECK: share.param @t.untied {share.broken_tie = #share.broken_tie<of "once", {{.*}}} : tensor<2x2xf32> = dense<{{\[\[}}3.000000e+00, 5.000000e+00], [4.000000e+00, 6.000000e+00]]>
  share.param @w : tensor<2x3xf32> = dense<1.0> : tensor<2x3xf32>
  share.param @once : tensor<3x2xf32> = dense<[[1., 2.], [3., 4.], [5., 6.]]> : tensor<3x2xf32>
  share.view @t : tensor<2x2xf32> {
    %w = share.get @once : tensor<3x2xf32>
    %s = tensor.extract_slice %w[1, 0] [2, 2] [1, 1] : tensor<3x2xf32> to tensor<2x2xf32>
    %e = tensor.empty() : tensor<2x2xf32>
    %t = linalg.transpose ins(%s : tensor<2x2xf32>) outs(%e : tensor<2x2xf32>) permutation = [1, 0]
    share.yield %t : tensor<2x2xf32>
  }
  // CHECK: func.func @main
  func.func @main(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<3x2xf32>, tensor<2x2xf32>) {
    // CHECK-DAG: %[[W:.+]] = share.get @w :
    // CHECK-DAG: %[[W1:.+]] = share.get @w.untied :
    // CHECK-DAG: %[[W2:.+]] = share.get @w.untied_0 :
    // CHECK: linalg.add ins(%[[W]], %[[W1]] :
    // CHECK: linalg.add ins(%{{.+}}, %[[W2]] :
    // CHECK: %[[O:.+]] = share.get @once :
    // CHECK-NEXT: %[[T:.+]] = share.get @t.untied :
    // CHECK: return %{{.+}}, %[[O]], %[[T]]
    %w = share.get @w : tensor<2x3xf32>
    %a = linalg.add ins(%w, %w : tensor<2x3xf32>, tensor<2x3xf32>) outs(%x : tensor<2x3xf32>) -> tensor<2x3xf32>
    %b = linalg.add ins(%a, %w : tensor<2x3xf32>, tensor<2x3xf32>) outs(%x : tensor<2x3xf32>) -> tensor<2x3xf32>
    %once = share.get @once : tensor<3x2xf32>
    %t = share.get @t : tensor<2x2xf32>
    return %b, %once, %t : tensor<2x3xf32>, tensor<3x2xf32>, tensor<2x2xf32>
  }
}

// -----

module @refuses_unknown_values {
  // expected-error @below {{cannot untie @w: its value is not known at compile time}}
  share.param @w : tensor<2xf32>
  func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    %w = share.get @w : tensor<2xf32>
    %a = linalg.add ins(%w, %w : tensor<2xf32>, tensor<2xf32>) outs(%x : tensor<2xf32>) -> tensor<2xf32>
    return %a : tensor<2xf32>
  }
}
