// Reads entry points and parameters off a module of the memory phase.

#include "DescribeModel.h"

#include "Ligature/Analysis/TensorBytes.h"
#include "Ligature/Dialect/Net/IR/Net.h"
#include "Ligature/Dialect/Share/IR/Share.h"
#include "Ligature/Support/Version.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace lig;
using namespace lig::target;

/// 0 where the type has no place in the ABI.
static int32_t dtypeOf(Type element, bool isUnsigned) {
  if (element.isF32())
    return LIG_F32;
  if (element.isF64())
    return LIG_F64;
  if (element.isF16())
    return LIG_F16;
  if (element.isBF16())
    return LIG_BF16;
  auto integer = dyn_cast<IntegerType>(element);
  switch (integer ? integer.getWidth() : 0) {
  case 1:
    return LIG_BOOL;
  case 8:
    return isUnsigned ? LIG_U8 : LIG_I8;
  case 16:
    return isUnsigned ? LIG_U16 : LIG_I16;
  case 32:
    return isUnsigned ? LIG_U32 : LIG_I32;
  case 64:
    return isUnsigned ? LIG_U64 : LIG_I64;
  default:
    return element.isIndex() ? LIG_I64 : 0;
  }
}

static LogicalResult describeTensor(func::FuncOp entry, unsigned argument,
                                    TensorInfo &info) {
  auto type = dyn_cast<MemRefType>(entry.getArgument(argument).getType());
  bool isUnsigned = entry.getArgAttr(argument, net::kUnsignedAttr) != nullptr;
  info.dtype = type ? dtypeOf(type.getElementType(), isUnsigned) : 0;
  if (!info.dtype)
    return entry.emitError("argument ")
           << argument << " is " << entry.getArgument(argument).getType()
           << ", which no caller can hand in";
  if (auto name = entry.getArgAttrOfType<StringAttr>(argument, net::kNameAttr))
    info.name = name.str();
  info.dims = type.getShape().vec();
  if (auto dynamic =
          entry.getArgAttrOfType<ArrayAttr>(argument, net::kDynamicDimsAttr)) {
    info.dynamic.assign(info.dims.size(), 0);
    for (Attribute dim : dynamic)
      info.dynamic[cast<IntegerAttr>(dim).getInt()] = 1;
  }
  return success();
}

static uint64_t bytesAttr(Operation *op, StringRef name) {
  auto attribute = op->getAttrOfType<IntegerAttr>(name);
  return attribute ? attribute.getInt() : 0;
}

static LogicalResult describeEntry(func::FuncOp entry, EntryInfo &info) {
  constexpr unsigned numBlocks = 3; // params, arena, dims
  info.name = entry.getName().str();
  info.arenaBytes = bytesAttr(entry, net::kArenaBytesAttr);
  info.arenaLowerBound = bytesAttr(entry, net::kArenaLowerBoundAttr);
  for (unsigned i = 0; i + numBlocks < entry.getNumArguments(); ++i) {
    bool isOutput = entry.getArgAttr(i, net::kOutputAttr) != nullptr;
    auto &tensors = isOutput ? info.outputs : info.inputs;
    if (failed(describeTensor(entry, i, tensors.emplace_back())))
      return failure();
  }
  return success();
}

LogicalResult
lig::describeModel(ModuleOp module, ModelInfo &model,
                   std::vector<Attribute> &attributes,
                   std::vector<std::shared_ptr<std::vector<char>>> &owned) {
  model.compiler = getVersion().str();
  model.parameterBytes = bytesAttr(module, share::kParamsBytesAttr);
  for (auto entry : module.getOps<func::FuncOp>())
    if (entry->hasAttr(net::kEntryAttr) &&
        failed(describeEntry(entry, model.entries.emplace_back())))
      return failure();
  for (auto param : module.getOps<share::ParamOp>()) {
    ElementsAttr elements = param.getElements();
    std::optional<TensorBytes> bytes =
        elements ? readElements(elements) : std::nullopt;
    if (!bytes)
      return param.emitError("the parameter has no value that can be stored");
    ParameterInfo &info = model.parameters.emplace_back();
    info.name = param.getSymName().str();
    info.dtype = dtypeOf(param.getTensorType().getElementType(), false);
    info.dims = param.getTensorType().getShape().vec();
    info.offset = bytesAttr(param, share::kOffsetAttr);
    info.uses = bytesAttr(param, share::kUsesAttr);
    info.contents = bytes->data;
    attributes.push_back(elements);
    owned.push_back(bytes->owned);
  }
  return success();
}
