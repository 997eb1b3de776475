// Operands of integer products become bytes again.
// RUN: lig-opt %s -split-input-file -lig-narrow-integers | FileCheck %s
// RUN: lig-opt %s -split-input-file "-lig-narrow-integers=dots=vnni" | FileCheck %s --check-prefix=VNNI
// RUN: lig-opt %s -split-input-file "-lig-narrow-integers=dots=ssse3" | FileCheck %s --check-prefix=SSSE3
// RUN: lig-opt %s -split-input-file "-lig-narrow-integers=dots=neon" | FileCheck %s --check-prefix=NEON

#x = affine_map<(m, k) -> (m, k)>
#z = affine_map<(m, k) -> ()>

// Weights of [250, 1] less 129 are [121, -128]: bytes. Data are unsigned: as they
// are for VNNI, less 128 for NEON, and sums start from the zero point times 121 - 128.
// CHECK-LABEL: module @product
// CHECK: share.param @w{{.*}} : tensor<2x1xi8> = dense<{{\[}}[121], [-128]]>
// CHECK: arith.subi
// CHECK: linalg.generic {{.*}} ins(%{{.+}}, %{{.+}} : tensor<4x2xi16>, tensor<2x1xi8>)
// VNNI-LABEL: module @product
// VNNI-DAG: share.param @{{.+}} : tensor<1xi32> = dense<-7>
// VNNI-NOT: arith.xori
// VNNI: arith.subi
// VNNI: linalg.generic {{.*}} ins(%{{.+}}, %{{.+}} : tensor<4x2xi8>, tensor<2x1xi8>)
// VNNI: arith.extui
// 255 times 121 and times -128 are numbers of 16 bits.
// SSSE3-LABEL: module @product
// SSSE3: linalg.generic {{.*}} ins(%{{.+}}, %{{.+}} : tensor<4x2xi8>, tensor<2x1xi8>)
// SSSE3: arith.extui
// NEON-LABEL: module @product
// NEON: arith.xori
// NEON: linalg.generic {{.*}} ins(%{{.+}}, %{{.+}} : tensor<4x2xi8>, tensor<2x1xi8>)
// NEON-NOT: arith.extui
module @product {
  share.param @w : tensor<2x1xi8> = dense<[[-6], [1]]> : tensor<2x1xi8>
  func.func @main(%x: tensor<4x2xi8>, %zero: tensor<i8>) -> tensor<4x1xi32> {
    %w = share.get @w : tensor<2x1xi8>
    %c129 = arith.constant 129 : i16
    %c0 = arith.constant 0 : i32
    %e0 = tensor.empty() : tensor<4x2xi16>
    %numbers = linalg.generic {indexing_maps = [#x, #z, #x], iterator_types = ["parallel", "parallel"]} ins(%x, %zero : tensor<4x2xi8>, tensor<i8>) outs(%e0 : tensor<4x2xi16>) {
    ^bb0(%a: i8, %b: i8, %o: i16):
      %0 = arith.extui %a : i8 to i16
      %1 = arith.extui %b : i8 to i16
      %2 = arith.subi %0, %1 : i16
      linalg.yield %2 : i16
    } -> tensor<4x2xi16>
    %e1 = tensor.empty() : tensor<2x1xi16>
    %weights = linalg.generic {indexing_maps = [#x, #x], iterator_types = ["parallel", "parallel"]} ins(%w : tensor<2x1xi8>) outs(%e1 : tensor<2x1xi16>) {
    ^bb0(%a: i8, %o: i16):
      %0 = arith.extui %a : i8 to i16
      %1 = arith.subi %0, %c129 : i16
      linalg.yield %1 : i16
    } -> tensor<2x1xi16>
    %e2 = tensor.empty() : tensor<4x1xi32>
    %init = linalg.fill ins(%c0 : i32) outs(%e2 : tensor<4x1xi32>) -> tensor<4x1xi32>
    %sums = linalg.matmul ins(%numbers, %weights : tensor<4x2xi16>, tensor<2x1xi16>) outs(%init : tensor<4x1xi32>) -> tensor<4x1xi32>
    return %sums : tensor<4x1xi32>
  }
}

// -----

#x = affine_map<(m, k) -> (m, k)>

// 250 less 1 is no byte.
// CHECK-LABEL: module @wide
// CHECK: ins(%{{.+}}, %{{.+}} : tensor<4x2xi16>, tensor<2x1xi16>)
// VNNI-LABEL: module @wide
// NEON-LABEL: module @wide
// VNNI: ins(%{{.+}}, %{{.+}} : tensor<4x2xi16>, tensor<2x1xi16>)
module @wide {
  share.param @w : tensor<2x1xi8> = dense<[[-6], [1]]> : tensor<2x1xi8>
  func.func @main(%x: tensor<4x2xi16>) -> tensor<4x1xi32> {
    %w = share.get @w : tensor<2x1xi8>
    %c1 = arith.constant 1 : i16
    %c0 = arith.constant 0 : i32
    %e1 = tensor.empty() : tensor<2x1xi16>
    %weights = linalg.generic {indexing_maps = [#x, #x], iterator_types = ["parallel", "parallel"]} ins(%w : tensor<2x1xi8>) outs(%e1 : tensor<2x1xi16>) {
    ^bb0(%a: i8, %o: i16):
      %0 = arith.extui %a : i8 to i16
      %1 = arith.subi %0, %c1 : i16
      linalg.yield %1 : i16
    } -> tensor<2x1xi16>
    %e2 = tensor.empty() : tensor<4x1xi32>
    %init = linalg.fill ins(%c0 : i32) outs(%e2 : tensor<4x1xi32>) -> tensor<4x1xi32>
    %sums = linalg.matmul ins(%x, %weights : tensor<4x2xi16>, tensor<2x1xi16>) outs(%init : tensor<4x1xi32>) -> tensor<4x1xi32>
    return %sums : tensor<4x1xi32>
  }
}

// -----

#x = affine_map<(m, k) -> (m, k)>
#z = affine_map<(m, k) -> ()>

// 255 times 100 + 29 is more than 16 bits hold.
// CHECK-LABEL: module @large
// VNNI-LABEL: module @large
// VNNI: ins(%{{.+}}, %{{.+}} : tensor<4x2xi8>, tensor<2x1xi8>)
// SSSE3-LABEL: module @large
// SSSE3: ins(%{{.+}}, %{{.+}} : tensor<4x2xi16>, tensor<2x1xi8>)
// NEON-LABEL: module @large
module @large {
  share.param @w : tensor<2x1xi8> = dense<[[100], [29]]> : tensor<2x1xi8>
  func.func @main(%x: tensor<4x2xi8>, %zero: tensor<i8>) -> tensor<4x1xi32> {
    %w = share.get @w : tensor<2x1xi8>
    %c0 = arith.constant 0 : i32
    %e0 = tensor.empty() : tensor<4x2xi16>
    %numbers = linalg.generic {indexing_maps = [#x, #z, #x], iterator_types = ["parallel", "parallel"]} ins(%x, %zero : tensor<4x2xi8>, tensor<i8>) outs(%e0 : tensor<4x2xi16>) {
    ^bb0(%a: i8, %b: i8, %o: i16):
      %0 = arith.extui %a : i8 to i16
      %1 = arith.extui %b : i8 to i16
      %2 = arith.subi %0, %1 : i16
      linalg.yield %2 : i16
    } -> tensor<4x2xi16>
    %e1 = tensor.empty() : tensor<2x1xi16>
    %weights = linalg.generic {indexing_maps = [#x, #x], iterator_types = ["parallel", "parallel"]} ins(%w : tensor<2x1xi8>) outs(%e1 : tensor<2x1xi16>) {
    ^bb0(%a: i8, %o: i16):
      %0 = arith.extsi %a : i8 to i16
      linalg.yield %0 : i16
    } -> tensor<2x1xi16>
    %e2 = tensor.empty() : tensor<4x1xi32>
    %init = linalg.fill ins(%c0 : i32) outs(%e2 : tensor<4x1xi32>) -> tensor<4x1xi32>
    %sums = linalg.matmul ins(%numbers, %weights : tensor<4x2xi16>, tensor<2x1xi16>) outs(%init : tensor<4x1xi32>) -> tensor<4x1xi32>
    return %sums : tensor<4x1xi32>
  }
}

// -----

#x = affine_map<(m, k) -> (m, k)>

// A scan's slices of 16 bits become slices of a stack of bytes; the stack of what
// sums start from is 7 times that of 1 + 2 and 3 + 4.
// CHECK-LABEL: module @stack
// CHECK: net.scan {{.*}} over(%w : tensor<2x2x1xi8>)
// VNNI-LABEL: module @stack
// VNNI: share.param @w.packed{{.*}} : tensor<2x1xi32> = dense<{{\[}}[3], [7]]>
// VNNI: net.scan {{.*}} over(%w, %[[SUMS:.+]] : tensor<2x2x1xi8>, tensor<2x1xi32>)
// VNNI: ^bb0(%{{.+}}: index, %[[STATE:.+]]: tensor<4x1xi32>, %[[W:.+]]: tensor<2x1xi8>, %[[SUM:.+]]: tensor<1xi32>)
// VNNI: linalg.generic {{.*}} ins(%{{.+}}, %[[SUM]]{{.*}} : tensor<i32>, tensor<1xi32>
// VNNI: linalg.generic {{.*}} ins(%{{.+}}, %[[W]] : tensor<4x2xi8>, tensor<2x1xi8>)
module @stack {
  share.param @w : tensor<2x2x1xi8> = dense<[[[1], [2]], [[3], [4]]]> : tensor<2x2x1xi8>
  func.func @main(%x: tensor<4x2xi8>) -> tensor<4x1xi32> {
    %c2 = arith.constant 2 : index
    %c7 = arith.constant 7 : i16
    %c0 = arith.constant 0 : i32
    %w = share.get @w : tensor<2x2x1xi8>
    %ew = tensor.empty() : tensor<2x2x1xi16>
    %wide = linalg.generic {indexing_maps = [affine_map<(s, k, n) -> (s, k, n)>, affine_map<(s, k, n) -> (s, k, n)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%w : tensor<2x2x1xi8>) outs(%ew : tensor<2x2x1xi16>) {
    ^bb0(%a: i8, %o: i16):
      %0 = arith.extsi %a : i8 to i16
      linalg.yield %0 : i16
    } -> tensor<2x2x1xi16>
    %ex = tensor.empty() : tensor<4x2xi16>
    %ey = tensor.empty() : tensor<4x1xi32>
    %init = linalg.fill ins(%c0 : i32) outs(%ey : tensor<4x1xi32>) -> tensor<4x1xi32>
    %y = net.scan %c2 init(%init : tensor<4x1xi32>) over(%wide : tensor<2x2x1xi16>) {
    ^bb0(%step: index, %state: tensor<4x1xi32>, %slice: tensor<2x1xi16>):
      %numbers = linalg.generic {indexing_maps = [#x, #x], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x2xi8>) outs(%ex : tensor<4x2xi16>) {
      ^bb0(%a: i8, %o: i16):
        %0 = arith.extui %a : i8 to i16
        %1 = arith.subi %0, %c7 : i16
        linalg.yield %1 : i16
      } -> tensor<4x2xi16>
      %next = linalg.matmul ins(%numbers, %slice : tensor<4x2xi16>, tensor<2x1xi16>) outs(%state : tensor<4x1xi32>) -> tensor<4x1xi32>
      net.yield %next : tensor<4x1xi32>
    }
    return %y : tensor<4x1xi32>
  }
}
