// Activations of recurrent cells: one table of names and defaults, one function
// that builds them.

#include "RecurrentActivation.h"

#include "FloatMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lig::onnx_import;

namespace {
struct Known {
  StringRef name;
  std::optional<double> alpha, beta;
};
} // namespace

/// Defaults are those of the operators of the same names.
static const Known known[] = {
    {"relu", {}, {}},         {"tanh", {}, {}},
    {"sigmoid", {}, {}},      {"softsign", {}, {}},
    {"softplus", {}, {}},     {"affine", 1.0, 0.0},
    {"leakyrelu", 0.01, {}},  {"thresholdedrelu", 1.0, {}},
    {"scaledtanh", 1.0, 1.0}, {"hardsigmoid", 0.2, 0.5},
    {"elu", 1.0, {}},
};

FailureOr<SmallVector<RecurrentActivation>>
lig::onnx_import::readActivations(const Node &node, unsigned count,
                                  ArrayRef<StringRef> usual) {
  SmallVector<std::string> names = node.stringsAttribute("activations");
  SmallVector<double> alphas = node.floatsAttribute("activation_alpha");
  SmallVector<double> betas = node.floatsAttribute("activation_beta");
  if (names.empty())
    for (unsigned i = 0; i < count; ++i)
      names.push_back(usual[i % usual.size()].str());
  if (names.size() != count)
    return LogicalResult(node.error()
                         << names.size() << " activations are given, but "
                         << count << " are needed");
  auto next = [](SmallVector<double> &list, double otherwise) {
    if (list.empty())
      return otherwise;
    double value = list.front();
    list.erase(list.begin());
    return value;
  };
  double clip = node.floatAttribute("clip", -1);
  SmallVector<RecurrentActivation> result;
  for (const std::string &name : names) {
    std::string lower = StringRef(name).lower();
    const Known *entry = llvm::find_if(
        known, [&](const Known &entry) { return entry.name == lower; });
    if (entry == std::end(known))
      return LogicalResult(node.error()
                           << "activation '" << name << "' is not known");
    RecurrentActivation activation{lower, 0, 0, clip};
    if (entry->alpha)
      activation.alpha = next(alphas, *entry->alpha);
    if (entry->beta)
      activation.beta = next(betas, *entry->beta);
    result.push_back(activation);
  }
  return result;
}

/// x if x > bound, else the other.
static Value above(FloatMath &math, Value x, double bound, Value otherwise) {
  return math.select(math.less(math.constant(bound), x), x, otherwise);
}

Value RecurrentActivation::apply(OpBuilder &b, Location loc, Value x) const {
  FloatMath s(b, loc, x.getType());
  Value one = s.constant(1), zero = s.constant(0);
  Value a = s.constant(alpha), c = s.constant(beta);
  if (clip >= 0)
    x = s.maximum(s.minimum(x, s.constant(clip)), s.constant(-clip));
  if (name == "tanh")
    return s.tanh(x);
  if (name == "sigmoid")
    return s.div(one, s.add(one, s.exp(s.negate(x))));
  if (name == "relu")
    return s.maximum(x, zero);
  if (name == "softsign")
    return s.div(x, s.add(one, s.abs(x)));
  if (name == "softplus") {
    // log(1 + exp(x)) without overflow.
    Value tail = math::Log1pOp::create(b, loc, s.exp(s.negate(s.abs(x))));
    return s.add(s.maximum(x, zero), tail);
  }
  if (name == "affine")
    return s.add(s.mul(a, x), c);
  if (name == "leakyrelu")
    return above(s, x, 0, s.mul(a, x));
  if (name == "thresholdedrelu")
    return above(s, x, alpha, zero);
  if (name == "scaledtanh")
    return s.mul(a, s.tanh(s.mul(c, x)));
  if (name == "hardsigmoid")
    return s.maximum(s.minimum(s.add(s.mul(a, x), c), one), zero);
  // elu
  return above(s, x, 0, s.mul(a, math::ExpM1Op::create(b, loc, x)));
}
