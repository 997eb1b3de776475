/// Ties as text, for programs that keep them with parameters and do not apply
/// them: the pass `share-apply-ties` does.
#ifndef LIGATURE_DIALECT_SHARE_TRANSFORMS_TIES_H
#define LIGATURE_DIALECT_SHARE_TRANSFORMS_TIES_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>

namespace lig::share {

/// The number of ties in a text; fails with what is wrong with it.
llvm::Expected<size_t> countTies(llvm::StringRef text);

/// The text with other names. A tie of a parameter for which `rename` has no
/// name, or to one, is left out and told in `dropped`. Empty if none is left.
llvm::Expected<std::string>
renameTies(llvm::StringRef text,
           llvm::function_ref<std::optional<std::string>(llvm::StringRef)> rename,
           llvm::SmallVectorImpl<std::string> &dropped);

} // namespace lig::share

#endif // LIGATURE_DIALECT_SHARE_TRANSFORMS_TIES_H
