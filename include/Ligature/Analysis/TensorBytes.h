/// The value of a tensor known at compile time, as bytes.
#ifndef LIGATURE_ANALYSIS_TENSORBYTES_H
#define LIGATURE_ANALYSIS_TENSORBYTES_H

#include "mlir/IR/BuiltinAttributeInterfaces.h"
#include "mlir/IR/BuiltinTypes.h"

#include <memory>
#include <optional>
#include <vector>

namespace lig {

/// Bytes of one element where models run: whole bytes, 8 for `index`. 0 for
/// types that have no such form.
int64_t getElementBytes(mlir::Type element);

/// Bytes of all elements of a static shape.
int64_t countBytes(mlir::RankedTensorType type);

/// Row-major elements, each in getElementBytes bytes, in this machine's order.
struct TensorBytes {
  mlir::RankedTensorType type;
  /// Either into `owned` or into memory that the attribute's context holds.
  llvm::ArrayRef<char> data;
  std::shared_ptr<std::vector<char>> owned;

  /// Room for a tensor of `type`, all zero.
  static TensorBytes allocate(mlir::RankedTensorType type);
  char *mutableData() { return owned->data(); }
};

/// The bytes of a dense or dense_resource attribute; nothing for other
/// attributes, and for a resource whose size does not fit its type.
std::optional<TensorBytes> readElements(mlir::ElementsAttr elements);

/// An attribute that holds the bytes: a resource called like `name`, or, where
/// the tensor is small, a dense attribute that prints in full.
mlir::ElementsAttr makeElements(const TensorBytes &bytes, llvm::StringRef name);

} // namespace lig

#endif // LIGATURE_ANALYSIS_TENSORBYTES_H
