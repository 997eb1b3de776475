// The transforms of one tile: filters, data and sums.
#ifndef LIGATURE_CODEGEN_CPU_WINOGRADTILE_H
#define LIGATURE_CODEGEN_CPU_WINOGRADTILE_H

#include "Winograd.h"

namespace lig::codegen::cpu {

/// Filters `weight`, F elements a group of stride `filterStep` from `offset`
/// on, as [parts of a tile][groups][channels][F].
std::vector<float> transformFilters(const float *weight, int64_t offset,
                                    int64_t numFilters, int64_t filterStep,
                                    const WinogradConv &conv);

/// Writes the transforms along one dimension, on vectors.
class WinogradTile {
public:
  WinogradTile(Emitter &emitter, const WinogradConv &conv);

  /// Inputs to as many numbers.
  llvm::SmallVector<mlir::Value, 6>
  transformData(llvm::ArrayRef<mlir::Value> x);
  /// Sums of products, one for each of those numbers, to outputs.
  llvm::SmallVector<mlir::Value, 6>
  transformSums(llvm::ArrayRef<mlir::Value> m);

  mlir::Value zero() { return constant(0); }
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::VectorType getType() const { return type; }

private:
  mlir::Value fma(mlir::Value x, double factor, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value constant(double value);

  Emitter &e;
  int64_t outputs;
  mlir::VectorType type;
};

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_WINOGRADTILE_H
