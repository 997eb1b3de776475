// Extents of the dimensions that a model names.
#pragma once

#include "Proto.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

#include <optional>
#include <string>

namespace lig::onnx_import {

class Dimensions {
public:
  explicit Dimensions(const llvm::StringMap<int64_t> &given) : extents(given) {}

  /// Matches a declared shape with a concrete one, which binds its symbols.
  /// Returns what clashes, empty if nothing does.
  std::string bind(const onnx::TensorShapeProto &declared,
                   llvm::ArrayRef<int64_t> shape);

  /// The shape if every extent is known. Otherwise `unknown`, if not null, gets
  /// the symbol that has no extent, or the dimension's number.
  std::optional<llvm::SmallVector<int64_t>>
  resolve(const onnx::TensorShapeProto &declared, std::string *unknown) const;

private:
  llvm::StringMap<int64_t> extents;
};

} // namespace lig::onnx_import
