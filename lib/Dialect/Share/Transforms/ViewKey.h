// A name for what an expression does to a parameter, equal for equal moves.
#ifndef LIGATURE_LIB_DIALECT_SHARE_TRANSFORMS_VIEWKEY_H
#define LIGATURE_LIB_DIALECT_SHARE_TRANSFORMS_VIEWKEY_H

#include "Ligature/Dialect/Share/IR/Share.h"

namespace lig::share {

/// The root's symbol and each move from it to `value`, with attributes and
/// types. Null if `value` is no chain of moves of a parameter or view.
mlir::Attribute getMoveKey(mlir::Value value);

} // namespace lig::share

#endif // LIGATURE_LIB_DIALECT_SHARE_TRANSFORMS_VIEWKEY_H
