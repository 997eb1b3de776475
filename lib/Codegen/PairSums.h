// Weights with which products of unsigned bytes can be added in pairs.
#ifndef LIGATURE_LIB_CODEGEN_PAIRSUMS_H
#define LIGATURE_LIB_CODEGEN_PAIRSUMS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace lig::codegen {

/// On a `net.dot mixed_bytes`: its weights are such. Without it the same sum
/// takes more instructions.
inline constexpr llvm::StringLiteral kPairsFitAttr = "net.pairs_fit";

/// Whether sums of two products, of any unsigned bytes and of neighbours along
/// `axis` of signed bytes, fit 16 bits. Pairs begin at even places; `weights`
/// have `shape`, the last dimension innermost.
bool pairSumsFit(llvm::ArrayRef<char> weights, llvm::ArrayRef<int64_t> shape,
                 unsigned axis);

} // namespace lig::codegen

#endif // LIGATURE_LIB_CODEGEN_PAIRSUMS_H
