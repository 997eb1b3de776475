// Passes of the net phase that keep the network's language.
#ifndef LIGATURE_DIALECT_NET_TRANSFORMS_PASSES_TD
#define LIGATURE_DIALECT_NET_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def PropagateLayoutPass : Pass<"net-propagate-layout"> {
  let summary = "Move transposes towards the results until they cancel";
  let description = [{
    A transpose moves past elementwise operations, pads, slices and
    concatenations, disappears in reductions, and cancels with its inverse. So
    the channels-last data of one convolution reaches the next as it is.

    **Before**: `linalg.transpose` between operations.
    **After**: transposes where layouts really change: at the network's own
    inputs and outputs and around reshapes.
    **Keeps**: values and the order of arithmetic in each element.
    **Refuses**: nothing; an operation whose operands come in different layouts
    keeps its own unless most of them agree on another.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FuseElementwisePass : Pass<"net-fuse-elementwise"> {
  let summary = "Make one operation of each group of elementwise ones";
  let description = [{
    Upstream's elementwise fusion with a rule of when it pays: a producer is
    fused into its only consumer, or, if it is nothing but a broadcast or a
    conversion, into each of them, and never where the consumer would compute
    one element of it twice.

    **Before**: elementwise `linalg` operations, named or generic.
    **After**: fewer `linalg.generic`; constants of one repeated element are
    scalars in their bodies.
    **Keeps**: reductions, contractions and windows as they are.
    **Refuses**: nothing.
  }];
  let options = [Option<"maxBody", "max-body", "unsigned", "64",
                        "operations in the body of a fused operation">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif
