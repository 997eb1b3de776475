// States that are always widened from bytes are bytes.
// RUN: lig-opt %s -split-input-file -net-narrow-states | FileCheck %s

#id = affine_map<(m) -> (m)>

// CHECK-LABEL: module @bytes
// CHECK: %[[LAST:.+]] = net.scan {{.*}} init(%arg0 : tensor<4xi8>)
// CHECK: ^bb0(%{{.+}}: index, %[[STATE:.+]]: tensor<4xi8>
// CHECK: %[[WIDE:.+]] = linalg.generic {{.*}} ins(%[[STATE]] : tensor<4xi8>)
// CHECK: arith.subi
// CHECK: %[[NEXT:.+]] = linalg.generic {{.*}} ins(%[[WIDE]] : tensor<4xi16>)
// CHECK: arith.trunci
// CHECK-NOT: linalg.generic
// CHECK: net.yield %[[NEXT]] : tensor<4xi8>
// CHECK: %[[RESULT:.+]] = linalg.generic {{.*}} ins(%[[LAST]] : tensor<4xi8>)
// CHECK: arith.subi
// CHECK: return %[[RESULT]] : tensor<4xi16>
module @bytes {
  func.func @main(%x: tensor<4xi8>) -> tensor<4xi16> {
    %n = arith.constant 3 : index
    %zero = arith.constant 7 : i16
    %e16 = tensor.empty() : tensor<4xi16>
    %e8 = tensor.empty() : tensor<4xi8>
    %first = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<4xi8>) outs(%e16 : tensor<4xi16>) {
    ^bb0(%a: i8, %o: i16):
      %0 = arith.extui %a : i8 to i16
      %1 = arith.subi %0, %zero : i16
      linalg.yield %1 : i16
    } -> tensor<4xi16>
    %last = net.scan %n init(%first : tensor<4xi16>) {
    ^bb0(%step: index, %state: tensor<4xi16>):
      %narrow = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%state : tensor<4xi16>) outs(%e8 : tensor<4xi8>) {
      ^bb0(%a: i16, %o: i8):
        %0 = arith.muli %a, %a : i16
        %1 = arith.trunci %0 : i16 to i8
        linalg.yield %1 : i8
      } -> tensor<4xi8>
      %next = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%narrow : tensor<4xi8>) outs(%e16 : tensor<4xi16>) {
      ^bb0(%a: i8, %o: i16):
        %0 = arith.extui %a : i8 to i16
        %1 = arith.subi %0, %zero : i16
        linalg.yield %1 : i16
      } -> tensor<4xi16>
      net.yield %next : tensor<4xi16>
    }
    return %last : tensor<4xi16>
  }
}

// -----

#id = affine_map<(m) -> (m)>

// The first state is signed, the others are not.
// CHECK-LABEL: module @unlike
// CHECK: net.scan {{.*}} init(%{{.+}} : tensor<4xi16>)
module @unlike {
  func.func @main(%x: tensor<4xi8>) -> tensor<4xi16> {
    %n = arith.constant 3 : index
    %e16 = tensor.empty() : tensor<4xi16>
    %e8 = tensor.empty() : tensor<4xi8>
    %first = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<4xi8>) outs(%e16 : tensor<4xi16>) {
    ^bb0(%a: i8, %o: i16):
      %0 = arith.extsi %a : i8 to i16
      linalg.yield %0 : i16
    } -> tensor<4xi16>
    %last = net.scan %n init(%first : tensor<4xi16>) {
    ^bb0(%step: index, %state: tensor<4xi16>):
      %narrow = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%state : tensor<4xi16>) outs(%e8 : tensor<4xi8>) {
      ^bb0(%a: i16, %o: i8):
        %0 = arith.trunci %a : i16 to i8
        linalg.yield %0 : i8
      } -> tensor<4xi8>
      %next = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%narrow : tensor<4xi8>) outs(%e16 : tensor<4xi16>) {
      ^bb0(%a: i8, %o: i16):
        %0 = arith.extui %a : i8 to i16
        linalg.yield %0 : i16
      } -> tensor<4xi16>
      net.yield %next : tensor<4xi16>
    }
    return %last : tensor<4xi16>
  }
}

// -----

#id = affine_map<(m) -> (m)>

// What widens it differs by step.
// CHECK-LABEL: module @changing
// CHECK: net.scan {{.*}} init(%{{.+}} : tensor<4xi16>)
module @changing {
  func.func @main(%x: tensor<4xi8>, %zeros: tensor<3xi16>, %zero: i16) -> tensor<4xi16> {
    %n = arith.constant 3 : index
    %e16 = tensor.empty() : tensor<4xi16>
    %e8 = tensor.empty() : tensor<4xi8>
    %first = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<4xi8>) outs(%e16 : tensor<4xi16>) {
    ^bb0(%a: i8, %o: i16):
      %0 = arith.extui %a : i8 to i16
      %1 = arith.subi %0, %zero : i16
      linalg.yield %1 : i16
    } -> tensor<4xi16>
    %last = net.scan %n init(%first : tensor<4xi16>) over(%zeros : tensor<3xi16>) {
    ^bb0(%step: index, %state: tensor<4xi16>, %own: tensor<i16>):
      %narrow = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%state : tensor<4xi16>) outs(%e8 : tensor<4xi8>) {
      ^bb0(%a: i16, %o: i8):
        %0 = arith.trunci %a : i16 to i8
        linalg.yield %0 : i8
      } -> tensor<4xi8>
      %z = tensor.extract %own[] : tensor<i16>
      %next = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%narrow : tensor<4xi8>) outs(%e16 : tensor<4xi16>) {
      ^bb0(%a: i8, %o: i16):
        %0 = arith.extui %a : i8 to i16
        %1 = arith.subi %0, %z : i16
        linalg.yield %1 : i16
      } -> tensor<4xi16>
      net.yield %next : tensor<4xi16>
    }
    return %last : tensor<4xi16>
  }
}
