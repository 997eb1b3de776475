// The runtime calls every entry point the same way: by arrays of pointers. A
// small function loads them and calls the body, whose pointers are known not to
// overlap.

#include "Ligature/Target/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

namespace lig::target {
#define GEN_PASS_DEF_CPUWRAPENTRIESPASS
#include "Ligature/Target/Passes.h.inc"
} // namespace lig::target

using namespace mlir;

/// Behind inputs and outputs an entry point takes params, arena, dims and
/// parallel.
static constexpr unsigned numBlocks = 4;

static LogicalResult checkSignature(LLVM::LLVMFuncOp entry) {
  if (entry.getNumArguments() < numBlocks)
    return entry.emitOpError("is an entry point with ")
           << entry.getNumArguments() << " arguments, but needs at least "
           << numBlocks;
  for (Type type : entry.getArgumentTypes())
    if (!isa<LLVM::LLVMPointerType>(type))
      return entry.emitOpError("is an entry point, but takes a ")
             << type << " where a pointer belongs";
  return success();
}

/// Makes the body private to the module and says what the ABI promises about
/// its pointers.
static void privatize(LLVM::LLVMFuncOp entry, unsigned numOutputs) {
  Builder b(entry.getContext());
  auto unit = b.getUnitAttr();
  unsigned numData = entry.getNumArguments() - numBlocks;
  for (unsigned i = 0; i < entry.getNumArguments(); ++i) {
    // Inputs may overlap each other, which no one writes.
    SmallVector<NamedAttribute> attributes = {
        b.getNamedAttr(LLVM::LLVMDialect::getNoAliasAttrName(), unit),
        b.getNamedAttr(LLVM::LLVMDialect::getNoUndefAttrName(), unit)};
    if (i < numData - numOutputs)
      attributes.push_back(
          b.getNamedAttr(LLVM::LLVMDialect::getReadonlyAttrName(), unit));
    entry.setArgAttrs(i, b.getDictionaryAttr(attributes));
  }
  entry.setLinkage(LLVM::Linkage::Internal);
  for (StringRef name :
       {"net.entry", "net.arena_bytes", "net.arena_lower_bound"})
    entry->removeAttr(name);
}

static Value loadPointer(OpBuilder &b, Location loc, Value array,
                         unsigned index) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value place = LLVM::GEPOp::create(b, loc, pointer, pointer, array,
                                    ArrayRef<LLVM::GEPArg>{(int32_t)index});
  return LLVM::LoadOp::create(b, loc, pointer, place);
}

static void addWrapper(LLVM::LLVMFuncOp entry, unsigned numOutputs) {
  OpBuilder b(entry->getContext());
  b.setInsertionPointAfter(entry);
  Location loc = entry.getLoc();
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto type = LLVM::LLVMFunctionType::get(
      b.getI32Type(), {pointer, pointer, pointer, pointer, pointer, pointer});
  auto wrapper =
      LLVM::LLVMFuncOp::create(b, loc, (entry.getName() + "_run").str(), type);
  Block *body = wrapper.addEntryBlock(b);
  b.setInsertionPointToStart(body);
  unsigned numInputs = entry.getNumArguments() - numBlocks - numOutputs;
  SmallVector<Value> arguments;
  for (unsigned i = 0; i < numInputs; ++i)
    arguments.push_back(loadPointer(b, loc, body->getArgument(0), i));
  for (unsigned i = 0; i < numOutputs; ++i)
    arguments.push_back(loadPointer(b, loc, body->getArgument(1), i));
  llvm::append_range(arguments, body->getArguments().drop_front(2));
  auto call = LLVM::CallOp::create(b, loc, entry, arguments);
  LLVM::ReturnOp::create(b, loc, call.getResult());
}

namespace {
struct CpuWrapEntries
    : lig::target::impl::CpuWrapEntriesPassBase<CpuWrapEntries> {
  void runOnOperation() override {
    SmallVector<LLVM::LLVMFuncOp> entries;
    for (auto function : getOperation().getOps<LLVM::LLVMFuncOp>())
      if (function->hasAttr("net.entry"))
        entries.push_back(function);
    for (LLVM::LLVMFuncOp entry : entries) {
      if (failed(checkSignature(entry)))
        return signalPassFailure();
      unsigned numOutputs = 0;
      for (unsigned i = 0; i < entry.getNumArguments(); ++i)
        numOutputs += entry.getArgAttr(i, "net.output") != nullptr;
      addWrapper(entry, numOutputs);
      privatize(entry, numOutputs);
    }
  }
};
} // namespace
