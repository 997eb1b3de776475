// How a parameter becomes a buffer: `share.get` turns into `share.address`, and
// a strided read into a view of that. The buffer is read-only, so bufferization
// copies before anyone writes to it.

#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace {
/// What reads of a parameter have in common.
template <typename Model, typename ReadOp>
struct ReadOpModel : BufferizableOpInterface::ExternalModel<Model, ReadOp> {
  AliasingOpOperandList getAliasingOpOperands(Operation *, Value,
                                              const AnalysisState &) const {
    return {};
  }
  bool isWritable(Operation *, Value, const AnalysisState &) const {
    return false;
  }
};

struct GetOpModel : ReadOpModel<GetOpModel, lig::share::GetOp> {
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

struct GetStridedOpModel
    : ReadOpModel<GetStridedOpModel, lig::share::GetStridedOp> {
  FailureOr<BufferLikeType>
  getBufferType(Operation *op, Value, const BufferizationOptions &,
                const BufferizationState &, SmallVector<Value> &) const {
    return cast<BufferLikeType>(viewType(cast<lig::share::GetStridedOp>(op)));
  }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &,
                          BufferizationState &) const {
    auto get = cast<lig::share::GetStridedOp>(op);
    auto param = SymbolTable::lookupNearestSymbolFrom<lig::share::ParamOp>(
        op, get.getSourceAttr());
    if (!param)
      return get.emitOpError("reads ")
             << get.getSourceAttr() << ", which is stored nowhere";
    RankedTensorType stored = param.getTensorType();
    Value address = lig::share::AddressOp::create(
        rewriter, op->getLoc(),
        MemRefType::get(stored.getShape(), stored.getElementType()),
        get.getSourceAttr());
    MemRefType type = viewType(get);
    replaceOpWithNewBufferizedOp<memref::ReinterpretCastOp>(
        rewriter, op, type, address, static_cast<int64_t>(get.getOffset()),
        type.getShape(), get.getStrides());
    return success();
  }

private:
  static MemRefType viewType(lig::share::GetStridedOp get) {
    auto type = cast<RankedTensorType>(get.getResult().getType());
    return MemRefType::get(type.getShape(), type.getElementType(),
                           StridedLayoutAttr::get(get.getContext(),
                                                  get.getOffset(),
                                                  get.getStrides()));
  }
};
} // namespace

void lig::share::registerBufferizableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, ShareDialect *) {
    GetOp::attachInterface<GetOpModel>(*context);
    GetStridedOp::attachInterface<GetStridedOpModel>(*context);
  });
}
