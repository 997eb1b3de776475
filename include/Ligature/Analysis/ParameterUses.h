/// Who uses parameters. A use is an operand of an operation that consumes a
/// parameter's elements: the moves between (a transpose, a reshape) are looked
/// through, because they are not why a network needs a weight.
#ifndef LIGATURE_ANALYSIS_PARAMETERUSES_H
#define LIGATURE_ANALYSIS_PARAMETERUSES_H

#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/IR/BuiltinOps.h"

namespace lig {

struct ParameterUse {
  /// The parameter or view that is read.
  mlir::StringAttr symbol;
  mlir::Operation *user = nullptr;
  /// The operand of `user`; null where `user` is a `share.address`.
  mlir::OpOperand *operand = nullptr;
  /// How often it stood in the model: more than once where a pass made one
  /// operation or one loop of several.
  int64_t uses = 1;
  /// How often a run applies it; a loop of unknown length counts once.
  int64_t applications = 1;
};

/// All uses outside of views, in program order of the reads.
std::vector<ParameterUse> findParameterUses(mlir::ModuleOp module);

} // namespace lig

#endif // LIGATURE_ANALYSIS_PARAMETERUSES_H
