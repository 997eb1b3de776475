// Threads that share each step of a recurrence by itself are called together
// and sent away as often as there are steps. Here they are called once: each
// runs the whole loop, and at each task of a step takes the parts that are its
// own.
//
// Control and addresses each computes for itself. All else that reads or writes
// becomes a task, too, of one part, which one of them does; so a thread that
// comes late finds it done, goes on, and is never waited for. That is why what
// decides a branch or a bound must not be read from memory.
//
// It pays where steps are many and short.

#include "TaskBody.h"

#include "Ligature/Target/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

namespace lig::target {
#define GEN_PASS_DEF_CPUFORMTEAMSPASS
#include "Ligature/Target/Passes.h.inc"
} // namespace lig::target

using namespace mlir;
using namespace lig::target::cpu;

namespace {
/// Finds out what all threads can run together, and prepares it.
class TeamCode {
public:
  explicit TeamCode(ModuleOp module) : symbols(module) {}

  /// Whether there is work in `op` that threads share.
  bool isShared(Operation *op);
  /// Whether threads can run `op`, which is shared, together.
  bool canRun(Operation *op);
  /// Makes tasks in `op`, which can be run, of what one thread does.
  void prepare(Operation *op);

  SymbolTable &getSymbols() { return symbols; }

private:
  /// Operations that one thread does, and nothing between them that all need.
  using Section = SmallVector<Operation *>;

  func::FuncOp calleeOf(func::CallOp call) {
    return symbols.lookup<func::FuncOp>(call.getCallee());
  }
  bool isShared(func::FuncOp function);
  bool forBlocks(Operation *op, llvm::function_ref<bool(Block &)> visit);
  bool findSections(Block &block, SmallVectorImpl<Section> &sections);
  void prepare(Block &block);

  SymbolTable symbols;
  DenseMap<Operation *, bool> sharedFunctions;
  DenseSet<Operation *> prepared;
};
} // namespace

/// A function that calls itself has no shared work.
bool TeamCode::isShared(func::FuncOp function) {
  if (!function || function.isExternal())
    return false;
  if (!sharedFunctions.try_emplace(function, false).second)
    return sharedFunctions[function];
  bool shared = llvm::any_of(function.getBody().getOps(),
                             [&](Operation &op) { return isShared(&op); });
  return sharedFunctions[function] = shared;
}

bool TeamCode::isShared(Operation *op) {
  if (auto loop = dyn_cast<scf::ParallelOp>(op))
    return canOutline(loop);
  if (auto call = dyn_cast<func::CallOp>(op))
    return isShared(calleeOf(call));
  return llvm::any_of(op->getRegions(), [&](Region &region) {
    return llvm::any_of(region.getOps(),
                        [&](Operation &inner) { return isShared(&inner); });
  });
}

/// The blocks that threads walk together in `op`, which is shared; false also
/// where it is not such an operation.
bool TeamCode::forBlocks(Operation *op,
                         llvm::function_ref<bool(Block &)> visit) {
  if (isa<scf::ParallelOp>(op))
    return true;
  if (auto call = dyn_cast<func::CallOp>(op)) {
    Region &body = calleeOf(call).getBody();
    return body.hasOneBlock() && visit(body.front());
  }
  return isa<scf::ForOp, scf::IfOp>(op) &&
         llvm::all_of(op->getRegions(), [&](Region &region) {
           return region.empty() || visit(region.front());
         });
}

/// What one operation reads that none of `section` makes.
static SetVector<Value> findCaptures(ArrayRef<Operation *> section) {
  SetVector<Value> used;
  for (Operation *op : section) {
    used.insert_range(op->getOperands());
    getUsedValuesDefinedAbove(op->getRegions(), used);
  }
  used.remove_if([&](Value value) {
    return llvm::is_contained(section, value.getDefiningOp());
  });
  return findCaptures(used.getArrayRef());
}

/// From the last operation to the first: what only one thread needs, it alone
/// computes. False where all would need what is read or written.
bool TeamCode::findSections(Block &block, SmallVectorImpl<Section> &sections) {
  Section section;
  auto end = [&] {
    if (!section.empty())
      sections.emplace_back(section.rbegin(), section.rend());
    section.clear();
  };
  for (Operation &op : llvm::reverse(block.without_terminator())) {
    if (isShared(&op)) {
      if (!canRun(&op))
        return false;
      end();
      continue;
    }
    bool isFree = isMemoryEffectFree(&op);
    bool isOwn = llvm::all_of(op.getUsers(), [&](Operation *user) {
      return llvm::is_contained(section, block.findAncestorOpInBlock(*user));
    });
    if (isOwn && !(isFree && op.use_empty()))
      section.push_back(&op);
    else if (!isFree)
      return false;
  }
  end();
  return llvm::all_of(sections, [](const Section &section) {
    return arePassable(findCaptures(section));
  });
}

bool TeamCode::canRun(Operation *op) {
  return op->getNumResults() == 0 && forBlocks(op, [&](Block &block) {
           SmallVector<Section> sections;
           return findSections(block, sections);
         });
}

void TeamCode::prepare(Block &block) {
  SmallVector<Section> sections;
  findSections(block, sections);
  for (Operation &op : llvm::make_early_inc_range(block.without_terminator()))
    if (isShared(&op))
      prepare(&op);
  for (const Section &section : sections) {
    // Behind what all compute in between.
    OpBuilder b(section.back());
    Location loc = section.front()->getLoc();
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    auto task = scf::ParallelOp::create(b, loc, zero, one, one);
    for (Operation *op : section)
      op->moveBefore(task.getBody()->getTerminator());
  }
}

void TeamCode::prepare(Operation *op) {
  if (auto call = dyn_cast<func::CallOp>(op))
    if (!prepared.insert(calleeOf(call)).second)
      return;
  forBlocks(op, [&](Block &block) {
    prepare(block);
    return true;
  });
}

static SetVector<Value> findCaptures(scf::ForOp loop) {
  SetVector<Value> used(loop->operand_begin(), loop->operand_end());
  getUsedValuesDefinedAbove(loop.getRegion(), used);
  return findCaptures(used.getArrayRef());
}

/// Puts a call of a function that runs `loop` in its place.
static void outline(scf::ForOp loop, SymbolTable &symbols) {
  auto parent = loop->getParentOfType<func::FuncOp>();
  SetVector<Value> captures = findCaptures(loop);
  OpBuilder b(loop);
  auto team = makeFunction(b, loop.getLoc(), (parent.getName() + "_team").str(),
                           captures.getArrayRef(), /*numbers=*/0);
  team->setAttr("net.team", b.getUnitAttr());
  symbols.insert(team);
  func::CallOp::create(b, loop.getLoc(), team, captures.getArrayRef());

  IRMapping inside;
  inside.map(captures.getArrayRef(), team.getArguments());
  b.setInsertionPoint(team.getBody().front().getTerminator());
  bringInside(b, inside, loop.getRegion());
  for (Value operand : loop->getOperands())
    getInside(b, inside, operand);
  b.clone(*loop, inside);
  loop.erase();
}

namespace {
struct CpuFormTeams : lig::target::impl::CpuFormTeamsPassBase<CpuFormTeams> {
  using CpuFormTeamsPassBase::CpuFormTeamsPassBase;

  void runOnOperation() override {
    TeamCode code(getOperation());
    // What is called may be called by a team, and forms none.
    SmallVector<func::FuncOp> functions;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (code.getSymbols().symbolKnownUseEmpty(function, getOperation()))
        functions.push_back(function);
    for (func::FuncOp function : functions)
      form(function, code);
  }

private:
  bool hasManySteps(scf::ForOp loop) {
    std::optional<llvm::APInt> steps = loop.getStaticTripCount();
    return !steps || steps->uge(minSteps);
  }

  void form(func::FuncOp function, TeamCode &code) {
    function.walk<WalkOrder::PreOrder>([&](scf::ForOp loop) {
      if (loop->getParentOfType<scf::ParallelOp>() || !hasManySteps(loop) ||
          !code.isShared(loop) || !code.canRun(loop) ||
          !arePassable(findCaptures(loop)))
        return WalkResult::advance();
      code.prepare(loop);
      outline(loop, code.getSymbols());
      ++numTeams;
      return WalkResult::skip();
    });
  }
};
} // namespace
