// A hash finds candidates and the bytes decide, so two parameters are one only
// if no program could tell them apart. Only parameters made here take part:
// merging the model's own is a matter of the share phase.

#include "ParameterTable.h"

#include "Ligature/Dialect/Share/IR/BrokenTies.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

lig::codegen::ParameterTable::Entry
lig::codegen::ParameterTable::getOrCreate(const TensorBytes &bytes,
                                          StringRef name, Location loc) {
  uint64_t hash =
      llvm::xxh3_64bits(StringRef(bytes.data.data(), bytes.data.size()));
  auto &candidates = made[hash];
  for (auto &[param, held] : candidates)
    if (held.type == bytes.type && held.data == bytes.data)
      return {param, false};

  OpBuilder b(module.getContext());
  b.setInsertionPointToStart(module.getBody());
  // After the parameters that are there, in the order they are made.
  if (!last)
    for (auto param : module.getOps<share::ParamOp>())
      last = param;
  if (last)
    b.setInsertionPointAfter(last);
  auto param = share::ParamOp::create(
      b, loc, b.getStringAttr(name), TypeAttr::get(bytes.type),
      makeElements(bytes, name), /*trainable=*/UnitAttr(),
      /*is_mutable=*/UnitAttr());
  symbols.insert(param);
  last = param;
  TensorBytes held = bytes;
  if (std::optional<TensorBytes> stored = readElements(param.getElements()))
    held = *stored;
  candidates.push_back({param, held});
  return {param, true};
}

/// Whether one type is the other with some dimensions taken as one.
static bool isReshape(RankedTensorType a, RankedTensorType b) {
  return a.getElementType() == b.getElementType() &&
         a.getRank() != b.getRank() &&
         getReassociationIndicesForReshape(a, b).has_value();
}

lig::codegen::ParameterTable::Entry
lig::codegen::ParameterTable::getOrCreatePacked(const TensorBytes &bytes,
                                                StringAttr root, Location loc,
                                                bool anyShape) {
  // One step's bias is that of all steps with a dimension more.
  uint64_t hash =
      llvm::xxh3_64bits(StringRef(bytes.data.data(), bytes.data.size()));
  for (auto &[param, held] : made[hash])
    if (anyShape && isReshape(held.type, bytes.type) && held.data == bytes.data)
      return {param, false};
  Entry entry = getOrCreate(bytes, (root.getValue() + ".packed").str(), loc);
  if (!entry.isNew)
    return entry;
  share::markPacked(entry.param, symbols.lookup<share::ParamOp>(root));
  return entry;
}

void lig::codegen::replaceByParameter(Value value, share::ParamOp param) {
  OpBuilder b(value.getDefiningOp());
  Location loc = value.getLoc();
  auto from = cast<RankedTensorType>(param.getTensorType());
  auto to = cast<RankedTensorType>(value.getType());
  Value held = share::GetOp::create(b, loc, from, param.getSymName());
  if (from.getRank() != to.getRank()) {
    auto groups = *getReassociationIndicesForReshape(from, to);
    if (from.getRank() < to.getRank())
      held = tensor::ExpandShapeOp::create(b, loc, to, held, groups);
    else
      held = tensor::CollapseShapeOp::create(b, loc, to, held, groups);
  }
  value.replaceAllUsesWith(held);
}

unsigned lig::codegen::ParameterTable::eraseUnread(PackedCopies &copies,
                                                   StringRef pass) {
  llvm::DenseSet<StringAttr> read;
  module.walk([&](Operation *op) {
    if (StringAttr name = share::getSymbolRead(op))
      read.insert(name);
  });
  copies.record(read, symbols, pass);
  unsigned count = 0;
  for (auto param :
       llvm::make_early_inc_range(module.getOps<share::ParamOp>())) {
    if (!param.isFrozen() || read.contains(param.getSymNameAttr()))
      continue;
    if (last == param)
      last = nullptr;
    symbols.erase(param);
    ++count;
  }
  return count;
}
