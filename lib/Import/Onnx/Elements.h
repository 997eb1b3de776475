// Tensors computed element by element from their indices: what gathers whose
// places only the run knows are made of. Indices are `index` values; those that
// come from data are brought into range first, so memory outside a tensor is
// never read or written, whatever the data says.
#pragma once

#include "Node.h"

namespace lig::onnx_import {

/// One element from its indices.
using ElementBody = llvm::function_ref<mlir::Value(
    mlir::OpBuilder &, mlir::Location, llvm::ArrayRef<mlir::Value>)>;
/// A tensor whose element at each index is what `body` builds.
mlir::Value generated(mlir::OpBuilder &b, mlir::Location loc,
                      llvm::ArrayRef<int64_t> shape, mlir::Type elementType,
                      ElementBody body);

/// Integer arithmetic on `index` values.
class IndexMath {
public:
  IndexMath(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}
  mlir::Value constant(int64_t value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value min(mlir::Value x, mlir::Value y);
  mlir::Value max(mlir::Value x, mlir::Value y);
  mlir::Value less(mlir::Value x, mlir::Value y);
  mlir::Value equal(mlir::Value x, mlir::Value y);
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);
  mlir::Value clamp(mlir::Value x, int64_t low, int64_t high);
  /// The remainder in [0, modulus).
  mlir::Value modulo(mlir::Value x, int64_t modulus);
  /// An integer of any width.
  mlir::Value fromInt(mlir::Value x, bool isUnsigned = false);
  mlir::Value toInt(mlir::Value x, mlir::Type type);
  /// Counts a negative index from the end, and puts what is still outside
  /// [0, extent) on the border.
  mlir::Value wrap(mlir::Value x, int64_t extent);
  /// The element of a tensor of integers as an index; see tensor.extract.
  mlir::Value read(mlir::Value tensor, mlir::ValueRange at);

private:
  mlir::OpBuilder &b;
  mlir::Location loc;
};

} // namespace lig::onnx_import
