// Quantised weights are scales of whole numbers. A sum of products with them
// needs the scales once a sum and the numbers once a product, so the two are
// told apart before anything is done with either.

#include "Ligature/Analysis/ConstantEvaluator.h"
#include "Ligature/Codegen/Passes.h"
#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using lig::typeOf;

namespace lig::codegen {
#define GEN_PASS_DEF_SPLITDECODINGSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

/// The values of the body that `value` is computed from, itself included, but
/// for what lies behind `end`.
static llvm::SetVector<Value> valuesBehind(Block *body, Value value,
                                           Value end = {}) {
  llvm::SetVector<Value> seen;
  seen.insert(value);
  for (size_t i = 0; i < seen.size(); ++i)
    if (Operation *op = seen[i].getDefiningOp(); op && seen[i] != end)
      for (Value operand : op->getOperands())
        if (operand.getParentBlock() == body)
          seen.insert(operand);
  return seen;
}

/// The one conversion of an input of the operation's size to a float of the
/// result's type, if the body goes on from there.
static Value findConversion(linalg::GenericOp op) {
  Block *body = op.getBody();
  Value yielded = body->getTerminator()->getOperand(0), found;
  int64_t size = typeOf(op.getResult(0)).getNumElements();
  for (Operation &inner : *body) {
    if (!isa<arith::SIToFPOp, arith::UIToFPOp>(inner))
      continue;
    bool isWhole =
        llvm::any_of(valuesBehind(body, inner.getResult(0)), [&](Value value) {
          auto argument = dyn_cast<BlockArgument>(value);
          return argument && argument.getArgNumber() < op.getNumDpsInputs() &&
                 typeOf(op.getDpsInputs()[argument.getArgNumber()])
                         .getNumElements() == size;
        });
    if (isWhole && found)
      return {};
    if (isWhole)
      found = inner.getResult(0);
  }
  bool goesOn = found && found != yielded;
  return goesOn && found.getType() == yielded.getType() ? found : Value();
}

/// The operation that yields what `op` has as `value` in its body. What it
/// would compute as `known` is read from `input` instead, if there is one.
static Value makePart(OpBuilder &b, linalg::GenericOp op, Value value,
                      Value known = {}, Value input = {}) {
  Block *body = op.getBody();
  llvm::SetVector<Value> needed = valuesBehind(body, value, known);
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  SmallVector<Value> arguments;
  AffineMap out = op.getIndexingMapsArray().back();
  for (OpOperand *operand : op.getDpsInputOperands())
    if (Value argument = op.getMatchingBlockArgument(operand);
        needed.contains(argument)) {
      inputs.push_back(operand->get());
      maps.push_back(op.getMatchingIndexingMap(operand));
      arguments.push_back(argument);
    }
  if (known) {
    inputs.push_back(input);
    maps.push_back(out);
    arguments.push_back(known);
  }
  maps.push_back(out);
  RankedTensorType type = typeOf(op.getResult(0));
  Value room = tensor::EmptyOp::create(b, op.getLoc(), type.getShape(),
                                       type.getElementType());
  return linalg::GenericOp::create(
             b, op.getLoc(), type, inputs, room, maps,
             op.getIteratorTypesArray(),
             [&](OpBuilder &inner, Location loc, ValueRange in) {
               IRMapping mapping;
               mapping.map(arguments, in.drop_back());
               for (Operation &step : body->without_terminator())
                 if (step.getNumResults() == 1 &&
                     needed.contains(step.getResult(0)) &&
                     step.getResult(0) != known)
                   inner.clone(step, mapping);
               linalg::YieldOp::create(inner, loc,
                                       mapping.lookupOrDefault(value));
             })
      .getResult(0);
}

namespace {
struct SplitDecodings
    : lig::codegen::impl::SplitDecodingsPassBase<SplitDecodings> {
  void runOnOperation() override {
    SymbolTableCollection tables;
    lig::ConstantEvaluator evaluator(tables);
    SmallVector<linalg::GenericOp> found;
    getOperation().walk([&](linalg::GenericOp op) {
      if (isElementwise(op) && readsNumbers(op) &&
          evaluator.getFacts(op.getResult(0)).root)
        found.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::GenericOp op : found)
      foldZeros(op, evaluator, rewriter);
    for (linalg::GenericOp op : found) {
      if (!llvm::all_of(op->getUsers(), canTakeApart) || !findConversion(op))
        continue;
      rewriter.setInsertionPoint(op);
      Value conversion = findConversion(op);
      Value numbers = makePart(rewriter, op, conversion);
      Value yielded = op.getBody()->getTerminator()->getOperand(0);
      rewriter.replaceOp(op,
                         makePart(rewriter, op, yielded, conversion, numbers));
      ++numSplit;
    }
  }

private:
  static bool isElementwise(linalg::GenericOp op) {
    return op->getNumResults() == 1 && op.hasPureTensorSemantics() &&
           op.getNumReductionLoops() == 0 &&
           op.getIndexingMapsArray().back().isPermutation() &&
           !op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)) &&
           llvm::all_of(op.getDpsInputs(), [](Value input) {
             return isa<RankedTensorType>(input.getType());
           });
  }

  /// Whether a reader may multiply what it sums up, or read numbers as they are.
  static bool canTakeApart(Operation *user) {
    auto linalg = dyn_cast<linalg::LinalgOp>(user);
    return isa<tensor::ExtractOp>(user) ||
           (linalg && linalg.getNumReductionLoops() != 0);
  }

  /// Whether it makes a float of each of a tensor of narrower numbers.
  static bool readsNumbers(linalg::GenericOp op) {
    RankedTensorType type = typeOf(op.getResult(0));
    return type.getElementType().isF32() &&
           llvm::any_of(op.getDpsInputs(), [&](Value input) {
             Type element = typeOf(input).getElementType();
             return element.isIntOrFloat() &&
                    element.getIntOrFloatBitWidth() < 32 &&
                    typeOf(input).getNumElements() == type.getNumElements();
           });
  }

  /// Most weights have a zero point of zero each.
  static void foldZeros(linalg::GenericOp op, lig::ConstantEvaluator &evaluator,
                        IRRewriter &rewriter) {
    int64_t size = typeOf(op.getResult(0)).getNumElements();
    for (OpOperand *input : op.getDpsInputOperands()) {
      RankedTensorType type = typeOf(input->get());
      if (!isa<IntegerType>(type.getElementType()) ||
          type.getNumElements() == size)
        continue;
      auto bytes = evaluator.evaluate(input->get());
      if (!bytes || llvm::any_of(bytes->data, [](char c) { return c != 0; }))
        continue;
      rewriter.setInsertionPointToStart(op.getBody());
      Value zero = arith::ConstantOp::create(
          rewriter, op.getLoc(), rewriter.getZeroAttr(type.getElementType()));
      rewriter.replaceAllUsesWith(op.getMatchingBlockArgument(input), zero);
    }
  }
};
} // namespace
