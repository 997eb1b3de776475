// What the kernel of a scan loads and stores. An element that its own thread
// wrote a moment ago is passed as a value; memory is written only for others.

#include "ScanKernel.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace lig::codegen::gpu {

//===-- Views ------------------------------------------------------------===//

Value ScanKernel::view(Value value, unsigned place) {
  if (Value known = views.lookup({value, place}))
    return known;
  Operation *definition = value.getDefiningOp();
  bool isOfStep = definition && body.loop->isProperAncestor(definition);
  bool isBuffer = isa<MemRefType>(value.getType());
  bool isView = isa_and_nonnull<ViewLikeOpInterface>(definition);
  Value result = value;
  if (value == body.loop.getInductionVar()) {
    result = step;
  } else if (isBuffer && !isView && (place == 1 || isOfStep) &&
             second.contains(getRoot(value))) {
    result = second.lookup(getRoot(value));
  } else if (isOfStep || (isView && place == 1)) {
    IRMapping mapping;
    for (Value operand : definition->getOperands())
      mapping.map(operand, view(operand, place));
    result = b.clone(*definition, mapping)
                 ->getResult(cast<OpResult>(value).getResultNumber());
  }
  views[{value, place}] = result;
  return result;
}

/// All that operations of a step refer to, at its beginning.
void ScanKernel::makeViews(ArrayRef<unsigned> ops) {
  views.clear();
  for (unsigned number : ops) {
    ScanOp &op = body.ops[number];
    SetVector<Value> values;
    getUsedValuesDefinedAbove(op.op.getRegion(), values);
    for (OpOperand &operand : op.op->getOpOperands()) {
      const Place &place = op.place(operand);
      bool isNeeded = !op.op.isDpsInit(&operand) || body.isStored(op, operand);
      if (!isNeeded || !isInMemory(operand.get()))
        continue;
      values.insert(operand.get());
      if (body.findCarried(place.storage))
        view(operand.get(), 1);
    }
    for (Value value : values)
      view(value, 0);
  }
}

/// Whether a buffer is more than values of one thread.
bool ScanKernel::isInMemory(Value buffer) {
  while (auto op = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = op.getViewSource();
  auto alloc = buffer.getDefiningOp<memref::AllocOp>();
  return !alloc || !body.loop->isProperAncestor(alloc) ||
         body.exchanged.contains(alloc);
}

//===-- Elements ---------------------------------------------------------===//

SmallVector<Value> ScanKernel::loopValues(const ScanOp &op, Value row,
                                          Value unit, Value sum) {
  linalg::GenericOp generic = op.op;
  SmallVector<Value> values(generic.getNumLoops());
  for (unsigned i = op.rows.size(); i-- > 0;) {
    int64_t extent = op.extent(op.rows[i]);
    values[op.rows[i]] = i ? rem(row, extent) : row;
    if (i)
      row = div(row, extent);
  }
  values[op.unit] = unit;
  if (op.sum)
    values[*op.sum] = sum;
  for (Value &value : values)
    if (!value)
      value = index(0);
  return values;
}

SmallVector<Value> ScanKernel::indices(const ScanOp &op, OpOperand &operand,
                                       ArrayRef<Value> loops) {
  linalg::GenericOp generic = op.op;
  SmallVector<Value> result;
  for (AffineExpr expr : generic.getMatchingIndexingMap(&operand).getResults())
    result.push_back(affine::expandAffineExpr(b, b.getLoc(), expr, loops, {}));
  return result;
}

Value ScanKernel::isInSecond(const CarriedBuffer &carried, unsigned number,
                             bool isWrite) {
  bool isNew = isWrite || number > carried.writer;
  if (!isNew)
    return isOdd;
  Value yes = arith::ConstantOp::create(b, b.getBoolAttr(true));
  return arith::XOrIOp::create(b, isOdd, yes);
}

Value ScanKernel::load(unsigned number, OpOperand &operand,
                       ValueRange indices) {
  const ScanOp &op = body.ops[number];
  const CarriedBuffer *carried = body.findCarried(op.place(operand).storage);
  if (!carried)
    return memref::LoadOp::create(b, view(operand.get(), 0), indices);
  auto type = cast<MemRefType>(operand.get().getType());
  auto choice = scf::IfOp::create(b, type.getElementType(),
                                  isInSecond(*carried, number, false),
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  for (unsigned place : {0, 1}) {
    b.setInsertionPointToStart(place ? choice.thenBlock() : choice.elseBlock());
    Value value =
        memref::LoadOp::create(b, view(operand.get(), place), indices);
    scf::YieldOp::create(b, value);
  }
  return choice.getResult(0);
}

void ScanKernel::store(unsigned number, OpOperand &operand, ValueRange indices,
                       Value value) {
  const ScanOp &op = body.ops[number];
  const CarriedBuffer *carried = body.findCarried(op.place(operand).storage);
  if (!carried) {
    memref::StoreOp::create(b, value, view(operand.get(), 0), indices);
    return;
  }
  auto choice = scf::IfOp::create(b, isInSecond(*carried, number, true),
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  for (unsigned place : {0, 1}) {
    b.setInsertionPointToStart(place ? choice.thenBlock() : choice.elseBlock());
    memref::StoreOp::create(b, value, view(operand.get(), place), indices);
  }
}

static std::pair<MemoryRoot, std::vector<int64_t>>
keyOf(const ScanOp &op, OpOperand &operand, int64_t gate) {
  SmallVector<int64_t> item = op.itemAt(operand, gate);
  return {op.place(operand).storage, {item.begin(), item.end()}};
}

Value ScanKernel::loadItem(unsigned number, OpOperand &operand, int64_t gate,
                           ArrayRef<Value> loops, Item &item) {
  if (!isa<MemRefType>(operand.get().getType()))
    return view(operand.get(), 0);
  const ScanOp &op = body.ops[number];
  if (!op.place(operand).isLinear)
    return load(number, operand, indices(op, operand, loops));
  Value &value = item.values[keyOf(op, operand, gate)];
  if (!value)
    value = load(number, operand, indices(op, operand, loops));
  return value;
}

void ScanKernel::storeItem(unsigned number, OpOperand &operand, int64_t gate,
                           ArrayRef<Value> loops, Value value, Item &item) {
  const ScanOp &op = body.ops[number];
  item.values[keyOf(op, operand, gate)] = value;
  if (body.isStored(op, operand))
    item.stores.push_back({&op, &operand, indices(op, operand, loops), value});
}

} // namespace lig::codegen::gpu
