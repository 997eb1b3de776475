/// The version that tools print and artefacts carry.
#ifndef LIGATURE_SUPPORT_VERSION_H
#define LIGATURE_SUPPORT_VERSION_H

#include "llvm/ADT/StringRef.h"

namespace lig {
/// For example "Ligature 0.1.0 (LLVM 22.1.8)".
llvm::StringRef getVersion();
} // namespace lig

#endif // LIGATURE_SUPPORT_VERSION_H
