// Results become output buffers before bufferization, not after it: with the
// destination known on tensors, empty-tensor elimination lets the last kernel
// write straight into the caller's memory, and whatever cannot (a result that
// is an input, a parameter, or another result too) gets exactly one copy.

#include "Ligature/Codegen/Passes.h"
#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace lig::codegen {
#define GEN_PASS_DEF_PASSOUTPUTSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

/// Makes `value` what it is a reshape of, and returns `output` in that shape:
/// whoever made it writes there then.
static Value reshapeBack(OpBuilder &b, Value &value, Value output) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
      break;
    Value source = op->getOperand(0);
    auto type = cast<RankedTensorType>(source.getType());
    if (!type.hasStaticShape())
      break;
    if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
      output = memref::ExpandShapeOp::create(
          b, op->getLoc(), type.getShape(), output,
          collapse.getReassociationIndices());
    else
      output = memref::CollapseShapeOp::create(
          b, op->getLoc(), output,
          cast<tensor::ExpandShapeOp>(op).getReassociationIndices());
    value = source;
  }
  return output;
}

static LogicalResult passOutputs(func::FuncOp function) {
  Builder builder(function.getContext());
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (isa<RankedTensorType>(function.getArgument(i).getType()))
      function.setArgAttr(
          i, bufferization::BufferizationDialect::kWritableAttrName,
          builder.getBoolAttr(false));

  SmallVector<Value> outputs(function.getNumResults());
  for (unsigned i = 0, e = function.getNumResults(); i < e; ++i) {
    auto type = dyn_cast<RankedTensorType>(function.getResultTypes()[i]);
    if (!type)
      continue;
    if (!type.hasStaticShape())
      return function.emitError("result ")
             << i << " of @" << function.getName() << " has type " << type
             << ", but outputs need a static shape";
    NamedAttrList attrs(function.getResultAttrs(i));
    attrs.set(lig::net::kOutputAttr, builder.getUnitAttr());
    unsigned position = function.getNumArguments();
    if (failed(function.insertArgument(
            position, MemRefType::get(type.getShape(), type.getElementType()),
            attrs.getDictionary(function.getContext()), function.getLoc())))
      return failure();
    outputs[i] = function.getArgument(position);
  }

  function.walk([&](func::ReturnOp op) {
    OpBuilder b(op);
    // Views stand before all that may write to them.
    auto atStart = OpBuilder::atBlockBegin(&function.front());
    SmallVector<Value> kept;
    for (auto [output, value] : llvm::zip(outputs, op.getOperands())) {
      if (!output) {
        kept.push_back(value);
        continue;
      }
      Value made = value, view = reshapeBack(atStart, made, output);
      auto write = bufferization::MaterializeInDestinationOp::create(
          b, op.getLoc(), made, view);
      write.setRestrict(true);
      write.setWritable(true);
    }
    op.getOperandsMutable().assign(kept);
  });
  llvm::BitVector written(outputs.size());
  for (auto [i, output] : llvm::enumerate(outputs))
    written[i] = static_cast<bool>(output);
  return function.eraseResults(written);
}

namespace {
struct PassOutputs : lig::codegen::impl::PassOutputsPassBase<PassOutputs> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal() && failed(passOutputs(function)))
        return signalPassFailure();
  }
};
} // namespace
