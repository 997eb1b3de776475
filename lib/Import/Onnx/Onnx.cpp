// Opens ONNX models: parsing, the checks that come first, and the module.

#include "Ligature/Import/Onnx.h"

#include "EntryPoint.h"
#include "SupportCheck.h"

#include "Ligature/Dialect/Net/IR/Net.h"
#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/MemoryBuffer.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>

using namespace mlir;
using namespace lig;
using namespace lig::onnx_import;

static std::shared_ptr<const onnx::ModelProto> parse(StringRef bytes,
                                                     Location loc) {
  if (bytes.size() > std::numeric_limits<int>::max()) {
    emitError(loc) << "the model has " << bytes.size()
                   << " bytes; a protobuf message ends at 2 GiB";
    return nullptr;
  }
  // What is wrong is said by a diagnostic, not by protobuf on stderr.
  google::protobuf::LogSilencer silencer;
  auto model = std::make_shared<onnx::ModelProto>();
  if (!model->ParseFromArray(bytes.data(), bytes.size())) {
    emitError(loc) << "this is no ONNX model, or it is truncated";
    return nullptr;
  }
  if (!model->has_graph()) {
    emitError(loc) << "the model has no graph";
    return nullptr;
  }
  return model;
}

static LogicalResult checkOpset(const onnx::ModelProto &model, Location loc) {
  if (readOpsets(model.opset_import()).empty())
    return emitError(loc) << "the model imports no operator set";
  return success();
}

/// Ties that the model declares of itself, for the pass that proves them.
static LogicalResult readTies(const onnx::ModelProto &model, ModuleOp module) {
  for (const onnx::StringStringEntryProto &entry : model.metadata_props()) {
    if (entry.key() != share::kTiesAttr)
      continue;
    if (module->hasAttr(share::kTiesAttr))
      return module.emitError("the model's metadata has '")
             << share::kTiesAttr << "' twice";
    module->setAttr(share::kTiesAttr,
                    StringAttr::get(module.getContext(), entry.value()));
  }
  return success();
}

static void loadDialects(MLIRContext *context) {
  context->loadDialect<arith::ArithDialect, func::FuncDialect,
                       linalg::LinalgDialect, math::MathDialect,
                       net::NetDialect, scf::SCFDialect, share::ShareDialect,
                       tensor::TensorDialect>();
}

OwningOpRef<ModuleOp> lig::importOnnxBuffer(StringRef bytes, StringRef path,
                                            const OnnxImportOptions &options,
                                            MLIRContext *context) {
  loadDialects(context);
  Location loc =
      FileLineColLoc::get(context, path.empty() ? "model" : path, 0, 0);
  std::shared_ptr<const onnx::ModelProto> proto = parse(bytes, loc);
  if (!proto || failed(checkOpset(*proto, loc)))
    return nullptr;
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  ModelContext model{proto,
                     FunctionLibrary(*proto),
                     Dimensions(options.dims),
                     ExternalData(path),
                     Parameters(*module),
                     loc};
  if (failed(checkSupport(*proto, model.functions, loc)))
    return nullptr;
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  if (failed(readTies(*proto, *module)) ||
      failed(importEntryPoint(model, options, builder)) ||
      failed(verify(*module)))
    return nullptr;
  return module;
}

OwningOpRef<ModuleOp> lig::importOnnx(StringRef path,
                                      const OnnxImportOptions &options,
                                      MLIRContext *context) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer) {
    emitError(UnknownLoc::get(context))
        << "cannot read '" << path << "': " << buffer.getError().message();
    return nullptr;
  }
  return importOnnxBuffer((*buffer)->getBuffer(), path, options, context);
}

std::vector<OnnxOperator> lig::listOnnxOperators() {
  std::vector<OnnxOperator> operators;
  for (const OperatorTable::Entry &entry : OperatorTable::get().entries())
    operators.push_back({entry.domain, entry.name, entry.since});
  llvm::sort(operators, [](const OnnxOperator &a, const OnnxOperator &b) {
    return std::tie(a.domain, a.name, a.sinceVersion) <
           std::tie(b.domain, b.name, b.sinceVersion);
  });
  return operators;
}
