// One number of any type that parameters have.
#ifndef LIGATURE_LIB_ANALYSIS_SCALAR_H
#define LIGATURE_LIB_ANALYSIS_SCALAR_H

#include "mlir/IR/Value.h"

#include <optional>

namespace lig {

/// How an element lies in memory.
enum class ScalarKind { F16, BF16, F32, F64, I1, I8, I16, I32, I64 };
std::optional<ScalarKind> getScalarKind(mlir::Type type);

/// Floats are held as double and rounded to their type after each step, which
/// for one operation gives the same bits as computing in the type itself.
/// Integers are held sign-extended.
union Scalar {
  double f;
  int64_t i;
};
Scalar loadScalar(ScalarKind kind, const char *from);
void storeScalar(ScalarKind kind, Scalar value, char *to);
/// The constant behind a value, if it is one number.
std::optional<Scalar> getConstantScalar(mlir::Value value);

/// A float as an element of the kind has it.
double roundTo(ScalarKind kind, double value);
/// The low bits of an integer, sign-extended.
int64_t wrapTo(ScalarKind kind, int64_t value);
/// Bits that count.
int64_t widthOf(ScalarKind kind);

} // namespace lig

#endif // LIGATURE_LIB_ANALYSIS_SCALAR_H
