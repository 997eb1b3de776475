// Activation functions: each a scalar formula over one input.

#include "Operators.h"

#include "Build.h"
#include "Checks.h"
#include "Node.h"
#include "ScalarMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lig::onnx_import;

namespace {
/// Short names for the operations of a formula.
struct Formula {
  OpBuilder &b;
  Location loc;
  Type type;

  Value number(double value) { return scalar(b, loc, type, value); }
  Value add(Value x, Value y) { return addNumbers(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return multiply(b, loc, x, y); }
  Value mul(Value x, double y) { return mul(x, number(y)); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, loc, x, y); }
  Value max(Value x, Value y) {
    return arith::MaximumFOp::create(b, loc, x, y);
  }
  Value min(Value x, Value y) {
    return arith::MinimumFOp::create(b, loc, x, y);
  }
  Value abs(Value x) { return math::AbsFOp::create(b, loc, x); }
  Value exp(Value x) { return math::ExpOp::create(b, loc, x); }
  Value expm1(Value x) { return math::ExpM1Op::create(b, loc, x); }
  Value tanh(Value x) { return math::TanhOp::create(b, loc, x); }
  Value erf(Value x) { return math::ErfOp::create(b, loc, x); }
  Value less(Value x, Value y) {
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, y);
  }
  Value select(Value condition, Value yes, Value no) {
    return arith::SelectOp::create(b, loc, condition, yes, no);
  }
};
using Body = llvm::function_ref<Value(Formula &, Value)>;
} // namespace

static LogicalResult apply(Node &node, Body body) {
  node.setOutput(0, elementwise(node.builder(), node.loc(), node.elementType(0),
                                node.input(0),
                                [&](OpBuilder &b, Location loc, ValueRange in) {
                                  Formula formula{b, loc, in[0].getType()};
                                  return body(formula, in[0]);
                                }));
  return success();
}

//===-- Formulas ---------------------------------------------------------===//

static LogicalResult translateRelu(Node &node) {
  return apply(node, [](Formula &f, Value x) -> Value {
    Value zero = f.number(0);
    if (isa<IntegerType>(f.type))
      return arith::MaxSIOp::create(f.b, f.loc, x, zero);
    return f.max(x, zero);
  });
}

static LogicalResult translateLeakyRelu(Node &node) {
  double alpha = node.floatAttribute("alpha", 0.01f);
  return apply(node, [=](Formula &f, Value x) {
    return f.select(f.less(x, f.number(0)), f.mul(x, alpha), x);
  });
}

static LogicalResult translateThresholdedRelu(Node &node) {
  double alpha = node.floatAttribute("alpha", 1);
  return apply(node, [=](Formula &f, Value x) {
    return f.select(f.less(f.number(alpha), x), x, f.number(0));
  });
}

/// gamma * (x, or alpha * (exp(x / scale) - 1) below zero).
static Value exponentialUnit(Formula &f, Value x, double alpha, double gamma,
                             double scale) {
  Value below = f.mul(f.expm1(f.div(x, f.number(scale))), alpha);
  Value unit = f.select(f.less(x, f.number(0)), below, x);
  return gamma == 1 ? unit : f.mul(unit, gamma);
}

static LogicalResult translateElu(Node &node) {
  double alpha = node.floatAttribute("alpha", 1);
  return apply(node, [=](Formula &f, Value x) {
    return exponentialUnit(f, x, alpha, 1, 1);
  });
}

static LogicalResult translateSelu(Node &node) {
  double alpha = node.floatAttribute("alpha", 1.67326319217681884765625);
  double gamma = node.floatAttribute("gamma", 1.05070102214813232421875);
  return apply(node, [=](Formula &f, Value x) {
    return exponentialUnit(f, x, alpha, gamma, 1);
  });
}

static LogicalResult translateCelu(Node &node) {
  double alpha = node.floatAttribute("alpha", 1);
  return apply(node, [=](Formula &f, Value x) {
    return exponentialUnit(f, x, alpha, 1, alpha);
  });
}

static LogicalResult translateSigmoid(Node &node) {
  return apply(node,
               [](Formula &f, Value x) { return sigmoid(f.b, f.loc, x); });
}

static LogicalResult translateTanh(Node &node) {
  return apply(node, [](Formula &f, Value x) { return f.tanh(x); });
}

static LogicalResult translateSoftplus(Node &node) {
  return apply(node,
               [](Formula &f, Value x) { return softplus(f.b, f.loc, x); });
}

static LogicalResult translateSoftsign(Node &node) {
  return apply(node, [](Formula &f, Value x) {
    return f.div(x, f.add(f.number(1), f.abs(x)));
  });
}

static Value hardSigmoid(Formula &f, Value x, double alpha, double beta) {
  Value line = f.add(f.mul(x, alpha), f.number(beta));
  return f.max(f.number(0), f.min(f.number(1), line));
}

static LogicalResult translateHardSigmoid(Node &node) {
  double alpha = node.floatAttribute("alpha", 0.2f);
  double beta = node.floatAttribute("beta", 0.5f);
  return apply(node, [=](Formula &f, Value x) {
    return hardSigmoid(f, x, alpha, beta);
  });
}

static LogicalResult translateHardSwish(Node &node) {
  return apply(node, [](Formula &f, Value x) {
    return f.mul(x, hardSigmoid(f, x, 1.0 / 6, 0.5));
  });
}

static LogicalResult translateSwish(Node &node) {
  double alpha = node.floatAttribute("alpha", 1);
  return apply(node, [=](Formula &f, Value x) {
    return f.mul(x, sigmoid(f.b, f.loc, f.mul(x, alpha)));
  });
}

static LogicalResult translateMish(Node &node) {
  return apply(node, [](Formula &f, Value x) {
    return f.mul(x, f.tanh(softplus(f.b, f.loc, x)));
  });
}

static LogicalResult translateGelu(Node &node) {
  bool approximate = node.stringAttribute("approximate", "none") == "tanh";
  return apply(node, [=](Formula &f, Value x) {
    Value curve;
    if (approximate) {
      Value cubed = f.mul(f.mul(f.mul(x, x), x), 0.044715);
      curve = f.tanh(f.mul(f.add(x, cubed), 0.7978845608028654));
    } else {
      curve = f.erf(f.mul(x, 0.7071067811865476));
    }
    return f.mul(f.mul(x, 0.5), f.add(f.number(1), curve));
  });
}

static LogicalResult translateShrink(Node &node) {
  double lambda = node.floatAttribute("lambd", 0.5);
  double bias = node.floatAttribute("bias", 0);
  Type type = node.elementType(0);
  bool isUnsigned = node.isUnsigned(0);
  // The threshold may be a fraction where the elements are integers.
  Type through = isa<FloatType>(type) ? type : node.builder().getF64Type();
  auto body = [=](OpBuilder &b, Location loc, ValueRange in) {
    Formula f{b, loc, through};
    Value x = castScalar(b, loc, in[0], through, isUnsigned, false);
    Value low = f.select(f.less(x, f.number(-lambda)), f.add(x, f.number(bias)),
                         f.number(0));
    Value shrunk =
        f.select(f.less(f.number(lambda), x), f.sub(x, f.number(bias)), low);
    return castScalar(b, loc, shrunk, type, false, isUnsigned);
  };
  node.setOutput(
      0, elementwise(node.builder(), node.loc(), type, node.input(0), body),
      isUnsigned);
  return success();
}

//===-- With more inputs -------------------------------------------------===//

static LogicalResult translatePRelu(Node &node) {
  SmallVector<int64_t> slope(node.shape(1));
  // Before opset 7, a slope had one entry a channel.
  if (node.opset() < 7 && slope.size() == 1 && node.type(0).getRank() > 2)
    slope.append(node.type(0).getRank() - 2, 1);
  FailureOr<SmallVector<int64_t>> shape = broadcastShapes(node.shape(0), slope);
  if (failed(shape) || ArrayRef(*shape) != node.shape(0))
    return node.error() << "the slope is " << node.type(1)
                        << ", which does not broadcast to " << node.type(0);
  bool isUnsigned = node.isUnsigned(0);
  Value inputs[] = {node.input(0),
                    reshape(node.builder(), node.loc(), node.input(1), slope)};
  auto body = [=](OpBuilder &b, Location loc, ValueRange in) -> Value {
    Value zero = scalar(b, loc, in[0].getType(), 0);
    if (isUnsigned)
      return in[0];
    Value negative = isa<FloatType>(in[0].getType())
                         ? Value(arith::CmpFOp::create(
                               b, loc, arith::CmpFPredicate::OLT, in[0], zero))
                         : arith::CmpIOp::create(
                               b, loc, arith::CmpIPredicate::slt, in[0], zero);
    return arith::SelectOp::create(b, loc, negative,
                                   multiply(b, loc, in[0], in[1]), in[0]);
  };
  node.setOutput(0,
                 elementwise(node.builder(), node.loc(), node.elementType(0),
                             inputs, body),
                 isUnsigned);
  return success();
}

/// One bound of Clip: an attribute until opset 10, then an optional scalar.
static Value clipBound(Node &node, StringRef name, unsigned input) {
  if (node.hasInput(input))
    return node.input(input);
  if (!node.hasAttribute(name))
    return {};
  Value bound = scalar(node.builder(), node.loc(), node.elementType(0),
                       node.floatAttribute(name, 0));
  return filled(node.builder(), node.loc(), {}, bound);
}

static LogicalResult translateClip(Node &node) {
  for (unsigned i = 1; i < node.numInputs(); ++i)
    if (node.hasInput(i) && node.type(i).getNumElements() != 1)
      return node.error() << "input " << i << " is " << node.type(i)
                          << ", but a bound is a scalar";
  bool isUnsigned = node.isUnsigned(0);
  Value low = clipBound(node, "min", 1), high = clipBound(node, "max", 2);
  SmallVector<Value> inputs = {node.input(0)};
  for (Value bound : {low, high})
    if (bound)
      inputs.push_back(reshape(node.builder(), node.loc(), bound, {}));
  bool hasLow = static_cast<bool>(low);
  auto bounded = [=](OpBuilder &b, Location loc, Value x, Value bound,
                     bool lower) -> Value {
    if (isa<FloatType>(x.getType()))
      return lower ? Value(arith::MaximumFOp::create(b, loc, x, bound))
                   : arith::MinimumFOp::create(b, loc, x, bound);
    if (isUnsigned)
      return lower ? Value(arith::MaxUIOp::create(b, loc, x, bound))
                   : arith::MinUIOp::create(b, loc, x, bound);
    return lower ? Value(arith::MaxSIOp::create(b, loc, x, bound))
                 : arith::MinSIOp::create(b, loc, x, bound);
  };
  auto body = [=](OpBuilder &b, Location loc, ValueRange in) {
    Value x = in[0];
    for (unsigned i = 1; i < in.size(); ++i)
      x = bounded(b, loc, x, in[i], hasLow && i == 1);
    return x;
  };
  node.setOutput(0,
                 elementwise(node.builder(), node.loc(), node.elementType(0),
                             inputs, body),
                 isUnsigned);
  return success();
}

/// What a network in use does: nothing. The mask is all ones.
static LogicalResult translateDropout(Node &node) {
  if (node.opset() < 7 && !node.intAttribute("is_test", 0))
    return node.error() << "is_test is 0: in training mode it is random, which "
                           "is not supported";
  if (failed(checkSingle(node, 1, "the ratio")) ||
      failed(checkSingle(node, 2, "the training mode")))
    return failure();
  if (node.hasInput(2)) {
    auto training = node.constantInts(2);
    if (!training)
      return node.error() << "whether it trains is known at run time only";
    bool drops = !node.hasInput(1) || !node.constant(1) ||
                 node.constant(1)->asFloats().front() != 0;
    if (training->front() && drops)
      return node.error() << "in training mode it is random, which is not "
                             "supported";
  }
  node.setOutput(0, node.tensor(0));
  if (node.wantsOutput(1)) {
    Type maskType = node.opset() >= 10 ? Type(node.builder().getI1Type())
                                       : node.elementType(0);
    Value one = scalar(node.builder(), node.loc(), maskType, 1);
    node.setOutput(1, filled(node.builder(), node.loc(), node.shape(0), one));
  }
  return success();
}

void lig::onnx_import::addActivationOperators(OperatorTable &table) {
  table.add("Relu", 6, translateRelu);
  table.add("LeakyRelu", 6, translateLeakyRelu);
  table.add("ThresholdedRelu", 10, translateThresholdedRelu);
  table.add("PRelu", 1, translatePRelu);
  table.add("Elu", 6, translateElu);
  table.add("Selu", 6, translateSelu);
  table.add("Celu", 12, translateCelu);
  table.add("Sigmoid", 6, translateSigmoid);
  table.add("Tanh", 6, translateTanh);
  table.add("Softplus", 1, translateSoftplus);
  table.add("Softsign", 1, translateSoftsign);
  table.add("HardSigmoid", 6, translateHardSigmoid);
  table.add("HardSwish", 14, translateHardSwish);
  table.add("Swish", 24, translateSwish);
  table.add("Mish", 18, translateMish);
  table.add("Gelu", 20, translateGelu);
  table.add("Shrink", 9, translateShrink);
  table.add("Clip", 6, translateClip);
  table.add("Dropout", 1, translateDropout);
}
