// Results become output buffers before bufferization, not after it: with the
// destination known on tensors, empty-tensor elimination lets the last kernel
// write straight into the caller's memory, and whatever cannot (a result that
// is an input, a parameter, or another result too) gets exactly one copy.

#include "Ligature/Codegen/Passes.h"
#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace lig::codegen {
#define GEN_PASS_DEF_PASSOUTPUTSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

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
    SmallVector<Value> kept;
    for (auto [output, value] : llvm::zip(outputs, op.getOperands())) {
      if (!output) {
        kept.push_back(value);
        continue;
      }
      auto write = bufferization::MaterializeInDestinationOp::create(
          b, op.getLoc(), value, output);
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
