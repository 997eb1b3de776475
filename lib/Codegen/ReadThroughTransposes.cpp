// An embedding tied to the output layer, a decoder tied to its encoder: one
// matrix, read by rows here and by columns there. A kernel can do either, only
// its innermost loop differs, so the tie need not cost a second copy.

#include "ReadThroughTransposes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

/// Rewrites one consumer to read `source` in the place of a transposed value;
/// dimension i of `source` is dimension `order[i]` of that value. False if the
/// consumer has no map to change.
static bool readThrough(OpOperand &use, Value source, ArrayRef<int64_t> order,
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
  SmallVector<AffineExpr> results;
  for (int64_t dim : order)
    results.push_back(maps[number].getResult(dim));
  maps[number] = AffineMap::get(maps[number].getNumDims(), 0, results,
                                rewriter.getContext());
  generic.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
  generic->setOperand(number, source);
  return true;
}

static unsigned readAllThrough(linalg::TransposeOp transpose, Value source,
                               ArrayRef<int64_t> order, IRRewriter &rewriter) {
  unsigned count = 0;
  for (OpOperand &use :
       llvm::make_early_inc_range(transpose->getResult(0).getUses()))
    count += readThrough(use, source, order, rewriter);
  return count;
}

/// All transposes of one parameter that does not stay as it is. The first of
/// the most frequent permutation will be packed; the others read that.
static unsigned agreeOnOne(ArrayRef<linalg::TransposeOp> transposes,
                           IRRewriter &rewriter) {
  llvm::MapVector<ArrayRef<int64_t>, unsigned> frequency;
  for (linalg::TransposeOp transpose : transposes)
    ++frequency[transpose.getPermutation()];
  if (frequency.size() < 2)
    return 0;
  ArrayRef<int64_t> main = frequency.front().first;
  for (auto &[permutation, count] : frequency)
    if (count > frequency[main])
      main = permutation;
  unsigned count = 0;
  for (linalg::TransposeOp transpose : transposes) {
    if (transpose.getPermutation() == main)
      continue;
    SmallVector<int64_t> inverse =
        invertPermutationVector(transpose.getPermutation());
    SmallVector<int64_t> order, shape;
    auto type = cast<RankedTensorType>(transpose.getInput().getType());
    for (int64_t dim : main) {
      order.push_back(inverse[dim]);
      shape.push_back(type.getDimSize(dim));
    }
    rewriter.setInsertionPoint(transpose);
    Location loc = transpose.getLoc();
    Value room = tensor::EmptyOp::create(rewriter, loc, shape,
                                         type.getElementType());
    Value packed = linalg::TransposeOp::create(rewriter, loc,
                                               transpose.getInput(), room, main)
                       ->getResult(0);
    count += readAllThrough(transpose, packed, order, rewriter);
  }
  return count;
}

unsigned lig::codegen::readThroughTransposes(ModuleOp module,
                                             const ParameterReads &reads) {
  SmallVector<linalg::TransposeOp> ofKept;
  llvm::MapVector<StringAttr, SmallVector<linalg::TransposeOp>> ofOthers;
  module.walk([&](linalg::TransposeOp transpose) {
    share::GetOp get = ParameterReads::getRoot(transpose.getInput());
    if (!get || !transpose.hasPureTensorSemantics())
      return;
    StringAttr symbol = get.getSourceAttr().getAttr();
    if (reads.isKept(symbol))
      ofKept.push_back(transpose);
    else if (transpose.getInput() == get.getResult())
      ofOthers[symbol].push_back(transpose);
  });
  unsigned count = 0;
  IRRewriter rewriter(module.getContext());
  for (linalg::TransposeOp transpose : ofKept)
    count += readAllThrough(
        transpose, transpose.getInput(),
        invertPermutationVector(transpose.getPermutation()), rewriter);
  for (auto &[symbol, transposes] : ofOthers)
    count += agreeOnOne(transposes, rewriter);
  return count;
}
