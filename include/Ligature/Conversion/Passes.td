// Passes that lower one dialect to others.
#ifndef LIGATURE_CONVERSION_PASSES_TD
#define LIGATURE_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertNetToLinalgPass : Pass<"convert-net-to-linalg"> {
  let summary = "Turn structured network operations into linalg on tensors";
  let description = [{
    Convolutions and pools become `linalg.generic` over channels-last data, with
    transposes around them that `net-propagate-layout` cancels between
    neighbours. `linalg.softmax` is decomposed, so that what is left is
    reductions and elementwise operations.

    **Before**: `net` operations on static tensors.
    **After**: `linalg`, `tensor` and `arith`; of `net` only `net.scan` is left.
    **Keeps**: floats narrower than 32 bits accumulate in f32; a window position
    outside the input counts as the operation's definition says.
    **Refuses**: nothing; an operation with a dynamic shape stays as it is.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
  let statistics = [
    Statistic<"numConverted", "num-converted", "operations lowered">];
}

def ConvertNetScanToScfPass : Pass<"convert-net-scan-to-scf"> {
  let summary = "Turn scans into loops";
  let description = [{
    `net.scan` becomes `scf.for`, or with `conditional` `scf.while`. States and
    stacked results are carried as tensors; every step reads its slices and
    inserts the slices it stacks.

    **Before**: `net.scan` on static tensors.
    **After**: `scf`, `tensor.extract_slice`, `tensor.insert_slice`.
    **Keeps**: rooms of stacked results that no step fills are zero.
    **Refuses**: nothing.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif
