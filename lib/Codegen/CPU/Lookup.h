// Numbers that a kernel looks up in a table by small codes.
#ifndef LIGATURE_CODEGEN_CPU_LOOKUP_H
#define LIGATURE_CODEGEN_CPU_LOOKUP_H

#include "Emitter.h"

namespace lig::codegen::cpu {

/// An element of `table` at the place that `code`, unsigned, says.
struct Lookup {
  mlir::Value table, code;
  int64_t entries;

  /// Whether two codes fit a byte.
  bool isSmall() const { return entries <= 16; }
};

/// What `op` does if it loads from a table outside of its block by a code of
/// its block; only what reads all of a small buffer from its first element on.
std::optional<Lookup> matchLookup(mlir::Operation *op);

/// Whether `value` is a code as lookups use it and nothing else does.
bool isLookupIndex(mlir::Value value);

/// Whether `access` holds codes and nothing but lookups in tables of 16 entries
/// reads them.
bool holdsSmallCodes(const Nest &nest, unsigned access);

/// The entries of `lookup.table` at `codes`, a vector of i32. Bits beyond those
/// that count the entries may be set in them.
mlir::Value emitLookup(Emitter &emitter, const Lookup &lookup,
                       mlir::Value codes);

/// Vectors whose entries are cheapest looked up together.
inline constexpr int64_t kFour = 4;

/// Whether the machine looks up four vectors of `lanes` codes at once.
bool looksUpFour(const Emitter &emitter, const Lookup &lookup, int64_t lanes);

/// The entries of `lookup.table` at four vectors of codes: `pairs` are the bytes
/// of the first two and of the last two, the first of each in the low bits.
llvm::SmallVector<mlir::Value> emitFourLookups(Emitter &emitter,
                                               const Lookup &lookup,
                                               mlir::Value pairs);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_LOOKUP_H
