// What a network would be if nothing were shared: the twin that tests compare
// with, and the price of a tie that someone wants to break.

#include "Ligature/Dialect/Share/Transforms/Passes.h"

#include "Ligature/Analysis/ConstantEvaluator.h"
#include "Ligature/Dialect/Share/IR/BrokenTieReasons.h"
#include "Ligature/Dialect/Share/IR/BrokenTies.h"

using namespace mlir;

namespace lig::share {
#define GEN_PASS_DEF_UNTIEPASS
#include "Ligature/Dialect/Share/Transforms/Passes.h.inc"
} // namespace lig::share

using lig::share::GetOp;
using lig::share::ParamOp;
using lig::share::ViewOp;

namespace {
struct Untie : lig::share::impl::UntiePassBase<Untie> {
  using UntiePassBase::UntiePassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    // A name is the user's: a wrong one must not pass as "nothing to do".
    llvm::DenseSet<StringAttr> wanted;
    for (const std::string &name : names) {
      Operation *symbol = symbols.lookup(name);
      if (!isa_and_nonnull<ParamOp, ViewOp>(symbol)) {
        module.emitError("cannot untie @") << name
                                           << ": no parameter or view has "
                                              "that name";
        return signalPassFailure();
      }
      wanted.insert(StringAttr::get(&getContext(), name));
    }
    llvm::MapVector<StringAttr, SmallVector<OpOperand *>> uses;
    // In program order, which the lists of uses are not.
    module.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<ViewOp>(op))
        return WalkResult::skip();
      for (OpOperand &operand : op->getOpOperands())
        if (auto get = operand.get().getDefiningOp<GetOp>()) {
          StringAttr symbol = get.getSourceAttr().getAttr();
          if (wanted.empty() || wanted.contains(symbol))
            uses[symbol].push_back(&operand);
        }
      return WalkResult::advance();
    });
    int64_t copies = 0, bytes = 0;
    SymbolTableCollection tables;
    for (auto &[symbol, operands] : uses) {
      Operation *source = symbols.lookup(symbol);
      ArrayRef<OpOperand *> others(operands);
      if (isa<ParamOp>(source))
        others = others.drop_front();
      if (others.empty())
        continue;
      FailureOr<Attribute> value = valueOf(source);
      if (failed(value))
        return signalPassFailure();
      Operation *last = source;
      ParamOp root = lig::share::findRoot(source, tables);
      for (OpOperand *use : others) {
        ParamOp copy = makeCopy(source, *value, last, symbols);
        if (root)
          lig::share::recordBrokenTie(copy, root, getArgument(),
                                      lig::share::reasons::kOnRequest);
        last = copy;
        auto type = copy.getTensorType();
        ++copies;
        bytes +=
            type.getNumElements() * lig::getElementBytes(type.getElementType());
        auto get = use->get().getDefiningOp<GetOp>();
        OpBuilder b(get);
        use->set(GetOp::create(b, get.getLoc(), type, copy.getSymName()));
        if (get->use_empty())
          get.erase();
      }
    }
    numCopies += copies;
    bytesAdded += bytes;
    if (copies != 0)
      module.emitRemark("untying ")
          << copies << (copies == 1 ? " use costs " : " uses costs ") << bytes
          << " bytes";
  }

private:
  static FailureOr<Attribute> valueOf(Operation *source) {
    if (auto param = dyn_cast<ParamOp>(source)) {
      if (Attribute value = param.getValueAttr())
        return value;
    } else {
      auto view = cast<ViewOp>(source);
      SymbolTableCollection tables;
      lig::ConstantEvaluator evaluator(tables);
      if (auto bytes = evaluator.evaluate(view.getYielded()))
        return Attribute(lig::makeElements(*bytes, view.getSymName()));
    }
    return source->emitError("cannot untie @")
           << SymbolTable::getSymbolName(source).getValue()
           << ": its value is not known at compile time";
  }

  static ParamOp makeCopy(Operation *source, Attribute value, Operation *last,
                          SymbolTable &symbols) {
    OpBuilder b(source->getContext());
    b.setInsertionPointAfter(last);
    StringRef name = SymbolTable::getSymbolName(source).getValue();
    auto param = dyn_cast<ParamOp>(source);
    RankedTensorType type = param ? param.getTensorType()
                                  : cast<ViewOp>(source).getTensorType();
    auto unit = [&](bool set) { return set ? b.getUnitAttr() : UnitAttr(); };
    auto copy = ParamOp::create(
        b, source->getLoc(), b.getStringAttr((name + ".untied").str()),
        TypeAttr::get(type), value, unit(param && param.getTrainable()),
        unit(param && param.getIsMutable()));
    symbols.insert(copy);
    return copy;
  }
};
} // namespace
