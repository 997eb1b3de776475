// The operation that joins an accumulator with the next value.
#ifndef LIGATURE_CODEGEN_CPU_COMBINER_H
#define LIGATURE_CODEGEN_CPU_COMBINER_H

#include "Nest.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace lig::codegen::cpu {

/// An associative and commutative combination with a neutral value.
struct Combiner {
  mlir::Operation *op;
  mlir::vector::CombiningKind kind;
  mlir::TypedAttr neutral;
};

/// The combiner of `output`, if the body joins the output with a value that
/// does not depend on it, and yields that.
std::optional<Combiner> matchCombiner(const Nest &nest, unsigned output);

/// The two joined.
mlir::Value combine(mlir::OpBuilder &builder, const Combiner &combiner,
                    mlir::Value accumulator, mlir::Value next);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_COMBINER_H
