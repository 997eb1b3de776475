// What a model takes and what it holds, told without importing it: test data is
// numbered in the order of the inputs, its shapes must be known before the
// import, and who looks at weights does not care whether the rest can be
// compiled.

#include "Ligature/Import/Onnx.h"

#include "TensorData.h"

#include "Ligature/Dialect/Share/IR/Share.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MemoryBuffer.h"

#include <google/protobuf/stubs/logging.h>

using namespace mlir;
using namespace lig;
using namespace lig::onnx_import;

static llvm::Expected<std::shared_ptr<onnx::ModelProto>>
parseModel(StringRef bytes, StringRef path) {
  google::protobuf::LogSilencer silencer;
  auto model = std::make_shared<onnx::ModelProto>();
  if (bytes.size() > std::numeric_limits<int>::max() ||
      !model->ParseFromArray(bytes.data(), bytes.size()) || !model->has_graph())
    return llvm::createStringError("'" + path +
                                   "' is no ONNX model, or it is truncated");
  return model;
}

llvm::Expected<std::vector<OnnxInput>> lig::listOnnxInputs(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return llvm::createStringError("cannot read '" + path +
                                   "': " + buffer.getError().message());
  auto model = parseModel((*buffer)->getBuffer(), path);
  if (!model)
    return model.takeError();
  const onnx::GraphProto &graph = (*model)->graph();
  llvm::StringSet<> initializers;
  for (const onnx::TensorProto &tensor : graph.initializer())
    initializers.insert(tensor.name());
  for (const onnx::SparseTensorProto &sparse : graph.sparse_initializer())
    initializers.insert(sparse.values().name());
  std::vector<OnnxInput> inputs;
  for (const onnx::ValueInfoProto &input : graph.input())
    inputs.push_back({input.name(), initializers.contains(input.name())});
  return inputs;
}

namespace {
/// Collects what a model stores: initializers, and the tensors of Constant nodes,
/// which some exporters write instead, by the names of their outputs.
class StoredTensors {
public:
  StoredTensors(std::shared_ptr<const onnx::ModelProto> model, StringRef path,
                MLIRContext *context)
      : model(std::move(model)), context(context), path(path), external(path) {}

  llvm::Expected<std::vector<TensorFile>> collect();

private:
  LogicalResult addGraph(const onnx::GraphProto &graph);
  LogicalResult addNode(const onnx::NodeProto &node);
  LogicalResult add(FailureOr<Constant> constant);
  /// The next tensor's name: with a number where branches use one twice.
  void takeName(const std::string &given);
  InFlightDiagnostic emit() {
    return emitError(UnknownLoc::get(context))
           << "'" << path << "': tensor '" << name << "': ";
  }

  std::shared_ptr<const onnx::ModelProto> model;
  MLIRContext *context;
  std::string path;
  ExternalData external;
  /// Of the tensor that is read, for errors.
  std::string name;
  std::vector<TensorFile> tensors;
  /// Names that are taken, with the numbers that were given to more of them.
  llvm::StringMap<unsigned> counts;
};
} // namespace

void StoredTensors::takeName(const std::string &given) {
  name = given;
  while (!counts.try_emplace(name, 1).second)
    name = given + "." + std::to_string(++counts[given]);
}

LogicalResult StoredTensors::add(FailureOr<Constant> constant) {
  if (failed(constant))
    return failure();
  constant->name = name;
  if (!constant->owner)
    constant->owner = model;
  tensors.push_back(makeTensorFile(std::move(*constant)));
  return success();
}

LogicalResult StoredTensors::addNode(const onnx::NodeProto &node) {
  for (const onnx::AttributeProto &attribute : node.attribute()) {
    // protobuf lets messages nest a hundred deep, so this ends.
    if (attribute.has_g() && failed(addGraph(attribute.g())))
      return failure();
    if (node.op_type() != "Constant" || node.output_size() != 1 ||
        attribute.name() != "value" || !attribute.has_t())
      continue;
    takeName(node.output(0));
    if (failed(add(decodeTensor(attribute.t(), context, external,
                                [&] { return emit(); }))))
      return failure();
  }
  return success();
}

LogicalResult StoredTensors::addGraph(const onnx::GraphProto &graph) {
  auto emitHere = [&] { return emit(); };
  llvm::StringSet<> here;
  auto isNew = [&](const std::string &given) {
    name = given;
    if (!here.insert(given).second)
      return false;
    takeName(given);
    return true;
  };
  for (const onnx::TensorProto &tensor : graph.initializer()) {
    if (!isNew(tensor.name()))
      return emit() << "one graph has two of that name";
    if (failed(add(decodeTensor(tensor, context, external, emitHere))))
      return failure();
  }
  for (const onnx::SparseTensorProto &sparse : graph.sparse_initializer()) {
    if (!isNew(sparse.values().name()))
      return emit() << "one graph has two of that name";
    if (failed(add(decodeSparseTensor(sparse, context, emitHere))))
      return failure();
  }
  for (const onnx::NodeProto &node : graph.node())
    if (failed(addNode(node)))
      return failure();
  return success();
}

llvm::Expected<std::vector<TensorFile>> StoredTensors::collect() {
  // Decoding reports by diagnostics, which here become one error.
  std::string message;
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    message += diagnostic.str();
    return success();
  });
  if (failed(addGraph(model->graph())))
    return llvm::createStringError(message);
  return std::move(tensors);
}

llvm::Expected<OnnxParameters>
lig::readOnnxParameters(StringRef bytes, StringRef path, MLIRContext *context) {
  auto model = parseModel(bytes, path);
  if (!model)
    return model.takeError();
  OnnxParameters result;
  for (const onnx::StringStringEntryProto &entry : (*model)->metadata_props())
    if (entry.key() == share::kTiesAttr)
      result.ties = entry.value();
  auto tensors = StoredTensors(*model, path, context).collect();
  if (!tensors)
    return tensors.takeError();
  result.tensors = std::move(*tensors);
  return result;
}
