// A tensor whose value is known while importing: an initializer, a Constant
// node, or what shape arithmetic gave. Bytes are shared, never copied: they may
// lie in the model message, in a mapped file or on the heap.
#pragma once

#include "Proto.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <memory>
#include <string>

namespace lig::onnx_import {

/// An ONNX element type: its MLIR type (integers are signless) and its sign.
struct ElementType {
  mlir::Type type;
  bool isUnsigned = false;
  explicit operator bool() const { return static_cast<bool>(type); }
};
/// Null for strings and what else has no MLIR type.
ElementType elementTypeOf(int onnxDataType, mlir::MLIRContext *context);

/// The number without its fraction; the nearest there is where it does not fit,
/// 0 for NaN.
int64_t truncated(double value);

/// Bytes of one element in memory; a boolean takes one.
int64_t bytesPerElement(mlir::Type elementType);

/// The number of bytes of a tensor, or -1 when that overflows or exceeds what
/// any machine holds (2^46).
int64_t checkedByteSize(llvm::ArrayRef<int64_t> shape, mlir::Type elementType);

struct Constant {
  mlir::RankedTensorType type;
  bool isUnsigned = false;
  /// Row-major elements, little endian, one byte per boolean.
  llvm::ArrayRef<char> bytes;
  /// Keeps `bytes` alive.
  std::shared_ptr<const void> owner;
  /// The initializer's or output's name, for the parameter's symbol.
  std::string name;

  int64_t numElements() const { return type.getNumElements(); }
  /// Elements as integers (floats are truncated) or as doubles.
  llvm::SmallVector<int64_t> asInts() const;
  llvm::SmallVector<double> asFloats() const;

  static Constant fromInts(mlir::RankedTensorType type,
                           llvm::ArrayRef<int64_t> values,
                           bool isUnsigned = false);
  static Constant fromFloats(mlir::RankedTensorType type,
                             llvm::ArrayRef<double> values);
  static Constant fromBytes(mlir::RankedTensorType type, bool isUnsigned,
                            std::string bytes);
  /// The same bytes under another shape.
  Constant reshaped(llvm::ArrayRef<int64_t> shape) const;
  /// As an attribute: readable when small, a resource that shares the bytes
  /// when large.
  mlir::ElementsAttr toAttribute() const;
};

} // namespace lig::onnx_import
