/// Where a module says how far it has come.
#ifndef LIGATURE_CODEGEN_MARKPHASE_H
#define LIGATURE_CODEGEN_MARKPHASE_H

#include "llvm/ADT/StringRef.h"

namespace lig::codegen {
/// On a module: the last phase that it went through, as lig-mark-phase left it.
inline constexpr llvm::StringLiteral kPhaseAttr = "net.phase";
} // namespace lig::codegen

#endif // LIGATURE_CODEGEN_MARKPHASE_H
