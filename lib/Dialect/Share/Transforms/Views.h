// Views that replace parameters, for the passes that find relations.
#ifndef LIGATURE_LIB_DIALECT_SHARE_TRANSFORMS_VIEWS_H
#define LIGATURE_LIB_DIALECT_SHARE_TRANSFORMS_VIEWS_H

#include "Ligature/Analysis/Equivalence.h"
#include "Ligature/Dialect/Share/IR/Share.h"
#include "Ligature/Support/TensorMoves.h"

namespace lig::share {

/// Writes an expression of the given root into the body of a view.
using ViewBody = llvm::function_ref<mlir::Value(
    mlir::OpBuilder &, mlir::Location, mlir::Value root)>;

/// Puts a view of `root` in the place of `param`, under its name and type, and
/// erases `param`. Uses go by the name, so none changes.
ViewOp replaceByView(ParamOp param, ParamOp root, ViewBody body);

} // namespace lig::share

#endif // LIGATURE_LIB_DIALECT_SHARE_TRANSFORMS_VIEWS_H
