// One arena an entry point, one block of parameters a module.
// RUN: lig-opt %s -split-input-file -lig-plan-memory -verify-diagnostics | FileCheck %s

// The first buffer is dead when the third is born, so they share bytes.
// CHECK-LABEL: module @reuses_bytes attributes {share.params_bytes = 128 : i64}
module @reuses_bytes {
  // CHECK: share.param @a {share.offset = 0 : i64{{.*}}}
  // CHECK-NOT: @unused
  // CHECK: share.param @b {share.offset = 64 : i64{{.*}}}
  share.param @a : tensor<3xf32> = dense<1.0> : tensor<3xf32>
  share.param @unused : tensor<3xf32> = dense<3.0> : tensor<3xf32>
  share.param @b : tensor<4xf32> = dense<2.0> : tensor<4xf32>
  // CHECK: func.func @main
  // CHECK-SAME: %[[X:[^:]+]]: memref<16xf32> {net.name = "x"}, %[[Y:[^:]+]]: memref<16xf32> {net.output}
  // CHECK-SAME: %[[PARAMS:[^:]+]]: memref<128xi8>, %[[ARENA:[^:]+]]: memref<128xi8>, %{{[^:]+}}: memref<1xi64>) -> i32
  // CHECK-SAME: net.arena_bytes = 128 : i64
  // CHECK-DAG: %[[B:.+]] = memref.view %[[PARAMS]][%{{.+}}][] : memref<128xi8> to memref<4xf32>
  // CHECK-DAG: memref.view %[[PARAMS]][%{{.+}}][] : memref<128xi8> to memref<3xf32>
  // CHECK: %[[T1:.+]] = memref.view %[[ARENA]][%[[O1:.+]]][] : memref<128xi8> to memref<16xf32>
  // CHECK: %[[T2:.+]] = memref.view %[[ARENA]][%[[O2:.+]]][] : memref<128xi8> to memref<16xf32>
  // CHECK: %[[T3:.+]] = memref.view %[[ARENA]][%[[O3:.+]]][] : memref<128xi8> to memref<16xf32>
  // CHECK: %[[OK:.+]] = arith.constant 0 : i32
  // CHECK: return %[[OK]] : i32
  func.func @main(%x: memref<16xf32> {net.name = "x"}, %y: memref<16xf32> {net.output}) attributes {net.entry} {
    %a = share.address @a : memref<3xf32>
    %b = share.address @b : memref<4xf32>
    %c = arith.constant 0 : index
    %va = memref.load %a[%c] : memref<3xf32>
    memref.store %va, %y[%c] : memref<16xf32>
    %vb = memref.load %b[%c] : memref<4xf32>
    memref.store %vb, %y[%c] : memref<16xf32>
    %0 = memref.alloc() : memref<16xf32>
    memref.copy %x, %0 : memref<16xf32> to memref<16xf32>
    %1 = memref.alloc() : memref<16xf32>
    memref.copy %0, %1 : memref<16xf32> to memref<16xf32>
    %2 = memref.alloc() : memref<16xf32>
    memref.copy %1, %2 : memref<16xf32> to memref<16xf32>
    memref.copy %2, %y : memref<16xf32> to memref<16xf32>
    memref.dealloc %0 : memref<16xf32>
    return
  }
}

// -----

// Used in the loop, so live for all of it: the buffer made inside is elsewhere.
// CHECK-LABEL: module @keeps_across_loop
module @keeps_across_loop {
  // CHECK: net.arena_bytes = 128 : i64
  func.func @main(%x: memref<16xf32>, %y: memref<16xf32> {net.output}) attributes {net.entry} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %0 = memref.alloc() : memref<16xf32>
    memref.copy %x, %0 : memref<16xf32> to memref<16xf32>
    scf.for %i = %c0 to %c4 step %c1 {
      memref.copy %0, %y : memref<16xf32> to memref<16xf32>
      %1 = memref.alloc() : memref<16xf32>
      memref.copy %x, %1 : memref<16xf32> to memref<16xf32>
    }
    return
  }
}

// -----

// A size known only when it has run is stored for the caller.
// CHECK-LABEL: module @stores_dimensions
module @stores_dimensions {
  // CHECK: func.func @main
  // CHECK-SAME: %[[N:[^:]+]]: index, %{{[^:]+}}: memref<2x3xf32> {net.output}, %{{[^:]+}}: memref<5x4xf32> {net.dynamic_dims = [0], net.output}
  // CHECK-SAME: %[[DIMS:[^:]+]]: memref<4xi64>) -> i32
  // CHECK: %[[V:.+]] = arith.index_cast %[[N]] : index to i64
  // CHECK: %[[AT:.+]] = arith.constant 2 : index
  // CHECK: memref.store %[[V]], %[[DIMS]][%[[AT]]]
  func.func @main(%n: index, %a: memref<2x3xf32> {net.output}, %b: memref<5x4xf32> {net.output})
      -> (index {net.dim_of = [1, 0]}) attributes {net.entry} {
    return %n : index
  }
}

// -----

module @refuses_dynamic {
  func.func @main(%n: index) attributes {net.entry} {
    // expected-error @below {{has type 'memref<?xf32>', but a place in the arena needs a static size}}
    %0 = memref.alloc(%n) : memref<?xf32>
    return
  }
}

// -----

module @refuses_carried {
  func.func @main(%x: memref<4xf32>) attributes {net.entry} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %r = scf.for %i = %c0 to %c4 step %c1 iter_args(%s = %x) -> (memref<4xf32>) {
      // expected-error @below {{is carried by a loop to its own next step}}
      %1 = memref.alloc() : memref<4xf32>
      memref.copy %s, %1 : memref<4xf32> to memref<4xf32>
      scf.yield %1 : memref<4xf32>
    }
    return
  }
}

// -----

module @refuses_buffers_of_parallel_steps {
  func.func @main(%x: memref<4xf32>) attributes {net.entry} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    scf.parallel (%i) = (%c0) to (%c4) step (%c1) {
      // expected-error @below {{is wanted by every step of a parallel loop at the same time}}
      %1 = memref.alloc() : memref<4xf32>
      memref.copy %x, %1 : memref<4xf32> to memref<4xf32>
    }
    return
  }
}

// -----

// Only a header of the arena is zero when an entry point is called.
module @no_header {
  func.func @main(%y: memref<1xi32> {net.output}) attributes {net.entry} {
    // expected-error @below {{has no place in a header of}}
    %0 = memref.alloc() {lig.device_header = 4 : i64} : memref<1xi32>
    memref.copy %0, %y : memref<1xi32> to memref<1xi32>
    return
  }
}
