/// Why our passes store parameters once more, in the words of the sharing report.
/// docs/broken-ties.md says of each what to do about it; `test/Docs` checks that
/// none is missing there.
#ifndef LIGATURE_DIALECT_SHARE_IR_BROKENTIEREASONS_H
#define LIGATURE_DIALECT_SHARE_IR_BROKENTIEREASONS_H

#include "llvm/ADT/StringRef.h"

namespace lig::share::reasons {

inline constexpr llvm::StringLiteral kOtherForm =
    "one use reads it in another order or computes with it at compile time, "
    "another reads it as it is";
inline constexpr llvm::StringLiteral kNoCommonForm =
    "two uses read it in orders or with factors that no one stored form serves";
inline constexpr llvm::StringLiteral kOnRequest = "every use was to have its own";
inline constexpr llvm::StringLiteral kTrainable =
    "one of them is trainable, and equal now is not equal later";
inline constexpr llvm::StringLiteral kMutable =
    "one of them is mutable, and equal now is not equal later";
/// With both types.
inline constexpr llvm::StringLiteral kOtherType =
    "one holds {0}, the other the same numbers as {1}";

} // namespace lig::share::reasons

#endif // LIGATURE_DIALECT_SHARE_IR_BROKENTIEREASONS_H
