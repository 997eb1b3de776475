// Attention in blocks of queries and keys, each thread with buffers of its own.
// RUN: lig-opt %s -split-input-file "-lig-cpu-tile-attention=rows=32 keys=96" | FileCheck %s
// RUN: lig-opt %s -split-input-file "-lig-cpu-tile-attention=rows=8 keys=16" | FileCheck %s --check-prefix=SMALL
// RUN: lig-opt %s -split-input-file -lig-cpu-tile-attention -lig-cpu-emit-kernels | FileCheck %s --check-prefix=KERNELS
// RUN: lig-opt %s -split-input-file "-lig-cpu-tile-attention=rows=2 keys=2" | FileCheck %s --check-prefix=BAND

#q = affine_map<(b, m, n, d, e) -> (b, m, d)>
#k = affine_map<(b, m, n, d, e) -> (n, d)>
#v = affine_map<(b, m, n, d, e) -> (n, e)>
#o = affine_map<(b, m, n, d, e) -> (m, b, e)>

// Keys and values, which all heads share, are laid out once: a block of 96 and four.
// Then two heads of two blocks of queries, and two of the queries that are left.
// CHECK-LABEL: func.func @main
// CHECK: %[[KEYS:.+]] = memref.alloc() : memref<1x4x96xf32>
// CHECK: linalg.generic {{.*}} ins(%arg1 : memref<100x4xf32>) outs(%[[KEYS]]
// CHECK: memref.alloc() : memref<1x4x4xf32>
// CHECK: %[[VALUES:.+]] = memref.alloc() : memref<1x96x5xf32>
// CHECK: linalg.generic {{.*}} ins(%arg2 : memref<100x5xf32>) outs(%[[VALUES]]
// CHECK: memref.alloc() : memref<1x4x5xf32>
// CHECK: scf.parallel (%{{.+}}) = (%c0{{.*}}) to (%c4{{.*}})
// CHECK: memref.subview %arg0[%{{.+}}, %{{.+}}, 0] [1, 32, 4]
// CHECK: %[[QUERIES:.+]] = memref.alloca() {alignment = 64 : i64} : memref<32x4xf32>
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<32x96xf32>
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<32x5xf32>
// CHECK: %[[REST:.+]] = memref.alloca() {alignment = 64 : i64} : memref<32x4xf32>
// CHECK: linalg.fill ins(%cst{{.*}} : f32)
// CHECK: scf.for
// CHECK: linalg.generic {{.*}} ins(%[[QUERIES]],
// CHECK: arith.maximumf
// CHECK: linalg.fill {{.*}} outs(%[[REST]]
// CHECK: arith.divf
// CHECK: scf.parallel (%{{.+}}) = (%c0{{.*}}) to (%c2{{.*}})
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<6x96xf32>
// CHECK-NOT: net.attention
// SMALL-LABEL: func.func @main
// SMALL: memref.alloc() : memref<6x4x16xf32>
// SMALL: scf.parallel (%{{.+}}) = (%c0{{.*}}) to (%c16{{.*}})
// What is in a loop that threads share has none of its own.
// KERNELS-LABEL: func.func @main
// KERNELS: scf.parallel
// KERNELS: call @kernel
// KERNELS: func.func private @kernel
// KERNELS-NOT: scf.parallel
func.func @main(%q: memref<2x70x4xf32>, %k: memref<100x4xf32>, %v: memref<100x5xf32>, %o: memref<70x2x5xf32>) {
  net.attention %q, %k, %v into %o maps [#q, #k, #v, #o] {
  ^bb0(%score: f32, %m: index, %n: index):
    %two = arith.constant 2.0 : f32
    %x = arith.mulf %score, %two : f32
    net.yield %x : f32
  } : memref<2x70x4xf32>, memref<100x4xf32>, memref<100x5xf32> into memref<70x2x5xf32>
  return
}

// -----

// The region may ask where a score is: a causal mask without a table.
// CHECK-LABEL: func.func @causal
// KERNELS-LABEL: func.func @causal
// CHECK: %[[START:.+]] = arith.addi
// CHECK: linalg.index 0
// CHECK: arith.cmpi uge
func.func @causal(%q: memref<64x4xf32>, %k: memref<192x4xf32>, %v: memref<192x4xf32>, %o: memref<64x4xf32>) {
  net.attention %q, %k, %v into %o
      maps [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
            affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>] {
  ^bb0(%score: f32, %m: index, %n: index):
    %low = arith.constant 0xFF800000 : f32
    %sees = arith.cmpi uge, %m, %n : index
    %x = arith.select %sees, %score, %low : f32
    net.yield %x : f32
  } : memref<64x4xf32>, memref<192x4xf32>, memref<192x4xf32> into memref<64x4xf32>
  return
}

// -----

// Places are compared: none before the query's own and the one behind it.
// BAND-LABEL: func.func @compares_places
// BAND: scf.parallel
// BAND: %[[FIRST:.+]] = arith.subi %[[START:.+]], %c1{{.*}} :
// BAND: %[[LAST:.+]] = arith.addi %[[START]], %c2{{.*}} :
// BAND: arith.minsi %[[LAST]], %c5{{.*}} :
func.func @compares_places(%q: memref<4x4xf32>, %k: memref<6x4xf32>, %v: memref<6x4xf32>, %o: memref<4x4xf32>) {
  net.attention %q, %k, %v into %o
      maps [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
            affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>] {
  ^bb0(%score: f32, %m: index, %n: index):
    %low = arith.constant 0xFF800000 : f32
    %one = arith.constant 1 : i64
    %five = arith.constant 5 : i64
    %row = arith.index_cast %m : index to i64
    %key = arith.index_cast %n : index to i64
    %next = arith.addi %key, %one : i64
    %ahead = arith.cmpi sgt, %key, %row : i64
    %behind = arith.cmpi slt, %next, %row : i64
    %late = arith.cmpi sge, %key, %five : i64
    %far = arith.ori %ahead, %behind : i1
    %hidden = arith.ori %far, %late : i1
    %x = arith.select %hidden, %low, %score : f32
    net.yield %x : f32
  } : memref<4x4xf32>, memref<6x4xf32>, memref<6x4xf32> into memref<4x4xf32>
  return
}

// -----

// What hides is a number: blocks behind are looked at where no score is far
// above it.
// BAND-LABEL: module @hides_by_a_number
// BAND: scf.parallel
// BAND: scf.for
// BAND: %[[LEAST:.+]] = memref.load
// BAND: %[[NEEDS:.+]] = arith.cmpf ule, %[[LEAST]], %{{.+}}
// BAND: scf.if %[[NEEDS]]
// BAND: scf.for
// BAND: scf.if
module @hides_by_a_number {
  share.param @mask : tensor<4x4xi1> = dense<[[true, false, false, false], [true, true, false, false], [true, true, true, false], [true, true, true, true]]> : tensor<4x4xi1>
  func.func @main(%q: memref<4x4xf32>, %k: memref<4x4xf32>, %v: memref<4x4xf32>, %o: memref<4x4xf32>) {
    %mask = share.address @mask : memref<4x4xi1>
    net.attention %q, %k, %v, %mask into %o
        maps [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
              affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, n)>,
              affine_map<(m, n, d, e) -> (m, e)>] {
    ^bb0(%score: f32, %in: i1, %m: index, %n: index):
      %low = arith.constant -1.0e+9 : f32
      %x = arith.select %in, %score, %low : f32
      net.yield %x : f32
    } : memref<4x4xf32>, memref<4x4xf32>, memref<4x4xf32>, memref<4x4xi1> into memref<4x4xf32>
    return
  }
}

// -----

// A number that does not hide, and one that is added to afterwards.
// BAND-LABEL: func.func @hides_nothing
// BAND: scf.parallel
// BAND-NOT: arith.minsi
// BAND: return
func.func @hides_nothing(%q: memref<4x4xf32>, %k: memref<4x4xf32>, %v: memref<4x4xf32>, %o: memref<4x4xf32>) {
  net.attention %q, %k, %v into %o
      maps [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
            affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>] {
  ^bb0(%score: f32, %m: index, %n: index):
    %near = arith.constant -5.0 : f32
    %far = arith.constant -1.0e+9 : f32
    %sees = arith.cmpi uge, %m, %n : index
    %x = arith.select %sees, %score, %far : f32
    %y = arith.addf %x, %score : f32
    %z = arith.select %sees, %y, %near : f32
    net.yield %z : f32
  } : memref<4x4xf32>, memref<4x4xf32>, memref<4x4xf32> into memref<4x4xf32>
  return
}

// -----

// No query sees a key ahead of it, and none more than one behind: blocks of keys
// from the one that has the key before the first query to the last query's own.
// BAND-LABEL: module @window
// BAND: scf.parallel
// BAND: %[[FIRST:.+]] = arith.subi %[[START:.+]], %c1{{.*}} :
// BAND: %[[BEGIN:.+]] = arith.maxsi %[[FIRST]], %c0{{.*}} :
// BAND: %[[LAST:.+]] = arith.addi %[[START]], %c2{{.*}} :
// BAND: arith.minsi %[[LAST]], %c4{{.*}} :
// BAND: arith.divui %[[BEGIN]], %c2{{.*}} :
// BAND: arith.ceildivui
// BAND: arith.minui
// BAND: scf.for
module @window {
  share.param @mask : tensor<4x4xf32> = dense<[[0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000, 0xFF800000], [0xFF800000, 0.0, 1.0, 0xFF800000], [0xFF800000, 0xFF800000, 2.0, 0.0]]> : tensor<4x4xf32>
  func.func @main(%q: memref<4x4xf32>, %k: memref<4x4xf32>, %v: memref<4x4xf32>, %o: memref<4x4xf32>) {
    %mask = share.address @mask : memref<4x4xf32>
    net.attention %q, %k, %v, %mask into %o
        maps [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
              affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, n)>,
              affine_map<(m, n, d, e) -> (m, e)>] {
    ^bb0(%score: f32, %in: f32, %m: index, %n: index):
      %x = arith.addf %score, %in : f32
      net.yield %x : f32
    } : memref<4x4xf32>, memref<4x4xf32>, memref<4x4xf32>, memref<4x4xf32> into memref<4x4xf32>
    return
  }
}

// -----

// Numbers that are added hide where products are so small that they stay far
// below: columns of keys are bounded once, those of queries for each block, and
// what products may be is twice that of their sums of products, and 1 % more.
// BAND-LABEL: module @adds_a_number
// BAND: %[[KEYS:.+]] = memref.alloc() : memref<3xf32>
// BAND: linalg.generic {{.*}} ins(%arg1 : memref<4x3xf32>) outs(%[[KEYS]] : memref<3xf32>)
// BAND: arith.maximumf
// BAND: scf.parallel
// BAND: arith.minsi
// BAND: scf.for
// BAND: %[[LEAST:.+]] = memref.load
// BAND: linalg.generic {{.*}} outs(%[[QUERIES:.+]] : memref<3xf32>)
// BAND: %[[OWN:.+]] = memref.subview %[[KEYS]][0] [3] [1]
// BAND: linalg.generic {{.*}} ins(%[[QUERIES]], %[[OWN]] :
// BAND: %[[BOUND:.+]] = memref.load
// BAND: %[[PRODUCT:.+]] = arith.mulf %[[BOUND]], %[[TWICE:.+]] : f32
// BAND: %[[SCORE:.+]] = arith.addf %[[PRODUCT]], %[[HIDDEN:.+]] : f32
// BAND: %[[LIMIT:.+]] = arith.addf %[[SCORE]], %{{.+}} : f32
// BAND: %[[NEEDS:.+]] = arith.cmpf ule, %[[LEAST]], %[[LIMIT]]
// BAND: scf.if %[[NEEDS]]
module @adds_a_number {
  share.param @mask : tensor<4x4xf32> = dense<[[0.0, -1.0e+4, -1.0e+4, -1.0e+4], [0.0, 0.0, -2.0e+4, -1.0e+4], [0.0, 0.0, 0.0, -1.0e+4], [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32>
  func.func @main(%q: memref<4x3xf32>, %k: memref<4x3xf32>, %v: memref<4x4xf32>, %o: memref<4x4xf32>) {
    %mask = share.address @mask : memref<4x4xf32>
    net.attention %q, %k, %v, %mask into %o
        maps [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
              affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, n)>,
              affine_map<(m, n, d, e) -> (m, e)>] {
    ^bb0(%score: f32, %in: f32, %m: index, %n: index):
      %half = arith.constant -5.0e-1 : f32
      %scaled = arith.divf %score, %half : f32
      %x = arith.addf %scaled, %in : f32
      net.yield %x : f32
    } : memref<4x3xf32>, memref<4x3xf32>, memref<4x4xf32>, memref<4x4xf32> into memref<4x4xf32>
    return
  }
}

// -----

// Nothing bounds what else is added, and -100 is not far below.
// BAND-LABEL: module @adds_unknown
// BAND: scf.parallel
// BAND-NOT: arith.cmpf ule
// BAND: return
// BAND-LABEL: func.func @adds_little
// BAND: scf.parallel
// BAND-NOT: arith.cmpf ule
// BAND: return
module @adds_unknown {
  share.param @far : tensor<4x4xf32> = dense<[[0.0, -1.0e+4, -1.0e+4, -1.0e+4], [0.0, 0.0, -1.0e+4, -1.0e+4], [0.0, 0.0, 0.0, -1.0e+4], [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32>
  share.param @near : tensor<4x4xf32> = dense<[[0.0, -1.0e+2, -1.0e+2, -1.0e+2], [0.0, 0.0, -1.0e+2, -1.0e+2], [0.0, 0.0, 0.0, -1.0e+2], [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32>
  func.func @main(%q: memref<4x4xf32>, %k: memref<4x4xf32>, %v: memref<4x4xf32>, %own: memref<4x4xf32>, %o: memref<4x4xf32>) {
    %mask = share.address @far : memref<4x4xf32>
    net.attention %q, %k, %v, %mask, %own into %o
        maps [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
              affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, n)>,
              affine_map<(m, n, d, e) -> (m, n)>, affine_map<(m, n, d, e) -> (m, e)>] {
    ^bb0(%score: f32, %in: f32, %other: f32, %m: index, %n: index):
      %y = arith.addf %score, %other : f32
      %x = arith.addf %y, %in : f32
      net.yield %x : f32
    } : memref<4x4xf32>, memref<4x4xf32>, memref<4x4xf32>, memref<4x4xf32>, memref<4x4xf32> into memref<4x4xf32>
    return
  }
  func.func @adds_little(%q: memref<4x4xf32>, %k: memref<4x4xf32>, %v: memref<4x4xf32>, %o: memref<4x4xf32>) {
    %mask = share.address @near : memref<4x4xf32>
    net.attention %q, %k, %v, %mask into %o
        maps [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
              affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, n)>,
              affine_map<(m, n, d, e) -> (m, e)>] {
    ^bb0(%score: f32, %in: f32, %m: index, %n: index):
      %x = arith.addf %score, %in : f32
      net.yield %x : f32
    } : memref<4x4xf32>, memref<4x4xf32>, memref<4x4xf32>, memref<4x4xf32> into memref<4x4xf32>
    return
  }
}
