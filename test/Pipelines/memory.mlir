// After the memory phase an entry point takes pointers and allocates nothing.
// RUN: lig-opt %src_root/test/Tools/ligc/Inputs/conv.mlir -lig-phase-net -lig-phase-kernel -lig-phase-memory | FileCheck %s
// CHECK: net.phase = "memory"
// CHECK-SAME: share.params_bytes
// CHECK: share.param {{.*}}share.offset = 0
// CHECK: func.func @main(%{{.+}}: memref<1x32x16x16xf32>{{.*}}, %{{.+}}: memref<1x64x16x16xf32> {{.*}}net.output{{.*}}, %{{.+}}: memref<{{[0-9]+}}xi8>, %{{.+}}: memref<{{[0-9]+}}xi8>, %{{.+}}: memref<{{[0-9]+}}xi64>) -> i32
// CHECK-NOT: memref.alloc
