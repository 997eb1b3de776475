// Moves of parameters get names.
// RUN: lig-opt %s -split-input-file -share-outline-views | FileCheck %s

// CHECK-LABEL: module @names_a_transpose
module @names_a_transpose {
  // CHECK: share.param @w
  // CHECK-NEXT: share.view @w.view : tensor<3x2xf32> {
  // CHECK-NEXT: %[[W:.+]] = share.get @w
  // CHECK-NEXT: %[[E:.+]] = tensor.empty
  // CHECK-NEXT: %[[T:.+]] = linalg.transpose ins(%[[W]] {{.*}} outs(%[[E]]
  // CHECK-NEXT: share.yield %[[T]]
  share.param @w : tensor<2x3xf32> = dense<1.0> : tensor<2x3xf32>
  // CHECK: func.func @main
  // CHECK-NOT: linalg.transpose
  func.func @main(%room: tensor<3x2xf32>) -> (tensor<2x3xf32>, tensor<3x2xf32>, tensor<3x2xf32>) {
    // CHECK: %[[AS_IS:.+]] = share.get @w :
    // CHECK: %[[A:.+]] = share.get @w.view :
    // CHECK: %[[B:.+]] = share.get @w.view :
    // CHECK: return %[[AS_IS]], %[[A]], %[[B]]
    %w = share.get @w : tensor<2x3xf32>
    %a = linalg.transpose ins(%w : tensor<2x3xf32>) outs(%room : tensor<3x2xf32>) permutation = [1, 0]
    %b = linalg.transpose ins(%w : tensor<2x3xf32>) outs(%room : tensor<3x2xf32>) permutation = [1, 0]
    return %w, %a, %b : tensor<2x3xf32>, tensor<3x2xf32>, tensor<3x2xf32>
  }
}

// -----

// A view that shows the same is there: it is used.
// CHECK-LABEL: module @knows_views
module @knows_views {
  share.param @w : tensor<2x3xf32> = dense<1.0> : tensor<2x3xf32>
  // CHECK: share.view @t
  // CHECK-NOT: share.view
  share.view @t : tensor<3x2xf32> {
    %w = share.get @w : tensor<2x3xf32>
    %e = tensor.empty() : tensor<3x2xf32>
    %t = linalg.transpose ins(%w : tensor<2x3xf32>) outs(%e : tensor<3x2xf32>) permutation = [1, 0]
    share.yield %t : tensor<3x2xf32>
  }
  func.func @main() -> tensor<3x2xf32> {
    // CHECK: share.get @t
    %w = share.get @w : tensor<2x3xf32>
    %e = tensor.empty() : tensor<3x2xf32>
    %t = linalg.transpose ins(%w : tensor<2x3xf32>) outs(%e : tensor<3x2xf32>) permutation = [1, 0]
    return %t : tensor<3x2xf32>
  }
}

// -----

// A chain is one view; a user in its middle gets a view of its own, in a scan
// as elsewhere.
// CHECK-LABEL: module @names_chains
module @names_chains {
  // CHECK: share.view @[[LONG:[a-z0-9_."]+]] : tensor<6xf32>
  // CHECK: tensor.extract_slice
  // CHECK: linalg.transpose
  // CHECK: tensor.collapse_shape
  // CHECK: share.view @[[SHORT:[a-z0-9_."]+]] : tensor<2x3xf32>
  // CHECK: tensor.extract_slice
  // CHECK-NOT: linalg.transpose
  // CHECK: func.func
  share.param @w : tensor<4x3xf32> = dense<1.0> : tensor<4x3xf32>
  func.func @main(%n: index, %x: tensor<6xf32>) -> (tensor<2x3xf32>, tensor<6xf32>) {
    %w = share.get @w : tensor<4x3xf32>
    %e = tensor.empty() : tensor<3x2xf32>
    %s = tensor.extract_slice %w[1, 0] [2, 3] [1, 1] : tensor<4x3xf32> to tensor<2x3xf32>
    // CHECK: net.scan
    // CHECK: linalg.add ins(%{{.*}}, %{{.*}} : tensor<6xf32>
    %y = net.scan %n init(%x : tensor<6xf32>) {
    ^bb0(%i: index, %state: tensor<6xf32>):
      %t = linalg.transpose ins(%s : tensor<2x3xf32>) outs(%e : tensor<3x2xf32>) permutation = [1, 0]
      %c = tensor.collapse_shape %t [[0, 1]] : tensor<3x2xf32> into tensor<6xf32>
      %sum = linalg.add ins(%state, %c : tensor<6xf32>, tensor<6xf32>) outs(%state : tensor<6xf32>) -> tensor<6xf32>
      net.yield %sum : tensor<6xf32>
    }
    return %s, %y : tensor<2x3xf32>, tensor<6xf32>
  }
}

// -----

// Reshapes and broadcasts are no one's business.
// CHECK-LABEL: module @leaves_reshapes
module @leaves_reshapes {
  // CHECK-NOT: share.view
  share.param @b : tensor<3xf32> = dense<1.0> : tensor<3xf32>
  func.func @main() -> (tensor<3x1xf32>, tensor<2x3xf32>) {
    %b = share.get @b : tensor<3xf32>
    %x = tensor.expand_shape %b [[0, 1]] output_shape [3, 1] : tensor<3xf32> into tensor<3x1xf32>
    %e = tensor.empty() : tensor<2x3xf32>
    %r = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
        iterator_types = ["parallel", "parallel"]} ins(%b : tensor<3xf32>) outs(%e : tensor<2x3xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x3xf32>
    return %x, %r : tensor<3x1xf32>, tensor<2x3xf32>
  }
}
