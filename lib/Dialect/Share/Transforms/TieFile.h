// Ties that a user declares, as JSON.
#ifndef LIGATURE_LIB_DIALECT_SHARE_TRANSFORMS_TIEFILE_H
#define LIGATURE_LIB_DIALECT_SHARE_TRANSFORMS_TIEFILE_H

#include "Views.h"

#include "llvm/Support/Error.h"

namespace lig::share {

/// One step from a root to a view.
struct TieStep {
  enum Kind { Transpose, Reshape, Slice, Reverse, Scale } kind;
  /// The permutation (empty: dimensions in reverse order), the shape, the
  /// offsets, or the dimensions turned around.
  llvm::SmallVector<int64_t> numbers;
  /// Of a slice.
  llvm::SmallVector<int64_t> sizes, strides;
  double factor = 1;
};

/// Parameter `name` is `of`, taken through the steps.
struct Tie {
  std::string name, of;
  llvm::SmallVector<TieStep> steps;
  /// How far an element may be off.
  double tolerance = 0;
};

/// Reads `{"name": {"of": "other", "view": ..., "tolerance": 0}, ...}`; ties
/// come in the order of their names. A view is "same", "transpose", an object
/// with one of "transpose", "reshape", "slice", "reverse" and "scale", or an
/// array of these, applied in order.
llvm::Expected<std::vector<Tie>> parseTies(llvm::StringRef text);

/// Applies one step to a value; fails with a reason if the step does not fit.
llvm::Expected<mlir::Value> applyStep(mlir::OpBuilder &b, mlir::Location loc,
                                      mlir::Value value, const TieStep &step);

} // namespace lig::share

#endif // LIGATURE_LIB_DIALECT_SHARE_TRANSFORMS_TIEFILE_H
