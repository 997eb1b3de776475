// Joining costs no copies. Each branch prepares its data in a way of its own,
// and writes it where the joint convolution reads it; behind the last joint
// layer the branches are read where they lie. The model still has two uses.
// RUN: lig-opt %s -net-batch-uses=force -canonicalize -cse -lig-phase-net -lig-bufferize | FileCheck %s --implicit-check-not=memref.copy
// RUN: lig-opt %s -lig-phase-share=batch=false | FileCheck %s --check-prefix=APART
// RUN: lig-opt %s -net-batch-uses=force -share-count-uses | FileCheck %s --check-prefix=COUNT

// CHECK: func.func @siamese
// CHECK: %[[DATA:.*]] = memref.alloc() {{.*}} : memref<2x64x4x4xf32>
// CHECK: %[[A:.*]] = memref.subview %[[DATA]][0, 0, 0, 0]
// CHECK: linalg.generic {{.*}} outs(%[[A]]
// CHECK: %[[B:.*]] = memref.subview %[[DATA]][1, 0, 0, 0]
// CHECK: linalg.generic {{.*}} outs(%[[B]]
// CHECK: linalg.transpose ins(%[[DATA]]
// COUNT: share.param @w {share.uses = 2 : i64}
// COUNT: net.conv {{.*}} -> tensor<2x64x4x4xf32>
// COUNT-NOT: net.conv
// APART: share.param @w {share.uses = 2 : i64}
// APART-COUNT-2: net.conv {{.*}} -> tensor<1x64x4x4xf32>
module @siamese {
  share.param @w : tensor<64x64x3x3xf32> = dense<0.5> : tensor<64x64x3x3xf32>
  func.func @siamese(%a: tensor<1x64x4x4xf32>, %b: tensor<1x64x4x4xf32>) -> tensor<1x64x4x4xf32> attributes {net.entry} {
    %scale = arith.constant dense<0.5> : tensor<1x64x4x4xf32>
    %shift = arith.constant dense<0.25> : tensor<1x64x4x4xf32>
    %w = share.get @w : tensor<64x64x3x3xf32>
    %room = tensor.empty() : tensor<1x64x4x4xf32>
    %a0 = linalg.mul ins(%a, %scale : tensor<1x64x4x4xf32>, tensor<1x64x4x4xf32>) outs(%room : tensor<1x64x4x4xf32>) -> tensor<1x64x4x4xf32>
    %a1 = net.conv %a0, %w strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x64x4x4xf32>, tensor<64x64x3x3xf32> -> tensor<1x64x4x4xf32>
    %a2 = linalg.tanh ins(%a1 : tensor<1x64x4x4xf32>) outs(%room : tensor<1x64x4x4xf32>) -> tensor<1x64x4x4xf32>
    %b0 = linalg.add ins(%b, %shift : tensor<1x64x4x4xf32>, tensor<1x64x4x4xf32>) outs(%room : tensor<1x64x4x4xf32>) -> tensor<1x64x4x4xf32>
    %b1 = net.conv %b0, %w strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<1x64x4x4xf32>, tensor<64x64x3x3xf32> -> tensor<1x64x4x4xf32>
    %b2 = linalg.tanh ins(%b1 : tensor<1x64x4x4xf32>) outs(%room : tensor<1x64x4x4xf32>) -> tensor<1x64x4x4xf32>
    %d = linalg.sub ins(%a2, %b2 : tensor<1x64x4x4xf32>, tensor<1x64x4x4xf32>) outs(%room : tensor<1x64x4x4xf32>) -> tensor<1x64x4x4xf32>
    return %d : tensor<1x64x4x4xf32>
  }
}
