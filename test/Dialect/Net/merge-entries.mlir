// One entry point that evaluates all.
// RUN: lig-opt %s -split-input-file -net-merge-entries | FileCheck %s
// RUN: lig-opt %s -split-input-file -net-merge-entries=name=both | FileCheck %s --check-prefix=NAME
// NAME-LABEL: module @heads
// NAME: func.func @both(

// Inputs of one name and type are one; outputs of one name are two.
// CHECK-LABEL: module @heads
module @heads {
  // CHECK: func.func @main(%[[X:.+]]: tensor<4xf32> {net.name = "x"}, %[[K:.+]]: tensor<2xi64> {net.name = "k"})
  // CHECK-SAME: -> (tensor<4xf32> {net.name = "a.y"}, tensor<4xf32> {net.name = "b.y"}, tensor<2xi64> {net.name = "z"}) attributes {net.entry}
  // CHECK: %[[S:.+]] = math.exp %[[X]]
  // CHECK: %[[T:.+]] = math.log %[[X]]
  // CHECK: return %[[S]], %[[T]], %[[K]]
  // CHECK-NOT: func.func
  func.func @a(%x: tensor<4xf32> {net.name = "x"}) -> (tensor<4xf32> {net.name = "y"}) attributes {net.entry} {
    %y = math.exp %x : tensor<4xf32>
    return %y : tensor<4xf32>
  }
  func.func @b(%k: tensor<2xi64> {net.name = "k"}, %x: tensor<4xf32> {net.name = "x"}) -> (tensor<4xf32> {net.name = "y"}, tensor<2xi64> {net.name = "z"}) attributes {net.entry} {
    %y = math.log %x : tensor<4xf32>
    return %y, %k : tensor<4xf32>, tensor<2xi64>
  }
}

// -----
// Inputs of one name that are not the same stay two; so do two of one model.
// CHECK-LABEL: module @clashes
module @clashes {
  // CHECK: func.func @main(%{{.+}}: tensor<4xi8> {net.name = "a.x"}, %{{.+}}: tensor<4xi8> {net.name = "b.x", net.unsigned}, %{{.+}}: tensor<5xi8> {net.name = "c.x"})
  func.func @a(%x: tensor<4xi8> {net.name = "x"}) -> (tensor<4xi8> {net.name = "ya"}) attributes {net.entry} { return %x : tensor<4xi8> }
  func.func @b(%x: tensor<4xi8> {net.name = "x", net.unsigned}) -> (tensor<4xi8> {net.name = "yb"}) attributes {net.entry} { return %x : tensor<4xi8> }
  func.func @c(%x: tensor<5xi8> {net.name = "x"}) -> (tensor<5xi8> {net.name = "yc"}) attributes {net.entry} { return %x : tensor<5xi8> }
}

// -----
// Extents follow their outputs, and the first status that is not 0 is returned.
// CHECK-LABEL: module @scalars
module @scalars {
  // CHECK: func.func @main(
  // CHECK-SAME: -> (tensor<4xi64> {net.name = "a.y"}, tensor<4xi64> {net.name = "b.y"}, index {net.dim_of = [0, 0]}, index {net.dim_of = [1, 0]}, i32 {net.status})
  // CHECK: %[[A:.+]] = tensor.extract
  // CHECK: %[[B:.+]] = tensor.extract
  // CHECK: %[[OK:.+]] = arith.constant 0 : i32
  // CHECK: %[[PASSED:.+]] = arith.cmpi eq, %[[A]], %[[OK]]
  // CHECK: %[[FIRST:.+]] = arith.select %[[PASSED]], %[[B]], %[[A]]
  // CHECK: return {{.*}}, %[[FIRST]]
  func.func @a(%x: tensor<4xi64> {net.name = "x"}, %s: tensor<i32> {net.name = "s"}) -> (tensor<4xi64> {net.name = "y"}, index {net.dim_of = [0, 0]}, i32 {net.status}) attributes {net.entry} {
    %n = arith.constant 3 : index
    %status = tensor.extract %s[] : tensor<i32>
    return %x, %n, %status : tensor<4xi64>, index, i32
  }
  func.func @b(%x: tensor<4xi64> {net.name = "x"}, %s: tensor<i32> {net.name = "t"}) -> (tensor<4xi64> {net.name = "y"}, index {net.dim_of = [0, 0]}, i32 {net.status}) attributes {net.entry} {
    %n = arith.constant 2 : index
    %status = tensor.extract %s[] : tensor<i32>
    return %x, %n, %status : tensor<4xi64>, index, i32
  }
}

// -----
// One entry point is left alone, and so is what is none.
// CHECK-LABEL: module @alone
module @alone {
  // CHECK: func.func @only(
  func.func @only(%x: tensor<4xi8> {net.name = "x"}) -> (tensor<4xi8> {net.name = "y"}) attributes {net.entry} { return %x : tensor<4xi8> }
  // CHECK: func.func private @helper(
  func.func private @helper(%x: tensor<4xi8>) -> tensor<4xi8> { return %x : tensor<4xi8> }
}
