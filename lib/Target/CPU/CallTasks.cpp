// Tasks and teams are called through the context's threads. The pointer to
// those is handed down from the entry points: there is no state outside of
// arguments, so any number of contexts run the same code at once.

#include "Ligature/Target/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"

namespace lig::target {
#define GEN_PASS_DEF_CPUCALLTASKSPASS
#include "Ligature/Target/Passes.h.inc"
} // namespace lig::target

using namespace mlir;

static constexpr StringRef kTask = "net.task", kTeam = "net.team";

static bool isTask(LLVM::LLVMFuncOp function) {
  return function->hasAttr(kTask);
}

static bool isTeam(LLVM::LLVMFuncOp function) {
  return function->hasAttr(kTeam);
}

/// Tasks end in their part, [begin, end).
static constexpr unsigned kPart = 2;

/// Arguments of `function` that threads are not handed by the caller: the part,
/// or what a member of a team divides its tasks with.
static unsigned ownArguments(LLVM::LLVMFuncOp function) {
  return isTeam(function) ? 1 : kPart;
}

static LogicalResult checkTask(LLVM::LLVMFuncOp task) {
  ArrayRef<Type> types = task.getArgumentTypes();
  auto isNumber = [](Type type) { return type.isInteger(64); };
  if (types.size() < kPart || !llvm::all_of(types.take_back(kPart), isNumber))
    return task.emitOpError("is a task, but does not end in two i64 arguments");
  return success();
}

namespace {
struct CpuCallTasks : lig::target::impl::CpuCallTasksPassBase<CpuCallTasks> {
  void runOnOperation() override {
    symbols.emplace(getOperation());
    pointer = LLVM::LLVMPointerType::get(&getContext());
    collect();
    for (auto function : getOperation().getOps<LLVM::LLVMFuncOp>()) {
      if (!isTask(function))
        continue;
      if (failed(checkTask(function)))
        return signalPassFailure();
      if (takesThreads.contains(function)) {
        function.emitOpError("is a task, but calls a task itself");
        return signalPassFailure();
      }
    }
    if (failed(checkTeams()))
      return signalPassFailure();
    for (LLVM::LLVMFuncOp function : takesThreads)
      addArgument(function);
    for (LLVM::CallOp call : calls)
      rewrite(call);
    for (auto function : getOperation().getOps<LLVM::LLVMFuncOp>())
      for (StringRef mark : {kTask, kTeam})
        function->removeAttr(mark);
  }

private:
  /// No member calls a team, nor does what it calls.
  LogicalResult checkTeams() {
    for (LLVM::CallOp call : calls) {
      auto caller = call->getParentOfType<LLVM::LLVMFuncOp>();
      if (isTeam(calleeOf(call)) && !caller->hasAttr("net.entry"))
        return call.emitOpError("calls a team, but not from an entry point");
    }
    return success();
  }

  LLVM::LLVMFuncOp calleeOf(LLVM::CallOp call) {
    std::optional<StringRef> name = call.getCallee();
    return name ? symbols->lookup<LLVM::LLVMFuncOp>(*name) : nullptr;
  }

  /// Finds the functions that need the threads: entry points, callers of tasks
  /// and their callers; and the calls that change.
  void collect() {
    llvm::MapVector<LLVM::LLVMFuncOp, SmallVector<LLVM::CallOp>> callsOf;
    getOperation().walk([&](LLVM::CallOp call) {
      if (LLVM::LLVMFuncOp callee = calleeOf(call))
        callsOf[callee].push_back(call);
    });
    SmallVector<LLVM::LLVMFuncOp> work;
    for (auto function : getOperation().getOps<LLVM::LLVMFuncOp>()) {
      if (function->hasAttr("net.entry") || isTeam(function))
        takesThreads.insert(function);
      if (isTask(function) || isTeam(function))
        work.push_back(function);
    }
    while (!work.empty()) {
      for (LLVM::CallOp call : callsOf[work.pop_back_val()]) {
        calls.push_back(call);
        auto caller = call->getParentOfType<LLVM::LLVMFuncOp>();
        bool isEntry = caller->hasAttr("net.entry");
        if (takesThreads.insert(caller) && !isEntry)
          work.push_back(caller);
      }
    }
  }

  void addArgument(LLVM::LLVMFuncOp function) {
    LLVM::LLVMFunctionType type = function.getFunctionType();
    SmallVector<Type> types(type.getParams());
    types.push_back(pointer);
    function.setFunctionType(
        LLVM::LLVMFunctionType::get(type.getReturnType(), types));
    SmallVector<Attribute> attributes;
    if (ArrayAttr before = function.getArgAttrsAttr()) {
      attributes.assign(before.begin(), before.end());
      attributes.push_back(DictionaryAttr::get(&getContext()));
      function.setArgAttrsAttr(ArrayAttr::get(&getContext(), attributes));
    }
    function.getBody().front().addArgument(pointer, function.getLoc());
  }

  Value threadsOf(LLVM::CallOp call) {
    auto caller = call->getParentOfType<LLVM::LLVMFuncOp>();
    return caller.getArguments().back();
  }

  void rewrite(LLVM::CallOp call) {
    LLVM::LLVMFuncOp callee = calleeOf(call);
    if (isTask(callee))
      return callThroughThreads(call, callee);
    // Whoever is alone is handed no threads.
    SmallVector<Value> operands(call.getArgOperands());
    operands.push_back(threadsOf(call));
    OpBuilder b(call);
    auto wider = LLVM::CallOp::create(b, call.getLoc(), callee, operands);
    call->replaceAllUsesWith(wider->getResults());
    call.erase();
    if (isTeam(callee))
      callThroughThreads(wider, callee);
  }

  /// What the caller of a task hands to it, in one struct.
  LLVM::LLVMStructType structOf(LLVM::LLVMFuncOp task) {
    return LLVM::LLVMStructType::getLiteral(
        &getContext(), task.getArgumentTypes().drop_back(ownArguments(task)));
  }

  Value fieldOf(OpBuilder &b, Location loc, Type type, Value args,
                unsigned field) {
    return LLVM::GEPOp::create(b, loc, pointer, type, args,
                               ArrayRef<LLVM::GEPArg>{0, int32_t(field)});
  }

  /// `<task>_part(args, begin, end)`, of the type `lig_task_fn`, or
  /// `<team>_part(args, member)`, of the type `lig_team_fn`.
  LLVM::LLVMFuncOp getPart(LLVM::LLVMFuncOp task) {
    std::string name = (task.getName() + "_part").str();
    if (auto made = symbols->lookup<LLVM::LLVMFuncOp>(name))
      return made;
    Location loc = task.getLoc();
    OpBuilder b(task);
    SmallVector<Type> types = {pointer};
    llvm::append_range(types,
                       task.getArgumentTypes().take_back(ownArguments(task)));
    auto type = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(&getContext()), types);
    auto part =
        LLVM::LLVMFuncOp::create(b, loc, name, type, LLVM::Linkage::Internal);
    symbols->insert(part);
    Block *body = part.addEntryBlock(b);
    b.setInsertionPointToStart(body);
    LLVM::LLVMStructType fields = structOf(task);
    SmallVector<Value> operands;
    for (auto [i, field] : llvm::enumerate(fields.getBody()))
      operands.push_back(LLVM::LoadOp::create(
          b, loc, field, fieldOf(b, loc, fields, body->getArgument(0), i)));
    llvm::append_range(operands, body->getArguments().drop_front());
    LLVM::CallOp::create(b, loc, task, operands);
    LLVM::ReturnOp::create(b, loc, ValueRange());
    return part;
  }

  void callThroughThreads(LLVM::CallOp call, LLVM::LLVMFuncOp task) {
    Location loc = call.getLoc();
    Value threads = threadsOf(call);
    LLVM::LLVMFuncOp part = getPart(task);
    LLVM::LLVMStructType fields = structOf(task);
    auto caller = call->getParentOfType<LLVM::LLVMFuncOp>();
    OpBuilder b(&caller.getBody().front(), caller.getBody().front().begin());
    Value one = LLVM::ConstantOp::create(b, loc, b.getI64IntegerAttr(1));
    Value args = LLVM::AllocaOp::create(b, loc, pointer, fields, one);

    // Without threads the call stays; with them it is made by them.
    Block *before = call->getBlock();
    Block *alone = before->splitBlock(call);
    Block *after = alone->splitBlock(call->getNextNode());
    Block *together = b.createBlock(after);
    b.setInsertionPointToEnd(before);
    Value null = LLVM::ZeroOp::create(b, loc, pointer);
    Value isAlone =
        LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, threads, null);
    LLVM::CondBrOp::create(b, loc, isAlone, alone, together);
    b.setInsertionPointToEnd(alone);
    LLVM::BrOp::create(b, loc, after);

    b.setInsertionPointToEnd(together);
    OperandRange operands = call.getArgOperands();
    for (auto [i, operand] :
         llvm::enumerate(operands.drop_back(ownArguments(task))))
      LLVM::StoreOp::create(b, loc, operand, fieldOf(b, loc, fields, args, i));
    // Of a lig_parallel: its first function, or, of a team, the last.
    auto number = b.getI64Type();
    auto parallel = LLVM::LLVMStructType::getLiteral(
        &getContext(), {pointer, number, pointer});
    Value place =
        isTeam(task) ? fieldOf(b, loc, parallel, threads, 2) : threads;
    Value run = LLVM::LoadOp::create(b, loc, pointer, place);
    Value address = LLVM::AddressOfOp::create(b, loc, part);
    SmallVector<Type> types = {pointer, pointer, pointer};
    SmallVector<Value> passed = {run, threads, address, args};
    if (!isTeam(task)) {
      types.push_back(number);
      passed.push_back(operands.back());
    }
    auto type = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(&getContext()), types);
    LLVM::CallOp::create(b, loc, type, passed);
    LLVM::BrOp::create(b, loc, after);
  }

  std::optional<SymbolTable> symbols;
  LLVM::LLVMPointerType pointer;
  llvm::SetVector<LLVM::LLVMFuncOp> takesThreads;
  SmallVector<LLVM::CallOp> calls;
};
} // namespace
