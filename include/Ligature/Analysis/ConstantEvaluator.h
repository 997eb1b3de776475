/// Computes, at compile time, tensors that depend on parameters alone.
#ifndef LIGATURE_ANALYSIS_CONSTANTEVALUATOR_H
#define LIGATURE_ANALYSIS_CONSTANTEVALUATOR_H

#include "Ligature/Analysis/TensorBytes.h"

#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"

namespace lig {

/// Evaluates expressions of `share.get` and constants: moves of elements
/// (transpose, reshape, slice, insertion, pad, concatenation, any affine
/// linalg copy) and linalg operations whose bodies are scalar arithmetic.
/// Only frozen parameters with a value at hand count as known, unless what is
/// asked for is what parameters begin with.
class ConstantEvaluator {
public:
  enum class Values { Lasting, Initial };
  explicit ConstantEvaluator(mlir::SymbolTableCollection &tables,
                             Values which = Values::Lasting)
      : tables(tables), which(which) {}

  /// What an expression rests on.
  struct Facts {
    /// It can be computed at compile time.
    bool known = false;
    /// The number of elements of all parameters it reads.
    int64_t parameterElements = 0;
    /// One of the parameters it reads, which gives it a name.
    mlir::StringAttr root;
  };
  Facts getFacts(mlir::Value value);

  /// The value, or nothing where it turns out to be beyond this evaluator.
  std::optional<TensorBytes> evaluate(mlir::Value value);

  /// Forgets values (not facts), so that large intermediate ones are freed.
  void dropValues() { values.clear(); }

private:
  Facts computeFacts(mlir::Value value);
  std::optional<TensorBytes> compute(mlir::Operation *op);

  mlir::SymbolTableCollection &tables;
  Values which;
  llvm::DenseMap<mlir::Value, Facts> facts;
  llvm::DenseMap<mlir::Value, TensorBytes> values;
};

} // namespace lig

#endif // LIGATURE_ANALYSIS_CONSTANTEVALUATOR_H
