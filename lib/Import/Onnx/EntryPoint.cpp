// Building the entry point: what the model's graph takes and gives.

#include "EntryPoint.h"

#include "RuntimeDims.h"

#include "Ligature/ABI/Model.h"
#include "Ligature/Analysis/TensorBytes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace lig;
using namespace lig::onnx_import;

namespace {
class EntryPoint {
public:
  EntryPoint(ModelContext &model, const OnnxImportOptions &options,
             OpBuilder &builder)
      : model(model), graph(model.model->graph()), options(options),
        builder(builder), importer(model, builder) {}

  LogicalResult build();

private:
  InFlightDiagnostic error() { return emitError(model.location); }
  LogicalResult bindDimensions();
  LogicalResult readInputs();
  LogicalResult readInput(const onnx::ValueInfoProto &info);
  FailureOr<RankedTensorType> typeOf(const onnx::ValueInfoProto &info,
                                     ElementType &element);
  LogicalResult addConstantInput(const onnx::ValueInfoProto &info,
                                 RankedTensorType type, ElementType element,
                                 ElementsAttr value);
  void addArgument(const onnx::ValueInfoProto &info, RankedTensorType type,
                   ElementType element);
  void makeOverridable(StringRef name);
  LogicalResult finish(ArrayRef<Tensor> outputs);
  Value makeStatus();
  LogicalResult checkOutput(const onnx::ValueInfoProto &info,
                            const Tensor &tensor);

  ModelContext &model;
  const onnx::GraphProto &graph;
  const OnnxImportOptions &options;
  OpBuilder &builder;
  GraphImporter importer;
  Opsets opsets;
  Scope scope;
  func::FuncOp function;
};
} // namespace

//===-- Inputs -----------------------------------------------------------===//

/// Matches all shapes that the caller gives before any input is typed: one
/// input's shape may bind a symbol of another's.
LogicalResult EntryPoint::bindDimensions() {
  llvm::StringMap<const onnx::ValueInfoProto *> inputs;
  for (const onnx::ValueInfoProto &info : graph.input())
    inputs[info.name()] = &info;
  auto bind = [&](StringRef name, ArrayRef<int64_t> shape) -> LogicalResult {
    auto it = inputs.find(name);
    if (it == inputs.end())
      return error() << "the model has no input '" << name << "'";
    const auto &type = it->second->type().tensor_type();
    if (!type.has_shape())
      return success();
    std::string clash = model.dimensions.bind(type.shape(), shape);
    if (!clash.empty())
      return error() << "input '" << name << "': " << clash;
    return success();
  };
  for (const auto &entry : options.inputShapes)
    if (failed(bind(entry.first(), entry.second)))
      return failure();
  for (const auto &entry : options.constantInputs)
    if (failed(bind(entry.first(),
                    cast<ShapedType>(entry.second.getType()).getShape())))
      return failure();
  return success();
}

FailureOr<RankedTensorType> EntryPoint::typeOf(const onnx::ValueInfoProto &info,
                                               ElementType &element) {
  if (!info.type().has_tensor_type())
    return error() << "input '" << info.name()
                   << "' is no tensor, which is not supported";
  const auto &declared = info.type().tensor_type();
  element = elementTypeOf(declared.elem_type(), builder.getContext());
  if (!element)
    return error() << "input '" << info.name() << "' has element type "
                   << onnx::TensorProto::DataType_Name(
                          static_cast<onnx::TensorProto::DataType>(
                              declared.elem_type()))
                   << ", which is not supported";
  std::optional<SmallVector<int64_t>> shape;
  std::string unknown;
  auto given = options.inputShapes.find(info.name());
  auto value = options.constantInputs.find(info.name());
  if (given != options.inputShapes.end())
    shape = given->second;
  else if (value != options.constantInputs.end())
    shape =
        llvm::to_vector(cast<ShapedType>(value->second.getType()).getShape());
  else if (declared.has_shape())
    shape = model.dimensions.resolve(declared.shape(), &unknown);
  else
    return error() << "input '" << info.name() << "' declares no shape; give "
                   << "one by --input " << info.name() << "=AxBx...";
  if (!shape)
    return error() << "dimension " << unknown << " of input '" << info.name()
                   << "' is not bound; give its extent by --dim NAME=N or the "
                      "input's shape by --input "
                   << info.name() << "=AxBx...";
  if (checkedByteSize(*shape, element.type) < 0) {
    InFlightDiagnostic diagnostic = error();
    diagnostic << "input '" << info.name() << "': the shape [";
    llvm::interleaveComma(*shape, diagnostic);
    return diagnostic << "] is negative or larger than any machine";
  }
  return RankedTensorType::get(*shape, element.type);
}

LogicalResult EntryPoint::addConstantInput(const onnx::ValueInfoProto &info,
                                           RankedTensorType type,
                                           ElementType element,
                                           ElementsAttr value) {
  if (value.getType() != type)
    return error() << "input '" << info.name() << "' is " << type
                   << ", but the constant given for it is " << value.getType();
  std::optional<TensorBytes> bytes = readElements(value);
  if (!bytes)
    return error() << "input '" << info.name()
                   << "': the constant given for it cannot be read";
  auto constant = std::make_shared<Constant>();
  constant->type = type;
  constant->isUnsigned = element.isUnsigned;
  constant->bytes = bytes->data;
  constant->owner = bytes->owned;
  constant->name = info.name();
  Tensor &tensor = scope.tensors[info.name()];
  tensor.type = type;
  tensor.isUnsigned = element.isUnsigned;
  tensor.constant = constant;
  return success();
}

void EntryPoint::addArgument(const onnx::ValueInfoProto &info,
                             RankedTensorType type, ElementType element) {
  unsigned index = function.getNumArguments();
  SmallVector<NamedAttribute> attributes = {
      builder.getNamedAttr("net.name", builder.getStringAttr(info.name()))};
  if (element.isUnsigned)
    attributes.push_back(
        builder.getNamedAttr("net.unsigned", builder.getUnitAttr()));
  (void)function.insertArgument(
      index, type, builder.getDictionaryAttr(attributes), model.location);
  Tensor &tensor = scope.tensors[info.name()];
  tensor.type = type;
  tensor.isUnsigned = element.isUnsigned;
  tensor.value = function.getArgument(index);
}

/// An initializer that is an input as well is only a default (since IR version
/// 4), so nothing may be computed from it at compile time. Small integer ones
/// shape other tensors and stay what they are.
void EntryPoint::makeOverridable(StringRef name) {
  Tensor &tensor = scope.tensors[name];
  constexpr int64_t largestShape = 16;
  bool shapes = isa<IntegerType>(tensor.type.getElementType()) &&
                tensor.type.getRank() <= 1 &&
                tensor.type.getNumElements() <= largestShape;
  if (shapes)
    return;
  tensor.value =
      model.parameters.getMutable(builder, model.location, *tensor.constant);
  tensor.constant = nullptr;
}

LogicalResult EntryPoint::readInput(const onnx::ValueInfoProto &info) {
  bool hasDefault = scope.tensors.count(info.name());
  auto value = options.constantInputs.find(info.name());
  if (hasDefault && value == options.constantInputs.end()) {
    if (model.model->ir_version() >= 4)
      makeOverridable(info.name());
    return success();
  }
  ElementType element;
  FailureOr<RankedTensorType> type = typeOf(info, element);
  if (failed(type))
    return failure();
  if (value != options.constantInputs.end())
    return addConstantInput(info, *type, element, value->second);
  addArgument(info, *type, element);
  return success();
}

LogicalResult EntryPoint::readInputs() {
  if (failed(bindDimensions()) ||
      failed(importer.readInitializers(graph, scope)))
    return failure();
  llvm::StringSet<> seen;
  for (const onnx::ValueInfoProto &info : graph.input()) {
    if (!seen.insert(info.name()).second)
      return error() << "input '" << info.name() << "' is declared twice";
    if (failed(readInput(info)))
      return failure();
  }
  return success();
}

//===-- Outputs ----------------------------------------------------------===//

LogicalResult EntryPoint::checkOutput(const onnx::ValueInfoProto &info,
                                      const Tensor &tensor) {
  int declared = info.type().tensor_type().elem_type();
  ElementType element = elementTypeOf(declared, builder.getContext());
  if (declared == onnx::TensorProto::UNDEFINED)
    return success();
  if (element.type != tensor.type.getElementType() ||
      element.isUnsigned != tensor.isUnsigned)
    return error() << "output '" << info.name() << "' is declared with element "
                   << "type "
                   << onnx::TensorProto::DataType_Name(
                          static_cast<onnx::TensorProto::DataType>(declared))
                   << ", but its value is "
                   << (tensor.isUnsigned ? "unsigned " : "") << tensor.type;
  return success();
}

/// The status that the run returns, or null if it cannot fail.
Value EntryPoint::makeStatus() {
  if (importer.rangeChecks().empty())
    return {};
  auto constant = [&](int64_t value) {
    return arith::ConstantIntOp::create(builder, model.location, value, 32);
  };
  Value isInRange = importer.rangeChecks().front();
  for (Value check : importer.rangeChecks().drop_front())
    isInRange =
        arith::AndIOp::create(builder, model.location, isInRange, check);
  return arith::SelectOp::create(builder, model.location, isInRange,
                                 constant(LIG_OK),
                                 constant(LIG_INDEX_OUT_OF_RANGE));
}

LogicalResult EntryPoint::finish(ArrayRef<Tensor> outputs) {
  SmallVector<Value> results, extents;
  SmallVector<Attribute> resultAttrs, extentAttrs;
  for (auto [i, info, tensor] : llvm::enumerate(graph.output(), outputs)) {
    if (failed(checkOutput(info, tensor)))
      return failure();
    results.push_back(packed(builder, model.location,
                             importer.materialize(tensor, model.location),
                             tensor.runtimeDims));
    SmallVector<NamedAttribute> attributes = {
        builder.getNamedAttr("net.name", builder.getStringAttr(info.name()))};
    if (tensor.isUnsigned)
      attributes.push_back(
          builder.getNamedAttr("net.unsigned", builder.getUnitAttr()));
    resultAttrs.push_back(builder.getDictionaryAttr(attributes));
    for (auto [dim, extent] : llvm::enumerate(tensor.runtimeDims)) {
      if (!extent)
        continue;
      extents.push_back(extent);
      extentAttrs.push_back(builder.getDictionaryAttr(builder.getNamedAttr(
          "net.dim_of", builder.getI64ArrayAttr({static_cast<int64_t>(i),
                                                 static_cast<int64_t>(dim)}))));
    }
  }
  llvm::append_range(results, extents);
  llvm::append_range(resultAttrs, extentAttrs);
  if (Value status = makeStatus()) {
    results.push_back(status);
    resultAttrs.push_back(builder.getDictionaryAttr(
        builder.getNamedAttr("net.status", builder.getUnitAttr())));
  }
  func::ReturnOp::create(builder, model.location, results);
  function.setFunctionType(builder.getFunctionType(
      function.getArgumentTypes(), ValueRange(results).getTypes()));
  function.setAllResultAttrs(resultAttrs);
  return success();
}

LogicalResult EntryPoint::build() {
  opsets = readOpsets(model.model->opset_import());
  scope.opsets = &opsets;
  scope.owner = model.model;
  function = func::FuncOp::create(builder, model.location, options.entryName,
                                  builder.getFunctionType({}, {}));
  function->setAttr("net.entry", builder.getUnitAttr());
  builder.setInsertionPointToStart(function.addEntryBlock());
  if (failed(readInputs()) || failed(importer.importGraph(graph, scope)))
    return failure();
  FailureOr<SmallVector<Tensor>> outputs = importer.outputsOf(graph, scope);
  if (failed(outputs))
    return failure();
  return finish(*outputs);
}

LogicalResult lig::onnx_import::importEntryPoint(
    ModelContext &model, const OnnxImportOptions &options, OpBuilder &builder) {
  return EntryPoint(model, options, builder).build();
}
