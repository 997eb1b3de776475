// Tensors as a compiled model takes and gives them: dense, aligned memory.
#pragma once

#include "Ligature/ABI/Runtime.h"
#include "Ligature/Import/TensorFile.h"

#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <random>

namespace lig::run {

struct Tensor {
  std::string name;
  int32_t dtype = 0; ///< lig_dtype
  llvm::SmallVector<int64_t> dims;

  /// Memory for a buffer of a descriptor, upper bounds included; its elements
  /// are not set.
  static llvm::Expected<Tensor> allocate(const lig_tensor_desc &desc);
  static llvm::Expected<Tensor> load(llvm::StringRef path,
                                     mlir::MLIRContext &context);
  /// Writes a .npy file, or an ONNX tensor if `path` ends in .pb.
  llvm::Error save(llvm::StringRef path) const;

  char *data() const { return memory.get(); }
  int64_t numElements() const;
  /// Of the elements, which may be less than what was allocated.
  int64_t numBytes() const;
  llvm::ArrayRef<char> bytes() const {
    return {data(), static_cast<size_t>(numBytes())};
  }
  /// The value of an element. Integers beyond 2^53 are rounded.
  double at(int64_t index) const;

  /// Floats in [-1, 1), 0 or 1 for other types: no index is out of range.
  void fillRandomly(std::mt19937_64 &generator);
  /// "x: f32 [1x3], -1 to 2.5, mean 0.5: -1 0 2.5".
  void printSummary(llvm::raw_ostream &out) const;

  /// For loaded tensors: the value as the importer takes it.
  mlir::ElementsAttr elements;

private:
  llvm::Error reserve(uint64_t bytes);

  struct Free {
    void operator()(char *pointer) const { std::free(pointer); }
  };
  std::unique_ptr<char, Free> memory;
};

/// "f32 [1x3x224x224]".
std::string describeType(int32_t dtype, llvm::ArrayRef<int64_t> dims);

} // namespace lig::run
