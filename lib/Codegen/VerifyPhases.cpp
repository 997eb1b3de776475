// The contracts between phases. A phase says what may be left at its end, and
// the first operation beyond that is named with the reason, so a pass that
// breaks the IR, a plugin's too, is found at once and not three phases later.

#include "Ligature/Codegen/Passes.h"
#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace lig::codegen {
#define GEN_PASS_DEF_VERIFYIMPORTPASS
#define GEN_PASS_DEF_VERIFYSHAREPASS
#define GEN_PASS_DEF_VERIFYNETPASS
#define GEN_PASS_DEF_VERIFYKERNELPASS
#define GEN_PASS_DEF_VERIFYMEMORYPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

/// Why an operation may not be left, or an empty string.
using Rule = function_ref<std::string(Operation *)>;

static LogicalResult check(ModuleOp module, StringRef phase, Rule rule) {
  WalkResult walk = module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    std::string reason = rule(op);
    if (reason.empty())
      return WalkResult::advance();
    op->emitError("'") << op->getName() << "' may not be left after the "
                       << phase << " phase: " << reason;
    return WalkResult::interrupt();
  });
  return failure(walk.wasInterrupted());
}

static bool isIn(Operation *op, ArrayRef<StringRef> dialects) {
  return llvm::is_contained(dialects, op->getName().getDialectNamespace());
}

static bool isEntry(Operation *op) {
  return isa<func::FuncOp>(op) && op->hasAttr("net.entry");
}

/// Entry points before bufferization: tensors of static shape.
static std::string checkTensorEntry(func::FuncOp entry) {
  auto isBad = [](Type type) {
    auto tensor = dyn_cast<TensorType>(type);
    return tensor && !tensor.hasStaticShape();
  };
  for (Type type : entry.getArgumentTypes())
    if (isBad(type))
      return "an entry point takes a tensor of unknown shape";
  for (Type type : entry.getResultTypes())
    if (isBad(type))
      return "an entry point returns a tensor of unknown shape";
  return "";
}

/// What the phases on tensors have in common.
static std::string checkTensorPhase(Operation *op) {
  if (!isIn(op, {"builtin", "func", "share", "net", "linalg", "tensor", "arith",
                 "math", "scf", "index", "affine", "complex", "ub"}))
    return "its dialect is not one of those a network is written in";
  if (op->getName().getStringRef() == "share.address")
    return "it is the buffer form of a parameter, but the functions are on "
           "tensors";
  if (isEntry(op))
    return checkTensorEntry(cast<func::FuncOp>(op));
  return "";
}

/// After the share phase a view's roots can be seen in it, and every value can
/// be looked at.
static std::string checkSharePhase(Operation *op,
                                   SymbolTableCollection &tables) {
  if (auto param = dyn_cast<lig::share::ParamOp>(op))
    if (isa_and_nonnull<lig::share::FileAttr>(param.getValueAttr()))
      return "its value is still in a file, which share-load-files maps";
  if (auto get = dyn_cast<lig::share::GetOp>(op))
    if (get->getParentOfType<lig::share::ViewOp>() &&
        isa_and_nonnull<lig::share::ViewOp>(
            lig::share::lookupParameter(op, get.getSourceAttr(), tables)))
      return "a view reads parameters, but @" + get.getSource().str() +
             " is a view; share-simplify-views puts the one into the other";
  return checkTensorPhase(op);
}

static std::string checkNetPhase(Operation *op) {
  StringRef name = op->getName().getStringRef();
  if (isIn(op, {"net"}) && name != "net.scan" && name != "net.attention" &&
      name != "net.yield")
    return "of the net dialect only net.scan and net.attention have a later "
           "lowering";
  if (name == "linalg.softmax")
    return "it should have been decomposed into reductions";
  return checkTensorPhase(op);
}

/// What the phases on buffers have in common.
static std::string checkBufferPhase(Operation *op) {
  auto isTensor = [](Type type) { return isa<TensorType>(type); };
  if (isIn(op, {"net", "linalg", "tensor", "bufferization"}))
    return "its dialect has no kernels";
  if (llvm::any_of(op->getResultTypes(), isTensor) ||
      llvm::any_of(op->getOperandTypes(), isTensor))
    return "it works on tensors, but everything should be in buffers";
  if (op->getName().getStringRef() == "share.get")
    return "the parameter should have become a share.address";
  if (auto function = dyn_cast<func::FuncOp>(op))
    if (llvm::any_of(function.getArgumentTypes(), isTensor) ||
        llvm::any_of(function.getResultTypes(), isTensor))
      return "its signature has tensors, but everything should be in buffers";
  return "";
}

static std::string checkMemoryPhase(Operation *op) {
  if (isa<memref::AllocOp, memref::DeallocOp>(op))
    return "buffers should be places in the arena";
  if (op->getName().getStringRef() == "share.address")
    return "parameters should be places in the parameter block";
  if (isEntry(op)) {
    auto entry = cast<func::FuncOp>(op);
    if (!op->hasAttr("net.arena_bytes") || entry.getNumArguments() < 3 ||
        entry.getNumResults() != 1 ||
        !entry.getResultTypes().front().isInteger(32))
      return "an entry point should end in parameters, arena and dimensions "
             "and return an i32";
  }
  return checkBufferPhase(op);
}

namespace {
using namespace lig::codegen;

struct VerifyImport : lig::codegen::impl::VerifyImportPassBase<VerifyImport> {
  void runOnOperation() override {
    if (failed(check(getOperation(), "import", checkTensorPhase)))
      signalPassFailure();
  }
};

struct VerifyShare : lig::codegen::impl::VerifySharePassBase<VerifyShare> {
  void runOnOperation() override {
    SymbolTableCollection tables;
    if (failed(check(getOperation(), "share", [&](Operation *op) {
          return checkSharePhase(op, tables);
        })))
      signalPassFailure();
  }
};

struct VerifyNet : lig::codegen::impl::VerifyNetPassBase<VerifyNet> {
  void runOnOperation() override {
    if (failed(check(getOperation(), "net", checkNetPhase)))
      signalPassFailure();
  }
};

struct VerifyKernel : lig::codegen::impl::VerifyKernelPassBase<VerifyKernel> {
  void runOnOperation() override {
    if (failed(check(getOperation(), "kernel", checkBufferPhase)))
      signalPassFailure();
  }
};

struct VerifyMemory : lig::codegen::impl::VerifyMemoryPassBase<VerifyMemory> {
  void runOnOperation() override {
    if (failed(check(getOperation(), "memory", checkMemoryPhase)))
      signalPassFailure();
  }
};
} // namespace
