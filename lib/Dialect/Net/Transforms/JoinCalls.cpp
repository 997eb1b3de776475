// The joint operation is a copy of the first call with longer operands and
// results. Everything else about it is the same, so no operation needs a rule
// for being joined beyond the dimensions it is joined along.

#include "JoinCalls.h"
#include "JoinScans.h"
#include "TensorParts.h"

#include "Ligature/Analysis/ParameterMoves.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace lig::net;

RankedTensorType lig::net::withExtent(Type type, int64_t dim, int64_t extent) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  shape[dim] = extent;
  return RankedTensorType::get(shape, tensor.getElementType(),
                               tensor.getEncoding());
}

int64_t lig::net::countExtent(ValueRange values, int64_t dim) {
  int64_t extent = 0;
  for (Value value : values)
    extent += cast<RankedTensorType>(value.getType()).getDimSize(dim);
  return extent;
}

SmallVector<Value> lig::net::operandsOf(ArrayRef<Operation *> calls,
                                        unsigned i) {
  return llvm::map_to_vector(
      calls, [i](Operation *call) { return call->getOperand(i); });
}

//===-- Likeness ---------------------------------------------------------===//

static bool areAlike(Type a, Type b, int64_t dim) {
  auto left = dyn_cast<RankedTensorType>(a),
       right = dyn_cast<RankedTensorType>(b);
  if (!left || !right)
    return false;
  return left.hasStaticShape() && right.hasStaticShape() &&
         left.getRank() == right.getRank() &&
         withExtent(left, dim, right.getDimSize(dim)) == right;
}

/// Attributes but for those that repeat the result's shape, and the number of
/// operations that became this one.
static DictionaryAttr attributesOf(Operation *op) {
  NamedAttrList attributes(op->getAttrDictionary());
  attributes.erase(lig::share::kCallsAttr);
  if (isa<tensor::ExpandShapeOp>(op))
    attributes.erase("static_output_shape");
  if (isa<tensor::ExtractSliceOp>(op))
    attributes.erase("static_sizes");
  return attributes.getDictionary(op->getContext());
}

bool lig::net::areAlike(Operation *a, Operation *b, const CallDims &dims) {
  if (a->getName() != b->getName() ||
      a->getNumOperands() != b->getNumOperands() ||
      a->getNumResults() != b->getNumResults() ||
      attributesOf(a) != attributesOf(b))
    return false;
  for (auto [left, right, dim] :
       llvm::zip(a->getOperands(), b->getOperands(), dims.operands)) {
    bool isLike = dim == CallDims::kSame
                      ? left == right
                      : ::areAlike(left.getType(), right.getType(), dim);
    if (!isLike)
      return false;
  }
  for (auto [left, right, dim] :
       llvm::zip(a->getResultTypes(), b->getResultTypes(), dims.results))
    if (!::areAlike(left, right, dim))
      return false;
  for (auto [left, right] : llvm::zip(a->getRegions(), b->getRegions()))
    if (!OperationEquivalence::isRegionEquivalentTo(
            &left, &right, OperationEquivalence::IgnoreLocations))
      return false;
  return true;
}

//===-- Joining values ---------------------------------------------------===//

void lig::net::orderAsData(SmallVectorImpl<Operation *> &calls,
                           const CallDims &dims) {
  for (auto [i, dim] : llvm::enumerate(dims.operands)) {
    if (dim == CallDims::kSame)
      continue;
    SmallVector<std::pair<int64_t, Operation *>> placed;
    Value whole;
    for (Operation *call : calls) {
      std::optional<TensorPart> part = findPart(call->getOperand(i), dim);
      if (!part || (whole && part->whole != whole))
        return;
      whole = part->whole;
      placed.push_back({part->offset, call});
    }
    llvm::sort(placed, llvm::less_first());
    for (auto [call, place] : llvm::zip(calls, placed))
      call = place.second;
    return;
  }
}

static SmallVector<Operation *> definingOps(ValueRange values) {
  return llvm::map_to_vector(values,
                             [](Value value) { return value.getDefiningOp(); });
}

/// The dimensions of operations that make destinations: nothing in them but
/// their own destinations has to be joined.
static std::optional<CallDims> destinationDims(ValueRange values, int64_t dim) {
  auto first = values.front().getDefiningOp<linalg::LinalgOp>();
  if (!first || !first.hasPureTensorSemantics())
    return std::nullopt;
  OpOperand *init =
      first.getDpsInitOperand(cast<OpResult>(values.front()).getResultNumber());
  std::optional<CallDims> dims =
      findCallDims(first, init->getOperandNumber(), dim);
  if (!dims)
    return std::nullopt;
  for (OpOperand *input : first.getDpsInputOperands())
    if (dims->operands[input->getOperandNumber()] != CallDims::kSame)
      return std::nullopt;
  unsigned number = cast<OpResult>(values.front()).getResultNumber();
  for (Value value : values.drop_front()) {
    Operation *op = value.getDefiningOp();
    if (!op || cast<OpResult>(value).getResultNumber() != number ||
        !areAlike(first, op, *dims))
      return std::nullopt;
  }
  return dims;
}

static bool areEmpty(ValueRange values, int64_t dim) {
  return llvm::all_of(values, [&](Value value) {
    auto empty = value.getDefiningOp<tensor::EmptyOp>();
    return empty && empty.getDynamicSizes().empty() &&
           ::areAlike(values.front().getType(), value.getType(), dim);
  });
}

bool lig::net::areJoint(ValueRange values, int64_t dim) {
  if (findPart(values, dim) || areEmpty(values, dim))
    return true;
  std::optional<CallDims> dims = destinationDims(values, dim);
  if (!dims)
    return false;
  SmallVector<Operation *> makers = definingOps(values);
  for (auto [i, place] : llvm::enumerate(dims->operands))
    if (place != CallDims::kSame && !areJoint(operandsOf(makers, i), place))
      return false;
  return true;
}

void lig::net::noteCalls(Operation *joint, ArrayRef<Operation *> calls) {
  if (llvm::none_of(joint->getOperands(), lig::getMovedParameter))
    return;
  int64_t count = 0;
  for (Operation *call : calls) {
    auto joined = call->getAttrOfType<IntegerAttr>(lig::share::kCallsAttr);
    count += joined ? joined.getInt() : 1;
  }
  joint->setAttr(lig::share::kCallsAttr,
                 Builder(joint->getContext()).getI64IntegerAttr(count));
}

Operation *lig::net::cloneJoint(OpBuilder &b, Operation *call,
                                ValueRange operands, const CallDims &dims,
                                ArrayRef<int64_t> extents) {
  if (auto scan = dyn_cast<ScanOp>(call))
    return cloneJointScan(b, scan, operands, dims, extents);
  Operation *joint = b.clone(*call);
  joint->setOperands(operands);
  for (auto [result, dim, extent] :
       llvm::zip(joint->getResults(), dims.results, extents)) {
    result.setType(withExtent(result.getType(), dim, extent));
    ArrayRef<int64_t> shape =
        cast<RankedTensorType>(result.getType()).getShape();
    if (auto expand = dyn_cast<tensor::ExpandShapeOp>(joint))
      expand.setStaticOutputShape(shape);
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(joint))
      slice.setStaticSizes(shape);
  }
  return joint;
}

/// A copy of the first of `calls` on joint operands.
static Operation *makeJoint(OpBuilder &b, ArrayRef<Operation *> calls,
                            const CallDims &dims) {
  Operation *first = calls.front();
  SmallVector<Value> operands;
  for (auto [i, dim] : llvm::enumerate(dims.operands))
    operands.push_back(
        dim == CallDims::kSame
            ? first->getOperand(i)
            : joinValues(b, first->getLoc(), operandsOf(calls, i), dim));
  SmallVector<int64_t> extents;
  for (auto [i, dim] : llvm::enumerate(dims.results)) {
    SmallVector<Value> results =
        llvm::map_to_vector(calls, [i = i](Operation *call) -> Value {
          return call->getResult(i);
        });
    extents.push_back(countExtent(results, dim));
  }
  Operation *joint = cloneJoint(b, first, operands, dims, extents);
  joint->setLoc(FusedLoc::get(b.getContext(),
                              llvm::map_to_vector(calls, [](Operation *call) {
                                return call->getLoc();
                              })));
  noteCalls(joint, calls);
  return joint;
}

Value lig::net::joinValues(OpBuilder &b, Location loc, ValueRange values,
                           int64_t dim) {
  if (std::optional<TensorPart> part = findPart(values, dim))
    return takePart(b, loc, *part);
  if (areEmpty(values, dim)) {
    auto type =
        withExtent(values.front().getType(), dim, countExtent(values, dim));
    return tensor::EmptyOp::create(b, loc, type, ValueRange{});
  }
  if (areJoint(values, dim))
    return makeJoint(b, definingOps(values), *destinationDims(values, dim))
        ->getResult(cast<OpResult>(values.front()).getResultNumber());
  return tensor::ConcatOp::create(b, loc, dim, values);
}

//===-- Joining operations -----------------------------------------------===//

FailureOr<SmallVector<SmallVector<Value>>>
lig::net::joinCalls(RewriterBase &rewriter, ArrayRef<Operation *> calls,
                    const CallDims &dims, DominanceInfo &dominance) {
  Operation *first = *llvm::min_element(
      calls, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  SmallVector<Value> apart;
  for (auto [i, dim] : llvm::enumerate(dims.operands))
    if (SmallVector<Value> values = operandsOf(calls, i);
        dim != CallDims::kSame && !areJoint(values, dim))
      llvm::append_range(apart, values);
  if (failed(moveValueDefinitions(rewriter, apart, first, dominance)))
    return failure();

  rewriter.setInsertionPoint(first);
  Operation *joint = makeJoint(rewriter, calls, dims);
  SmallVector<SmallVector<Value>> slices(dims.results.size());
  for (auto [i, dim] : llvm::enumerate(dims.results)) {
    int64_t offset = 0;
    for (Operation *call : calls) {
      auto type = cast<RankedTensorType>(call->getResult(i).getType());
      int64_t extent = type.getDimSize(dim);
      slices[i].push_back(
          takePart(rewriter, call->getLoc(),
                   {joint->getResult(i), dim, offset, extent, type}));
      offset += extent;
    }
  }
  for (auto [number, call] : llvm::enumerate(calls)) {
    SmallVector<Value> results;
    for (ArrayRef<Value> parts : slices)
      results.push_back(parts[number]);
    rewriter.replaceOp(call, results);
  }
  return slices;
}
