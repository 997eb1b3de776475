// RUN: lig-opt %s -split-input-file -lig-cpu-wrap-entries -verify-diagnostics | FileCheck %s

// Two inputs, one output, then parameters, arena and dimensions.
// CHECK-LABEL: module @loads_pointers_in_order
module @loads_pointers_in_order {
  // CHECK: llvm.func internal @f(%{{[^:]+}}: !llvm.ptr {llvm.noalias, llvm.noundef, llvm.readonly}, %{{[^:]+}}: !llvm.ptr {llvm.noalias, llvm.noundef, llvm.readonly}, %{{[^:]+}}: !llvm.ptr {llvm.noalias, llvm.noundef}, %{{[^:]+}}: !llvm.ptr {llvm.noalias, llvm.noundef}
  llvm.func @f(%a: !llvm.ptr, %b: !llvm.ptr, %y: !llvm.ptr {net.output},
               %params: !llvm.ptr, %arena: !llvm.ptr, %dims: !llvm.ptr,
               %parallel: !llvm.ptr) -> i32 attributes {net.entry} {
    %0 = llvm.mlir.constant(0 : i32) : i32
    llvm.return %0 : i32
  }
  // CHECK: llvm.func @f_run(%[[IN:[^:]+]]: !llvm.ptr, %[[OUT:[^:]+]]: !llvm.ptr, %[[P:[^:]+]]: !llvm.ptr, %[[A:[^:]+]]: !llvm.ptr, %[[D:[^:]+]]: !llvm.ptr, %[[T:[^:]+]]: !llvm.ptr) -> i32
  // CHECK: %[[AT0:.+]] = llvm.getelementptr %[[IN]][0]
  // CHECK: %[[X0:.+]] = llvm.load %[[AT0]]
  // CHECK: %[[AT1:.+]] = llvm.getelementptr %[[IN]][1]
  // CHECK: %[[X1:.+]] = llvm.load %[[AT1]]
  // CHECK: %[[ATY:.+]] = llvm.getelementptr %[[OUT]][0]
  // CHECK: %[[Y:.+]] = llvm.load %[[ATY]]
  // CHECK: %[[S:.+]] = llvm.call @f(%[[X0]], %[[X1]], %[[Y]], %[[P]], %[[A]], %[[D]], %[[T]])
  // CHECK: llvm.return %[[S]]
}

// -----

// CHECK-LABEL: module @leaves_helpers_alone
module @leaves_helpers_alone {
  // CHECK: llvm.func @helper
  // CHECK-NOT: _run
  llvm.func @helper(%a: !llvm.ptr) {
    llvm.return
  }
}

// -----

module @refuses_values {
  // expected-error@+1 {{is an entry point, but takes a 'i64' where a pointer belongs}}
  llvm.func @f(%n: i64, %params: !llvm.ptr, %arena: !llvm.ptr, %dims: !llvm.ptr,
               %parallel: !llvm.ptr) -> i32 attributes {net.entry} {
    %0 = llvm.mlir.constant(0 : i32) : i32
    llvm.return %0 : i32
  }
}
