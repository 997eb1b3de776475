/// Tensors in files of their own: NumPy's .npy and ONNX's TensorProto (.pb).
#ifndef LIGATURE_IMPORT_TENSORFILE_H
#define LIGATURE_IMPORT_TENSORFILE_H

#include "mlir/IR/BuiltinAttributeInterfaces.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <string>

namespace lig {

struct TensorFile {
  /// What the file calls the tensor; empty in .npy.
  std::string name;
  /// Elements in row-major order; integers are signless, an i1 takes a byte.
  mlir::ElementsAttr elements;
  bool isUnsigned = false;
};

/// Reads a tensor file, by its contents. The error names the file and what is
/// wrong with it: files are not trusted.
llvm::Expected<TensorFile> loadTensorFile(llvm::StringRef path,
                                          mlir::MLIRContext *context);

/// The formats that writeTensor knows.
enum class TensorFormat { Npy, OnnxTensor };

/// Writes a tensor of `dtype` (lig_dtype of Ligature/ABI/Model.h) whose dense
/// row-major elements are `bytes`. bf16 is stored as uint16 in .npy, which has
/// no such type.
void writeTensor(llvm::raw_ostream &out, TensorFormat format,
                 llvm::StringRef name, int dtype, llvm::ArrayRef<int64_t> dims,
                 llvm::ArrayRef<char> bytes);

} // namespace lig

#endif // LIGATURE_IMPORT_TENSORFILE_H
