// Names are a model's own and become the package's: all of them are decided
// before anything moves, and each module is walked once, however many of its
// names change. Resources need no such care: their names are unique in the
// context from the moment they are read.

#include "LinkModels.h"

#include "Ligature/Dialect/Net/IR/Net.h"
#include "Ligature/Dialect/Share/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace lig;

/// New names of one module's symbols, by the old ones.
using Renaming = llvm::DenseMap<StringAttr, StringAttr>;

static LogicalResult settle(ModuleOp module) {
  PassManager pm(module.getContext());
  pm.addPass(share::createLoadFilesPass());
  pm.addPass(share::createApplyTiesPass());
  return pm.run(module);
}

static SmallVector<func::FuncOp> entriesOf(ModuleOp module) {
  return llvm::filter_to_vector(
      module.getOps<func::FuncOp>(),
      [](func::FuncOp function) { return function->hasAttr(net::kEntryAttr); });
}

namespace {
class Names {
public:
  explicit Names(MutableArrayRef<LoadedModel> models) : models(models) {}

  /// Decides all names; one renaming a model.
  FailureOr<std::vector<Renaming>> decide();

private:
  LogicalResult nameEntries(LoadedModel &model, Renaming &renaming);
  void nameSymbols(LoadedModel &model, Renaming &renaming);
  /// `wanted`, or with a number behind it where that is taken.
  StringAttr take(MLIRContext *context, const Twine &wanted);

  MutableArrayRef<LoadedModel> models;
  llvm::StringSet<> taken;
  /// How many models use a name for something that is no entry point.
  llvm::StringMap<unsigned> owners;
};
} // namespace

StringAttr Names::take(MLIRContext *context, const Twine &wanted) {
  std::string base = wanted.str(), name = base;
  for (unsigned i = 2; !taken.insert(name).second; ++i)
    name = base + "." + std::to_string(i);
  return StringAttr::get(context, name);
}

LogicalResult Names::nameEntries(LoadedModel &model, Renaming &renaming) {
  ModuleOp module = *model.module;
  SmallVector<func::FuncOp> entries = entriesOf(module);
  if (!model.entryName.empty() && entries.size() != 1)
    return module.emitError() << "has " << entries.size()
                              << " entry points, so none can be called '"
                              << model.entryName << "'";
  if (!model.entryName.empty() && taken.contains(model.entryName))
    return module.emitError()
           << "an entry point '" << model.entryName << "' is there already";
  StringRef only = model.entryName.empty() ? model.name : model.entryName;
  for (func::FuncOp entry : entries)
    renaming[entry.getSymNameAttr()] =
        entries.size() == 1
            ? take(module.getContext(), only)
            : take(module.getContext(), model.name + "." + entry.getName());
  return success();
}

void Names::nameSymbols(LoadedModel &model, Renaming &renaming) {
  for (auto symbol : model.module->getOps<SymbolOpInterface>()) {
    StringAttr name = symbol.getNameAttr();
    if (!renaming.contains(name))
      renaming[name] =
          owners.lookup(name) == 1 && !taken.contains(name)
              ? take(name.getContext(), name.getValue())
              : take(name.getContext(), model.name + "." + name.getValue());
  }
}

FailureOr<std::vector<Renaming>> Names::decide() {
  std::vector<Renaming> renamings(models.size());
  for (auto [model, renaming] : llvm::zip(models, renamings))
    if (failed(nameEntries(model, renaming)))
      return failure();
  for (auto [model, renaming] : llvm::zip(models, renamings))
    for (auto symbol : model.module->getOps<SymbolOpInterface>())
      owners[symbol.getName()] += !renaming.contains(symbol.getNameAttr());
  for (auto [model, renaming] : llvm::zip(models, renamings))
    nameSymbols(model, renaming);
  return renamings;
}

static void rename(ModuleOp module, const Renaming &renaming) {
  for (auto symbol : module.getOps<SymbolOpInterface>())
    symbol.setName(renaming.lookup(symbol.getNameAttr()));
  AttrTypeReplacer replacer;
  replacer.addReplacement([&](SymbolRefAttr use) -> std::optional<Attribute> {
    StringAttr name = renaming.lookup(use.getRootReference());
    if (!name)
      return std::nullopt;
    return SymbolRefAttr::get(name, use.getNestedReferences());
  });
  replacer.recursivelyReplaceElementsIn(module);
}

/// Attributes of the module that say the same wherever they stand.
static LogicalResult takeAttributes(ModuleOp whole, ModuleOp module) {
  for (NamedAttribute attribute : module->getDiscardableAttrs()) {
    Attribute there = whole->getAttr(attribute.getName());
    if (there && there != attribute.getValue())
      return module.emitError()
             << "has " << attribute.getName() << " = " << attribute.getValue()
             << ", another model has " << there;
    whole->setAttr(attribute.getName(), attribute.getValue());
  }
  return success();
}

OwningOpRef<ModuleOp>
lig::linkModels(MutableArrayRef<LoadedModel> models) {
  MLIRContext *context = models.front().module->getContext();
  SmallVector<Location> places;
  for (LoadedModel &model : models) {
    if (failed(settle(*model.module)))
      return nullptr;
    places.push_back(model.module->getLoc());
  }
  FailureOr<std::vector<Renaming>> renamings = Names(models).decide();
  if (failed(renamings))
    return nullptr;
  OwningOpRef<ModuleOp> whole =
      ModuleOp::create(FusedLoc::get(context, places));
  for (auto [model, renaming] : llvm::zip(models, *renamings)) {
    if (failed(takeAttributes(*whole, *model.module)))
      return nullptr;
    rename(*model.module, renaming);
    auto &operations = whole->getBody()->getOperations();
    operations.splice(operations.end(),
                      model.module->getBody()->getOperations());
  }
  if (failed(verify(*whole)))
    return nullptr;
  return whole;
}
