// Reachability for many pairs at once: every use has a bit, and one sweep over
// the function in program order carries 64 of them from operands to results.
//
// The function becomes a flat graph first. An operation with regions has two
// nodes, before and after its body: arguments of the body depend on the first,
// the results on what the body ends with. That a loop feeds its own next step
// is not followed; time and depth of loops are known without it.

#include "UseOrder.h"

using namespace mlir;
using namespace lig;

namespace {
/// Nodes in program order, each with the nodes it depends on.
class DataFlow {
public:
  explicit DataFlow(Operation *function) {
    for (Region &region : function->getRegions())
      for (Block &block : region)
        addBlock(block);
  }
  unsigned size() const { return starts.size(); }
  ArrayRef<unsigned> getSources(unsigned node) const {
    unsigned end = node + 1 < size() ? starts[node + 1] : sources.size();
    return ArrayRef(sources).slice(starts[node], end - starts[node]);
  }
  unsigned getNode(Operation *op) const { return nodes.lookup(op); }

private:
  unsigned addNode(ValueRange operands, ArrayRef<unsigned> more) {
    starts.push_back(sources.size());
    for (Value operand : operands)
      if (auto it = values.find(operand); it != values.end())
        sources.push_back(it->second);
    llvm::append_range(sources, more);
    return starts.size() - 1;
  }

  void addBlock(Block &block) {
    for (Operation &op : block)
      addOperation(op);
  }

  void addOperation(Operation &op) {
    unsigned node = addNode(op.getOperands(), {});
    if (op.getNumRegions() != 0) {
      SmallVector<unsigned> ends = {node};
      for (Region &region : op.getRegions())
        for (Block &block : region) {
          for (BlockArgument argument : block.getArguments())
            values[argument] = node;
          addBlock(block);
          if (!block.empty())
            ends.push_back(nodes.lookup(&block.back()));
        }
      node = addNode({}, ends);
    }
    nodes[&op] = node;
    for (Value result : op.getResults())
      values[result] = node;
  }

  std::vector<unsigned> starts, sources;
  llvm::DenseMap<Value, unsigned> values;
  llvm::DenseMap<Operation *, unsigned> nodes;
};

/// A use that takes part, with its place in the graph.
struct Member {
  unsigned use, family, node;
};
} // namespace

static bool haveSameSize(const ParameterUse &a, const ParameterUse &b) {
  return a.user->getResultTypes() == b.user->getResultTypes();
}

UseOrder::UseOrder(Operation *function, ArrayRef<ParameterUse> uses,
                   ArrayRef<ArrayRef<unsigned>> families) {
  DataFlow flow(function);
  std::vector<Member> members;
  for (auto [index, family] : llvm::enumerate(families))
    for (unsigned use : family)
      members.push_back(
          {use, static_cast<unsigned>(index), flow.getNode(uses[use].user)});
  std::vector<SmallVector<unsigned, 0>> at(flow.size());
  for (auto [index, member] : llvm::enumerate(members))
    at[member.node].push_back(index);

  std::vector<uint64_t> reached(flow.size());
  for (size_t first = 0; first < members.size(); first += 64) {
    llvm::SmallDenseMap<unsigned, uint64_t> bits; // of each family
    size_t count = std::min<size_t>(64, members.size() - first);
    for (size_t i = 0; i < count; ++i)
      bits[members[first + i].family] |= uint64_t(1) << i;
    for (unsigned node = 0; node < flow.size(); ++node) {
      uint64_t mask = 0, own = 0;
      for (unsigned source : flow.getSources(node))
        mask |= reached[source];
      for (unsigned index : at[node]) {
        if (index >= first && index < first + count)
          own |= uint64_t(1) << (index - first);
        uint64_t feeding = mask & bits.lookup(members[index].family);
        for (; feeding != 0; feeding &= feeding - 1) {
          unsigned fed = members[index].use;
          unsigned feeder = members[first + llvm::countr_zero(feeding)].use;
          bool same = haveSameSize(uses[fed], uses[feeder]);
          for (unsigned use : {fed, feeder}) {
            ++related[use].all;
            related[use].ofSameSize += same;
          }
        }
      }
      reached[node] = mask | own;
    }
  }
}
