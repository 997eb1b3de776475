// Fragments of matrices in the registers of a warp, and their products by
// mma.sync. In the words of the PTX manual lane l has group g = l / 4 and
// t = l % 4; element e of a fragment of results, 16 rows and 8 columns, is row
// g + 8 (e / 2) and column 2 t + e % 2.
#ifndef LIGATURE_CODEGEN_GPU_FRAGMENTS_H
#define LIGATURE_CODEGEN_GPU_FRAGMENTS_H

#include "Strategies.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace lig::codegen::gpu {

inline constexpr int64_t kFragmentRows = 16, kFragmentColumns = 8;

/// What one instruction multiplies.
struct Multiplicand {
  Multiplicand(mlir::MLIRContext *context, Precision precision);

  bool isTF32() const { return element.isF32(); }

  /// In shared memory.
  mlir::Type element;
  mlir::NVVM::MMATypes type;
  /// Steps of the sum in one instruction.
  int64_t steps;
};

/// `sums` and the product of a fragment of `rows` (four registers) and one of
/// `columns` (two).
llvm::SmallVector<mlir::Value>
multiplyFragment(mlir::ImplicitLocOpBuilder &b,
                 const Multiplicand &multiplicand, mlir::ValueRange rows,
                 mlir::ValueRange columns, mlir::ValueRange sums);

/// A register for two neighbours, a vector of f16 or bf16.
mlir::Value packPair(mlir::ImplicitLocOpBuilder &b, mlir::Value pair);

/// A register for a number of f32 that is one of tf32.
mlir::Value asRegister(mlir::ImplicitLocOpBuilder &b, mlir::Value number);

/// A register for a number of f32, rounded to tf32.
mlir::Value packTF32(mlir::ImplicitLocOpBuilder &b, mlir::Value number);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_FRAGMENTS_H
