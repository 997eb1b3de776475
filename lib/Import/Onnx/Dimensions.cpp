// Binding symbolic dimensions.

#include "Dimensions.h"

#include "llvm/Support/FormatVariadic.h"

using namespace lig::onnx_import;

std::string Dimensions::bind(const onnx::TensorShapeProto &declared,
                             llvm::ArrayRef<int64_t> shape) {
  if (declared.dim_size() != static_cast<int>(shape.size()))
    return llvm::formatv("the model declares rank {0}, but the shape has rank "
                         "{1}",
                         declared.dim_size(), shape.size());
  for (auto [dim, extent] : llvm::zip(declared.dim(), shape)) {
    if (dim.has_dim_value() && dim.dim_value() != extent)
      return llvm::formatv("the model declares extent {0}, but the shape has "
                           "{1}",
                           dim.dim_value(), extent);
    if (dim.dim_param().empty())
      continue;
    auto [it, fresh] = extents.try_emplace(dim.dim_param(), extent);
    if (!fresh && it->second != extent)
      return llvm::formatv("dimension '{0}' is {1}, but the shape has {2}",
                           dim.dim_param(), it->second, extent);
  }
  return "";
}

std::optional<llvm::SmallVector<int64_t>>
Dimensions::resolve(const onnx::TensorShapeProto &declared,
                    std::string *unknown) const {
  llvm::SmallVector<int64_t> shape;
  for (const auto &dim : declared.dim()) {
    auto it = extents.find(dim.dim_param());
    if (dim.has_dim_value()) {
      shape.push_back(dim.dim_value());
    } else if (it != extents.end()) {
      shape.push_back(it->second);
    } else {
      if (unknown)
        *unknown = dim.dim_param().empty() ? std::to_string(shape.size())
                                           : "'" + dim.dim_param() + "'";
      return std::nullopt;
    }
  }
  return shape;
}
