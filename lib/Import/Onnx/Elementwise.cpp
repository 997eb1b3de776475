// Operators that compute each element from those at its place: arithmetic,
// comparisons, logic, functions of one number, casts. Two inputs broadcast by
// numpy's rules.

#include "Operators.h"

#include "Build.h"
#include "Node.h"
#include "ScalarMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lig::onnx_import;

//===-- Shapes -----------------------------------------------------------===//

/// The common shape of all inputs, or an error that names two that clash.
static FailureOr<SmallVector<int64_t>> broadcastInputs(Node &node) {
  SmallVector<int64_t> shape = llvm::to_vector(node.shape(0));
  for (unsigned i = 1; i < node.numInputs(); ++i) {
    FailureOr<SmallVector<int64_t>> joint =
        broadcastShapes(shape, node.shape(i));
    if (failed(joint))
      return node.error() << "input " << i << " is " << node.type(i)
                          << ", which does not broadcast with " << node.type(0);
    shape = *joint;
  }
  return shape;
}

static LogicalResult checkSameElements(Node &node) {
  for (unsigned i = 1; i < node.numInputs(); ++i)
    if (node.elementType(i) != node.elementType(0) ||
        node.isUnsigned(i) != node.isUnsigned(0))
      return node.error() << "input " << i << " has elements of type "
                          << node.elementType(i) << ", but input 0 of "
                          << node.elementType(0);
  return success();
}

/// Input 1 in a shape that broadcasts by numpy's rules: before opset 7, `axis`
/// told which dimension of input 0 its first one meets.
static FailureOr<SmallVector<int64_t>> alignedShape(Node &node) {
  SmallVector<int64_t> shape(node.shape(1));
  if (node.opset() >= 7 || !node.intAttribute("broadcast", 0))
    return shape;
  int64_t behind = node.type(0).getRank() - node.type(1).getRank();
  int64_t axis = node.intAttribute("axis", behind);
  if (axis < 0 || axis > behind)
    return LogicalResult(node.error()
                         << "axis is " << axis << ", but input 1 is "
                         << node.type(1) << " and input 0 " << node.type(0));
  shape.append(behind - axis, 1);
  return shape;
}

/// Two inputs to one output of type `result` (null: the inputs' type).
static LogicalResult binary(Node &node, Type result, bool unsignedResult,
                            const ScalarBody &body) {
  FailureOr<SmallVector<int64_t>> aligned = alignedShape(node);
  if (failed(aligned))
    return failure();
  FailureOr<SmallVector<int64_t>> shape =
      broadcastShapes(node.shape(0), *aligned);
  if (failed(shape))
    return node.error() << "input 1 is " << node.type(1)
                        << ", which does not broadcast with " << node.type(0);
  Value inputs[] = {node.input(0), reshape(node.builder(), node.loc(),
                                           node.input(1), *aligned)};
  if (!result)
    result = node.elementType(0);
  if (failed(node.makeType(*shape, result)))
    return failure();
  node.setOutput(
      0, elementwise(node.builder(), node.loc(), *shape, result, inputs, body),
      unsignedResult);
  return success();
}

//===-- Binary operators -------------------------------------------------===//

/// A table's row: how numbers of each kind are combined.
template <typename FloatOp, typename SignedOp, typename UnsignedOp = SignedOp>
static LogicalResult translateArithmetic(Node &node) {
  if (failed(checkSameElements(node)))
    return failure();
  bool isUnsigned = node.isUnsigned(0);
  return binary(node, {}, isUnsigned,
                [=](OpBuilder &b, Location loc, ValueRange in) -> Value {
                  if (isa<FloatType>(in[0].getType()))
                    return FloatOp::create(b, loc, in[0], in[1]);
                  if (isUnsigned)
                    return UnsignedOp::create(b, loc, in[0], in[1]);
                  return SignedOp::create(b, loc, in[0], in[1]);
                });
}

static LogicalResult translateDiv(Node &node) {
  if (failed(checkSameElements(node)))
    return failure();
  bool isUnsigned = node.isUnsigned(0);
  return binary(node, {}, isUnsigned,
                [=](OpBuilder &b, Location loc, ValueRange in) -> Value {
                  if (isa<FloatType>(in[0].getType()))
                    return arith::DivFOp::create(b, loc, in[0], in[1]);
                  return divideInts(b, loc, in[0], in[1], isUnsigned);
                });
}

static LogicalResult translateMod(Node &node) {
  if (failed(checkSameElements(node)))
    return failure();
  bool truncates = node.intAttribute("fmod", 0) != 0;
  bool isUnsigned = node.isUnsigned(0);
  if (!truncates && isa<FloatType>(node.elementType(0)))
    return node.error() << "fmod is 0, but the elements are "
                        << node.elementType(0);
  return binary(node, {}, isUnsigned,
                [=](OpBuilder &b, Location loc, ValueRange in) {
                  return remainder(b, loc, in[0], in[1], isUnsigned, truncates);
                });
}

static LogicalResult translatePow(Node &node) {
  bool baseUnsigned = node.isUnsigned(0), powerUnsigned = node.isUnsigned(1);
  const Constant *exponent = node.constant(1);
  bool squares = exponent && exponent->numElements() == 1 &&
                 exponent->asFloats().front() == 2;
  return binary(node, {}, baseUnsigned,
                [=](OpBuilder &b, Location loc, ValueRange in) -> Value {
                  if (squares)
                    return multiply(b, loc, in[0], in[0]);
                  return power(b, loc, in[0], in[1], baseUnsigned,
                               powerUnsigned);
                });
}

static LogicalResult translateBitShift(Node &node) {
  if (failed(checkSameElements(node)))
    return failure();
  bool left = node.stringAttribute("direction", "") == "LEFT";
  return binary(node, {}, node.isUnsigned(0),
                [=](OpBuilder &b, Location loc, ValueRange in) -> Value {
                  Type type = in[0].getType();
                  Value shifted =
                      left ? Value(arith::ShLIOp::create(b, loc, in[0], in[1]))
                           : arith::ShRUIOp::create(b, loc, in[0], in[1]);
                  // Shifting everything out is no machine's instruction.
                  Value width =
                      scalar(b, loc, type, type.getIntOrFloatBitWidth());
                  Value inside = arith::CmpIOp::create(
                      b, loc, arith::CmpIPredicate::ult, in[1], width);
                  return arith::SelectOp::create(b, loc, inside, shifted,
                                                 scalar(b, loc, type, 0));
                });
}

template <arith::CmpFPredicate floats, arith::CmpIPredicate signedInts,
          arith::CmpIPredicate unsignedInts>
static LogicalResult translateComparison(Node &node) {
  if (failed(checkSameElements(node)))
    return failure();
  bool isUnsigned = node.isUnsigned(0) || node.elementType(0).isInteger(1);
  return binary(node, node.builder().getI1Type(), false,
                [=](OpBuilder &b, Location loc, ValueRange in) -> Value {
                  if (isa<FloatType>(in[0].getType()))
                    return arith::CmpFOp::create(b, loc, floats, in[0], in[1]);
                  return arith::CmpIOp::create(
                      b, loc, isUnsigned ? unsignedInts : signedInts, in[0],
                      in[1]);
                });
}

//===-- Any number of inputs ---------------------------------------------===//

/// Folds all inputs from left to right in one pass; Mean divides at the end.
template <typename FloatOp, typename SignedOp, typename UnsignedOp,
          bool isMean = false>
static LogicalResult translateVariadic(Node &node) {
  FailureOr<SmallVector<int64_t>> shape = broadcastInputs(node);
  if (failed(checkSameElements(node)) || failed(shape))
    return failure();
  bool isUnsigned = node.isUnsigned(0);
  SmallVector<Value> inputs;
  for (unsigned i = 0; i < node.numInputs(); ++i)
    inputs.push_back(node.input(i));
  auto body = [=](OpBuilder &b, Location loc, ValueRange in) -> Value {
    Value joint = in[0];
    for (Value next : in.drop_front()) {
      if (isa<FloatType>(joint.getType()))
        joint = FloatOp::create(b, loc, joint, next);
      else if (isUnsigned)
        joint = UnsignedOp::create(b, loc, joint, next);
      else
        joint = SignedOp::create(b, loc, joint, next);
    }
    if (!isMean)
      return joint;
    Value count = scalar(b, loc, joint.getType(), in.size());
    return arith::DivFOp::create(b, loc, joint, count);
  };
  node.setOutput(0,
                 elementwise(node.builder(), node.loc(), *shape,
                             node.elementType(0), inputs, body),
                 isUnsigned);
  return success();
}

//===-- One input --------------------------------------------------------===//

static LogicalResult unary(Node &node, Type result, const ScalarBody &body) {
  if (!result)
    result = node.elementType(0);
  node.setOutput(
      0, elementwise(node.builder(), node.loc(), result, node.input(0), body),
      node.isUnsigned(0));
  return success();
}

template <typename FloatOp> static LogicalResult translateFunction(Node &node) {
  return unary(node, {},
               [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                 return FloatOp::create(b, loc, in[0]);
               });
}

static LogicalResult translateAbs(Node &node) {
  if (node.isUnsigned(0)) {
    node.setOutput(0, node.tensor(0));
    return success();
  }
  return unary(node, {},
               [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                 if (isa<FloatType>(in[0].getType()))
                   return math::AbsFOp::create(b, loc, in[0]);
                 return math::AbsIOp::create(b, loc, in[0]);
               });
}

static LogicalResult translateNeg(Node &node) {
  return unary(node, {},
               [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                 if (isa<FloatType>(in[0].getType()))
                   return arith::NegFOp::create(b, loc, in[0]);
                 Value zero = scalar(b, loc, in[0].getType(), 0);
                 return arith::SubIOp::create(b, loc, zero, in[0]);
               });
}

static LogicalResult translateSign(Node &node) {
  bool isUnsigned = node.isUnsigned(0);
  return unary(node, {}, [=](OpBuilder &b, Location loc, ValueRange in) {
    return sign(b, loc, in[0], isUnsigned);
  });
}

static LogicalResult translateReciprocal(Node &node) {
  return unary(node, {},
               [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                 Value one = scalar(b, loc, in[0].getType(), 1);
                 return arith::DivFOp::create(b, loc, one, in[0]);
               });
}

/// Not and BitwiseNot: all bits flip, of which a boolean has one.
static LogicalResult translateNot(Node &node) {
  return unary(node, {},
               [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                 Value ones = scalar(b, loc, in[0].getType(), -1);
                 return arith::XOrIOp::create(b, loc, in[0], ones);
               });
}

static LogicalResult translateIsNaN(Node &node) {
  return unary(node, node.builder().getI1Type(),
               [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                 return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO,
                                              in[0], in[0]);
               });
}

static LogicalResult translateIsInf(Node &node) {
  bool positive = node.intAttribute("detect_positive", 1);
  bool negative = node.intAttribute("detect_negative", 1);
  return unary(node, node.builder().getI1Type(),
               [=](OpBuilder &b, Location loc, ValueRange in) -> Value {
                 Type type = in[0].getType();
                 Value found = scalar(b, loc, b.getI1Type(), 0);
                 for (bool greatest : {false, true}) {
                   if (greatest ? !positive : !negative)
                     continue;
                   Value infinity = extreme(b, loc, type, greatest, false);
                   Value hit = arith::CmpFOp::create(
                       b, loc, arith::CmpFPredicate::OEQ, in[0], infinity);
                   found = arith::OrIOp::create(b, loc, found, hit);
                 }
                 return found;
               });
}

//===-- Casts ------------------------------------------------------------===//

static LogicalResult castTo(Node &node, ElementType to) {
  node.setOutput(0,
                 castTensor(node.builder(), node.loc(), node.input(0), to.type,
                            node.isUnsigned(0), to.isUnsigned),
                 to.isUnsigned);
  return success();
}

static LogicalResult translateCast(Node &node) {
  int type = node.intAttribute("to", 0);
  ElementType to = elementTypeOf(type, node.context());
  if (!to)
    return node.error() << "element type "
                        << onnx::TensorProto::DataType_Name(
                               static_cast<onnx::TensorProto::DataType>(type))
                        << " is not supported";
  return castTo(node, to);
}

static LogicalResult translateCastLike(Node &node) {
  return castTo(node, {node.elementType(1), node.isUnsigned(1)});
}

//===-- The table --------------------------------------------------------===//

void lig::onnx_import::addElementwiseOperators(OperatorTable &table) {
  using namespace arith;
  using F = CmpFPredicate;
  using I = CmpIPredicate;
  table.add("Add", 1, translateArithmetic<AddFOp, AddIOp>);
  table.add("Sub", 1, translateArithmetic<SubFOp, SubIOp>);
  table.add("Mul", 1, translateArithmetic<MulFOp, MulIOp>);
  table.add("Div", 1, translateDiv);
  table.add("Mod", 10, translateMod);
  table.add("Pow", 1, translatePow);
  table.add("BitShift", 11, translateBitShift);
  table.add("BitwiseAnd", 18, translateArithmetic<MulFOp, AndIOp>);
  table.add("BitwiseOr", 18, translateArithmetic<MulFOp, OrIOp>);
  table.add("BitwiseXor", 18, translateArithmetic<MulFOp, XOrIOp>);
  table.add("And", 1, translateArithmetic<MulFOp, AndIOp>);
  table.add("Or", 1, translateArithmetic<MulFOp, OrIOp>);
  table.add("Xor", 1, translateArithmetic<MulFOp, XOrIOp>);
  table.add("Equal", 1, translateComparison<F::OEQ, I::eq, I::eq>);
  table.add("Less", 1, translateComparison<F::OLT, I::slt, I::ult>);
  table.add("LessOrEqual", 12, translateComparison<F::OLE, I::sle, I::ule>);
  table.add("Greater", 1, translateComparison<F::OGT, I::sgt, I::ugt>);
  table.add("GreaterOrEqual", 12, translateComparison<F::OGE, I::sge, I::uge>);
  table.add("Max", 6, translateVariadic<MaximumFOp, MaxSIOp, MaxUIOp>);
  table.add("Min", 6, translateVariadic<MinimumFOp, MinSIOp, MinUIOp>);
  table.add("Sum", 6, translateVariadic<AddFOp, AddIOp, AddIOp>);
  table.add("Mean", 6, translateVariadic<AddFOp, AddIOp, AddIOp, true>);

  table.add("Abs", 6, translateAbs);
  table.add("Neg", 6, translateNeg);
  table.add("Sign", 9, translateSign);
  table.add("Reciprocal", 6, translateReciprocal);
  table.add("Not", 1, translateNot);
  table.add("BitwiseNot", 18, translateNot);
  table.add("IsNaN", 9, translateIsNaN);
  table.add("IsInf", 10, translateIsInf);
  table.add("Cast", 6, translateCast);
  table.add("CastLike", 15, translateCastLike);
  table.add("Floor", 6, translateFunction<math::FloorOp>);
  table.add("Ceil", 6, translateFunction<math::CeilOp>);
  table.add("Round", 11, translateFunction<math::RoundEvenOp>);
  table.add("Sqrt", 6, translateFunction<math::SqrtOp>);
  table.add("Exp", 6, translateFunction<math::ExpOp>);
  table.add("Log", 6, translateFunction<math::LogOp>);
  table.add("Erf", 9, translateFunction<math::ErfOp>);
  table.add("Sin", 7, translateFunction<math::SinOp>);
  table.add("Cos", 7, translateFunction<math::CosOp>);
  table.add("Tan", 7, translateFunction<math::TanOp>);
  table.add("Asin", 7, translateFunction<math::AsinOp>);
  table.add("Acos", 7, translateFunction<math::AcosOp>);
  table.add("Atan", 7, translateFunction<math::AtanOp>);
  table.add("Sinh", 9, translateFunction<math::SinhOp>);
  table.add("Cosh", 9, translateFunction<math::CoshOp>);
  table.add("Asinh", 9, translateFunction<math::AsinhOp>);
  table.add("Acosh", 9, translateFunction<math::AcoshOp>);
  table.add("Atanh", 9, translateFunction<math::AtanhOp>);
}
