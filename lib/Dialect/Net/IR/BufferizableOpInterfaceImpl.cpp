// How net.attention goes to buffers: it stays what it is, and writes into the
// buffer of its init, of which it reads nothing.

#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace {
struct AttentionModel
    : DstBufferizableOpInterfaceExternalModel<AttentionModel,
                                              lig::net::AttentionOp> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto attention = cast<lig::net::AttentionOp>(op);
    if (!attention.hasPureTensorSemantics())
      return success();
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (isa<TensorType>(operand.getType())) {
        FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
        if (failed(buffer))
          return failure();
        operand = *buffer;
      }
      operands.push_back(operand);
    }
    rewriter.setInsertionPoint(op);
    auto made = lig::net::AttentionOp::create(
        rewriter, op->getLoc(), TypeRange(), operands, op->getAttrs());
    rewriter.inlineRegionBefore(attention.getRegion(), made.getRegion(),
                                made.getRegion().begin());
    replaceOpWithBufferizedValues(rewriter, op, operands.back());
    return success();
  }
};
} // namespace

void lig::net::registerBufferizableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, NetDialect *) {
    AttentionOp::attachInterface<AttentionModel>(*context);
  });
}
