// Operations of one stage run without waiting: whatever one of them needs of
// another is in the same item, so in the same thread. Between stages all blocks
// wait for each other.
//
// Stages of several steps may share a wait: while the upper layer of a stack is
// at one step, the lower one can be at the next. So a wait, in which all blocks
// meet, is followed by the stages of as many steps as there are layers. With
// `waits` of them a step, stage s of step t runs after wait number
// s + waits * t. The fewest are looked for that keep the order of each two uses
// of an element, in the same step and over steps, as in a pipeline of software.

#include "ScanStages.h"
#include "ScanPlaces.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;

namespace lig::codegen::gpu {

namespace {
/// One operation's use of one storage.
struct Access {
  unsigned number;
  ScanOp *op;
  OpOperand *operand;
  bool isWrite;

  const Place &place() const { return op->place(*operand); }
};
} // namespace

static bool haveSameItems(const ScanOp &a, const ScanOp &b) {
  auto extents = [](const ScanOp &op) {
    SmallVector<int64_t> result = {op.units};
    for (unsigned loop : op.rows)
      result.push_back(op.extent(loop));
    return result;
  };
  return extents(a) == extents(b);
}

/// Whether each item of one access is that of the other: no thread touches what
/// another one does.
static bool stayInItems(const Access &a, const Access &b) {
  if (!haveSameItems(*a.op, *b.op))
    return false;
  for (const Access *one : {&a, &b})
    if (one->op->sum && one->place().perLoop[*one->op->sum])
      return false;
  auto isAmong = [](const Access &few, const Access &many) {
    for (int64_t gate = 0; gate < few.op->gates; ++gate) {
      SmallVector<int64_t> item = few.op->itemAt(*few.operand, gate);
      bool found = false;
      for (int64_t other = 0; other < many.op->gates && !found; ++other)
        found = item == many.op->itemAt(*many.operand, other);
      if (!found)
        return false;
    }
    return true;
  };
  return isAmong(a, b) || isAmong(b, a);
}

/// Whether accesses of one step are to different elements.
static bool areApart(const Access &a, const Access &b) {
  auto [firstA, lastA] = spanOf(*a.op, a.place());
  auto [firstB, lastB] = spanOf(*b.op, b.place());
  return a.place().perStep == b.place().perStep &&
         (lastA < firstB || lastB < firstA);
}

/// Whether `later`, in any later step, is to other elements than `earlier`.
static bool movesAway(const Access &earlier, const Access &later) {
  int64_t move = later.place().perStep;
  if (!move || move != earlier.place().perStep)
    return false;
  auto [firstA, lastA] = spanOf(*earlier.op, earlier.place());
  auto [firstB, lastB] = spanOf(*later.op, later.place());
  return move > 0 ? firstB + move > lastA : lastB + move < firstA;
}

//===-- Conflicts --------------------------------------------------------===//

namespace {
class Order {
public:
  explicit Order(ScanBody &body) : body(body) { collect(); }

  /// Whether `later` has to wait for `earlier` in the same step.
  bool conflictInStep(unsigned earlier, unsigned later);
  /// How many waits have to be between `earlier` and `later`, so many steps
  /// later: one, none if their items keep the order, nothing if any order will
  /// do.
  std::optional<unsigned> waitsBetween(unsigned earlier, unsigned later,
                                       unsigned steps);
  void findCarried();
  bool hasRaces();
  /// Whether an operation reads nothing that a step writes, such as a bias.
  bool readsNothingNew(unsigned number);
  void findExchanged();

private:
  void collect();
  template <typename Fn> bool anyPair(unsigned a, unsigned b, Fn conflicts);
  /// 0 for the place that is read before it is written over.
  bool isNewPlace(const CarriedBuffer &carried, const Access &access) {
    return access.number > carried.writer || access.isWrite;
  }
  /// The same for the roles that places have so many steps before.
  bool isNewPlaceAfter(const CarriedBuffer *carried, const Access &access,
                       unsigned steps) {
    return carried && isNewPlace(*carried, access) != (steps % 2 == 1);
  }
  bool passesInItems(const Access &access);

  ScanBody &body;
  SmallVector<Access> accesses;
  DenseSet<MemoryRoot> written;
};
} // namespace

void Order::collect() {
  for (auto [number, op] : llvm::enumerate(body.ops))
    for (OpOperand &operand : op.op->getOpOperands()) {
      if (!isa<MemRefType>(operand.get().getType()))
        continue;
      if (op.op.isDpsInit(&operand)) {
        accesses.push_back({unsigned(number), &op, &operand, true});
        written.insert(op.place(operand).storage);
      }
      if (op.reads(operand))
        accesses.push_back({unsigned(number), &op, &operand, false});
    }
}

template <typename Fn>
bool Order::anyPair(unsigned a, unsigned b, Fn conflicts) {
  for (const Access &one : accesses)
    for (const Access &other : accesses)
      if (one.number == a && other.number == b &&
          (one.isWrite || other.isWrite) &&
          one.place().storage == other.place().storage && conflicts(one, other))
        return true;
  return false;
}

bool Order::conflictInStep(unsigned earlier, unsigned later) {
  return anyPair(earlier, later, [&](const Access &a, const Access &b) {
    const CarriedBuffer *carried = body.findCarried(a.place().storage);
    if (carried && isNewPlace(*carried, a) != isNewPlace(*carried, b))
      return false;
    return !stayInItems(a, b) && !areApart(a, b);
  });
}

std::optional<unsigned>
Order::waitsBetween(unsigned earlier, unsigned later, unsigned steps) {
  bool touch = false;
  auto conflict = [&](const Access &a, const Access &b) {
    // Every step the places of a carried buffer change roles.
    const CarriedBuffer *carried = body.findCarried(a.place().storage);
    bool changes = isNewPlaceAfter(carried, a, 0) !=
                   isNewPlaceAfter(carried, b, steps);
    bool stays = !a.place().perStep && !b.place().perStep;
    if (changes || movesAway(a, b) || (stays && areApart(a, b)))
      return false;
    touch = true;
    return !stays || !stayInItems(a, b);
  };
  if (anyPair(earlier, later, conflict))
    return 1;
  return touch ? std::optional<unsigned>(0) : std::nullopt;
}

/// Whether an operation would have to wait for itself.
bool Order::hasRaces() {
  for (unsigned number = 0; number < body.ops.size(); ++number)
    if (conflictInStep(number, number))
      return true;
  return false;
}

bool Order::readsNothingNew(unsigned number) {
  return llvm::none_of(accesses, [&](const Access &access) {
    return access.number == number && !access.isWrite &&
           written.contains(access.place().storage);
  });
}

//===-- Buffers ----------------------------------------------------------===//

/// Whether a write fills its whole storage, every step.
static bool fills(const Access &write, Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  if (!type.hasStaticShape() || !type.getLayout().isIdentity() ||
      write.place().perStep)
    return false;
  int64_t elements = write.op->units * write.op->gates * write.op->countRows();
  return elements == type.getNumElements();
}

static Value bufferOf(Value view) {
  while (auto op = view.getDefiningOp<ViewLikeOpInterface>())
    view = op.getViewSource();
  return view;
}

void Order::findCarried() {
  for (const Access &write : accesses) {
    if (!write.isWrite || write.op->isProduct())
      continue;
    Value buffer = bufferOf(write.operand->get());
    Operation *definition = buffer.getDefiningOp();
    if ((definition && body.loop->isProperAncestor(definition)) ||
        !fills(write, buffer))
      continue;
    bool isReadBefore = false, hasOneWriter = true;
    for (const Access &access : accesses) {
      if (access.place().storage != write.place().storage)
        continue;
      if (access.isWrite)
        hasOneWriter &=
            access.number == write.number && access.operand == write.operand;
      else if (access.number <= write.number)
        isReadBefore |= !stayInItems(access, write);
    }
    if (hasOneWriter && isReadBefore)
      body.carried.push_back({buffer, write.number});
  }
}

/// Whether all that is read of a storage was written by the same item shortly
/// before.
bool Order::passesInItems(const Access &access) {
  for (int64_t gate = 0; gate < access.op->gates; ++gate) {
    SmallVector<int64_t> item = access.op->itemAt(*access.operand, gate);
    bool found = false;
    for (const Access &write : accesses)
      if (write.isWrite && write.number < access.number &&
          write.place().storage == access.place().storage &&
          write.op->group == access.op->group)
        for (int64_t other = 0; other < write.op->gates; ++other)
          found |= write.op->itemAt(*write.operand, other) == item;
    if (!found)
      return false;
  }
  return true;
}

void Order::findExchanged() {
  for (const Access &access : accesses) {
    Operation *buffer = bufferOf(access.operand->get()).getDefiningOp();
    if (buffer && body.loop->isProperAncestor(buffer) && !access.isWrite &&
        written.contains(access.place().storage) && !passesInItems(access))
      body.exchanged.insert(buffer);
  }
}

/// The fewest waits a step.
static unsigned countWaits(const ScanBody &body, Order &order) {
  unsigned waits = 1;
  // Places have their roles again after two steps.
  for (unsigned steps : {1, 2})
    for (auto [number, earlier] : llvm::enumerate(body.ops))
      for (auto [other, later] : llvm::enumerate(body.ops)) {
        std::optional<unsigned> between =
            order.waitsBetween(number, other, steps);
        if (between && earlier.stage + *between > later.stage)
          waits = std::max<unsigned>(
              waits, llvm::divideCeil(earlier.stage + *between - later.stage,
                                      steps));
      }
  return waits;
}

LogicalResult planStages(ScanBody &body) {
  Order order(body);
  order.findCarried();
  if (order.hasRaces())
    return failure();
  unsigned stage = 0, first = 0;
  for (unsigned number = 0; number < body.ops.size(); ++number) {
    ScanOp &op = body.ops[number];
    bool waits = false;
    for (unsigned i = first; i < number; ++i)
      waits |= order.conflictInStep(i, number);
    if (waits) {
      ++stage;
      // What it only needs as a value of its item comes behind the waiting.
      unsigned last = number;
      while (last > first + 1 && order.readsNothingNew(last - 1) &&
             !order.conflictInStep(last - 1, number))
        --last;
      first = last;
      for (; last < number; ++last)
        body.ops[last].stage = stage;
    }
    op.stage = stage;
  }
  for (unsigned number = 1; number < body.ops.size(); ++number) {
    const ScanOp &before = body.ops[number - 1];
    ScanOp &op = body.ops[number];
    bool joins = before.stage == op.stage && haveSameItems(before, op);
    op.group = before.group + !joins;
  }
  body.stages = stage + 1;
  body.waits = countWaits(body, order);
  order.findExchanged();
  return success();
}

} // namespace lig::codegen::gpu
