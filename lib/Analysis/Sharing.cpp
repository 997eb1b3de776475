// Counts uses. A use is an operation that consumes a parameter's elements: the
// moves between (a transpose, a reshape) are looked through, because they are
// not why a network needs a weight. Uses inside loops with a known number of
// steps are also counted once a step; a loop that the model had written out
// stands for as many uses as it has steps.
//
// A use of a view is a use of every parameter below it.

#include "Ligature/Analysis/Sharing.h"

#include "Ligature/Analysis/ParameterMoves.h"
#include "Ligature/Analysis/TensorBytes.h"
#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace lig;

namespace {
struct Count {
  int64_t uses = 0, applications = 0;
  Count &operator+=(Count other) {
    uses += other.uses;
    applications += other.applications;
    return *this;
  }
};

/// Counts for symbols, then passes them down from views to what they read.
class UseCounter {
public:
  explicit UseCounter(ModuleOp module);
  Count getCount(StringAttr symbol) const { return counts.lookup(symbol); }
  /// Symbols that a view's region reads, each once, in order.
  ArrayRef<StringAttr> getReads(share::ViewOp view) const {
    auto it = reads.find(view.getSymNameAttr());
    return it == reads.end() ? ArrayRef<StringAttr>() : it->second;
  }

private:
  void countConsumers(StringAttr symbol, Value value);
  void passDown(StringAttr symbol, Count count, unsigned depth);

  llvm::DenseMap<StringAttr, Count> counts;
  llvm::DenseMap<StringAttr, SmallVector<StringAttr>> reads;
  llvm::DenseMap<Operation *, int64_t> steps;
};
} // namespace

static void multiply(int64_t &steps, std::optional<int64_t> count) {
  int64_t product;
  if (count && *count > 0 && !llvm::MulOverflow(steps, *count, product))
    steps = product;
}

/// How often `op` stood in the model, and how often that is run by the loops
/// around it; unknown counts are one.
static Count countSteps(Operation *op) {
  Count steps = {1, 1};
  if (auto calls = op->getAttrOfType<IntegerAttr>(share::kCallsAttr))
    steps = {calls.getInt(), calls.getInt()};
  for (Operation *loop = op->getParentOp(); loop; loop = loop->getParentOp()) {
    if (auto scan = dyn_cast<net::ScanOp>(loop)) {
      IntegerAttr count;
      if (!matchPattern(scan.getCount(), m_Constant(&count)))
        continue;
      multiply(steps.applications, count.getInt());
      if (scan->hasAttr(net::kRolledAttr))
        multiply(steps.uses, count.getInt());
    } else if (auto loopOp = dyn_cast<LoopLikeOpInterface>(loop)) {
      if (std::optional<APInt> count = loopOp.getStaticTripCount())
        if (count->getActiveBits() < 63)
          multiply(steps.applications, count->getZExtValue());
    }
  }
  return steps;
}

void UseCounter::countConsumers(StringAttr symbol, Value value) {
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (user->getNumResults() == 1 && getMovedOperand(user) == value) {
      countConsumers(symbol, user->getResult(0));
      continue;
    }
    counts[symbol] += countSteps(user);
  }
}

void UseCounter::passDown(StringAttr symbol, Count count, unsigned depth) {
  // A view that reads itself is another pass's error; here it must only end.
  auto it = reads.find(symbol);
  if (it == reads.end() || depth > reads.size())
    return;
  for (StringAttr read : it->second) {
    counts[read] += count;
    passDown(read, count, depth + 1);
  }
}

UseCounter::UseCounter(ModuleOp module) {
  module.walk([&](Operation *op) {
    if (auto address = dyn_cast<share::AddressOp>(op)) {
      counts[address.getSourceAttr().getAttr()] += countSteps(op);
      return;
    }
    auto get = dyn_cast<share::GetOp>(op);
    if (!get)
      return;
    StringAttr symbol = get.getSourceAttr().getAttr();
    if (auto view = get->getParentOfType<share::ViewOp>()) {
      auto &list = reads[view.getSymNameAttr()];
      if (!llvm::is_contained(list, symbol))
        list.push_back(symbol);
      return;
    }
    countConsumers(symbol, get.getResult());
  });
  SmallVector<std::pair<StringAttr, Count>> direct;
  for (auto view : module.getOps<share::ViewOp>())
    direct.push_back({view.getSymNameAttr(), getCount(view.getSymNameAttr())});
  for (auto &[symbol, count] : direct)
    if (count.uses != 0)
      passDown(symbol, count, 0);
}

static std::string shortType(RankedTensorType type) {
  std::string text;
  llvm::raw_string_ostream out(text);
  for (int64_t extent : type.getShape())
    out << extent << 'x';
  out << type.getElementType();
  return text;
}

SharingReport lig::analyzeSharing(ModuleOp module) {
  UseCounter counter(module);
  SharingReport report;
  llvm::DenseMap<StringAttr, size_t> places;
  for (auto param : module.getOps<share::ParamOp>()) {
    SharedParameter entry;
    entry.name = param.getSymName().str();
    entry.type = shortType(param.getTensorType());
    entry.bytes = countBytes(param.getTensorType());
    entry.trainable = param.getTrainable();
    entry.isMutable = param.getIsMutable();
    Count count = counter.getCount(param.getSymNameAttr());
    entry.uses = count.uses;
    entry.applications = count.applications;
    if (auto merged = param->getAttrOfType<ArrayAttr>(share::kMergedAttr))
      for (auto name : merged.getAsRange<StringAttr>())
        entry.merged.push_back(name.str());
    if (auto source =
            param->getAttrOfType<StringAttr>(share::kPackedFromAttr))
      entry.packedFrom = source.str();
    report.uses += count.uses;
    report.applications += count.applications;
    report.bytesStored += entry.bytes;
    report.bytesIfCopied += entry.bytes * std::max<int64_t>(1, count.uses);
    places[param.getSymNameAttr()] = report.parameters.size();
    report.parameters.push_back(std::move(entry));
  }
  for (auto view : module.getOps<share::ViewOp>()) {
    SharedView entry;
    entry.name = view.getSymName().str();
    entry.type = shortType(view.getTensorType());
    entry.kind = stringifyViewKind(classifyView(view)).str();
    entry.moves = describeMoves(view);
    entry.bytes = countBytes(view.getTensorType());
    Count count = counter.getCount(view.getSymNameAttr());
    entry.uses = count.uses;
    entry.applications = count.applications;
    for (StringAttr read : counter.getReads(view)) {
      entry.reads.push_back(read.str());
      if (auto place = places.find(read); place != places.end())
        report.parameters[place->second].views.push_back(entry.name);
    }
    report.views.push_back(std::move(entry));
  }
  return report;
}
