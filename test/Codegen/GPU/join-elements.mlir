// RUN: lig-opt %s -split-input-file -lig-gpu-emit-strategies -canonicalize | FileCheck %s
// RUN: lig-opt %s -split-input-file -lig-gpu-emit-strategies='compute=bf16' -canonicalize | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// What a product starts from and goes through is computed with the sums in
// registers: one launch, and nothing of what passes between is in memory.
// CHECK-LABEL: func.func @finishes_products
// CHECK-SAME: %[[A:[^:]+]]: memref<64x64xf32>, %[[B:[^:]+]]: memref<64x64xf32>, %[[BIAS:[^:]+]]: memref<64xf32>, %[[MORE:[^:]+]]: memref<64x64xf32>, %[[C:[^:]+]]: memref<64x64xf32>
// CHECK-NOT: memref.alloc
// CHECK: gpu.launch
// CHECK: memref.load %[[BIAS]]
// CHECK: math.tanh
// CHECK: memref.load %[[MORE]]
// CHECK: memref.store %{{.*}}, %[[C]]
// CHECK-NOT: gpu.launch
// CHECK-NOT: linalg.
// CHECK: return
func.func @finishes_products(%a: memref<64x64xf32>, %b: memref<64x64xf32>, %bias: memref<64xf32>, %more: memref<64x64xf32>, %c: memref<64x64xf32>) {
  %zero = arith.constant 0.0 : f32
  %s = memref.alloc() : memref<64x64xf32>
  linalg.fill ins(%zero : f32) outs(%s : memref<64x64xf32>)
  linalg.matmul ins(%a, %b : memref<64x64xf32>, memref<64x64xf32>) outs(%s : memref<64x64xf32>)
  linalg.generic {indexing_maps = [#id, #column, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%s, %bias, %more : memref<64x64xf32>, memref<64xf32>, memref<64x64xf32>) outs(%c : memref<64x64xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32, %o: f32):
    %p = arith.addf %x, %y : f32
    %q = math.tanh %p : f32
    %r = arith.addf %q, %z : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Two readers of a sum, one of them behind other work, and the sum itself is
// read once more.
// CHECK-LABEL: func.func @keeps_what_is_read_again
// CHECK: %[[S:.*]] = memref.alloc
// CHECK: gpu.launch
// CHECK: memref.store %{{.*}}, %[[S]]
// CHECK: memref.store %{{.*}}, %arg2
// CHECK: memref.store %{{.*}}, %arg3
// CHECK: memref.load %[[S]]
// CHECK: return
func.func @keeps_what_is_read_again(%a: memref<64x64xf32>, %b: memref<64x64xf32>, %c: memref<64x64xf32>, %d: memref<64x64xf32>) -> f32 {
  %zero = arith.constant 0.0 : f32
  %at = arith.constant 3 : index
  %s = memref.alloc() : memref<64x64xf32>
  linalg.fill ins(%zero : f32) outs(%s : memref<64x64xf32>)
  linalg.matmul ins(%a, %b : memref<64x64xf32>, memref<64x64xf32>) outs(%s : memref<64x64xf32>)
  linalg.exp ins(%s : memref<64x64xf32>) outs(%c : memref<64x64xf32>)
  linalg.abs ins(%s : memref<64x64xf32>) outs(%d : memref<64x64xf32>)
  %one = memref.load %s[%at, %at] : memref<64x64xf32>
  return %one : f32
}

// -----

// A reader between that needs the product first, an operation on other elements
// and one that writes over what is read stay outside.
// CHECK-LABEL: func.func @does_not_pass_readers
// CHECK: gpu.launch
// CHECK: memref.load %{{[^[]*}}[%c3
// CHECK: linalg.generic
// CHECK: return
func.func @does_not_pass_readers(%a: memref<64x64xf32>, %b: memref<64x64xf32>, %s: memref<64x64xf32>, %c: memref<64x64xf32>, %d: memref<f32>) {
  %at = arith.constant 3 : index
  linalg.matmul ins(%a, %b : memref<64x64xf32>, memref<64x64xf32>) outs(%s : memref<64x64xf32>)
  %one = memref.load %s[%at, %at] : memref<64x64xf32>
  memref.store %one, %d[] : memref<f32>
  linalg.exp ins(%s : memref<64x64xf32>) outs(%c : memref<64x64xf32>)
  return
}

// -----

// CHECK-LABEL: func.func @does_not_take_other_elements
// CHECK: gpu.launch
// CHECK: linalg.generic
// CHECK: return
func.func @does_not_take_other_elements(%a: memref<64x64xf32>, %b: memref<64x64xf32>, %s: memref<64x64xf32>) {
  linalg.matmul ins(%a, %b : memref<64x64xf32>, memref<64x64xf32>) outs(%s : memref<64x64xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%s : memref<64x64xf32>) outs(%s : memref<64x64xf32>) {
  ^bb0(%x: f32, %o: f32):
    linalg.yield %x : f32
  }
  return
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// A normalisation goes through its rows twice without loading them again, and
// stores nothing but its result.
// CHECK-LABEL: func.func @normalises_in_one_kernel
// CHECK-SAME: %[[X:[^:]+]]: memref<100x64xf32>
// CHECK-NOT: memref.alloc
// CHECK: gpu.launch
// CHECK: vector.load %[[X]]
// CHECK-NOT: load %[[X]]
// CHECK: vector.store {{.*}}, vector<4xf32>
// CHECK-NOT: .store
// CHECK-NOT: linalg.
// CHECK: return
func.func @normalises_in_one_kernel(%x: memref<100x64xf32>, %scale: memref<64xf32>, %y: memref<100x64xf32>) {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 64.0 : f32
  %sum = memref.alloc() : memref<100xf32>
  %mean = memref.alloc() : memref<100xf32>
  %centred = memref.alloc() : memref<100x64xf32>
  %squares = memref.alloc() : memref<100xf32>
  linalg.fill ins(%zero : f32) outs(%sum : memref<100xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<100x64xf32>) outs(%sum : memref<100xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %a, %o : f32
    linalg.yield %r : f32
  }
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%sum : memref<100xf32>) outs(%mean : memref<100xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.divf %a, %count : f32
    linalg.yield %r : f32
  }
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %mean : memref<100x64xf32>, memref<100xf32>) outs(%centred : memref<100x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.subf %a, %b : f32
    linalg.yield %r : f32
  }
  linalg.fill ins(%zero : f32) outs(%squares : memref<100xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%centred : memref<100x64xf32>) outs(%squares : memref<100xf32>) {
  ^bb0(%a: f32, %o: f32):
    %q = arith.mulf %a, %a : f32
    %r = arith.addf %q, %o : f32
    linalg.yield %r : f32
  }
  linalg.generic {indexing_maps = [#id, #row, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%centred, %squares, %scale : memref<100x64xf32>, memref<100xf32>, memref<64xf32>) outs(%y : memref<100x64xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %o: f32):
    %s = math.sqrt %b : f32
    %d = arith.divf %a, %s : f32
    %r = arith.mulf %d, %c : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Operations on elements that follow each other are one launch; what takes long
// is none of a group's.
// CHECK-LABEL: func.func @joins_elements
// CHECK: gpu.launch
// CHECK: math.exp
// CHECK: math.absf
// CHECK: linalg.generic
// CHECK: math.powf
// CHECK: return
func.func @joins_elements(%x: memref<64x64xf32>, %y: memref<64x64xf32>) {
  %t = memref.alloc() : memref<64x64xf32>
  %u = memref.alloc() : memref<64x64xf32>
  linalg.exp ins(%x : memref<64x64xf32>) outs(%t : memref<64x64xf32>)
  linalg.abs ins(%t : memref<64x64xf32>) outs(%u : memref<64x64xf32>)
  linalg.powf ins(%u, %u : memref<64x64xf32>, memref<64x64xf32>) outs(%y : memref<64x64xf32>)
  return
}

// -----

// A window of a whole plane goes through what a transposition reads: the
// elements of a plane lie side by side there.
// CHECK-LABEL: func.func @pools_planes
// CHECK-SAME: %[[X:[^:]+]]: memref<2x64x8x8xf32>, %[[Y:[^:]+]]: memref<2x1x1x64xf32>
// CHECK-NOT: memref.alloc
// CHECK: gpu.launch
// CHECK: %[[LANE:.*]] = arith.remui %{{.*}}, %c16
// CHECK: %[[AT:.*]] = arith.muli %[[LANE]], %c4
// CHECK: %[[W:.*]] = arith.remui %[[AT]], %c8
// CHECK: %[[H:.*]] = arith.divui %[[AT]], %c8
// CHECK: vector.load %[[X]][%{{.*}}, %{{.*}}, %[[H]], %[[W]]] {{.*}} vector<4xf32>
// CHECK: gpu.shuffle
// CHECK: memref.store %{{.*}}, %[[Y]]
// CHECK-NOT: gpu.launch
// CHECK-NOT: linalg.
// CHECK: return
func.func @pools_planes(%x: memref<2x64x8x8xf32>, %y: memref<2x1x1x64xf32>) {
  %zero = arith.constant 0.0 : f32
  %t = memref.alloc() : memref<2x8x8x64xf32>
  %size = memref.alloc() : memref<8x8xf32>
  linalg.transpose ins(%x : memref<2x64x8x8xf32>) outs(%t : memref<2x8x8x64xf32>) permutation = [0, 2, 3, 1]
  linalg.fill ins(%zero : f32) outs(%y : memref<2x1x1x64xf32>)
  linalg.pooling_nhwc_sum ins(%t, %size : memref<2x8x8x64xf32>, memref<8x8xf32>) outs(%y : memref<2x1x1x64xf32>)
  return
}

// -----

// Windows that overlap read an element more than once, each in another row.
// CHECK-LABEL: func.func @pools_windows
// CHECK: memref.alloc
// CHECK: linalg.generic
// CHECK: gpu.launch
// CHECK: return
func.func @pools_windows(%x: memref<2x64x8x8xf32>, %y: memref<2x6x6x64xf32>) {
  %zero = arith.constant 0.0 : f32
  %t = memref.alloc() : memref<2x8x8x64xf32>
  %size = memref.alloc() : memref<3x3xf32>
  linalg.transpose ins(%x : memref<2x64x8x8xf32>) outs(%t : memref<2x8x8x64xf32>) permutation = [0, 2, 3, 1]
  linalg.fill ins(%zero : f32) outs(%y : memref<2x6x6x64xf32>)
  linalg.pooling_nhwc_sum ins(%t, %size : memref<2x8x8x64xf32>, memref<3x3xf32>) outs(%y : memref<2x6x6x64xf32>)
  return
}
