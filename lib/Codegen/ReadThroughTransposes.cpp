// An embedding tied to the output layer, a decoder tied to its encoder: one
// matrix, read by rows here and by columns there. A kernel can do either, only
// its innermost loop differs, so the tie need not cost a second copy.

#include "ReadThroughTransposes.h"

#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

/// True if the user's result is a moved parameter, which may be packed.
static bool isMove(Operation *user) {
  return isa<linalg::TransposeOp, tensor::ExpandShapeOp,
             tensor::CollapseShapeOp, tensor::ExtractSliceOp, tensor::PadOp,
             tensor::ConcatOp>(user);
}

/// Rewrites one consumer of `transpose` to read its input; false if it cannot.
static bool readThrough(OpOperand &use, linalg::TransposeOp transpose,
                        IRRewriter &rewriter) {
  auto consumer = dyn_cast<linalg::LinalgOp>(use.getOwner());
  if (!consumer || isa<linalg::TransposeOp>(use.getOwner()) ||
      !consumer.hasPureTensorSemantics() || !consumer.isDpsInput(&use))
    return false;
  unsigned number = use.getOperandNumber();
  auto generic = dyn_cast<linalg::GenericOp>(use.getOwner());
  if (!generic) {
    rewriter.setInsertionPoint(consumer);
    FailureOr<linalg::GenericOp> made =
        linalg::generalizeNamedOp(rewriter, consumer);
    if (failed(made))
      return false;
    generic = *made;
  }
  SmallVector<AffineMap> maps = generic.getIndexingMapsArray();
  SmallVector<AffineExpr> results(maps[number].getResults());
  for (auto [i, from] : llvm::enumerate(transpose.getPermutation()))
    results[from] = maps[number].getResult(i);
  maps[number] = AffineMap::get(maps[number].getNumDims(), 0, results,
                                rewriter.getContext());
  generic.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
  generic->setOperand(number, transpose.getInput());
  return true;
}

unsigned lig::codegen::readThroughTransposes(ModuleOp module) {
  llvm::DenseSet<StringAttr> readAsIs;
  SmallVector<linalg::TransposeOp> transposes;
  module.walk([&](share::GetOp get) {
    for (Operation *user : get->getUsers()) {
      if (auto transpose = dyn_cast<linalg::TransposeOp>(user))
        transposes.push_back(transpose);
      else if (!isMove(user))
        readAsIs.insert(get.getSourceAttr().getAttr());
    }
  });
  unsigned count = 0;
  IRRewriter rewriter(module.getContext());
  for (linalg::TransposeOp transpose : transposes) {
    auto get = transpose.getInput().getDefiningOp<share::GetOp>();
    if (!readAsIs.contains(get.getSourceAttr().getAttr()))
      continue;
    for (OpOperand &use :
         llvm::make_early_inc_range(transpose->getResult(0).getUses()))
      count += readThrough(use, transpose, rewriter);
  }
  return count;
}
