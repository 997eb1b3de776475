// After the kernel phase there are loops on vectors of the machine's width.
// DEFINE: %{before} = lig-opt %src_root/test/Tools/ligc/Inputs/conv.mlir -lig-phase-net
// RUN: %{before} | lig-opt '-lig-phase-kernel=vector-bits=512' | FileCheck %s --check-prefixes=CHECK,W512
// RUN: %{before} | lig-opt '-lig-phase-kernel=vector-bits=128' | FileCheck %s --check-prefixes=CHECK,W128
// CHECK: net.phase = "kernel"
// CHECK-NOT: linalg.
// CHECK-NOT: tensor.
// CHECK: share.address
// CHECK: scf.for
// W512: vector.fma {{.*}} : vector<16xf32>
// W128: vector.fma {{.*}} : vector<4xf32>
// CHECK-NOT: linalg.
// RUN: %{before} | lig-opt '-lig-phase-kernel=fma=false' | FileCheck %s --check-prefix=TWO
// TWO-NOT: vector.fma
// TWO: arith.mulf {{.*}} : vector<8xf32>
// TWO-NOT: vector.fma
