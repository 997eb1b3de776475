/// Parameters as they lie in a file, whatever its format: safetensors (also
/// OUT.params), ONNX, NumPy's .npy and .npz, a folder of .npy files.
#ifndef LIGATURE_PARAMETERS_PARAMETERSET_H
#define LIGATURE_PARAMETERS_PARAMETERSET_H

#include "Ligature/ABI/Model.h"
#include "Ligature/Analysis/TensorBytes.h"
#include "Ligature/Support/SafetensorsFile.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace lig::parameters {

struct NamedTensor {
  std::string name;
  /// As safetensors spells it: "F32", "U8", ...
  std::string dtype;
  llvm::SmallVector<int64_t> shape;
  /// Row-major, little endian, at any alignment.
  llvm::ArrayRef<char> bytes;
  /// From the start of the data, in formats that have one block of it.
  std::optional<uint64_t> offset;
  /// Keeps `bytes` alive.
  std::shared_ptr<const void> owner;

  /// "F32 [2, 3]".
  std::string describeType() const;
  /// With its sign, for comparing and printing.
  TensorBytes getBytes(mlir::MLIRContext &context) const;
};

struct ParameterSet {
  std::string path;
  /// "safetensors", "onnx", "npy", "npz", "folder" or "library".
  std::string format;
  /// Names are all different.
  std::vector<NamedTensor> tensors;
  /// Text beside them: `__metadata__`, or `share.ties` of an ONNX model.
  std::vector<std::pair<std::string, std::string>> metadata;
  /// One block with all tensors, where the format has it.
  std::optional<llvm::StringRef> data;
  /// SHA-256 of `data`, in hexadecimal, as the file gives it; empty without.
  std::string digest;
  /// The file itself, if it is one of safetensors.
  std::shared_ptr<SafetensorsFile> safetensors;

  const NamedTensor *find(llvm::StringRef name) const;
  /// The ties that the file declares, in the format of `ligc --ties`, or "".
  llvm::StringRef getTies() const;
  uint64_t countBytes() const;
};

/// Reads a file or a folder; safetensors and external data of ONNX are mapped.
/// The error names the file and what is wrong: files are not trusted.
llvm::Expected<ParameterSet> loadParameters(llvm::StringRef path,
                                            mlir::MLIRContext &context);

/// The same over bytes of a file; `path` names it in errors and finds external
/// data, of which there may be none if it is empty.
llvm::Expected<ParameterSet>
parseParameters(std::unique_ptr<llvm::MemoryBuffer> buffer,
                llvm::StringRef path, mlir::MLIRContext &context);

/// The parameters of a library that the caller opened and keeps open; `data` is
/// what lig_weights_data gives.
ParameterSet describeLibrary(llvm::StringRef path, const lig_params_desc *params,
                             const uint8_t *data);

/// A module with a share.param for each tensor, whose value lies where it lay.
mlir::OwningOpRef<mlir::ModuleOp> makeModule(const ParameterSet &set,
                                             mlir::MLIRContext &context);

} // namespace lig::parameters

#endif // LIGATURE_PARAMETERS_PARAMETERSET_H
