// RUN: lig-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(lig-gpu-persist-scans))' | FileCheck %s

// One launch around all steps: weights first, vectors of each step, sums, and
// one barrier of all blocks. The state has two places.
// CHECK-LABEL: module @recurrence
module @recurrence {
  // CHECK: func.func @f(%[[H:.*]]: memref<1x32xf32>, %[[W:.*]]: memref<32x32xbf16>,
  func.func @f(%h: memref<1x32xf32>, %w: memref<32x32xbf16>, %x: memref<9x1x32xf32>) {
    // CHECK: %[[COUNTER:.*]] = memref.alloc() {lig.device_header = 4 : i64} : memref<1xi32>
    // CHECK: %[[SECOND:.*]] = memref.alloc() {alignment = 64 : i64} : memref<1x32xf32>
    // CHECK: gpu.launch blocks({{.*}}) in ({{.*}} = %c4,
    // CHECK: gpu.dynamic_shared_memory
    // CHECK: memref.load %[[W]]
    // CHECK: scf.for
    // CHECK: memref.load %[[SECOND]]
    // CHECK: memref.load %[[H]]
    // CHECK: gpu.barrier
    // CHECK: vector.load {{.*}} memref<32x1x32xbf16, #gpu.address_space<workgroup>>
    // CHECK: vector.fma
    // CHECK: gpu.shuffle
    // CHECK: llvm.fence syncscope("device") release
    // CHECK-NEXT: %[[OLD:.*]] = llvm.atomicrmw add {{.*}} syncscope("device") monotonic
    // CHECK: scf.while
    // CHECK: llvm.load {{.*}} atomic syncscope("device") acquire
    // CHECK-NOT: llvm.fence
    // CHECK: } {lig.cooperative}
    // CHECK-NOT: scf.for
    // CHECK: return
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c9 = arith.constant 9 : index
    scf.for %t = %c0 to %c9 step %c1 {
      %in = memref.subview %x[%t, 0, 0] [1, 1, 32] [1, 1, 1] : memref<9x1x32xf32> to memref<1x32xf32, strided<[32, 1], offset: ?>>
      %n = memref.alloc() : memref<1x32xf32>
      memref.copy %in, %n : memref<1x32xf32, strided<[32, 1], offset: ?>> to memref<1x32xf32>
      linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>],
          iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%h, %w : memref<1x32xf32>, memref<32x32xbf16>) outs(%n : memref<1x32xf32>) {
      ^bb0(%a: f32, %b: bf16, %o: f32):
        %e = arith.extf %b : bf16 to f32
        %p = arith.mulf %a, %e : f32
        %s = arith.addf %o, %p : f32
        linalg.yield %s : f32
      }
      memref.copy %n, %h : memref<1x32xf32> to memref<1x32xf32>
    }
    return
  }
}

// -----

// Layers of a transformer have so many rows that each product is a kernel.
// CHECK-LABEL: module @many_rows
module @many_rows {
  // CHECK-NOT: gpu.launch
  // CHECK: scf.for
  func.func @f(%h: memref<128x32xf32>, %w: memref<32x32xf32>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c9 = arith.constant 9 : index
    %zero = arith.constant 0.0 : f32
    scf.for %t = %c0 to %c9 step %c1 {
      %n = memref.alloc() : memref<128x32xf32>
      linalg.fill ins(%zero : f32) outs(%n : memref<128x32xf32>)
      linalg.matmul ins(%h, %w : memref<128x32xf32>, memref<32x32xf32>) outs(%n : memref<128x32xf32>)
      memref.copy %n, %h : memref<128x32xf32> to memref<128x32xf32>
    }
    return
  }
}

// -----

// Weights of every step's own cannot stay.
// CHECK-LABEL: module @weights_change
module @weights_change {
  // CHECK-NOT: gpu.launch
  // CHECK: scf.for
  func.func @f(%h: memref<1x32xf32>, %ws: memref<9x32x32xf32>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c9 = arith.constant 9 : index
    %zero = arith.constant 0.0 : f32
    scf.for %t = %c0 to %c9 step %c1 {
      %w = memref.subview %ws[%t, 0, 0] [1, 32, 32] [1, 1, 1] : memref<9x32x32xf32> to memref<32x32xf32, strided<[32, 1], offset: ?>>
      %n = memref.alloc() : memref<1x32xf32>
      linalg.fill ins(%zero : f32) outs(%n : memref<1x32xf32>)
      linalg.matmul ins(%h, %w : memref<1x32xf32>, memref<32x32xf32, strided<[32, 1], offset: ?>>) outs(%n : memref<1x32xf32>)
      memref.copy %n, %h : memref<1x32xf32> to memref<1x32xf32>
    }
    return
  }
}

// -----

// How often is the kernel's to know: all blocks go through as many steps.
// CHECK-LABEL: module @count_from_memory
module @count_from_memory {
  // CHECK: %[[COUNT:.*]] = memref.load %{{.*}}[] : memref<index>
  // CHECK: gpu.launch
  // CHECK: scf.for %{{.*}} = %c0 to %[[COUNT]] step
  // CHECK: llvm.fence
  // The state ends where it began.
  // CHECK: arith.subi %[[COUNT]], %c0
  // CHECK: {lig.cooperative}
  // CHECK-NOT: scf.for
  // CHECK: return
  func.func @f(%h: memref<1x32xf32>, %w: memref<32x32xf32>, %counts: memref<index>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %count = memref.load %counts[] : memref<index>
    %zero = arith.constant 0.0 : f32
    scf.for %t = %c0 to %count step %c1 {
      %n = memref.alloc() : memref<1x32xf32>
      linalg.fill ins(%zero : f32) outs(%n : memref<1x32xf32>)
      linalg.matmul ins(%h, %w : memref<1x32xf32>, memref<32x32xf32>) outs(%n : memref<1x32xf32>)
      memref.copy %n, %h : memref<1x32xf32> to memref<1x32xf32>
    }
    return
  }
}

// -----

// The host launches it whether or not there is anything to do: that is for
// branches to say.
// CHECK-LABEL: module @if_data_say_so
module @if_data_say_so {
  // CHECK-NOT: gpu.launch
  // CHECK: scf.if
  // CHECK-NEXT: scf.for
  func.func @f(%h: memref<1x32xf32>, %w: memref<32x32xf32>, %is: memref<i1>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %count = arith.constant 9 : index
    %zero = arith.constant 0.0 : f32
    %yes = memref.load %is[] : memref<i1>
    scf.if %yes {
      scf.for %t = %c0 to %count step %c1 {
        %n = memref.alloc() : memref<1x32xf32>
        linalg.fill ins(%zero : f32) outs(%n : memref<1x32xf32>)
        linalg.matmul ins(%h, %w : memref<1x32xf32>, memref<32x32xf32>) outs(%n : memref<1x32xf32>)
        memref.copy %n, %h : memref<1x32xf32> to memref<1x32xf32>
      }
    }
    return
  }
}

// -----

// A lower layer goes ahead while the upper ones compute: one wait a step is
// enough for all. In the first rounds the third layer has no step yet, in the
// last ones the first layer none any more.
// CHECK-LABEL: module @three_layers
module @three_layers {
  // CHECK: gpu.launch
  // CHECK: scf.for %[[ROUND:.*]] = %c0 to %c11 
  // CHECK: %[[STEP2:.*]] = arith.subi %[[ROUND]], %c2{{.*}} : index
  // CHECK: %[[HAS2:.*]] = arith.cmpi sge, %[[STEP2]], %c0
  // CHECK: scf.if %[[HAS2]]
  // CHECK: %[[STEP1:.*]] = arith.subi %[[ROUND]], %c1{{.*}} : index
  // CHECK: %[[BEFORE1:.*]] = arith.cmpi slt, %[[STEP1]], %c9
  // CHECK: %[[AFTER1:.*]] = arith.cmpi sge, %[[STEP1]], %c0
  // CHECK: %[[HAS1:.*]] = arith.andi %[[BEFORE1]], %[[AFTER1]]
  // CHECK: scf.if %[[HAS1]]
  // CHECK: %[[HAS0:.*]] = arith.cmpi slt, %[[ROUND]], %c9
  // CHECK: scf.if %[[HAS0]]
  // CHECK-COUNT-1: llvm.fence
  // CHECK-NOT: llvm.fence
  // CHECK: return
  func.func @f(%h: memref<1x32xf32>, %g: memref<1x32xf32>, %e: memref<1x32xf32>, %v: memref<32x32xf32>, %w: memref<32x32xf32>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c9 = arith.constant 9 : index
    %zero = arith.constant 0.0 : f32
    scf.for %t = %c0 to %c9 step %c1 {
      %n = memref.alloc() : memref<1x32xf32>
      linalg.fill ins(%zero : f32) outs(%n : memref<1x32xf32>)
      linalg.matmul ins(%h, %v : memref<1x32xf32>, memref<32x32xf32>) outs(%n : memref<1x32xf32>)
      memref.copy %n, %h : memref<1x32xf32> to memref<1x32xf32>
      %m = memref.alloc() : memref<1x32xf32>
      linalg.fill ins(%zero : f32) outs(%m : memref<1x32xf32>)
      linalg.matmul ins(%h, %w : memref<1x32xf32>, memref<32x32xf32>) outs(%m : memref<1x32xf32>)
      linalg.matmul ins(%g, %v : memref<1x32xf32>, memref<32x32xf32>) outs(%m : memref<1x32xf32>)
      memref.copy %m, %g : memref<1x32xf32> to memref<1x32xf32>
      %k = memref.alloc() : memref<1x32xf32>
      linalg.fill ins(%zero : f32) outs(%k : memref<1x32xf32>)
      linalg.matmul ins(%g, %w : memref<1x32xf32>, memref<32x32xf32>) outs(%k : memref<1x32xf32>)
      linalg.matmul ins(%e, %v : memref<1x32xf32>, memref<32x32xf32>) outs(%k : memref<1x32xf32>)
      memref.copy %k, %e : memref<1x32xf32> to memref<1x32xf32>
    }
    return
  }
}

// -----

// Where the first layer reads what the last one has made a step before, none can
// go ahead.
// CHECK-LABEL: module @feedback
module @feedback {
  // CHECK: gpu.launch
  // CHECK: scf.for %{{.*}} = %c0 to %c9
  // CHECK-COUNT-2: llvm.fence
  // CHECK-NOT: llvm.fence
  // CHECK: return
  func.func @f(%h: memref<1x32xf32>, %g: memref<1x32xf32>, %v: memref<32x32xf32>, %w: memref<32x32xf32>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c9 = arith.constant 9 : index
    %zero = arith.constant 0.0 : f32
    scf.for %t = %c0 to %c9 step %c1 {
      %n = memref.alloc() : memref<1x32xf32>
      linalg.fill ins(%zero : f32) outs(%n : memref<1x32xf32>)
      linalg.matmul ins(%g, %v : memref<1x32xf32>, memref<32x32xf32>) outs(%n : memref<1x32xf32>)
      memref.copy %n, %h : memref<1x32xf32> to memref<1x32xf32>
      %m = memref.alloc() : memref<1x32xf32>
      linalg.fill ins(%zero : f32) outs(%m : memref<1x32xf32>)
      linalg.matmul ins(%h, %w : memref<1x32xf32>, memref<32x32xf32>) outs(%m : memref<1x32xf32>)
      memref.copy %m, %g : memref<1x32xf32> to memref<1x32xf32>
    }
    return
  }
}

// -----

// Weights stay bytes on chip; codes are looked up in a copy of their table there.
// CHECK-LABEL: module @codes
module @codes {
  // CHECK: func.func @f(%{{.*}}: memref<1x32xf32>, %[[W:.*]]: memref<32x32xi8>, %[[V:.*]]: memref<32x32xi8>, %[[T:.*]]: memref<16xf32>
  func.func @f(%h: memref<1x32xf32>, %w: memref<32x32xi8>, %v: memref<32x32xi8>, %t: memref<16xf32>, %x: memref<9x1x32xf32>) {
    // CHECK: gpu.launch
    // CHECK: memref.load %[[W]]
    // CHECK: memref.load %[[V]]
    // CHECK: memref.load %[[T]]
    // CHECK: scf.for
    // CHECK: vector.load {{.*}} memref<32x1x32xi8, #gpu.address_space<workgroup>>, vector<4xi8>
    // CHECK: arith.sitofp {{.*}} : vector<4xi8> to vector<4xf32>
    // CHECK: arith.index_castui {{.*}} : i8 to index
    // CHECK: memref.load {{.*}} memref<16xf32, #gpu.address_space<workgroup>>
    // CHECK: {lig.cooperative}
    // CHECK-NOT: scf.for
    // CHECK: return
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c9 = arith.constant 9 : index
    scf.for %i = %c0 to %c9 step %c1 {
      %in = memref.subview %x[%i, 0, 0] [1, 1, 32] [1, 1, 1] : memref<9x1x32xf32> to memref<1x32xf32, strided<[32, 1], offset: ?>>
      %n = memref.alloc() : memref<1x32xf32>
      memref.copy %in, %n : memref<1x32xf32, strided<[32, 1], offset: ?>> to memref<1x32xf32>
      linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>],
          iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%h, %w : memref<1x32xf32>, memref<32x32xi8>) outs(%n : memref<1x32xf32>) {
      ^bb0(%a: f32, %b: i8, %o: f32):
        %e = arith.sitofp %b : i8 to f32
        %p = arith.mulf %a, %e : f32
        %s = arith.addf %o, %p : f32
        linalg.yield %s : f32
      }
      linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>],
          iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%h, %v : memref<1x32xf32>, memref<32x32xi8>) outs(%n : memref<1x32xf32>) {
      ^bb0(%a: f32, %b: i8, %o: f32):
        %at = arith.index_castui %b : i8 to index
        %e = memref.load %t[%at] : memref<16xf32>
        %p = arith.mulf %a, %e : f32
        %s = arith.addf %o, %p : f32
        linalg.yield %s : f32
      }
      memref.copy %n, %h : memref<1x32xf32> to memref<1x32xf32>
    }
    return
  }
}

// -----

// A table that the steps change is no table.
// CHECK-LABEL: module @changing_table
module @changing_table {
  // CHECK-NOT: gpu.launch
  // CHECK: scf.for
  func.func @f(%h: memref<1x32xf32>, %v: memref<32x32xi8>, %t: memref<16xf32>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c9 = arith.constant 9 : index
    %one = arith.constant 1.0 : f32
    scf.for %i = %c0 to %c9 step %c1 {
      %n = memref.alloc() : memref<1x32xf32>
      linalg.fill ins(%one : f32) outs(%n : memref<1x32xf32>)
      linalg.fill ins(%one : f32) outs(%t : memref<16xf32>)
      linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>],
          iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%h, %v : memref<1x32xf32>, memref<32x32xi8>) outs(%n : memref<1x32xf32>) {
      ^bb0(%a: f32, %b: i8, %o: f32):
        %at = arith.index_castui %b : i8 to index
        %e = memref.load %t[%at] : memref<16xf32>
        %p = arith.mulf %a, %e : f32
        %s = arith.addf %o, %p : f32
        linalg.yield %s : f32
      }
      memref.copy %n, %h : memref<1x32xf32> to memref<1x32xf32>
    }
    return
  }
}
