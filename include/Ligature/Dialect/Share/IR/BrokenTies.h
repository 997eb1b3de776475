/// How passes say that they store a parameter once more. Whoever makes a
/// parameter out of another calls markPacked; if both then stay, recordBrokenTie.
/// The sharing report and `--fail-if-untied` repeat what was recorded.
#ifndef LIGATURE_DIALECT_SHARE_IR_BROKENTIES_H
#define LIGATURE_DIALECT_SHARE_IR_BROKENTIES_H

#include "Ligature/Dialect/Share/IR/Share.h"

#include "llvm/ADT/Twine.h"

namespace lig::share {

/// The parameter of the network whose elements `param` holds: itself, unless it
/// was packed from another one or is a copy of one.
mlir::StringAttr getOrigin(ParamOp param);

/// Says on `packed` that it was computed from `source`, with the source's count
/// of uses and, if the source was a copy already, why.
void markPacked(ParamOp packed, ParamOp source);

/// The parameter that a view shows, or the first of several; a parameter itself.
/// Null where the view reads itself or nothing.
ParamOp findRoot(mlir::Operation *paramOrView,
                 mlir::SymbolTableCollection &tables);

/// Says on `copy` that it is stored although it holds elements that `original`
/// has, or had, and emits a remark ("broken-tie", category "share"). `pass` is
/// the pass's flag, `reason` what a user should know: which use needs which
/// form. The first reason that a copy gets stays.
void recordBrokenTie(ParamOp copy, ParamOp original, llvm::StringRef pass,
                     const llvm::Twine &reason);

} // namespace lig::share

#endif // LIGATURE_DIALECT_SHARE_IR_BROKENTIES_H
