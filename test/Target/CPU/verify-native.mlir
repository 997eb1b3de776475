// RUN: lig-opt %s -split-input-file -lig-verify-native -verify-diagnostics

module @accepts_llvm {
  llvm.func @f() {
    llvm.return
  }
}

// -----

module @names_what_is_left {
  // expected-error@+1 {{'func.func' op breaks the contract of the native phase: it is not of the LLVM dialect}}
  func.func @f() {
    return
  }
}
