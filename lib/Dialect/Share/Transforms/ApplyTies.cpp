// A tie that the model's author declares is checked like one that is found: the
// view is computed and compared with the bytes that it replaces. Only where no
// bytes came with the tied parameter is the declaration all there is.

#include "Ligature/Dialect/Share/Transforms/Passes.h"

#include "TieFile.h"

#include "Ligature/Analysis/ConstantEvaluator.h"
#include "Ligature/Analysis/ElementComparison.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace lig::share;

namespace lig::share {
#define GEN_PASS_DEF_APPLYTIESPASS
#include "Ligature/Dialect/Share/Transforms/Passes.h.inc"
} // namespace lig::share

namespace {
struct ApplyTies : lig::share::impl::ApplyTiesPassBase<ApplyTies> {
  using ApplyTiesPassBase::ApplyTiesPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (auto attr = module->getAttrOfType<StringAttr>(kTiesAttr)) {
      if (failed(applyText(attr.getValue(), kTiesAttr)))
        return signalPassFailure();
      module->removeAttr(kTiesAttr);
    }
    if (file.empty())
      return;
    auto buffer = llvm::MemoryBuffer::getFile(file, /*IsText=*/true);
    if (!buffer) {
      module.emitError("cannot read '")
          << file << "': " << buffer.getError().message();
      return signalPassFailure();
    }
    if (failed(applyText((*buffer)->getBuffer(), file)))
      signalPassFailure();
  }

private:
  LogicalResult applyText(StringRef text, StringRef from) {
    llvm::Expected<std::vector<Tie>> ties = parseTies(text);
    if (!ties)
      return getOperation().emitError()
             << from << ": " << llvm::toString(ties.takeError());
    if (failed(checkCycles(*ties)))
      return failure();
    SymbolTable symbols(getOperation());
    for (const Tie &tie : *ties)
      if (failed(apply(tie, symbols)))
        return failure();
    return success();
  }

  LogicalResult checkCycles(ArrayRef<Tie> ties) {
    llvm::StringMap<StringRef> of;
    for (const Tie &tie : ties)
      of[tie.name] = tie.of;
    for (const Tie &tie : ties) {
      StringRef at = tie.of;
      std::string path = "@" + tie.name;
      for (size_t steps = 0; steps <= ties.size(); ++steps) {
        path += ", @" + at.str();
        if (at == tie.name)
          return getOperation().emitError("ties make a cycle: ") << path;
        auto next = of.find(at);
        if (next == of.end())
          break;
        at = next->second;
      }
    }
    return success();
  }

  LogicalResult apply(const Tie &tie, SymbolTable &symbols) {
    auto param = symbols.lookup<ParamOp>(tie.name);
    Operation *root = symbols.lookup(tie.of);
    auto rootParam = dyn_cast_or_null<ParamOp>(root);
    auto rootView = dyn_cast_or_null<ViewOp>(root);
    if (!param)
      return getOperation().emitError("cannot tie @")
             << tie.name << ": no parameter has that name";
    auto refuse = [&]() {
      return param.emitError("cannot tie @")
             << tie.name << " to @" << tie.of << ": ";
    };
    if (!rootParam && !rootView)
      return refuse() << "no parameter or view has that name";
    if (rootParam && (rootParam.getTrainable() != param.getTrainable() ||
                      rootParam.getIsMutable() != param.getIsMutable()))
      return refuse() << "one is frozen and the other is not";

    RankedTensorType type = param.getTensorType();
    OpBuilder b(param);
    Location loc = param.getLoc();
    auto view = ViewOp::create(b, loc, tie.name, type);
    b.createBlock(&view.getBody());
    Value value = GetOp::create(b, loc,
                                rootParam ? rootParam.getTensorType()
                                          : rootView.getTensorType(),
                                tie.of);
    for (const TieStep &step : tie.steps) {
      llvm::Expected<Value> next = applyStep(b, loc, value, step);
      if (!next) {
        refuse() << "the view " << llvm::toString(next.takeError());
        view.erase();
        return failure();
      }
      value = *next;
    }
    if (value.getType() != type) {
      refuse() << "the view has type " << value.getType() << " but @"
               << tie.name << " has type " << type;
      view.erase();
      return failure();
    }
    YieldOp::create(b, loc, value);
    if (failed(compare(param, view, tie))) {
      view.erase();
      return failure();
    }
    view->setDiscardableAttrs(param->getDiscardableAttrDictionary());
    // The table finds the view by its name once the parameter is out of it.
    symbols.remove(param);
    param.erase();
    symbols.insert(view);
    ++numTied;
    return success();
  }

  /// Checks that the view shows what the parameter holds, if that is known.
  LogicalResult compare(ParamOp param, ViewOp view, const Tie &tie) {
    if (!param.getElements())
      return success();
    std::optional<lig::TensorBytes> held = lig::readElements(param.getElements());
    SymbolTableCollection tables;
    // Trained and mutable parameters are tied by what they begin with.
    lig::ConstantEvaluator evaluator(tables,
                                     lig::ConstantEvaluator::Values::Initial);
    std::optional<lig::TensorBytes> shown = evaluator.evaluate(view.getYielded());
    auto refuse = [&]() {
      return param.emitError("cannot tie @")
             << tie.name << " to @" << tie.of << ": ";
    };
    if (!held || !shown)
      return refuse() << "the values cannot be compared";
    std::optional<int64_t> different =
        lig::findDifference(*held, *shown, tie.tolerance);
    if (!different)
      return success();
    return refuse() << "element " << lig::printPosition(held->type, *different)
                    << " is " << lig::printElement(*held, *different)
                    << " but the view gives "
                    << lig::printElement(*shown, *different);
  }
};
} // namespace
