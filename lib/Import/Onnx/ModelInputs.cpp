// What a model takes, told without importing it: test data is numbered in the
// order of the inputs, and its shapes must be known before the import.

#include "Ligature/Import/Onnx.h"

#include "Proto.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MemoryBuffer.h"

#include <google/protobuf/stubs/logging.h>

llvm::Expected<std::vector<lig::OnnxInput>>
lig::listOnnxInputs(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return llvm::createStringError("cannot read '" + path +
                                   "': " + buffer.getError().message());
  google::protobuf::LogSilencer silencer;
  onnx::ModelProto model;
  llvm::StringRef bytes = (*buffer)->getBuffer();
  if (bytes.size() > std::numeric_limits<int>::max() ||
      !model.ParseFromArray(bytes.data(), bytes.size()))
    return llvm::createStringError("'" + path +
                                   "' is no ONNX model, or it is "
                                   "truncated");
  llvm::StringSet<> initializers;
  for (const onnx::TensorProto &tensor : model.graph().initializer())
    initializers.insert(tensor.name());
  for (const onnx::SparseTensorProto &sparse :
       model.graph().sparse_initializer())
    initializers.insert(sparse.values().name());
  std::vector<OnnxInput> inputs;
  for (const onnx::ValueInfoProto &input : model.graph().input())
    inputs.push_back({input.name(), initializers.contains(input.name())});
  return inputs;
}
