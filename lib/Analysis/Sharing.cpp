// The report's facts. A use of a view is a use of every parameter below it.

#include "Ligature/Analysis/Sharing.h"

#include "Naming.h"

#include "Ligature/Analysis/ParameterMoves.h"
#include "Ligature/Analysis/ReuseDomain.h"
#include "Ligature/Analysis/TensorBytes.h"

#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace lig;

namespace {
struct Count {
  int64_t uses = 0, applications = 0;
  ReuseDomain reuse = ReuseDomain::None;
  Count &operator+=(const Count &other) {
    uses += other.uses;
    applications += other.applications;
    reuse |= other.reuse;
    return *this;
  }
};

/// Counts for symbols, then passes them down from views to what they read.
class UseCounter {
public:
  UseCounter(ModuleOp module, ArrayRef<ParameterUse> uses,
             ArrayRef<ReuseDomain> reuse);
  Count getCount(StringAttr symbol) const { return counts.lookup(symbol); }
  /// Symbols that a view's region reads, each once, in order.
  ArrayRef<StringAttr> getReads(share::ViewOp view) const {
    auto it = reads.find(view.getSymNameAttr());
    return it == reads.end() ? ArrayRef<StringAttr>() : it->second;
  }

private:
  void passDown(StringAttr symbol, const Count &count, unsigned depth);

  llvm::DenseMap<StringAttr, Count> counts;
  llvm::DenseMap<StringAttr, SmallVector<StringAttr>> reads;
};
} // namespace

void UseCounter::passDown(StringAttr symbol, const Count &count,
                          unsigned depth) {
  // A view that reads itself is another pass's error; here it must only end.
  auto it = reads.find(symbol);
  if (it == reads.end() || depth > reads.size())
    return;
  for (StringAttr read : it->second) {
    counts[read] += count;
    passDown(read, count, depth + 1);
  }
}

UseCounter::UseCounter(ModuleOp module, ArrayRef<ParameterUse> uses,
                       ArrayRef<ReuseDomain> reuse) {
  for (auto [use, domains] : llvm::zip(uses, reuse))
    counts[use.symbol] += {use.uses, use.applications, domains};
  for (auto view : module.getOps<share::ViewOp>())
    view.walk([&](share::GetOp get) {
      auto &list = reads[view.getSymNameAttr()];
      StringAttr symbol = get.getSourceAttr().getAttr();
      if (!llvm::is_contained(list, symbol))
        list.push_back(symbol);
    });
  SmallVector<std::pair<StringAttr, Count>> direct;
  for (auto view : module.getOps<share::ViewOp>())
    direct.push_back({view.getSymNameAttr(), getCount(view.getSymNameAttr())});
  for (auto &[symbol, count] : direct)
    if (count.uses != 0)
      passDown(symbol, count, 0);
}

static std::vector<std::string> getWords(ReuseDomain domains) {
  std::vector<std::string> words;
  for (StringRef word : stringifyReuse(domains))
    words.push_back(word.str());
  return words;
}

static std::vector<std::string> getNames(Operation *op, StringRef attribute) {
  std::vector<std::string> names;
  if (auto list = op->getAttrOfType<ArrayAttr>(attribute))
    for (auto name : list.getAsRange<StringAttr>())
      names.push_back(name.str());
  return names;
}

//===-- Entries ----------------------------------------------------------===//

static SharedParameter describeParameter(share::ParamOp param,
                                         const Count &count) {
  SharedParameter entry;
  entry.name = param.getSymName().str();
  entry.type = shortType(param.getTensorType());
  entry.bytes = countBytes(param.getTensorType());
  entry.trainable = param.getTrainable();
  entry.isMutable = param.getIsMutable();
  entry.uses = count.uses;
  entry.applications = count.applications;
  entry.merged = getNames(param, share::kMergedAttr);
  if (auto source = param->getAttrOfType<StringAttr>(share::kPackedFromAttr))
    entry.packedFrom = source.str();
  entry.reuse = getWords(count.reuse);
  return entry;
}

static SharedView describeView(share::ViewOp view, const Count &count) {
  SharedView entry;
  entry.name = view.getSymName().str();
  entry.type = shortType(view.getTensorType());
  entry.kind = stringifyViewKind(classifyView(view)).str();
  entry.moves = describeMoves(view);
  entry.bytes = countBytes(view.getTensorType());
  entry.uses = count.uses;
  entry.applications = count.applications;
  entry.merged = getNames(view, share::kMergedAttr);
  return entry;
}

static SharedUse describeUse(const ParameterUse &use, ReuseDomain domains) {
  SharedUse entry;
  entry.name = nameOperation(use.user);
  entry.op = use.user->getName().getStringRef().str();
  if (auto function = use.user->getParentOfType<FunctionOpInterface>())
    entry.entry = function.getName().str();
  entry.reads = use.symbol.str();
  entry.uses = use.uses;
  entry.applications = use.applications;
  entry.positions = countPositions(use);
  entry.reuse = getWords(domains);
  return entry;
}

/// Uses that the share phase counted: from the memory phase on, what reads a
/// parameter is an address into a block of all.
static int64_t getNotedUses(share::ParamOp param) {
  auto uses = param->getAttrOfType<IntegerAttr>(share::kUsesAttr);
  return uses ? uses.getInt() : 0;
}

SharingReport lig::analyzeSharing(ModuleOp module) {
  std::vector<ParameterUse> uses = findParameterUses(module);
  std::vector<ReuseDomain> reuse = classifyReuse(uses);
  UseCounter counter(module, uses, reuse);
  SharingReport report;
  llvm::DenseMap<StringAttr, size_t> places;
  for (auto param : module.getOps<share::ParamOp>()) {
    Count count = counter.getCount(param.getSymNameAttr());
    if (count.uses == 0)
      count.uses = count.applications = getNotedUses(param);
    SharedParameter entry = describeParameter(param, count);
    report.uses += count.uses;
    report.applications += count.applications;
    report.bytesStored += entry.bytes;
    report.bytesIfCopied += entry.bytes * std::max<int64_t>(1, count.uses);
    places[param.getSymNameAttr()] = report.parameters.size();
    report.parameters.push_back(std::move(entry));
  }
  for (auto view : module.getOps<share::ViewOp>()) {
    SharedView entry =
        describeView(view, counter.getCount(view.getSymNameAttr()));
    for (StringAttr read : counter.getReads(view)) {
      entry.reads.push_back(read.str());
      if (auto place = places.find(read); place != places.end())
        report.parameters[place->second].views.push_back(entry.name);
    }
    report.views.push_back(std::move(entry));
  }
  // An address says which buffer is read, not by what.
  for (auto [use, domains] : llvm::zip(uses, reuse))
    if (use.operand)
      report.useList.push_back(describeUse(use, domains));
  report.brokenTies = findBrokenTies(module);
  return report;
}
