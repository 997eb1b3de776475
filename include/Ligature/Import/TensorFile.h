/// Tensors in files of their own: NumPy's .npy and ONNX's TensorProto (.pb).
#ifndef LIGATURE_IMPORT_TENSORFILE_H
#define LIGATURE_IMPORT_TENSORFILE_H

#include "mlir/IR/BuiltinAttributeInterfaces.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <memory>
#include <string>
#include <vector>

namespace lig {

struct TensorFile {
  /// What the file calls the tensor; empty in .npy.
  std::string name;
  /// Elements in row-major order; integers are signless, an i1 takes a byte.
  mlir::ElementsAttr elements;
  bool isUnsigned = false;
  /// The same for programs that run models: a lig_dtype of
  /// Ligature/ABI/Model.h, and little-endian elements, a boolean being 0 or 1.
  int dtype = 0;
  llvm::SmallVector<int64_t> dims;
  llvm::ArrayRef<char> bytes;
  /// Keeps `bytes` alive.
  std::shared_ptr<const void> owner;
};

/// Reads a tensor file, by its contents. The error names the file and what is
/// wrong with it: files are not trusted. Arrays in Fortran order are brought
/// into C order; two-byte void elements are bf16, as ml_dtypes saves it.
llvm::Expected<TensorFile> loadTensorFile(llvm::StringRef path,
                                          mlir::MLIRContext *context);

/// The same from bytes in memory, which the result does not refer to; `path`
/// names the file in errors and finds external data.
llvm::Expected<TensorFile> parseTensorFile(llvm::StringRef bytes,
                                           llvm::StringRef path,
                                           mlir::MLIRContext *context);

/// What an ONNX model stores, in its order, and the ties that it declares.
struct OnnxParameters {
  std::vector<TensorFile> tensors;
  /// The text of its `share.ties`; empty without.
  std::string ties;
};

/// Reads initializers, and the tensors of Constant nodes by the names of their
/// outputs, of all graphs of a model without importing it. External
/// data is mapped from files below the folder of `path`; an empty path allows
/// none.
llvm::Expected<OnnxParameters> readOnnxParameters(llvm::StringRef bytes,
                                                  llvm::StringRef path,
                                                  mlir::MLIRContext *context);

/// The formats that writeTensor knows.
enum class TensorFormat { Npy, OnnxTensor };

/// Writes a tensor of `dtype` (lig_dtype of Ligature/ABI/Model.h) whose dense
/// row-major elements are `bytes`. .npy has no bf16: it is written as two-byte
/// void elements, as ml_dtypes does. Fails only where a tensor is larger than
/// an ONNX message may be.
llvm::Error writeTensor(llvm::raw_ostream &out, TensorFormat format,
                        llvm::StringRef name, int dtype,
                        llvm::ArrayRef<int64_t> dims,
                        llvm::ArrayRef<char> bytes);

} // namespace lig

#endif // LIGATURE_IMPORT_TENSORFILE_H
