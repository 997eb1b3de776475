// A bias before a sum of products and an activation after it are part of its
// kernel.
// RUN: lig-opt %s -split-input-file -lig-cpu-emit-kernels=outline=false -cse | FileCheck %s
// RUN: lig-opt %s -split-input-file "-lig-cpu-emit-kernels=outline=false join=false" -cse | FileCheck %s --check-prefix=APART

#rows = affine_map<(m, n) -> (n)>
#id = affine_map<(m, n) -> (m, n)>

// CHECK-LABEL: module @bias_and_relu
// APART-LABEL: module @bias_and_relu
module @bias_and_relu {
  // The buffer between them is gone.
  // CHECK-NOT: memref.alloc
  // CHECK: vector.load {{.+}} : memref<24xf32>
  // CHECK: vector.fma
  // CHECK: arith.maximumf {{.+}} : vector<8xf32>
  // CHECK: vector.store
  // APART: memref.alloc
  func.func @main(%a: memref<8x16xf32>, %b: memref<16x24xf32>, %bias: memref<24xf32>, %out: memref<8x24xf32>) {
    %zero = arith.constant 0.0 : f32
    %sum = memref.alloc() : memref<8x24xf32>
    linalg.generic {indexing_maps = [#rows, #id], iterator_types = ["parallel", "parallel"]} ins(%bias : memref<24xf32>) outs(%sum : memref<8x24xf32>) {
    ^bb0(%in: f32, %o: f32):
      linalg.yield %in : f32
    }
    linalg.matmul ins(%a, %b : memref<8x16xf32>, memref<16x24xf32>) outs(%sum : memref<8x24xf32>)
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%sum : memref<8x24xf32>) outs(%out : memref<8x24xf32>) {
    ^bb0(%in: f32, %o: f32):
      %0 = arith.maximumf %in, %zero : f32
      linalg.yield %0 : f32
    }
    return
  }
}

// -----

// What was summed before is scaled where it is loaded, not in a pass of its own.
#each = affine_map<(m, n) -> (m)>
#id = affine_map<(m, n) -> (m, n)>

// CHECK-LABEL: module @scale_of_sums
// APART-LABEL: module @scale_of_sums
module @scale_of_sums {
  // CHECK: %[[OLD:.+]] = vector.load {{.+}} : memref<192xf32
  // CHECK: arith.mulf %[[OLD]]
  // CHECK: vector.fma
  // CHECK-NOT: arith.mulf
  // APART: scf.for
  // APART: arith.mulf
  // APART: scf.for
  // APART: vector.fma
  func.func @main(%a: memref<8x16xf32>, %b: memref<16x24xf32>, %factor: memref<8xf32>, %sum: memref<8x24xf32>) {
    linalg.generic {indexing_maps = [#each, #id], iterator_types = ["parallel", "parallel"]} ins(%factor : memref<8xf32>) outs(%sum : memref<8x24xf32>) {
    ^bb0(%in: f32, %o: f32):
      %0 = arith.mulf %o, %in : f32
      linalg.yield %0 : f32
    }
    linalg.matmul ins(%a, %b : memref<8x16xf32>, memref<16x24xf32>) outs(%sum : memref<8x24xf32>)
    return
  }
}

// -----

// A function of some twenty instructions too, behind the loop that sums.
// CHECK-LABEL: module @tanh_of_sums
module @tanh_of_sums {
  // CHECK-NOT: memref.alloc
  // CHECK: vector.fma
  // CHECK: scf.yield
  // CHECK-COUNT-12: math.tanh {{.+}} : vector<8xf32>
  // CHECK: vector.store
  func.func @main(%a: memref<8x16xf32>, %b: memref<16x24xf32>, %out: memref<8x24xf32>) {
    %zero = arith.constant 0.0 : f32
    %sum = memref.alloc() : memref<8x24xf32>
    linalg.fill ins(%zero : f32) outs(%sum : memref<8x24xf32>)
    linalg.matmul ins(%a, %b : memref<8x16xf32>, memref<16x24xf32>) outs(%sum : memref<8x24xf32>)
    linalg.tanh ins(%sum : memref<8x24xf32>) outs(%out : memref<8x24xf32>)
    return
  }
}

// -----

// What the math library is called for, lane by lane, stays apart.
// CHECK-LABEL: module @sine_of_sums
module @sine_of_sums {
  // CHECK: memref.alloc
  // CHECK: vector.fma
  // CHECK: math.sin
  func.func @main(%a: memref<8x16xf32>, %b: memref<16x24xf32>, %out: memref<8x24xf32>) {
    %zero = arith.constant 0.0 : f32
    %sum = memref.alloc() : memref<8x24xf32>
    linalg.fill ins(%zero : f32) outs(%sum : memref<8x24xf32>)
    linalg.matmul ins(%a, %b : memref<8x16xf32>, memref<16x24xf32>) outs(%sum : memref<8x24xf32>)
    linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]} ins(%sum : memref<8x24xf32>) outs(%out : memref<8x24xf32>) {
    ^bb0(%in: f32, %o: f32):
      %0 = math.sin %in : f32
      linalg.yield %0 : f32
    }
    return
  }
}

// -----

// The sum still reads what the activation would overwrite.
// CHECK-LABEL: module @result_over_input
module @result_over_input {
  // CHECK: memref.alloc
  // CHECK: vector.fma
  // CHECK: math.absf
  func.func @main(%a: memref<8x8xf32>, %b: memref<8x8xf32>) {
    %sum = memref.alloc() : memref<8x8xf32>
    %zero = arith.constant 0.0 : f32
    linalg.fill ins(%zero : f32) outs(%sum : memref<8x8xf32>)
    linalg.matmul ins(%a, %b : memref<8x8xf32>, memref<8x8xf32>) outs(%sum : memref<8x8xf32>)
    linalg.abs ins(%sum : memref<8x8xf32>) outs(%a : memref<8x8xf32>)
    return
  }
}

// -----

// Another reader wants the sum itself.
// CHECK-LABEL: module @read_twice
module @read_twice {
  // CHECK: memref.alloc
  // CHECK: vector.fma
  // CHECK: math.absf
  // CHECK: math.sqrt
  func.func @main(%a: memref<8x8xf32>, %b: memref<8x8xf32>, %x: memref<8x8xf32>, %y: memref<8x8xf32>) {
    %sum = memref.alloc() : memref<8x8xf32>
    %zero = arith.constant 0.0 : f32
    linalg.fill ins(%zero : f32) outs(%sum : memref<8x8xf32>)
    linalg.matmul ins(%a, %b : memref<8x8xf32>, memref<8x8xf32>) outs(%sum : memref<8x8xf32>)
    linalg.abs ins(%sum : memref<8x8xf32>) outs(%x : memref<8x8xf32>)
    linalg.sqrt ins(%sum : memref<8x8xf32>) outs(%y : memref<8x8xf32>)
    return
  }
}

// -----

// A sum of two sums joins one of them, which then runs after the other.
// CHECK-LABEL: module @sum_of_sums
module @sum_of_sums {
  // CHECK: memref.alloc
  // CHECK-NOT: memref.alloc
  // CHECK: vector.store {{.+}} : memref<128xf32
  // CHECK: scf.yield
  // CHECK: %[[OTHER:.*]] = vector.load {{.+}} : memref<128xf32
  // CHECK: arith.addf {{.+}}, %[[OTHER]]
  // CHECK: vector.store
  func.func @main(%x: memref<8x4x16xf32>, %y: memref<8x4x16xf32>, %out: memref<8x16xf32>) {
    %zero = arith.constant 0.0 : f32
    %first = memref.alloc() : memref<8x16xf32>
    %second = memref.alloc() : memref<8x16xf32>
    linalg.fill ins(%zero : f32) outs(%first : memref<8x16xf32>)
    linalg.fill ins(%zero : f32) outs(%second : memref<8x16xf32>)
    linalg.reduce { arith.addf } ins(%x : memref<8x4x16xf32>) outs(%first : memref<8x16xf32>) dimensions = [1]
    linalg.reduce { arith.addf } ins(%y : memref<8x4x16xf32>) outs(%second : memref<8x16xf32>) dimensions = [1]
    linalg.add ins(%first, %second : memref<8x16xf32>, memref<8x16xf32>) outs(%out : memref<8x16xf32>)
    memref.dealloc %first : memref<8x16xf32>
    memref.dealloc %second : memref<8x16xf32>
    return
  }
}
