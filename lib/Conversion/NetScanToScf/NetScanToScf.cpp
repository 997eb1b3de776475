// One step of a scan as one trip of a loop. The loop carries the states and the
// stacked results; slices are read and inserted at the step's position, counted
// from the end where the scan says reversed.

#include "Ligature/Conversion/Passes.h"
#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace lig::net;

namespace lig {
#define GEN_PASS_DEF_CONVERTNETSCANTOSCFPASS
#include "Ligature/Conversion/Passes.h.inc"
} // namespace lig

/// Offsets, sizes and strides of slice `at` along the leading dimension.
struct SliceParameters {
  SliceParameters(OpBuilder &b, RankedTensorType stacked, Value at) {
    for (int64_t extent : stacked.getShape()) {
      offsets.push_back(b.getIndexAttr(0));
      sizes.push_back(b.getIndexAttr(extent));
      strides.push_back(b.getIndexAttr(1));
    }
    offsets[0] = at;
    sizes[0] = b.getIndexAttr(1);
  }
  SmallVector<OpFoldResult> offsets, sizes, strides;
};

/// `last - step`, the position counted from the end.
static Value fromEnd(ImplicitLocOpBuilder &b, Value extent, Value step) {
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value last = arith::SubIOp::create(b, extent, one);
  return arith::SubIOp::create(b, last, step);
}

/// The tensor that a stacked result grows in: zero unless every slice of it is
/// sure to be written.
static Value makeRoom(ImplicitLocOpBuilder &b, ScanOp scan, Type type) {
  auto stacked = cast<RankedTensorType>(type);
  Value room =
      tensor::EmptyOp::create(b, stacked.getShape(), stacked.getElementType());
  APInt count;
  if (!scan.getConditional() &&
      matchPattern(scan.getCount(), m_ConstantInt(&count)) &&
      count.getSExtValue() == stacked.getDimSize(0))
    return room;
  Value zero =
      arith::ConstantOp::create(b, b.getZeroAttr(stacked.getElementType()));
  return linalg::FillOp::create(b, ValueRange{zero}, ValueRange{room})
      .getResult(0);
}

namespace {
/// What one step gives to the next.
struct StepValues {
  SmallVector<Value> carried;
  Value goOn;
};
} // namespace

/// Moves the scan's body to the insertion point as step number `step`.
static StepValues inlineStep(IRRewriter &rewriter, ScanOp scan, Value step,
                             ValueRange carried) {
  ImplicitLocOpBuilder b(scan.getLoc(), rewriter);
  unsigned numStates = scan.getNumStates();
  SmallVector<Value> arguments = {step};
  llvm::append_range(arguments, carried.take_front(numStates));
  for (auto [i, input] : llvm::enumerate(scan.getInputs())) {
    auto type = cast<RankedTensorType>(input.getType());
    Value at = step;
    if (scan.isInputReversed(i))
      at = fromEnd(b, arith::ConstantIndexOp::create(b, type.getDimSize(0)),
                   step);
    SliceParameters slice(b, type, at);
    arguments.push_back(tensor::ExtractSliceOp::create(
        b, ScanOp::getSliceType(type), input, slice.offsets, slice.sizes,
        slice.strides));
  }

  YieldOp yield = scan.getYield();
  rewriter.inlineBlockBefore(&scan.getBody().front(), b.getInsertionBlock(),
                             b.getInsertionPoint(), arguments);
  b.setInsertionPoint(yield);
  StepValues result;
  ValueRange values = yield.getValues();
  llvm::append_range(result.carried, values.take_front(numStates));
  for (unsigned i = 0; i < scan.getNumStacked(); ++i) {
    Value room = carried[numStates + i];
    Value at = step;
    if (scan.isOutputReversed(i))
      at = fromEnd(b, scan.getCount(), step);
    SliceParameters slice(b, cast<RankedTensorType>(room.getType()), at);
    result.carried.push_back(tensor::InsertSliceOp::create(
        b, values[numStates + i], room, slice.offsets, slice.sizes,
        slice.strides));
  }
  if (scan.getConditional())
    result.goOn = values.back();
  rewriter.setInsertionPoint(yield);
  rewriter.eraseOp(yield);
  return result;
}

static void convertToFor(IRRewriter &rewriter, ScanOp scan,
                         ValueRange initial) {
  ImplicitLocOpBuilder b(scan.getLoc(), rewriter);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  auto loop = scf::ForOp::create(b, zero, scan.getCount(), one, initial);
  // Without anything to carry, the loop is made with its terminator.
  if (!loop.getBody()->empty())
    rewriter.eraseOp(loop.getBody()->getTerminator());
  rewriter.setInsertionPointToEnd(loop.getBody());
  StepValues next = inlineStep(rewriter, scan, loop.getInductionVar(),
                               loop.getRegionIterArgs());
  rewriter.setInsertionPointToEnd(loop.getBody());
  scf::YieldOp::create(rewriter, scan.getLoc(), next.carried);
  rewriter.replaceOp(scan, loop.getResults());
}

/// Carries the step number and the flag before everything else.
static void convertToWhile(IRRewriter &rewriter, ScanOp scan,
                           ValueRange initial) {
  Location loc = scan.getLoc();
  ImplicitLocOpBuilder b(loc, rewriter);
  SmallVector<Value> carried = {arith::ConstantIndexOp::create(b, 0),
                                arith::ConstantIntOp::create(b, 1, 1)};
  llvm::append_range(carried, initial);
  SmallVector<Type> types(ValueRange(carried).getTypes());
  auto loop = scf::WhileOp::create(b, types, carried);
  SmallVector<Location> locations(types.size(), loc);

  Block *before = rewriter.createBlock(&loop.getBefore(), {}, types, locations);
  Value inside = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::slt,
                                       before->getArgument(0), scan.getCount());
  Value again =
      arith::AndIOp::create(rewriter, loc, inside, before->getArgument(1));
  scf::ConditionOp::create(rewriter, loc, again, before->getArguments());

  Block *after = rewriter.createBlock(&loop.getAfter(), {}, types, locations);
  Value step = after->getArgument(0);
  StepValues next =
      inlineStep(rewriter, scan, step, after->getArguments().drop_front(2));
  rewriter.setInsertionPointToEnd(after);
  Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
  SmallVector<Value> yielded = {arith::AddIOp::create(rewriter, loc, step, one),
                                next.goOn};
  llvm::append_range(yielded, next.carried);
  scf::YieldOp::create(rewriter, loc, yielded);

  SmallVector<Value> results(loop.getResults().drop_front(2));
  results.push_back(loop.getResult(0));
  rewriter.replaceOp(scan, results);
}

namespace {
struct ConvertNetScanToScf
    : lig::impl::ConvertNetScanToScfPassBase<ConvertNetScanToScf> {
  void runOnOperation() override {
    SmallVector<ScanOp> scans;
    getOperation()->walk([&](ScanOp scan) { scans.push_back(scan); });
    IRRewriter rewriter(&getContext());
    for (ScanOp scan : scans) {
      rewriter.setInsertionPoint(scan);
      ImplicitLocOpBuilder b(scan.getLoc(), rewriter);
      SmallVector<Value> initial(scan.getInits());
      for (Type type : scan.getStacked().getTypes())
        initial.push_back(makeRoom(b, scan, type));
      if (scan.getConditional())
        convertToWhile(rewriter, scan, initial);
      else
        convertToFor(rewriter, scan, initial);
    }
  }
};
} // namespace
