// Verifiers of the `share` operations: a use names a parameter of its type, a
// value has the parameter's type, a view reads nothing but parameters.

#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace lig::share;

Operation *lig::share::lookupParameter(Operation *op, FlatSymbolRefAttr name,
                                       SymbolTableCollection &tables) {
  Operation *symbol = tables.lookupNearestSymbolFrom(op, name);
  return isa_and_nonnull<ParamOp, ViewOp>(symbol) ? symbol : nullptr;
}

StringAttr lig::share::getSymbolRead(Operation *op) {
  return llvm::TypeSwitch<Operation *, StringAttr>(op)
      .Case<GetOp, GetStridedOp, AddressOp>(
          [](auto read) { return read.getSourceAttr().getAttr(); })
      .Default([](Operation *) { return StringAttr(); });
}

//===----------------------------------------------------------------------===//
// share.param
//===----------------------------------------------------------------------===//

/// A resource is bytes without a type, so that of the parameter must fit them.
static LogicalResult verifyResource(ParamOp param, ElementsAttr elements) {
  auto resource = dyn_cast<DenseResourceElementsAttr>(elements);
  RankedTensorType type = param.getTensorType();
  if (!resource || !type.getElementType().isIntOrFloat())
    return success();
  // Printing may leave the bytes out.
  const AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  if (!blob)
    return success();
  int64_t width =
      llvm::divideCeil(type.getElementType().getIntOrFloatBitWidth(), 8);
  int64_t want;
  if (llvm::MulOverflow(type.getNumElements(), width, want) ||
      static_cast<uint64_t>(want) != blob->getData().size())
    return param.emitOpError("@")
           << param.getSymName() << " has type " << type
           << " but a resource of " << blob->getData().size() << " bytes";
  return success();
}

LogicalResult ParamOp::verify() {
  if (Attribute value = getValueAttr()) {
    if (isa<FileAttr>(value))
      return success();
    auto elements = dyn_cast<ElementsAttr>(value);
    if (!elements)
      return emitOpError("value of @")
             << getSymName() << " is neither elements nor a #share.file";
    if (elements.getShapedType() != getTensorType())
      return emitOpError("@") << getSymName() << " has type " << getTensorType()
                              << " but a value of type "
                              << elements.getShapedType();
    return verifyResource(*this, elements);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// share.view
//===----------------------------------------------------------------------===//

Value ViewOp::getYielded() {
  return cast<YieldOp>(getBody().front().getTerminator()).getValue();
}

LogicalResult ViewOp::verifyRegions() {
  Block &block = getBody().front();
  if (block.getNumArguments() != 0)
    return emitOpError("@") << getSymName() << " has block arguments, but a "
                            << "view reads only parameters";
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield)
    return emitOpError("@") << getSymName() << " does not end in share.yield";
  if (yield.getValue().getType() != getTensorType())
    return emitOpError("@") << getSymName() << " has type " << getTensorType()
                            << " but yields " << yield.getValue().getType();
  for (Operation &op : block)
    if (!isMemoryEffectFree(&op))
      return op.emitOpError("has side effects, but a view (@")
             << getSymName() << ") is a pure function of parameters";
  return success();
}

//===----------------------------------------------------------------------===//
// share.get, share.get_strided, share.address
//===----------------------------------------------------------------------===//

/// The type a symbol offers, or a diagnostic on `op` if it is no parameter.
static FailureOr<RankedTensorType>
typeOfSource(Operation *op, FlatSymbolRefAttr name,
             SymbolTableCollection &tables) {
  Operation *symbol = tables.lookupNearestSymbolFrom(op, name);
  if (!symbol)
    return op->emitOpError("names ") << name << ", which no symbol has";
  if (auto param = dyn_cast<ParamOp>(symbol))
    return param.getTensorType();
  if (auto view = dyn_cast<ViewOp>(symbol))
    return view.getTensorType();
  return op->emitOpError("names ")
         << name << ", which is a " << symbol->getName()
         << " and neither a share.param nor a share.view";
}

LogicalResult GetOp::verifySymbolUses(SymbolTableCollection &tables) {
  if (auto view = (*this)->getParentOfType<ViewOp>();
      view && view.getSymName() == getSource())
    return emitOpError("reads ")
           << getSourceAttr() << " inside the view that defines it";
  FailureOr<RankedTensorType> type = typeOfSource(*this, getSourceAttr(), tables);
  if (failed(type))
    return failure();
  if (*type != getResult().getType())
    return emitOpError("has type ") << getResult().getType() << " but "
                                    << getSourceAttr() << " has type " << *type;
  return success();
}

void GetOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getResult(), getSource());
}

/// True if every element that is read lies in [0, count).
static bool staysInside(int64_t offset, ArrayRef<int64_t> strides,
                        ArrayRef<int64_t> shape, int64_t count) {
  int64_t lowest = offset, highest = offset;
  for (auto [stride, extent] : llvm::zip(strides, shape)) {
    if (extent == 0)
      return true;
    int64_t reach;
    int64_t &end = stride < 0 ? lowest : highest;
    if (llvm::MulOverflow(stride, extent - 1, reach) ||
        llvm::AddOverflow(end, reach, end))
      return false;
  }
  return lowest >= 0 && highest < count;
}

LogicalResult GetStridedOp::verifySymbolUses(SymbolTableCollection &tables) {
  FailureOr<RankedTensorType> type = typeOfSource(*this, getSourceAttr(), tables);
  if (failed(type))
    return failure();
  auto result = cast<RankedTensorType>(getResult().getType());
  if (type->getElementType() != result.getElementType())
    return emitOpError("has type ") << result << " but " << getSourceAttr()
                                    << " has type " << *type;
  if (static_cast<int64_t>(getStrides().size()) != result.getRank())
    return emitOpError("has ") << getStrides().size() << " strides for "
                               << result.getRank() << " dimensions";
  if (!staysInside(getOffset(), getStrides(), result.getShape(),
                   type->getNumElements()))
    return emitOpError("reads beyond the ")
           << type->getNumElements() << " elements of " << getSourceAttr();
  return success();
}

void GetStridedOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getResult(), getSource());
}

LogicalResult AddressOp::verifySymbolUses(SymbolTableCollection &tables) {
  FailureOr<RankedTensorType> type = typeOfSource(*this, getSourceAttr(), tables);
  if (failed(type))
    return failure();
  auto buffer = cast<MemRefType>(getResult().getType());
  if (type->getShape() != buffer.getShape() ||
      type->getElementType() != buffer.getElementType())
    return emitOpError("has type ") << buffer << " but " << getSourceAttr()
                                    << " has type " << *type;
  return success();
}

#define GET_OP_CLASSES
#include "Ligature/Dialect/Share/IR/ShareOps.cpp.inc"
