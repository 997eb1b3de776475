// How a parameter becomes a buffer: `share.get` turns into `share.address`.
// The buffer is read-only, so bufferization copies before anyone writes to it.

#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace {
struct GetOpModel
    : BufferizableOpInterface::ExternalModel<GetOpModel, lig::share::GetOp> {
  AliasingOpOperandList getAliasingOpOperands(Operation *, Value,
                                              const AnalysisState &) const {
    return {};
  }
  bool isWritable(Operation *, Value, const AnalysisState &) const {
    return false;
  }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &,
                          BufferizationState &) const {
    auto get = cast<lig::share::GetOp>(op);
    auto type = cast<RankedTensorType>(get.getResult().getType());
    replaceOpWithNewBufferizedOp<lig::share::AddressOp>(
        rewriter, op, MemRefType::get(type.getShape(), type.getElementType()),
        get.getSourceAttr());
    return success();
  }
};
} // namespace

void lig::share::registerBufferizableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, ShareDialect *) {
    GetOp::attachInterface<GetOpModel>(*context);
  });
}
