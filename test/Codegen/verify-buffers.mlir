// The contract of the memory phase.
// RUN: lig-opt %s -split-input-file -lig-verify-memory -verify-diagnostics

module @holds {
  func.func @main(%y: memref<4xf32> {net.output}, %params: memref<0xi8>, %arena: memref<0xi8>,
                  %dims: memref<1xi64>) -> i32 attributes {net.entry, net.arena_bytes = 0 : i64} {
    %ok = arith.constant 0 : i32
    return %ok : i32
  }
}

// -----

module @allocates {
  func.func @main(%params: memref<0xi8>, %arena: memref<0xi8>,
                  %dims: memref<0xi64>) -> i32 attributes {net.entry, net.arena_bytes = 0 : i64} {
    // expected-error @below {{'memref.alloc' may not be left after the memory phase: buffers should be}}
    %0 = memref.alloc() : memref<4xf32>
    %ok = arith.constant 0 : i32
    return %ok : i32
  }
}

// -----

module @signature {
  // expected-error @below {{an entry point should end in parameters, arena and dimensions}}
  func.func @main(%x: memref<4xf32>) attributes {net.entry} {
    return
  }
}
