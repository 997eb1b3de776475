// Where every byte of an entry point lives.
//
// Lifetimes come from one numbering of all operations in program order. A
// buffer lives from its allocation to the end of the last operation of its own
// block under which any alias of it is used: a use inside a loop counts for the
// whole loop. A buffer that leaves its block (yielded from a branch) lives from
// the start of the operation it leaves. The planner then places intervals.

#include "Ligature/Codegen/ArenaPlanner.h"
#include "Ligature/Codegen/Passes.h"
#include "Ligature/Dialect/Net/IR/Net.h"
#include "Ligature/Dialect/Share/IR/Share.h"

#include "EntrySignature.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lig::codegen;

namespace lig::codegen {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

static constexpr int64_t kAlignment = 64;
/// On an allocation: its place in the header, which is zero when an entry point
/// is called.
static constexpr char headerAttr[] = "lig.device_header";

static int64_t bytesOf(ShapedType type) {
  Type element = type.getElementType();
  int64_t bits = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  return type.getNumElements() * llvm::divideCeil(bits, 8);
}

namespace {
/// The first and last number of an operation and all inside it.
struct Span {
  int64_t first, last;
};

class Lifetimes {
public:
  explicit Lifetimes(func::FuncOp function) : flow(function) {
    number(function);
  }

  /// The interval of `alloc`, or failure with a diagnostic.
  FailureOr<Span> of(memref::AllocOp alloc) {
    if (alloc->getParentOfType<scf::ParallelOp>())
      return alloc.emitOpError("is wanted by every step of a parallel loop at "
                               "the same time, but has one place");
    Span life = spans.lookup(alloc);
    for (Value alias : flow.resolve(alloc.getMemref())) {
      for (Operation *user : alias.getUsers()) {
        if (isa<memref::DeallocOp>(user))
          continue;
        if (failed(extend(life, alloc, user)))
          return failure();
      }
    }
    return life;
  }

private:
  void number(Operation *op) {
    int64_t first = next++;
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Operation &inner : block)
          number(&inner);
    spans[op] = {first, next - 1};
  }

  LogicalResult extend(Span &life, memref::AllocOp alloc, Operation *user) {
    Operation *owner = alloc;
    if (user->hasTrait<OpTrait::IsTerminator>() &&
        user->getBlock() == alloc->getBlock() &&
        isa<LoopLikeOpInterface>(user->getParentOp()))
      return alloc.emitOpError(
          "is carried by a loop to its own next step, but has one place");
    // Climb until one block holds both; a buffer that left a block is live
    // throughout the operation it left.
    while (owner) {
      if (Operation *at = owner->getBlock()->findAncestorOpInBlock(*user)) {
        if (owner != alloc)
          life.first = std::min(life.first, spans.lookup(owner).first);
        life.last = std::max({life.last, spans.lookup(at).last,
                              owner == alloc ? 0 : spans.lookup(owner).last});
        return success();
      }
      owner = owner->getParentOp();
    }
    return success();
  }

  BufferViewFlowAnalysis flow;
  DenseMap<Operation *, Span> spans;
  int64_t next = 0;
};
} // namespace

/// A view of `block` at a byte offset, as `type`.
static Value makeView(OpBuilder &b, Location loc, Value block, int64_t offset,
                      MemRefType type) {
  Value at = arith::ConstantIndexOp::create(b, loc, offset);
  return memref::ViewOp::create(b, loc, type, block, at, ValueRange{});
}

namespace {
struct PlanMemory : lig::codegen::impl::PlanMemoryPassBase<PlanMemory> {
  using PlanMemoryPassBase::PlanMemoryPassBase;
  void runOnOperation() override {
    SmallVector<func::FuncOp> entries;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function->hasAttr(lig::net::kEntryAttr))
        entries.push_back(function);
    layOutParameters();
    for (func::FuncOp entry : entries)
      if (failed(planEntry(entry)))
        return signalPassFailure();
  }

private:
  /// Drops frozen parameters that nothing names and gives the rest offsets.
  void layOutParameters() {
    ModuleOp module = getOperation();
    llvm::DenseMap<StringAttr, int64_t> uses;
    module.walk([&](lig::share::AddressOp op) {
      // CSE leaves one address for many readers.
      uses[op.getSourceAttr().getAttr()] +=
          std::distance(op.getResult().use_begin(), op.getResult().use_end());
    });
    Builder builder(&getContext());
    paramsBytes = 0;
    for (Operation &op : llvm::make_early_inc_range(*module.getBody())) {
      if (auto view = dyn_cast<lig::share::ViewOp>(op)) {
        view.erase();
        continue;
      }
      auto param = dyn_cast<lig::share::ParamOp>(op);
      if (!param)
        continue;
      if (param.isFrozen() && !uses.contains(param.getSymNameAttr())) {
        param.erase();
        continue;
      }
      paramsBytes = llvm::alignTo(paramsBytes, kAlignment);
      offsets[param.getSymNameAttr()] = paramsBytes;
      param->setAttr(lig::share::kOffsetAttr,
                     builder.getI64IntegerAttr(paramsBytes));
      // The network's uses were counted before kernels read things twice.
      if (!param->hasAttr(lig::share::kUsesAttr))
        param->setAttr(
            lig::share::kUsesAttr,
            builder.getI64IntegerAttr(uses.lookup(param.getSymNameAttr())));
      paramsBytes += bytesOf(param.getTensorType());
    }
    paramsBytes = llvm::alignTo(paramsBytes, kAlignment);
    module->setAttr(lig::share::kParamsBytesAttr,
                    builder.getI64IntegerAttr(paramsBytes));
  }

  LogicalResult planEntry(func::FuncOp function) {
    SmallVector<memref::AllocOp> allocs, ofHeader;
    std::vector<ArenaBuffer> buffers;
    WalkResult walk = function.walk([&](memref::AllocOp alloc) {
      MemRefType type = alloc.getType();
      if (alloc->hasAttr(headerAttr)) {
        ofHeader.push_back(alloc);
        return WalkResult::advance();
      }
      if (!type.hasStaticShape() || !type.getLayout().isIdentity()) {
        alloc.emitOpError("has type ")
            << type << ", but a place in the arena needs a static size";
        return WalkResult::interrupt();
      }
      allocs.push_back(alloc);
      return WalkResult::advance();
    });
    if (walk.wasInterrupted())
      return failure();
    Lifetimes lifetimes(function);
    for (memref::AllocOp alloc : allocs) {
      FailureOr<Span> life = lifetimes.of(alloc);
      if (failed(life))
        return failure();
      int64_t bytes = std::max<int64_t>(bytesOf(alloc.getType()), 1);
      buffers.push_back({bytes, kAlignment, life->first, life->last});
    }
    ArenaPlan plan = planArena(buffers);
    int64_t arena = llvm::alignTo(headerBytes + plan.peak, kAlignment);
    numBuffers += allocs.size();
    arenaBytes += arena;
    liveBytes += plan.lowerBound;

    EntryBlocks blocks = completeSignature(function, paramsBytes, arena);
    function->setAttr(
        lig::net::kArenaLowerBoundAttr,
        Builder(&getContext()).getI64IntegerAttr(plan.lowerBound));
    function.walk([](memref::DeallocOp op) { op.erase(); });
    if (failed(placeInHeader(ofHeader, blocks.arena)))
      return failure();
    for (auto [alloc, offset] : llvm::zip(allocs, plan.offsets)) {
      OpBuilder b(alloc);
      alloc.replaceAllUsesWith(
          makeView(b, alloc.getLoc(), blocks.arena,
                                         headerBytes + offset, alloc.getType()));
      alloc.erase();
    }
    placeParameters(function, blocks.params);
    return success();
  }

  LogicalResult placeInHeader(ArrayRef<memref::AllocOp> allocs, Value arena) {
    for (memref::AllocOp alloc : allocs) {
      int64_t offset = alloc->getAttrOfType<IntegerAttr>(headerAttr).getInt();
      if (offset + bytesOf(alloc.getType()) > headerBytes)
        return alloc.emitOpError("has no place in a header of ")
               << int64_t(headerBytes) << " bytes";
      OpBuilder b(alloc);
      alloc.replaceAllUsesWith(
          makeView(b, alloc.getLoc(), arena, offset, alloc.getType()));
      alloc.erase();
    }
    return success();
  }

  /// One view per parameter, at the top, where every use sees it.
  void placeParameters(func::FuncOp function, Value params) {
    DenseMap<StringAttr, Value> views;
    Block &top = function.getBody().front();
    function.walk([&](lig::share::AddressOp op) {
      StringAttr name = op.getSourceAttr().getAttr();
      Value &view = views[name];
      OpBuilder b = OpBuilder::atBlockBegin(&top);
      if (!view)
        view = makeView(b, op.getLoc(), params, offsets.lookup(name),
                        cast<MemRefType>(op.getResult().getType()));
      op.replaceAllUsesWith(view);
      op.erase();
    });
  }

  DenseMap<StringAttr, int64_t> offsets;
  int64_t paramsBytes = 0;
};
} // namespace
