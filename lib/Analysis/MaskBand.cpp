// A causal mask and a window are bands, a mask of padding is a range; whatever
// else a mask is lies in a band that is too wide. Two numbers a side are easy
// to compare with where a block stands.
//
// The region is read backwards from the score that it yields: what is added
// hides where it is minus infinity, and a choice hides where its condition
// takes minus infinity, or a number far below all others. Conditions are
// constants or compare where a score is. A number far below that is added, as
// exporters write -10000, hides as well, from whoever knows a bound of scores.

#include "Ligature/Analysis/MaskBand.h"

#include "Ligature/Analysis/TensorBytes.h"
#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir;

/// A number that hides is at most this.
static constexpr double kFarBelow = -1000;

/// The elements of a constant that `buffer` shows all of, in order.
static std::optional<lig::TensorBytes> constantOf(Value buffer) {
  while (Operation *op = buffer.getDefiningOp()) {
    if (auto address = dyn_cast<lig::share::AddressOp>(op)) {
      auto param = SymbolTable::lookupNearestSymbolFrom<lig::share::ParamOp>(
          op, address.getSourceAttr());
      if (!param || !param.isFrozen() || !param.getElements())
        return std::nullopt;
      return lig::readElements(param.getElements());
    }
    if (!isa<memref::ExpandShapeOp, memref::CollapseShapeOp>(op))
      break;
    buffer = op->getOperand(0);
  }
  return std::nullopt;
}

static std::optional<double> numberOf(Value value) {
  APFloat number(0.0f);
  if (!matchPattern(value, m_ConstantFloat(&number)))
    return std::nullopt;
  return number.convertToDouble();
}

namespace {
/// `row` rows and `key` keys and a constant.
struct Place {
  int64_t row = 0, key = 0, constant = 0;
};

class BandFinder {
public:
  explicit BandFinder(lig::net::AttentionOp op)
      : op(op), extents(op.getExtents()), rows(extents[op.getRowDim()]),
        keys(extents[op.getKeyDim()]), band{0, keys - 1, rows - 1, keys - 1,
                                            std::nullopt} {}

  std::optional<lig::MaskBand> find(bool boundsScores) {
    if (boundsScores)
      readSum(op.getYield().getOperand(0));
    readScore(op.getYield().getOperand(0), /*isYielded=*/true);
    if (!found)
      return std::nullopt;
    return band;
  }

private:
  void readSum(Value yielded);
  std::optional<double> factorOf(Value score);
  void readScore(Value score, bool isYielded);
  void readChoice(arith::SelectOp choice, bool isYielded);
  void readCondition(Value condition, bool holds);
  void readComparison(arith::CmpIOp compare, bool holds);
  void readMask(Value argument, function_ref<bool(const char *element)> shows);
  std::optional<Place> placeOf(Value value);
  void keepBelow(Place place);

  lig::net::AttentionOp op;
  SmallVector<int64_t> extents;
  int64_t rows, keys;
  lig::MaskBand band;
  bool found = false;
};
} // namespace

/// What the product of a query and a key is multiplied by in `score`, if that is
/// all that is done to it.
std::optional<double> BandFinder::factorOf(Value score) {
  if (score == op.getRegion().front().getArgument(0))
    return 1;
  Operation *from = score.getDefiningOp();
  if (!isa_and_nonnull<arith::MulFOp, arith::DivFOp>(from))
    return std::nullopt;
  std::optional<double> factor = factorOf(from->getOperand(0));
  std::optional<double> number = numberOf(from->getOperand(1));
  if (!factor || !number)
    return std::nullopt;
  double result = isa<arith::MulFOp>(from) ? *factor * *number
                                           : *factor / *number;
  return std::isnormal(result) ? std::optional(result) : std::nullopt;
}

/// Narrows the band by where a constant adds a number far below to a product,
/// if that is what `yielded` is.
void BandFinder::readSum(Value yielded) {
  auto sum = yielded.getDefiningOp<arith::AddFOp>();
  for (unsigned i : {0u, 1u}) {
    auto mask = sum ? dyn_cast<BlockArgument>(sum->getOperand(i))
                    : BlockArgument();
    std::optional<double> factor =
        mask ? factorOf(sum->getOperand(1 - i)) : std::nullopt;
    if (!factor)
      continue;
    double most = -std::numeric_limits<double>::infinity();
    readMask(mask, [&](const char *element) {
      float number;
      std::memcpy(&number, element, sizeof(float));
      if (!(number <= kFarBelow))
        return true;
      most = std::max<double>(most, number);
      return false;
    });
    if (!std::isfinite(most))
      continue;
    band.hiddenScore = most;
    band.scoreFactor = std::abs(*factor);
  }
}

/// Narrows the band by where `score` is minus infinity, or where it is what the
/// region yields, a number far below.
void BandFinder::readScore(Value score, bool isYielded) {
  if (score.getType().isF32() && isa<BlockArgument>(score))
    return readMask(score, [](const char *element) {
      float number;
      std::memcpy(&number, element, sizeof(float));
      return !(std::isinf(number) && number < 0);
    });
  Operation *from = score.getDefiningOp();
  if (!from)
    return;
  if (auto choice = dyn_cast<arith::SelectOp>(from))
    return readChoice(choice, isYielded);
  bool takesBoth = isa<arith::AddFOp, arith::MinimumFOp>(from);
  bool scales = false;
  if (isa<arith::MulFOp>(from)) {
    std::optional<double> factor = numberOf(from->getOperand(1));
    scales = factor && *factor > 0 && std::isfinite(*factor);
  }
  if (takesBoth || scales || isa<arith::SubFOp>(from))
    readScore(from->getOperand(0), /*isYielded=*/false);
  if (takesBoth)
    readScore(from->getOperand(1), /*isYielded=*/false);
}

void BandFinder::readChoice(arith::SelectOp choice, bool isYielded) {
  for (bool holds : {true, false}) {
    Value shown = holds ? choice.getTrueValue() : choice.getFalseValue();
    Value other = holds ? choice.getFalseValue() : choice.getTrueValue();
    std::optional<double> hidden = numberOf(other);
    if (!hidden || !(*hidden <= kFarBelow) ||
        (!std::isinf(*hidden) && !isYielded))
      continue;
    if (!std::isinf(*hidden))
      band.hiddenScore = std::max(*hidden, band.hiddenScore.value_or(*hidden));
    readCondition(choice.getCondition(), holds);
    return readScore(shown, isYielded);
  }
}

/// Narrows the band to where `condition` is `holds`.
void BandFinder::readCondition(Value condition, bool holds) {
  if (isa<BlockArgument>(condition))
    return readMask(condition, [=](const char *element) {
      return (*element != 0) == holds;
    });
  Operation *from = condition.getDefiningOp();
  if (auto compare = dyn_cast_or_null<arith::CmpIOp>(from))
    return readComparison(compare, holds);
  bool isBoth = isa_and_nonnull<arith::AndIOp>(from) && holds;
  bool isNeither = isa_and_nonnull<arith::OrIOp>(from) && !holds;
  if (isBoth || isNeither)
    for (Value operand : from->getOperands())
      readCondition(operand, holds);
}

void BandFinder::readComparison(arith::CmpIOp compare, bool holds) {
  using Predicate = arith::CmpIPredicate;
  Predicate predicate = compare.getPredicate();
  if (!holds)
    predicate = arith::invertPredicate(predicate);
  std::optional<Place> left = placeOf(compare.getLhs()),
                       right = placeOf(compare.getRhs());
  if (!left || !right)
    return;
  auto isUnsigned = [](Predicate p) {
    return p == Predicate::ult || p == Predicate::ule || p == Predicate::ugt ||
           p == Predicate::uge;
  };
  auto mayBeNegative = [](const Place &p) {
    return p.row < 0 || p.key < 0 || p.constant < 0;
  };
  if (isUnsigned(predicate) && (mayBeNegative(*left) || mayBeNegative(*right)))
    return;
  auto keepLess = [&](const Place &x, const Place &y, int64_t by) {
    keepBelow({x.row - y.row, x.key - y.key, x.constant - y.constant + by});
  };
  switch (predicate) {
  case Predicate::sle:
  case Predicate::ule:
    return keepLess(*left, *right, 0);
  case Predicate::slt:
  case Predicate::ult:
    return keepLess(*left, *right, 1);
  case Predicate::sge:
  case Predicate::uge:
    return keepLess(*right, *left, 0);
  case Predicate::sgt:
  case Predicate::ugt:
    return keepLess(*right, *left, 1);
  case Predicate::eq:
    keepLess(*left, *right, 0);
    return keepLess(*right, *left, 0);
  default:
    return;
  }
}

/// Narrows the band to where `place` is at most 0.
void BandFinder::keepBelow(Place place) {
  int64_t most = -place.constant;
  if (place.key == 1 && place.row == -1)
    band.ahead = std::min(band.ahead, most);
  else if (place.key == -1 && place.row == 1)
    band.behind = std::min(band.behind, most);
  else if (place.key == 1 && place.row == 0)
    band.last = std::min(band.last, most);
  else if (place.key == -1 && place.row == 0)
    band.first = std::max(band.first, -most);
  else
    return;
  found = true;
}

std::optional<Place> BandFinder::placeOf(Value value) {
  // Sums of what is smaller than this stay in 32 bits.
  constexpr int64_t most = int64_t(1) << 24;
  Block &body = op.getRegion().front();
  if (value == body.getArguments().back())
    return keys < most ? std::optional(Place{0, 1, 0}) : std::nullopt;
  if (value == *std::prev(body.args_end(), 2))
    return rows < most ? std::optional(Place{1, 0, 0}) : std::nullopt;
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant))) {
    if (!constant.isSignedIntN(24))
      return std::nullopt;
    return Place{0, 0, constant.getSExtValue()};
  }
  Operation *from = value.getDefiningOp();
  auto type = dyn_cast<IntegerType>(value.getType());
  if (!from || (type && type.getWidth() < 32))
    return std::nullopt;
  if (isa<arith::IndexCastOp, arith::ExtSIOp>(from))
    return placeOf(from->getOperand(0));
  if (!isa<arith::AddIOp, arith::SubIOp>(from))
    return std::nullopt;
  std::optional<Place> x = placeOf(from->getOperand(0)),
                       y = placeOf(from->getOperand(1));
  if (!x || !y)
    return std::nullopt;
  int64_t sign = isa<arith::AddIOp>(from) ? 1 : -1;
  Place sum = {x->row + sign * y->row, x->key + sign * y->key,
               x->constant + sign * y->constant};
  if (std::abs(sum.constant) >= most)
    return std::nullopt;
  return sum;
}

/// Makes the band as narrow as the elements that `shows` let it be.
void BandFinder::readMask(Value argument,
                          function_ref<bool(const char *element)> shows) {
  unsigned number = cast<BlockArgument>(argument).getArgNumber();
  if (number == 0 || number > op.getInputs().size())
    return;
  Value input = op.getInputs()[number - 1];
  AffineMap map = op.getMap(2 + number);
  auto type = dyn_cast<MemRefType>(input.getType());
  std::optional<lig::TensorBytes> elements;
  if (type && map.isFunctionOfDim(op.getKeyDim()))
    elements = constantOf(input);
  int64_t bytes = argument.getType().isF32() ? 4 : 1;
  if (!elements ||
      int64_t(elements->data.size()) != type.getNumElements() * bytes)
    return;
  lig::MaskBand own = {keys, -1, -keys, -rows, std::nullopt};
  SmallVector<int64_t> at(extents.size(), 0);
  SmallVector<unsigned> dims;
  for (AffineExpr expr : map.getResults())
    dims.push_back(cast<AffineDimExpr>(expr).getPosition());
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    if (!shows(elements->data.data() + i * bytes))
      continue;
    int64_t left = i;
    for (size_t axis = dims.size(); axis-- > 0; left /= type.getDimSize(axis))
      at[dims[axis]] = left % type.getDimSize(axis);
    int64_t key = at[op.getKeyDim()], row = at[op.getRowDim()];
    own.first = std::min(own.first, key);
    own.last = std::max(own.last, key);
    own.behind = std::max(own.behind, row - key);
    own.ahead = std::max(own.ahead, key - row);
  }
  found = true;
  band.first = std::max(band.first, own.first);
  band.last = std::min(band.last, own.last);
  // The same for all rows.
  if (!map.isFunctionOfDim(op.getRowDim()))
    return;
  band.behind = std::min(band.behind, own.behind);
  band.ahead = std::min(band.ahead, own.ahead);
}

std::optional<lig::MaskBand> lig::findMaskBand(net::AttentionOp op,
                                               bool boundsScores) {
  return BandFinder(op).find(boundsScores);
}
