/// Reads an ONNX model into a module of `share`, `net` and tensor dialects.
#ifndef LIGATURE_IMPORT_ONNX_H
#define LIGATURE_IMPORT_ONNX_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace lig {
/// What the importer needs to know beyond the file.
struct OnnxImportOptions {
  /// Extents of symbolic dimensions (`dim_param`) by name.
  llvm::StringMap<int64_t> dims;
  /// Shapes of inputs by name; they bind the symbols of the declared shape too.
  llvm::StringMap<llvm::SmallVector<int64_t>> inputShapes;
  /// Inputs that are folded in as parameters, with their values. An i1 element
  /// counts one byte, as in `dense_resource`.
  llvm::StringMap<mlir::ElementsAttr> constantInputs;
  /// The entry point's name in the module and in the C header.
  std::string entryName = "main";
};

/// Imports the model in the file at `path`. External data is mapped from files
/// below the model's folder. Returns null after emitting a diagnostic when the
/// file is broken or the model uses what is not supported.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(llvm::StringRef path,
                                             const OnnxImportOptions &options,
                                             mlir::MLIRContext *context);

/// The same from bytes in memory. `path` names the model in diagnostics and
/// locates its external data; an empty one means that there may be none.
mlir::OwningOpRef<mlir::ModuleOp>
importOnnxBuffer(llvm::StringRef bytes, llvm::StringRef path,
                 const OnnxImportOptions &options, mlir::MLIRContext *context);

/// An input that a model declares.
struct OnnxInput {
  std::string name;
  /// The model has a default for it.
  bool hasInitializer;
};
/// The inputs of the model in the file at `path`, in its order.
llvm::Expected<std::vector<OnnxInput>> listOnnxInputs(llvm::StringRef path);

/// One row of the table of supported operators.
struct OnnxOperator {
  std::string domain;
  std::string name;
  int sinceVersion;
};
/// Every operator that the importer translates itself, sorted; others are
/// supported when their definition has a function body of these.
std::vector<OnnxOperator> listOnnxOperators();
} // namespace lig

#endif // LIGATURE_IMPORT_ONNX_H
