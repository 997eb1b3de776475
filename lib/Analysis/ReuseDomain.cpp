// Space and time are seen at a use alone. For depth, level and branch the uses
// of one symbol by one kind of operation are compared: which of them feed one
// another is a question of reachability, which UseOrder answers for all at once.

#include "Ligature/Analysis/ReuseDomain.h"

#include "UseOrder.h"

#include "Ligature/Analysis/ParameterMoves.h"
#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace lig;

SmallVector<StringRef> lig::stringifyReuse(ReuseDomain domains) {
  static constexpr std::pair<ReuseDomain, llvm::StringLiteral> names[] = {
      {ReuseDomain::Space, "space"},   {ReuseDomain::Time, "time"},
      {ReuseDomain::Depth, "depth"},   {ReuseDomain::Level, "level"},
      {ReuseDomain::Branch, "branch"}, {ReuseDomain::Model, "model"}};
  SmallVector<StringRef> words;
  for (auto &[domain, name] : names)
    if ((domains & domain) != ReuseDomain::None)
      words.push_back(name);
  return words;
}

//===-- One use ----------------------------------------------------------===//

/// Batch and spatial positions: all but the channels, which lie where
/// `channels` says.
static int64_t countPixels(Value result, bool channelsLast) {
  auto type = cast<RankedTensorType>(result.getType());
  if (!type.hasStaticShape() || type.getRank() < 2)
    return 1;
  int64_t channels = type.getDimSize(channelsLast ? type.getRank() - 1 : 1);
  return channels > 0 ? type.getNumElements() / channels : 1;
}

int64_t lig::countPositions(const ParameterUse &use) {
  if (!use.operand)
    return 1;
  if (isa<net::ConvOp, net::ConvTransposeOp>(use.user))
    return countPixels(use.user->getResult(0), /*channelsLast=*/false);
  auto op = dyn_cast<linalg::LinalgOp>(use.user);
  if (!op || op.isDpsInit(use.operand))
    return 1;
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  AffineMap map = op.getMatchingIndexingMap(use.operand);
  int64_t positions = 1;
  for (auto [dim, extent, iterator] :
       llvm::enumerate(extents, op.getIteratorTypesArray())) {
    if (iterator != utils::IteratorType::parallel || map.isFunctionOfDim(dim) ||
        ShapedType::isDynamic(extent))
      continue;
    if (llvm::MulOverflow(positions, extent, positions))
      return std::numeric_limits<int64_t>::max();
  }
  return positions;
}

/// True if all that `scan` reads step by step are parameters, one of a layer
/// each.
static bool readsOnlyParameters(net::ScanOp scan) {
  return llvm::all_of(scan.getInputs(), [](Value input) {
    return static_cast<bool>(getMovedParameter(input));
  });
}

static ReuseDomain classifyLoops(Operation *user) {
  ReuseDomain domains = ReuseDomain::None;
  for (auto scan = user->getParentOfType<net::ScanOp>(); scan;
       scan = scan->getParentOfType<net::ScanOp>())
    domains |= readsOnlyParameters(scan) ? ReuseDomain::Depth
                                         : ReuseDomain::Time;
  return domains;
}

//===-- Uses of one symbol -----------------------------------------------===//

static Type getDataType(Operation *user) {
  return user->getNumResults() == 0 ? Type() : user->getResult(0).getType();
}

/// What makes uses comparable: symbol, function and kind of operation.
using FamilyKey = std::pair<std::pair<Attribute, Operation *>, StringRef>;

static void compareFamily(ArrayRef<ParameterUse> uses,
                          ArrayRef<unsigned> family, const UseOrder &order,
                          std::vector<ReuseDomain> &domains) {
  llvm::SmallDenseMap<Type, unsigned> sizes;
  for (unsigned use : family)
    ++sizes[getDataType(uses[use].user)];
  for (unsigned use : family) {
    UseOrder::Related related = order.getRelated(use);
    if (related.all > 0)
      domains[use] |= ReuseDomain::Depth;
    if (sizes.size() > 1)
      domains[use] |= ReuseDomain::Level;
    if (related.ofSameSize + 1 < sizes[getDataType(uses[use].user)])
      domains[use] |= ReuseDomain::Branch;
  }
}

std::vector<ReuseDomain> lig::classifyReuse(ArrayRef<ParameterUse> uses) {
  std::vector<ReuseDomain> domains(uses.size(), ReuseDomain::None);
  llvm::MapVector<FamilyKey, SmallVector<unsigned>> families;
  llvm::DenseMap<Attribute, llvm::SmallSetVector<Operation *, 1>> functions;
  for (auto [index, use] : llvm::enumerate(uses)) {
    if (!use.operand)
      continue;
    if (countPositions(use) > 1)
      domains[index] |= ReuseDomain::Space;
    domains[index] |= classifyLoops(use.user);
    // One operation for several: what they were before is a pass's promise.
    if (use.user->hasAttr(share::kCallsAttr))
      domains[index] |= ReuseDomain::Branch;
    Operation *function = use.user->getParentOfType<FunctionOpInterface>();
    families[{{use.symbol, function}, use.user->getName().getStringRef()}]
        .push_back(index);
    functions[use.symbol].insert(function);
  }
  for (auto [index, use] : llvm::enumerate(uses))
    if (use.operand && functions[use.symbol].size() > 1)
      domains[index] |= ReuseDomain::Model;
  llvm::MapVector<Operation *, SmallVector<ArrayRef<unsigned>>> ofFunctions;
  for (auto &[key, family] : families)
    if (family.size() > 1)
      ofFunctions[key.first.second].push_back(family);
  for (auto &[function, compared] : ofFunctions) {
    UseOrder order(function, uses, compared);
    for (ArrayRef<unsigned> family : compared)
      compareFamily(uses, family, order, domains);
  }
  return domains;
}
