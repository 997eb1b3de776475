// Only the outermost dimension is taken: calls that lie one after another there
// are contiguous, so that producers write and consumers read them in place.

#include "WeightUses.h"
#include "JoinCalls.h"

#include "Ligature/Analysis/ParameterMoves.h"
#include "Ligature/Analysis/TensorBytes.h"
#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::net;

bool lig::net::isLeading(Type type, int64_t dim) {
  return llvm::all_of(cast<RankedTensorType>(type).getShape().take_front(dim),
                      [](int64_t extent) { return extent == 1; });
}

/// Dimensions that leave all parameters in common and calls contiguous.
static std::optional<CallDims> findUseDims(Operation *op) {
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.get().getType());
    if (!type || lig::getMovedParameter(operand.get()))
      continue;
    for (int64_t dim = 0; dim < type.getRank() && isLeading(type, dim); ++dim) {
      auto dims = findCallDims(op, operand.getOperandNumber(), dim);
      if (!dims)
        continue;
      bool keeps = true;
      for (auto [value, place] : llvm::zip(op->getOperands(), dims->operands))
        keeps &= place == CallDims::kSame || !lig::getMovedParameter(value);
      for (auto [result, place] :
           llvm::zip(op->getResultTypes(), dims->results))
        keeps &= isLeading(result, place);
      if (keeps)
        return dims;
    }
  }
  return std::nullopt;
}

std::optional<WeightUse> lig::net::findWeightUse(Operation *op) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!isa<ConvOp, ConvTransposeOp>(op) &&
      (!linalgOp || linalgOp.getNumReductionLoops() == 0))
    return std::nullopt;
  WeightUse use{op, {}, {}, {}};
  for (Value operand : op->getOperands())
    if (auto get = lig::getMovedParameter(operand); get && !use.weight)
      use.weight = get;
  if (!use.weight)
    return std::nullopt;
  auto dims = findUseDims(op);
  auto work = lig::getCallWork(op);
  if (!dims || !work)
    return std::nullopt;
  use.dims = *dims;
  use.work = *work;
  return use;
}

Value lig::net::shapedFrom(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

static double bytesOf(Value value) {
  return lig::countBytes(cast<RankedTensorType>(value.getType()));
}

double lig::net::countCopiedBytes(ArrayRef<Operation *> calls,
                                  const CallDims &dims) {
  double bytes = 0;
  llvm::SmallDenseSet<Value> written;
  for (auto [i, dim] : llvm::enumerate(dims.operands)) {
    SmallVector<Value> values = operandsOf(calls, i);
    if (dim == CallDims::kSame || areJoint(values, dim))
      continue;
    for (Value value : values) {
      Operation *source = shapedFrom(value).getDefiningOp();
      bool isCopied = !source || !written.insert(value).second ||
                      isa<tensor::ExtractSliceOp, lig::share::GetOp>(source);
      bytes += isCopied ? bytesOf(value) : 0;
    }
  }
  for (Operation *call : calls)
    for (Value result : call->getResults())
      for (Operation *user : result.getUsers())
        bytes += user->hasTrait<OpTrait::IsTerminator>() ? bytesOf(result) : 0;
  return bytes;
}
