/// Tells expressions that only move a parameter's elements from those that
/// compute new ones.
#ifndef LIGATURE_ANALYSIS_PARAMETERMOVES_H
#define LIGATURE_ANALYSIS_PARAMETERMOVES_H

#include "Ligature/Dialect/Share/IR/Share.h"

namespace lig {

/// The operand whose elements `op` reads if its result holds nothing else: a
/// transpose, a reshape, a slice, or a linalg copy through affine maps. Null
/// for every other operation.
mlir::Value getMovedOperand(mlir::Operation *op);

/// The `share.get` at the start of a chain of moves, or null.
share::GetOp getMovedParameter(mlir::Value value);

/// What a view does to what it reads.
enum class ViewKind {
  /// Every element is an element of one root: the view costs nothing.
  Index,
  /// Elements are computed, or come from several roots.
  Computed
};
ViewKind classifyView(share::ViewOp view);
llvm::StringRef stringifyViewKind(ViewKind kind);

/// Short words for the steps of an index view, such as "transposed".
std::string describeMoves(share::ViewOp view);

} // namespace lig

#endif // LIGATURE_ANALYSIS_PARAMETERMOVES_H
