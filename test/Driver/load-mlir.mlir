// Public functions on tensors become entry points, their values get names, and
// tosa becomes linalg.
// RUN: ligc %s --compile-to=import -o - | FileCheck %s

// CHECK: module attributes {net.phase = "import"}
// CHECK: func.func @first(%{{.+}}: tensor<4xf32> {net.name = "in0"}) -> (tensor<4xf32> {net.name = "out0"}) attributes {net.entry}
func.func @first(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NOT: tosa
  // CHECK: linalg.generic
  %y = tosa.add %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
// A name that is given stays.
// CHECK: func.func @second(%{{.+}}: tensor<4xf32> {net.name = "mine"}) -> (tensor<4xf32> {net.name = "out0"}) attributes {net.entry}
func.func @second(%x: tensor<4xf32> {net.name = "mine"}) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
