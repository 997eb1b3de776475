// A module in text does not show how far it has come: the operations of two
// phases overlap. So every phase leaves its name.

#include "Ligature/Codegen/MarkPhase.h"
#include "Ligature/Codegen/Passes.h"

#include "mlir/IR/BuiltinOps.h"

namespace lig::codegen {
#define GEN_PASS_DEF_MARKPHASEPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

namespace {
struct MarkPhase : lig::codegen::impl::MarkPhasePassBase<MarkPhase> {
  using MarkPhasePassBase::MarkPhasePassBase;

  void runOnOperation() override {
    getOperation()->setAttr(lig::codegen::kPhaseAttr,
                            mlir::StringAttr::get(&getContext(), phase));
  }
};
} // namespace
