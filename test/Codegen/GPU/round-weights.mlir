// RUN: lig-opt %s -split-input-file -lig-gpu-round-weights -mlir-elide-resource-strings-if-larger=1100 | FileCheck %s --check-prefix=ROUND
// RUN: lig-opt %s -split-input-file -lig-gpu-round-weights -mlir-elide-resource-strings-if-larger=1100 -lig-gpu-emit-strategies='compute=tf32' | FileCheck %s --check-prefix=KERNEL
// RUN: lig-opt %s -split-input-file -lig-gpu-round-weights -mlir-elide-resource-strings-if-larger=1100 -lig-gpu-emit-strategies='compute=tf32 warpgroups group-work=0 multiprocessors=1' | FileCheck %s --check-prefix=GROUP

// Of what lies halfway between two numbers the one farther from zero; NaN and
// infinity stay; what is as it has to be does, too.
// ROUND-LABEL: module @rounds_to_nearest
// ROUND: share.param @w {share.rounding_error = {{.*}}} : tensor<16x8xf32>
// ROUND: share.address @w {lig.tf32} : memref<16x8xf32>
// ROUND: linalg.generic
// ROUND: w: "0x{{[0-9A-F]+}}0000803F0020803F002080BF0000807F0000C07F000000000000004000004040
// Fragments of x are rounded, two of four registers for every eight steps of 16;
// those of the weight come as they are.
// KERNEL-LABEL: module @rounds_to_nearest
// KERNEL-COUNT-16: nvvm.convert.float.to.tf32
// KERNEL-NOT: nvvm.convert.float.to.tf32
// KERNEL: func.func @end
module @rounds_to_nearest {
  share.param @w : tensor<16x8xf32> = dense<[
    [1.0, 0x3F801000, 0xBF801000, 0x7F800000, 0x7F800001, 0.0, 2.0, 3.0],
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]]> : tensor<16x8xf32>
  func.func @main(%x: memref<32x16xf32>, %y: memref<32x8xf32>) {
    %w = share.address @w : memref<16x8xf32>
    linalg.matmul ins(%x, %w : memref<32x16xf32>, memref<16x8xf32>) outs(%y : memref<32x8xf32>)
    return
  }
  func.func @end() { return }
}

// -----

// Two functions multiply by it, one by a part that a loop finds: all are told.
// Nothing changes in the weight, so it keeps its storage.
// ROUND-LABEL: module @marks_all_uses
// ROUND: share.param @w : tensor<2x64x64xf32>
// ROUND: share.address @w {lig.tf32}
// ROUND: share.address @w {lig.tf32}
module @marks_all_uses {
  share.param @w : tensor<2x64x64xf32> = dense<0.5> : tensor<2x64x64xf32>
  func.func @step(%x: memref<64x64xf32>, %y: memref<64x64xf32>) {
    %w = share.address @w : memref<2x64x64xf32>
    %first = memref.subview %w[0, 0, 0][1, 64, 64][1, 1, 1] : memref<2x64x64xf32> to memref<64x64xf32, strided<[64, 1]>>
    linalg.matmul ins(%x, %first : memref<64x64xf32>, memref<64x64xf32, strided<[64, 1]>>) outs(%y : memref<64x64xf32>)
    return
  }
  func.func @main(%x: memref<64x64xf32>, %y: memref<64x64xf32>) {
    %zero = arith.constant 0 : index
    %one = arith.constant 1 : index
    %two = arith.constant 2 : index
    %w = share.address @w : memref<2x64x64xf32>
    scf.for %i = %zero to %two step %one {
      %layer = memref.subview %w[%i, 0, 0][1, 64, 64][1, 1, 1] : memref<2x64x64xf32> to memref<64x64xf32, strided<[64, 1], offset: ?>>
      linalg.matmul ins(%x, %layer : memref<64x64xf32>, memref<64x64xf32, strided<[64, 1], offset: ?>>) outs(%y : memref<64x64xf32>)
    }
    return
  }
}

// -----

// A row of the table is looked up: it has its exact value for both.
// ROUND-LABEL: module @keeps_what_is_looked_up
// ROUND: share.param @w : tensor<64x64xf32> = dense<1.00001
// ROUND-NOT: lig.tf32
module @keeps_what_is_looked_up {
  share.param @w : tensor<64x64xf32> = dense<1.00001> : tensor<64x64xf32>
  func.func @main(%x: memref<64x64xf32>, %y: memref<64x64xf32>, %i: index, %z: memref<64xf32>) {
    %w = share.address @w : memref<64x64xf32>
    linalg.matmul ins(%x, %w : memref<64x64xf32>, memref<64x64xf32>) outs(%y : memref<64x64xf32>)
    %again = share.address @w : memref<64x64xf32>
    %row = memref.subview %again[%i, 0][1, 64][1, 1] : memref<64x64xf32> to memref<64xf32, strided<[1], offset: ?>>
    memref.copy %row, %z : memref<64xf32, strided<[1], offset: ?>> to memref<64xf32>
    return
  }
}

// -----

// One row is no work for tensor cores: that kernel multiplies in f32.
// ROUND-LABEL: module @keeps_what_one_row_is_multiplied_by
// ROUND-NOT: lig.tf32
module @keeps_what_one_row_is_multiplied_by {
  share.param @w : tensor<64x64xf32> = dense<1.00001> : tensor<64x64xf32>
  func.func @main(%x: memref<64x64xf32>, %y: memref<64x64xf32>, %u: memref<1x64xf32>, %v: memref<1x64xf32>) {
    %w = share.address @w : memref<64x64xf32>
    linalg.matmul ins(%x, %w : memref<64x64xf32>, memref<64x64xf32>) outs(%y : memref<64x64xf32>)
    linalg.matmul ins(%u, %w : memref<1x64xf32>, memref<64x64xf32>) outs(%v : memref<1x64xf32>)
    return
  }
}

// -----

// Nor is what no strategy sees, because data decide how often it runs.
// ROUND-LABEL: module @keeps_what_data_decide_about
// ROUND-NOT: lig.tf32
module @keeps_what_data_decide_about {
  share.param @w : tensor<64x64xf32> = dense<1.00001> : tensor<64x64xf32>
  func.func @main(%x: memref<64x64xf32>, %y: memref<64x64xf32>, %count: memref<index>) {
    %zero = arith.constant 0 : index
    %one = arith.constant 1 : index
    %w = share.address @w : memref<64x64xf32>
    %end = memref.load %count[] : memref<index>
    scf.for %i = %zero to %end step %one {
      linalg.matmul ins(%x, %w : memref<64x64xf32>, memref<64x64xf32>) outs(%y : memref<64x64xf32>)
    }
    return
  }
}

// -----

// ROUND-LABEL: module @keeps_what_changes
// ROUND-NOT: lig.tf32
module @keeps_what_changes {
  share.param trainable @w : tensor<64x64xf32> = dense<1.00001> : tensor<64x64xf32>
  share.param mutable @s : tensor<64x64xf32> = dense<1.00001> : tensor<64x64xf32>
  func.func @main(%x: memref<64x64xf32>, %y: memref<64x64xf32>) {
    %w = share.address @w : memref<64x64xf32>
    linalg.matmul ins(%x, %w : memref<64x64xf32>, memref<64x64xf32>) outs(%y : memref<64x64xf32>)
    %s = share.address @s : memref<64x64xf32>
    linalg.matmul ins(%x, %s : memref<64x64xf32>, memref<64x64xf32>) outs(%y : memref<64x64xf32>)
    return
  }
}

// -----

// Warpgroups read it where it lies; x is copied, and rounded by that.
// ROUND-LABEL: module @needs_no_copy
// GROUP-LABEL: module @needs_no_copy
// GROUP: %[[W:.+]] = share.address @w
// GROUP: memref.alloc()
// GROUP-NOT: memref.alloc()
// GROUP: gpu.launch
// GROUP: memref.cast %[[W]]
// GROUP: nvvm.wgmma.mma_async
module @needs_no_copy {
  share.param @w : tensor<256x256xf32> = dense<1.00001> : tensor<256x256xf32>
  func.func @main(%x: memref<256x256xf32>, %y: memref<256x256xf32>) {
    %w = share.address @w : memref<256x256xf32>
    linalg.generic {
        indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>],
        iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : memref<256x256xf32>, memref<256x256xf32>) outs(%y : memref<256x256xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %p, %c : f32
      linalg.yield %s : f32
    }
    return
  }
}
