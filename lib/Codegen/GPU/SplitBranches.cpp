// The host launches the kernels of both sides, and each kernel reads the
// condition first, so that all its blocks take the branch or none does. Views,
// allocations and numbers of the host are computed either way. Accesses between
// kernels stay together in a branch of their own.

#include "SplitBranches.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace lig::codegen::gpu {

namespace {
enum class Part {
  Kernel,
  /// What may run whether the branch is taken or not.
  Harmless,
  /// A loop or branch that the host steps through.
  Stepped,
  /// Anything else: it runs only if the branch is taken.
  Inner
};
} // namespace

/// Whether a load is inside its buffer, whatever data are.
static bool isInside(memref::LoadOp load) {
  MemRefType type = load.getMemRefType();
  for (auto [index, extent] : llvm::zip(load.getIndices(), type.getShape())) {
    auto constant = getConstantIntValue(index);
    if (!constant || ShapedType::isDynamic(extent) || *constant < 0 ||
        *constant >= extent)
      return false;
  }
  return true;
}

static Part classify(Operation *op, const DataDependence &dependence) {
  if (isa<memref::CopyOp>(op) || dependence.isKernel(op))
    return Part::Kernel;
  if (dependence.isStepped(op))
    return Part::Stepped;
  auto load = dyn_cast<memref::LoadOp>(op);
  if ((load && isInside(load)) || isa<memref::AllocOp>(op) ||
      (op->getNumRegions() == 0 && isPure(op)))
    return Part::Harmless;
  return Part::Inner;
}

/// Whether no value of a run of inner operations is used behind the run.
static bool keepsRuns(Block &block, const DataDependence &dependence) {
  llvm::SmallPtrSet<Operation *, 8> run, behind;
  for (Operation &op : block) {
    // Chosen buffers are copied by kernels before numbers are stored.
    bool isInner =
        op.hasTrait<OpTrait::IsTerminator>()
            ? llvm::none_of(op.getOperandTypes(), llvm::IsaPred<MemRefType>)
            : classify(&op, dependence) == Part::Inner;
    // Loads have to stay behind what an earlier run stores.
    if (!isInner) {
      behind.insert(run.begin(), run.end());
      run.clear();
    }
    bool usesRun = false;
    op.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        usesRun |= behind.contains(operand.getDefiningOp());
    });
    if (usesRun)
      return false;
    if (isInner)
      run.insert(&op);
  }
  return true;
}

static bool canGuard(Block &block, const DataDependence &dependence) {
  for (Operation &op : block.without_terminator()) {
    if (auto loop = dyn_cast<scf::ParallelOp>(op); loop && loop.getNumResults())
      return false;
    if (classify(&op, dependence) == Part::Stepped)
      for (Region &region : op.getRegions())
        for (Block &inner : region)
          if (!canGuard(inner, dependence))
            return false;
  }
  return keepsRuns(block, dependence);
}

bool canSplit(scf::IfOp branch, const DataDependence &dependence) {
  return llvm::all_of(branch->getRegions(), [&](Region &region) {
    return region.empty() || canGuard(region.front(), dependence);
  });
}

//===-- Splitting --------------------------------------------------------===//

namespace {
/// One side of a branch.
class Side {
public:
  Side(const DataDependence &dependence, Value condition)
      : dependence(dependence), condition(condition) {}

  /// Moves what is in `block` to before `place`.
  void move(Block &block, Operation *place);

private:
  void guardStepped(Operation *op);
  void guardKernel(Operation *op);
  void closeRun(Operation *place);

  const DataDependence &dependence;
  Value condition;
  SmallVector<Operation *> run;
};
} // namespace

/// Puts what is in `body` but for its terminator into a branch.
static void guardBody(Block &body, Value condition) {
  Operation *end = body.getTerminator();
  OpBuilder b(end);
  auto first = body.begin();
  auto branch =
      scf::IfOp::create(b, end->getLoc(), condition, /*withElse=*/false);
  Block &then = *branch.thenBlock();
  then.getOperations().splice(then.begin(), body.getOperations(), first,
                              branch->getIterator());
}

void Side::guardKernel(Operation *op) {
  if (auto launch = dyn_cast<mlir::gpu::LaunchOp>(op))
    guardBody(launch.getBody().front(), condition);
  else if (auto loop = dyn_cast<scf::ParallelOp>(op))
    guardBody(*loop.getBody(), condition);
}

/// Kernels of loops ask in each step.
void Side::guardStepped(Operation *op) {
  for (Region &region : op->getRegions())
    for (Block &block : region)
      move(block, block.getTerminator());
}

void Side::closeRun(Operation *place) {
  if (run.empty())
    return;
  OpBuilder b(place);
  auto branch = scf::IfOp::create(b, run.front()->getLoc(), condition,
                                  /*withElse=*/false);
  for (Operation *op : run)
    op->moveBefore(branch.thenBlock()->getTerminator());
  run.clear();
}

void Side::move(Block &block, Operation *place) {
  SmallVector<Operation *> ops;
  for (Operation &op : block.without_terminator())
    ops.push_back(&op);
  for (Operation *op : ops) {
    Part part = classify(op, dependence);
    if (part == Part::Inner) {
      run.push_back(op);
      continue;
    }
    closeRun(place);
    op->moveBefore(place);
    if (part == Part::Kernel)
      guardKernel(op);
    else if (part == Part::Stepped)
      guardStepped(op);
  }
  closeRun(place);
}

static void split(scf::IfOp branch, const DataDependence &dependence) {
  OpBuilder b(branch);
  Location loc = branch.getLoc();
  Value condition = branch.getCondition();
  Side(dependence, condition).move(*branch.thenBlock(), branch);
  if (Block *other = branch.elseBlock()) {
    Value yes = arith::ConstantIntOp::create(b, loc, 1, 1);
    Value inverse = arith::XOrIOp::create(b, loc, condition, yes);
    Side(dependence, inverse).move(*other, branch);
  }
  branch.erase();
}

unsigned splitBranches(func::FuncOp function) {
  unsigned count = 0;
  while (true) {
    DataDependence dependence(function);
    scf::IfOp found;
    // The innermost first.
    function.walk([&](scf::IfOp branch) {
      if (branch.getNumResults() ||
          !dependence.isDependent(branch.getCondition()) ||
          !dependence.isStepped(branch) || !dependence.isReached(branch))
        return WalkResult::advance();
      found = branch;
      return WalkResult::interrupt();
    });
    if (!found)
      return count;
    split(found, dependence);
    ++count;
  }
}

} // namespace lig::codegen::gpu
