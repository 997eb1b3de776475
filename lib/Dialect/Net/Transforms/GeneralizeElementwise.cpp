// Models written in MLIR use named operations where the importer writes generic
// ones; both should be optimised alike.

#include "GeneralizeElementwise.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"

using namespace mlir;

void lig::net::generalizeElementwise(Operation *root) {
  SmallVector<linalg::LinalgOp> work;
  root->walk([&](linalg::LinalgOp op) {
    if (!isa<linalg::GenericOp, linalg::FillOp, linalg::CopyOp,
             linalg::TransposeOp, linalg::BroadcastOp>(op) &&
        op.hasPureTensorSemantics() && linalg::isElementwise(op))
      work.push_back(op);
  });
  IRRewriter rewriter(root->getContext());
  for (linalg::LinalgOp op : work) {
    rewriter.setInsertionPoint(op);
    (void)linalg::generalizeNamedOp(rewriter, op);
  }
}
