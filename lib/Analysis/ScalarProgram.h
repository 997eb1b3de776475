// The body of a linalg operation as a short program over scalars.
#ifndef LIGATURE_LIB_ANALYSIS_SCALARPROGRAM_H
#define LIGATURE_LIB_ANALYSIS_SCALARPROGRAM_H

#include "Scalar.h"

#include "mlir/IR/Block.h"
#include "llvm/ADT/SmallVector.h"

#include <optional>

namespace lig {

class ScalarProgram {
public:
  /// Nothing if the block holds an operation beyond scalar arithmetic and
  /// tensor.extract.
  static std::optional<ScalarProgram> compile(mlir::Block &block);

  /// Runs on `slots`, whose first entries are the block's arguments; `indices`
  /// are the loops' positions for linalg.index, `tables` the elements of
  /// getTables(). Returns the yielded value; nothing if an element lies outside
  /// its table or an integer is divided by zero.
  std::optional<Scalar> run(Scalar *slots, const int64_t *indices,
                            llvm::ArrayRef<llvm::ArrayRef<char>> tables) const;
  unsigned getNumSlots() const { return numSlots; }
  /// Tensors from outside the block that it extracts elements of.
  llvm::ArrayRef<mlir::Value> getTables() const { return tables; }

  struct Step {
    enum Form {
      F1,
      F2,
      I2,
      I2Unsigned,
      Divide,
      DivideUnsigned,
      Choose,
      CompareF,
      CompareI,
      ToFloat,
      ToFloatU,
      ToInt,
      ZeroExtend,
      Move,
      Constant,
      Index,
      Extract
    };
    Form form;
    ScalarKind kind;
    unsigned result;
    unsigned operands[3] = {0, 0, 0};
    double (*f1)(double) = nullptr;
    double (*f2)(double, double) = nullptr;
    int64_t (*i2)(int64_t, int64_t) = nullptr;
    /// A predicate, a bit width, a loop, a table, or the constant.
    int64_t number = 0;
    Scalar constant = {0};
  };

private:
  class Compiler;

  std::vector<Step> steps;
  llvm::SmallVector<mlir::Value> tables;
  unsigned numSlots = 0;
  unsigned yielded = 0;
};

} // namespace lig

#endif // LIGATURE_LIB_ANALYSIS_SCALARPROGRAM_H
