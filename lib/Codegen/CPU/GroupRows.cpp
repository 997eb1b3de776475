// Softmax, a norm or a chain of elementwise operations walks the same rows
// several times: kernel after kernel, each row would travel through the caches
// once for each of them. One loop that takes a few rows through all kernels
// keeps them in the first cache, and threads are told once.
//
// A row is a digit of the addresses. Where a kernel writes to a buffer, all
// kernels of the group must find row r at the same digit: a loop of as many
// steps whose stride is the same in all of them, while the other loops move
// below that stride, or in multiples of all rows. Then rows cannot meet, and
// may be computed one after another or at the same time. A buffer that none of
// them writes may be read in any way.

#include "GroupRows.h"
#include "Body.h"
#include "SharedLoop.h"
#include "Strategies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace lig::codegen::cpu {

/// What rows of a step should take: half of a usual first cache. A step may
/// take more where a single row does, up to a part of the second.
static constexpr int64_t kNearBytes = 16 << 10, kFarBytes = 512 << 10;
/// With fewer steps than this, threads would be unevenly busy.
static constexpr int64_t kFewestSteps = 8;
/// Elements that rows must have in one piece where they do not follow one
/// another: pieces at even distances fall into few sets of the cache.
static constexpr int64_t kLongPiece = 1024;

namespace {
/// How the members so far touch a buffer.
struct Touched {
  Value whole;
  int64_t stride;
  bool written, alike;
};
using Buffers = llvm::SmallMapVector<Value, Touched, 8>;

/// A loop of a nest, or its outer or inner part once it is cut in two.
struct Cut {
  unsigned loop;
  int64_t inner;
  bool takesInner;
};
} // namespace

/// Whether the steps of `row` are a digit of the addresses.
static bool isDigit(const Nest &nest, const Access &access, unsigned row) {
  int64_t stride = access.strides[row], below = 0;
  if (stride <= 0)
    return false;
  int64_t all = stride * nest.loops[row].extent;
  for (auto [i, loop] : llvm::enumerate(nest.loops)) {
    int64_t other = access.strides[i];
    if (i == row || loop.extent == 1)
      continue;
    if (other < 0)
      return false;
    if (other % all != 0)
      below += (loop.extent - 1) * other;
  }
  return access.offset + below < stride;
}

static bool writes(const Nest &nest, unsigned access) {
  return llvm::any_of(nest.stores, [&](Store store) {
    return store.access == access;
  });
}

/// Adds what `nest` touches to `buffers`; false where its rows could meet those
/// of the members before.
static bool addBuffers(const Nest &nest, unsigned row, Buffers &buffers) {
  for (auto [i, access] : llvm::enumerate(nest.accesses)) {
    if (access.scalar)
      continue;
    Touched now{wholeOf(access.source), access.strides[row],
                writes(nest, i), isDigit(nest, access, row)};
    auto [known, isNew] = buffers.insert({rootOf(access.source), now});
    if (!isNew) {
      Touched &before = known->second;
      before.alike &= now.alike && before.whole == now.whole &&
                      before.stride == now.stride;
      before.written |= now.written;
    }
    if (known->second.written && !known->second.alike)
      return false;
  }
  return true;
}

/// Whether `nest` reads what the group has written.
static bool continues(const Nest &nest, const Buffers &buffers) {
  return llvm::any_of(nest.accesses, [&](const Access &access) {
    if (access.scalar)
      return false;
    auto known = buffers.find(rootOf(access.source));
    return known != buffers.end() && known->second.written;
  });
}

/// Whether the body asks for the index of `loop`.
static bool isNamed(const Nest &nest, unsigned loop) {
  bool named = false;
  for (Block *body : nest.bodies())
    body->walk([&](linalg::IndexOp index) {
      named |= nest.loopOfDim[index.getDim()] == int(loop);
    });
  return named;
}

/// The ways to find `rows` rows in `nest`.
static SmallVector<Cut> cutsFor(const Nest &nest, int64_t rows) {
  SmallVector<Cut> cuts;
  for (unsigned loop : nest.loopsOfKind(/*reduction=*/false)) {
    int64_t extent = nest.loops[loop].extent;
    if (extent % rows != 0 || isNamed(nest, loop))
      continue;
    cuts.push_back({loop, extent / rows, /*takesInner=*/false});
    if (extent != rows)
      cuts.push_back({loop, rows, /*takesInner=*/true});
  }
  return cuts;
}

/// `nest` with the rows as a loop of their own, and that loop.
static std::pair<Nest, unsigned> apply(const Nest &nest, const Cut &cut) {
  Nest result = nest;
  if (cut.inner > 1)
    splitLoop(result, cut.loop, cut.inner);
  return {result, cut.loop + cut.takesInner};
}

static bool mayJoin(const KernelPlan &plan) {
  return succeeded(plan.nest) && !plan.nest->empty() && !plan.winograd &&
         !plan.nest->packed && !plan.nest->gates && plan.parts.size() == 1;
}

/// Whether rows of a sum of products read what other rows read too: a step of
/// a few rows would read a weight for those alone.
static bool readsWeights(const Nest &nest, unsigned row) {
  if (!isContraction(nest))
    return false;
  for (unsigned i = 0; i < nest.numInputs; ++i)
    for (unsigned loop : nest.loopsOfKind(/*reduction=*/true))
      if (nest.accesses[i].strides[loop] && !nest.accesses[i].strides[row])
        return true;
  return false;
}

/// Bytes of `nest`'s operands that one row needs; what is the same for all rows
/// is not counted.
static int64_t bytesOfRow(const RowGroup &group) {
  llvm::SmallMapVector<Value, int64_t, 8> bytes;
  for (const RowGroup::Member &member : group.members)
    for (auto [i, access] : llvm::enumerate(member.nest.accesses))
      if (!access.scalar && access.strides[member.row] != 0) {
        int64_t &most = bytes[rootOf(access.source)];
        most = std::max(most, member.nest.bytes(i) / group.rows);
      }
  int64_t sum = 0;
  for (auto [root, size] : bytes)
    sum += size;
  return sum;
}

/// The largest divisor of `rows` that is at most `limit`, unless that is much
/// less.
static int64_t evenBlock(int64_t rows, int64_t limit) {
  for (int64_t block = limit; 2 * block > limit; --block)
    if (rows % block == 0)
      return block;
  return limit;
}

/// Whether the rows of some buffer are short pieces, far apart.
static bool isScattered(const RowGroup &group) {
  for (const RowGroup::Member &member : group.members)
    for (const Access &access : member.nest.accesses) {
      int64_t stride = access.strides[member.row];
      if (access.scalar || stride == 0 || stride >= kLongPiece)
        continue;
      for (int64_t other : access.strides)
        if (other > stride && other % (stride * group.rows) == 0)
          return true;
    }
  return false;
}

/// Decides how many rows a step takes; false where grouping gains nothing.
static bool chooseBlock(RowGroup &group) {
  int64_t row = std::max<int64_t>(bytesOfRow(group), 1);
  // All of it stays near anyway.
  if (group.members.size() < 2 || row * group.rows <= kNearBytes)
    return false;
  if (row > kFarBytes || isScattered(group))
    return false;
  int64_t limit = std::max<int64_t>(kNearBytes / row, 1);
  group.block = evenBlock(group.rows, std::min(limit, group.rows));
  return group.rows / group.block >= kFewestSteps;
}

namespace {
/// Finds groups among the kernels of one block.
class Grouper {
public:
  Grouper(ArrayRef<KernelPlan *> run) : run(run) {}

  /// The best group that starts with the first kernel; empty if there is none.
  RowGroup best() const;

private:
  RowGroup grow(int64_t rows, const Cut &first) const;

  ArrayRef<KernelPlan *> run;
};
} // namespace

RowGroup Grouper::grow(int64_t rows, const Cut &first) const {
  RowGroup group;
  group.rows = rows;
  Buffers buffers;
  for (KernelPlan *plan : run) {
    SmallVector<Cut> cuts;
    if (group.members.empty())
      cuts = {first};
    else if (continues(*plan->nest, buffers))
      cuts = cutsFor(*plan->nest, rows);
    bool added = false;
    for (const Cut &cut : cuts) {
      auto [nest, row] = apply(*plan->nest, cut);
      if (readsWeights(nest, row))
        continue;
      Buffers next = buffers;
      if (!addBuffers(nest, row, next))
        continue;
      buffers = next;
      group.members.push_back({plan, nest, row});
      added = true;
      break;
    }
    if (!added)
      break;
  }
  return group;
}

RowGroup Grouper::best() const {
  RowGroup best;
  llvm::SmallSetVector<int64_t, 8> counts;
  for (KernelPlan *plan : run.take_front(2))
    for (unsigned loop : plan->nest->loopsOfKind(/*reduction=*/false))
      counts.insert(plan->nest->loops[loop].extent);
  for (int64_t rows : counts)
    for (const Cut &cut : cutsFor(*run.front()->nest, rows)) {
      RowGroup group = grow(rows, cut);
      bool isBetter =
          group.members.size() > best.members.size() ||
          (group.members.size() == best.members.size() &&
           group.rows > best.rows);
      if (isBetter && chooseBlock(group))
        best = group;
    }
  return best;
}

/// Kernels with nothing between them that touches memory, from `first` on.
static SmallVector<KernelPlan *>
runFrom(Operation *first, const DenseMap<Operation *, KernelPlan *> &planOf,
        const llvm::SmallDenseSet<Operation *> &joined) {
  SmallVector<KernelPlan *> run;
  for (Operation *op = first; op; op = op->getNextNode()) {
    KernelPlan *plan = planOf.lookup(op);
    if (plan && !mayJoin(*plan))
      break;
    if (plan)
      run.push_back(plan);
    else if (!joined.contains(op) && !isa<memref::AllocOp>(op) &&
             !isMemoryEffectFree(op))
      break;
  }
  return run;
}

std::vector<RowGroup> groupRows(MutableArrayRef<KernelPlan> plans) {
  DenseMap<Operation *, KernelPlan *> planOf;
  llvm::SmallDenseSet<Operation *> joined, grouped;
  for (KernelPlan &plan : plans) {
    planOf[plan.op] = &plan;
    joined.insert_range(plan.joined);
  }
  std::vector<RowGroup> groups;
  llvm::SmallSetVector<Block *, 8> blocks;
  for (KernelPlan &plan : plans)
    blocks.insert(plan.op->getBlock());
  for (Block *block : blocks)
    for (Operation &op : *block) {
      if (!planOf.contains(&op) || grouped.contains(&op))
        continue;
      SmallVector<KernelPlan *> run = runFrom(&op, planOf, joined);
      if (run.size() < 2)
        continue;
      RowGroup group = Grouper(run).best();
      if (group.members.size() < 2)
        continue;
      for (const RowGroup::Member &member : group.members)
        grouped.insert(member.plan->op);
      groups.push_back(std::move(group));
    }
  return groups;
}

/// A member for `count` rows from `first` on.
static Nest nestAt(ImplicitLocOpBuilder &b, Constants &constants,
                   const RowGroup::Member &member, Value first,
                   int64_t count) {
  Nest nest = member.nest;
  nest.loops[member.row].extent = count;
  for (Access &access : nest.accesses) {
    int64_t stride = access.strides[member.row];
    if (access.scalar || stride == 0)
      continue;
    Value step = constants.index(b.getLoc(), stride);
    Value distance = arith::MulIOp::create(b, first, step);
    access.start = access.start
                       ? arith::AddIOp::create(b, access.start, distance)
                       : distance;
  }
  if (count == 1)
    eraseLoop(nest, member.row);
  joinLoops(nest);
  return nest;
}

void emitRowGroup(OpBuilder &builder, Constants &constants,
                  const RowGroup &group, const Machine &machine,
                  llvm::function_ref<void(Emitter &)> write) {
  Machine alone = machine;
  alone.threads = alone.room = false;
  auto step = [&](Value first, int64_t count) {
    for (const RowGroup::Member &member : group.members) {
      ImplicitLocOpBuilder b(member.plan->op.getLoc(), builder);
      Nest nest = nestAt(b, constants, member, first, count);
      Emitter emitter(builder, constants, nest, alone);
      write(emitter);
    }
  };
  const RowGroup::Member &front = group.members.front();
  Emitter loops(builder, constants, front.nest, machine);
  int64_t whole = group.rows / group.block * group.block;
  auto body = [&](Value iv) {
    OpBuilder::InsertionGuard guard(builder);
    builder.restoreInsertionPoint(loops.b.saveInsertionPoint());
    step(iv, group.block);
  };
  double cycles = 0;
  int64_t bytes = 0;
  for (const RowGroup::Member &member : group.members) {
    cycles += estimateCycles(member.nest, nativeLanes(member.nest, machine));
    // Rows go through all members on one core.
    bytes = std::max(bytes, dataBytes(member.nest));
  }
  if (machine.threads && isWorthSharing(cycles, bytes, machine))
    loops.sharedLoop(whole, group.block, body);
  else
    loops.loop(whole, group.block, {},
               [&](Value iv, ValueRange) -> SmallVector<Value> {
                 body(iv);
                 return {};
               });
  if (whole < group.rows)
    step(constants.index(front.plan->op.getLoc(), whole), group.rows - whole);
}

} // namespace lig::codegen::cpu
