// Products of words as the machine's instructions, or without any.
// RUN: lig-opt %s -split-input-file "-lig-cpu-expand-dots=dots=vnni" | FileCheck %s --check-prefixes=CHECK,VNNI
// RUN: lig-opt %s -split-input-file "-lig-cpu-expand-dots=dots=pairs" | FileCheck %s --check-prefixes=CHECK,PAIRS
// RUN: lig-opt %s -split-input-file "-lig-cpu-expand-dots=dots=ssse3" | FileCheck %s --check-prefixes=CHECK,SSSE3
// RUN: lig-opt %s -split-input-file "-lig-cpu-expand-dots=dots=neon" | FileCheck %s --check-prefixes=CHECK,NEON
// RUN: lig-opt %s -split-input-file -lig-cpu-expand-dots | FileCheck %s --check-prefixes=CHECK,NONE
// RUN: not lig-opt %s -split-input-file "-lig-cpu-expand-dots=dots=sums" 2>&1 | FileCheck %s --check-prefix=WRONG
// WRONG: there are no products of words called 'sums', only none, pairs, ssse3, vnni and neon

// CHECK-LABEL: func.func @pairs
// VNNI: %[[X:.+]] = vector.bitcast %arg1 : vector<8xi32> to vector<16xi16>
// VNNI: %[[Y:.+]] = vector.bitcast %arg2 : vector<8xi32> to vector<16xi16>
// VNNI: %[[P:.+]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"(%[[X]], %[[Y]])
// VNNI: arith.addi %arg0, %[[P]]
// PAIRS: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// NEON-NOT: llvm.call_intrinsic
// NEON: arith.muli
// NONE: arith.shrsi
// NONE: arith.muli
func.func @pairs(%acc: vector<8xi32>, %a: vector<8xi32>, %b: vector<8xi32>) -> vector<8xi32> {
  %0 = net.dot pairs %acc, %a, %b : vector<8xi32>, vector<8xi32>
  return %0 : vector<8xi32>
}

// CHECK-LABEL: func.func @mixed
// VNNI: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%arg0, %{{.+}}, %{{.+}}) : (vector<16xi32>, vector<64xi8>, vector<64xi8>) -> vector<16xi32>
// PAIRS-NOT: llvm.call_intrinsic
// PAIRS: arith.shrui
// PAIRS: arith.shrsi
// NONE: arith.shrui
func.func @mixed(%acc: vector<16xi32>, %a: vector<16xi32>, %b: vector<16xi32>) -> vector<16xi32> {
  %0 = net.dot mixed_bytes %acc, %a, %b : vector<16xi32>, vector<16xi32>
  return %0 : vector<16xi32>
}

// Whoever has proved that two products fit 16 bits says so.
// CHECK-LABEL: func.func @fitting
// SSSE3: %[[TWOS:.+]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"(%{{.+}}, %{{.+}}) : (vector<32xi8>, vector<32xi8>) -> vector<16xi16>
// SSSE3: %[[ONES:.+]] = arith.constant dense<1> : vector<16xi16>
// SSSE3: %[[SUM:.+]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"(%[[TWOS]], %[[ONES]])
// SSSE3: arith.addi %arg0, %[[SUM]]
// PAIRS-NOT: llvm.call_intrinsic
// PAIRS: arith.shrui
func.func @fitting(%acc: vector<8xi32>, %a: vector<8xi32>, %b: vector<8xi32>) -> vector<8xi32> {
  %0 = net.dot mixed_bytes %acc, %a, %b {net.pairs_fit} : vector<8xi32>, vector<8xi32>
  return %0 : vector<8xi32>
}

// CHECK-LABEL: func.func @bytes
// NEON: llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"
// VNNI-NOT: llvm.call_intrinsic
func.func @bytes(%acc: vector<4xi32>, %a: vector<4xi32>, %b: vector<4xi32>) -> vector<4xi32> {
  %0 = net.dot bytes %acc, %a, %b : vector<4xi32>, vector<4xi32>
  return %0 : vector<4xi32>
}

// CHECK-LABEL: func.func @floats
// CHECK: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"(%arg0, %{{.+}}, %{{.+}}) : (vector<16xf32>, vector<32xbf16>, vector<32xbf16>) -> vector<16xf32>
func.func @floats(%acc: vector<16xf32>, %a: vector<16xi32>, %b: vector<16xi32>) -> vector<16xf32> {
  %0 = net.dot bf16 %acc, %a, %b : vector<16xf32>, vector<16xi32>
  return %0 : vector<16xf32>
}

// A loop of such sums is not unrolled.
// CHECK-LABEL: func.func @loop
// VNNI: } {llvm.loop_annotation = #{{.+}}}
// PAIRS: } {llvm.loop_annotation = #{{.+}}}
// NONE-NOT: loop_annotation
func.func @loop(%acc: vector<8xi32>, %a: memref<64xi32>, %b: vector<8xi32>) -> vector<8xi32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %end = arith.constant 8 : index
  %0 = scf.for %i = %zero to %end step %one iter_args(%sum = %acc) -> vector<8xi32> {
    %x = vector.load %a[%i] : memref<64xi32>, vector<8xi32>
    %next = net.dot pairs %sum, %x, %b : vector<8xi32>, vector<8xi32>
    scf.yield %next : vector<8xi32>
  }
  return %0 : vector<8xi32>
}

// One word, and two bytes that become numbers of 16 bits.
// CHECK-LABEL: func.func @scalar
// CHECK: arith.ori
// CHECK: arith.muli
func.func @scalar(%acc: i32, %a: i32, %b: i16) -> i32 {
  %w = net.widen %b : i16 to i32
  %0 = net.dot pairs %acc, %a, %w : i32, i32
  return %0 : i32
}

// CHECK-LABEL: func.func @widen
// CHECK: %[[B:.+]] = vector.bitcast %arg0 : vector<8xi16> to vector<16xi8>
// CHECK: %[[W:.+]] = arith.extsi %[[B]] : vector<16xi8> to vector<16xi16>
// CHECK: vector.bitcast %[[W]] : vector<16xi16> to vector<8xi32>
func.func @widen(%b: vector<8xi16>) -> vector<8xi32> {
  %0 = net.widen %b : vector<8xi16> to vector<8xi32>
  return %0 : vector<8xi32>
}
