// RUN: lig-opt %s -split-input-file -lig-cpu-call-tasks -verify-diagnostics | FileCheck %s

// The threads go down from the entry point by way of a helper.
// CHECK-LABEL: module @calls_through_threads
module @calls_through_threads {
  // CHECK: llvm.func internal @t_part(%[[ARGS:[^:]+]]: !llvm.ptr, %[[BEGIN:[^:]+]]: i64, %[[END:[^:]+]]: i64)
  // CHECK: %[[PLACE:.+]] = llvm.getelementptr %[[ARGS]][0, 0]
  // CHECK: %[[X:.+]] = llvm.load %[[PLACE]]
  // CHECK: llvm.call @t(%[[X]], %[[BEGIN]], %[[END]])
  // CHECK: llvm.func @t(%{{[^:]+}}: !llvm.ptr, %{{[^:]+}}: i64, %{{[^:]+}}: i64) {
  llvm.func @t(%x: !llvm.ptr, %begin: i64, %end: i64) attributes {net.task} {
    llvm.return
  }
  // CHECK: llvm.func @helper(%[[H:[^:]+]]: !llvm.ptr, %[[THREADS:[^:]+]]: !llvm.ptr)
  llvm.func @helper(%x: !llvm.ptr) {
    %0 = llvm.mlir.constant(0 : i64) : i64
    %9 = llvm.mlir.constant(9 : i64) : i64
    // CHECK: %[[STRUCT:.+]] = llvm.alloca
    // CHECK: %[[COUNT:.+]] = llvm.mlir.constant(9 : i64)
    // CHECK: %[[NULL:.+]] = llvm.mlir.zero : !llvm.ptr
    // CHECK: %[[ALONE:.+]] = llvm.icmp "eq" %[[THREADS]], %[[NULL]]
    // CHECK: llvm.cond_br %[[ALONE]], ^[[BB1:bb[0-9]+]], ^[[BB2:bb[0-9]+]]
    // CHECK: ^[[BB1]]:
    // CHECK: llvm.call @t(%[[H]]
    // CHECK: llvm.br ^[[BB3:bb[0-9]+]]
    // CHECK: ^[[BB2]]:
    // CHECK: llvm.store %[[H]]
    // CHECK: %[[CALL:.+]] = llvm.load %[[THREADS]]
    // CHECK: %[[PART:.+]] = llvm.mlir.addressof @t_part
    // CHECK: llvm.call %[[CALL]](%[[THREADS]], %[[PART]], %[[STRUCT]], %[[COUNT]])
    llvm.call @t(%x, %0, %9) : (!llvm.ptr, i64, i64) -> ()
    llvm.return
  }
  // CHECK: llvm.func @f(%[[IN:[^:]+]]: !llvm.ptr, %[[T:[^:]+]]: !llvm.ptr)
  llvm.func @f(%x: !llvm.ptr) attributes {net.entry} {
    // CHECK: llvm.call @helper(%[[IN]], %[[T]])
    llvm.call @helper(%x) : (!llvm.ptr) -> ()
    llvm.return
  }
}

// -----

// Entry points have one signature, whether they use threads or not.
// CHECK-LABEL: module @entry_without_tasks
module @entry_without_tasks {
  // CHECK: llvm.func @g(%{{[^:]+}}: !llvm.ptr) {
  llvm.func @g(%x: !llvm.ptr) {
    llvm.return
  }
  // CHECK: llvm.func @f(%{{[^:]+}}: !llvm.ptr, %{{[^:]+}}: !llvm.ptr)
  llvm.func @f(%x: !llvm.ptr) attributes {net.entry} {
    // CHECK: llvm.call @g(%{{[^,]+}}) : (!llvm.ptr)
    llvm.call @g(%x) : (!llvm.ptr) -> ()
    llvm.return
  }
}

// -----

// Members of a team are handed what they divide its tasks with.
// CHECK-LABEL: module @calls_a_team
module @calls_a_team {
  // CHECK: llvm.func internal @t_part(%{{[^:]+}}: !llvm.ptr, %[[B:[^:]+]]: i64, %[[E:[^:]+]]: i64)
  llvm.func @t(%x: !llvm.ptr, %begin: i64, %end: i64) attributes {net.task} {
    llvm.return
  }
  // CHECK: llvm.func internal @team_part(%[[ARGS:[^:]+]]: !llvm.ptr, %[[MEMBER:[^:]+]]: !llvm.ptr)
  // CHECK: %[[PLACE:.+]] = llvm.getelementptr %[[ARGS]][0, 0]
  // CHECK: %[[X:.+]] = llvm.load %[[PLACE]]
  // CHECK: llvm.call @team(%[[X]], %[[MEMBER]])
  // CHECK: llvm.func @team(%{{[^:]+}}: !llvm.ptr, %[[OWN:[^:]+]]: !llvm.ptr) {
  llvm.func @team(%x: !llvm.ptr) attributes {net.team} {
    %0 = llvm.mlir.constant(0 : i64) : i64
    %9 = llvm.mlir.constant(9 : i64) : i64
    // CHECK: %[[SHARE:.+]] = llvm.load %[[OWN]]
    // CHECK: llvm.call %[[SHARE]](%[[OWN]]
    llvm.call @t(%x, %0, %9) : (!llvm.ptr, i64, i64) -> ()
    llvm.return
  }
  // CHECK: llvm.func @f(%[[IN:[^:]+]]: !llvm.ptr, %[[THREADS:[^:]+]]: !llvm.ptr)
  llvm.func @f(%x: !llvm.ptr) attributes {net.entry} {
    // CHECK: llvm.call @team(%[[IN]], %[[THREADS]])
    // CHECK: %[[FIELD:.+]] = llvm.getelementptr %[[THREADS]][0, 2]
    // CHECK: %[[RUN_TEAM:.+]] = llvm.load %[[FIELD]]
    // CHECK: %[[PART:.+]] = llvm.mlir.addressof @team_part
    // CHECK: llvm.call %[[RUN_TEAM]](%[[THREADS]], %[[PART]], %{{.+}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr) -> ()
    llvm.call @team(%x) : (!llvm.ptr) -> ()
    llvm.return
  }
}

// -----

module @refuses_teams_of_members {
  llvm.func @inner(%x: !llvm.ptr) attributes {net.team} {
    llvm.return
  }
  llvm.func @outer(%x: !llvm.ptr) attributes {net.team} {
    // expected-error@+1 {{calls a team, but not from an entry point}}
    llvm.call @inner(%x) : (!llvm.ptr) -> ()
    llvm.return
  }
}

// -----

module @refuses_tasks_without_a_part {
  // expected-error@+1 {{is a task, but does not end in two i64 arguments}}
  llvm.func @t(%x: !llvm.ptr, %end: i64) attributes {net.task} {
    llvm.return
  }
}

// -----

module @refuses_tasks_that_call_tasks {
  llvm.func @inner(%begin: i64, %end: i64) attributes {net.task} {
    llvm.return
  }
  // expected-error@+1 {{is a task, but calls a task itself}}
  llvm.func @outer(%begin: i64, %end: i64) attributes {net.task} {
    llvm.call @inner(%begin, %end) : (i64, i64) -> ()
    llvm.return
  }
}
