// Compiling a body once and running it per element keeps evaluation of tens of
// megabytes in the range of a second; folding operation by operation through
// attributes would take minutes.

#include "ScalarProgram.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace lig;

using Step = ScalarProgram::Step;

/// Fills in what the operation computes; false where it is beyond us.
static bool describe(Operation *op, Step &step) {
  auto f1 = [&](double (*function)(double)) {
    step.form = Step::F1;
    step.f1 = function;
    return true;
  };
  auto f2 = [&](double (*function)(double, double)) {
    step.form = Step::F2;
    step.f2 = function;
    return true;
  };
  auto i2 = [&](int64_t (*function)(int64_t, int64_t)) {
    step.form = Step::I2;
    step.i2 = function;
    return true;
  };
  auto i2As = [&](Step::Form which, int64_t (*function)(int64_t, int64_t)) {
    step.form = which;
    step.i2 = function;
    return true;
  };
  auto form = [&](Step::Form which) {
    step.form = which;
    return true;
  };
  using F = double;
  using I = int64_t;
  return TypeSwitch<Operation *, bool>(op)
      .Case([&](arith::AddFOp) { return f2([](F a, F b) { return a + b; }); })
      .Case([&](arith::SubFOp) { return f2([](F a, F b) { return a - b; }); })
      .Case([&](arith::MulFOp) { return f2([](F a, F b) { return a * b; }); })
      .Case([&](arith::DivFOp) { return f2([](F a, F b) { return a / b; }); })
      .Case([&](arith::NegFOp) { return f1([](F a) { return -a; }); })
      .Case([&](math::AbsFOp) { return f1([](F a) { return std::fabs(a); }); })
      .Case([&](math::SqrtOp) { return f1([](F a) { return std::sqrt(a); }); })
      .Case([&](math::RsqrtOp) {
        return f1([](F a) { return 1.0 / std::sqrt(a); });
      })
      .Case([&](math::ExpOp) { return f1([](F a) { return std::exp(a); }); })
      .Case([&](math::LogOp) { return f1([](F a) { return std::log(a); }); })
      .Case([&](math::TanhOp) { return f1([](F a) { return std::tanh(a); }); })
      .Case([&](math::PowFOp) {
        return f2([](F a, F b) { return std::pow(a, b); });
      })
      .Case([&](arith::MaximumFOp) {
        return f2([](F a, F b) {
          return std::isnan(a) || std::isnan(b) ? NAN : std::fmax(a, b);
        });
      })
      .Case([&](arith::MinimumFOp) {
        return f2([](F a, F b) {
          return std::isnan(a) || std::isnan(b) ? NAN : std::fmin(a, b);
        });
      })
      .Case([&](arith::AddIOp) {
        return i2([](I a, I b) { return I(uint64_t(a) + uint64_t(b)); });
      })
      .Case([&](arith::SubIOp) {
        return i2([](I a, I b) { return I(uint64_t(a) - uint64_t(b)); });
      })
      .Case([&](arith::MulIOp) {
        return i2([](I a, I b) { return I(uint64_t(a) * uint64_t(b)); });
      })
      .Case([&](arith::AndIOp) { return i2([](I a, I b) { return a & b; }); })
      .Case([&](arith::OrIOp) { return i2([](I a, I b) { return a | b; }); })
      .Case([&](arith::XOrIOp) { return i2([](I a, I b) { return a ^ b; }); })
      .Case([&](arith::MaxSIOp) {
        return i2([](I a, I b) { return std::max(a, b); });
      })
      .Case([&](arith::MinSIOp) {
        return i2([](I a, I b) { return std::min(a, b); });
      })
      .Case([&](arith::MaxUIOp) {
        return i2As(Step::I2Unsigned, [](I a, I b) {
          return I(std::max(uint64_t(a), uint64_t(b)));
        });
      })
      .Case([&](arith::MinUIOp) {
        return i2As(Step::I2Unsigned, [](I a, I b) {
          return I(std::min(uint64_t(a), uint64_t(b)));
        });
      })
      .Case([&](arith::ShLIOp) {
        return i2As(Step::I2Unsigned, [](I a, I b) {
          return uint64_t(b) < 64 ? I(uint64_t(a) << b) : 0;
        });
      })
      .Case([&](arith::ShRUIOp) {
        return i2As(Step::I2Unsigned, [](I a, I b) {
          return uint64_t(b) < 64 ? I(uint64_t(a) >> b) : 0;
        });
      })
      .Case([&](arith::ShRSIOp) {
        return i2([](I a, I b) { return a >> std::min<uint64_t>(b, 63); });
      })
      .Case([&](arith::DivSIOp) {
        return i2As(Step::Divide, [](I a, I b) { return a / b; });
      })
      .Case([&](arith::RemSIOp) {
        return i2As(Step::Divide, [](I a, I b) { return a % b; });
      })
      .Case([&](arith::DivUIOp) {
        return i2As(Step::DivideUnsigned, [](I a, I b) {
          return I(uint64_t(a) / uint64_t(b));
        });
      })
      .Case([&](arith::RemUIOp) {
        return i2As(Step::DivideUnsigned, [](I a, I b) {
          return I(uint64_t(a) % uint64_t(b));
        });
      })
      .Case([&](arith::SelectOp) { return form(Step::Choose); })
      .Case([&](arith::CmpFOp compare) {
        step.number = static_cast<int64_t>(compare.getPredicate());
        return form(Step::CompareF);
      })
      .Case([&](arith::CmpIOp compare) {
        step.number = static_cast<int64_t>(compare.getPredicate());
        return form(Step::CompareI);
      })
      .Case<arith::ExtFOp, arith::TruncFOp>(
          [&](auto) { return f1([](F a) { return a; }); })
      .Case<arith::ExtSIOp, arith::TruncIOp, arith::IndexCastOp>(
          [&](auto) { return form(Step::Move); })
      .Case<arith::ExtUIOp, arith::IndexCastUIOp>(
          [&](auto) { return form(Step::ZeroExtend); })
      .Case([&](arith::SIToFPOp) { return form(Step::ToFloat); })
      .Case([&](arith::UIToFPOp) { return form(Step::ToFloatU); })
      .Case([&](arith::FPToSIOp) { return form(Step::ToInt); })
      .Case([&](linalg::IndexOp index) {
        step.number = index.getDim();
        return form(Step::Index);
      })
      .Default([](Operation *) { return false; });
}

/// Adds steps to a program, one operation at a time.
class ScalarProgram::Compiler {
public:
  explicit Compiler(ScalarProgram &program) : program(program) {}

  bool addArguments(Block &block);
  bool add(Operation &op);
  bool yield(Operation &terminator);

private:
  unsigned append(Step step) {
    step.result = program.numSlots++;
    program.steps.push_back(step);
    return step.result;
  }
  unsigned appendConstant(ScalarKind kind, Scalar value) {
    Step step{Step::Constant, kind, 0};
    step.constant = value;
    return append(step);
  }
  std::optional<unsigned> slotOf(Value value);
  bool addExtract(tensor::ExtractOp extract);

  ScalarProgram &program;
  DenseMap<Value, unsigned> slots;
};

bool ScalarProgram::Compiler::addArguments(Block &block) {
  for (Value argument : block.getArguments()) {
    if (!getScalarKind(argument.getType()))
      return false;
    slots[argument] = program.numSlots++;
  }
  return true;
}

std::optional<unsigned> ScalarProgram::Compiler::slotOf(Value value) {
  if (auto it = slots.find(value); it != slots.end())
    return it->second;
  std::optional<Scalar> constant = getConstantScalar(value);
  std::optional<ScalarKind> kind = getScalarKind(value.getType());
  if (!constant || !kind)
    return std::nullopt;
  return slots[value] = appendConstant(*kind, *constant);
}

/// The position in the table as one number, then the element there.
bool ScalarProgram::Compiler::addExtract(tensor::ExtractOp extract) {
  auto type = dyn_cast<RankedTensorType>(extract.getTensor().getType());
  std::optional<ScalarKind> kind = getScalarKind(extract.getType());
  if (!type || !type.hasStaticShape() || !kind ||
      extract.getTensor().getParentBlock() == extract->getBlock())
    return false;
  auto combine = [&](int64_t (*function)(int64_t, int64_t), unsigned a,
                     unsigned b) {
    Step step{Step::I2, ScalarKind::I64, 0, {a, b, 0}};
    step.i2 = function;
    return append(step);
  };
  auto number = [&](int64_t value) {
    Scalar scalar;
    scalar.i = value;
    return appendConstant(ScalarKind::I64, scalar);
  };
  unsigned at = number(0);
  for (auto [index, extent] :
       llvm::zip_equal(extract.getIndices(), type.getShape())) {
    std::optional<unsigned> slot = slotOf(index);
    if (!slot)
      return false;
    at = combine([](int64_t a, int64_t b) { return a * b; }, at,
                 number(extent));
    at = combine([](int64_t a, int64_t b) { return a + b; }, at, *slot);
  }
  Step step{Step::Extract, *kind, 0, {at, 0, 0}};
  auto known = llvm::find(program.tables, extract.getTensor());
  step.number = known - program.tables.begin();
  if (known == program.tables.end())
    program.tables.push_back(extract.getTensor());
  slots[extract] = append(step);
  return true;
}

bool ScalarProgram::Compiler::add(Operation &op) {
  if (auto extract = dyn_cast<tensor::ExtractOp>(op))
    return addExtract(extract);
  if (op.getNumResults() != 1 || op.getNumOperands() > 3)
    return false;
  if (getConstantScalar(op.getResult(0)))
    return true;
  std::optional<ScalarKind> kind = getScalarKind(op.getResult(0).getType());
  Step step{Step::Move, kind.value_or(ScalarKind::I64), 0};
  if (!kind || !describe(&op, step))
    return false;
  for (auto [i, operand] : llvm::enumerate(op.getOperands())) {
    std::optional<unsigned> slot = slotOf(operand);
    if (!slot)
      return false;
    step.operands[i] = *slot;
  }
  // Reading unsigned needs the width of what is read.
  if (op.getNumOperands() != 0 &&
      (step.form == Step::ZeroExtend || step.form == Step::ToFloatU ||
       step.form == Step::CompareI || step.form == Step::I2Unsigned ||
       step.form == Step::DivideUnsigned)) {
    int64_t width = widthOf(*getScalarKind(op.getOperand(0).getType()));
    step.constant.i =
        width == 64 ? -1 : static_cast<int64_t>((uint64_t(1) << width) - 1);
  }
  slots[op.getResult(0)] = append(step);
  return true;
}

bool ScalarProgram::Compiler::yield(Operation &terminator) {
  if (terminator.getNumOperands() != 1)
    return false;
  std::optional<unsigned> yielded = slotOf(terminator.getOperand(0));
  program.yielded = yielded.value_or(0);
  return yielded.has_value();
}

std::optional<ScalarProgram> ScalarProgram::compile(Block &block) {
  ScalarProgram program;
  Compiler compiler(program);
  if (!compiler.addArguments(block))
    return std::nullopt;
  for (Operation &op : block.without_terminator())
    if (!compiler.add(op))
      return std::nullopt;
  if (!compiler.yield(*block.getTerminator()))
    return std::nullopt;
  return program;
}

/// Bytes of an element in memory.
static int64_t bytesOf(ScalarKind kind) {
  return llvm::divideCeil(widthOf(kind), 8);
}

static bool compareInts(const Step &step, int64_t a, int64_t b) {
  auto predicate = static_cast<arith::CmpIPredicate>(step.number);
  unsigned width = llvm::popcount(static_cast<uint64_t>(step.constant.i));
  return arith::applyCmpPredicate(predicate, APInt(width, a, true, true),
                                  APInt(width, b, true, true));
}

std::optional<Scalar>
ScalarProgram::run(Scalar *slots, const int64_t *indices,
                   ArrayRef<ArrayRef<char>> elements) const {
  for (const Step &step : steps) {
    Scalar a = slots[step.operands[0]], b = slots[step.operands[1]];
    Scalar &result = slots[step.result];
    switch (step.form) {
    case Step::F1:
      result.f = roundTo(step.kind, step.f1(a.f));
      break;
    case Step::F2:
      result.f = roundTo(step.kind, step.f2(a.f, b.f));
      break;
    case Step::I2:
      result.i = wrapTo(step.kind, step.i2(a.i, b.i));
      break;
    case Step::I2Unsigned:
      result.i = wrapTo(step.kind, step.i2(a.i & step.constant.i,
                                           b.i & step.constant.i));
      break;
    case Step::Divide:
      if (b.i == 0 || (b.i == -1 && a.i == INT64_MIN))
        return std::nullopt;
      result.i = wrapTo(step.kind, step.i2(a.i, b.i));
      break;
    case Step::DivideUnsigned:
      if ((b.i & step.constant.i) == 0)
        return std::nullopt;
      result.i = wrapTo(step.kind, step.i2(a.i & step.constant.i,
                                           b.i & step.constant.i));
      break;
    case Step::Choose:
      result = a.i & 1 ? b : slots[step.operands[2]];
      break;
    case Step::CompareF:
      result.i = -static_cast<int64_t>(arith::applyCmpPredicate(
          static_cast<arith::CmpFPredicate>(step.number), APFloat(a.f),
          APFloat(b.f)));
      break;
    case Step::CompareI:
      result.i = -static_cast<int64_t>(compareInts(step, a.i, b.i));
      break;
    case Step::ToFloat:
      result.f = roundTo(step.kind, static_cast<double>(a.i));
      break;
    case Step::ToFloatU:
      result.f = roundTo(step.kind, static_cast<double>(static_cast<uint64_t>(
                                        a.i & step.constant.i)));
      break;
    case Step::ToInt:
      result.i = wrapTo(step.kind, static_cast<int64_t>(a.f));
      break;
    case Step::ZeroExtend:
      result.i = wrapTo(step.kind, a.i & step.constant.i);
      break;
    case Step::Move:
      result.i = wrapTo(step.kind, a.i);
      break;
    case Step::Constant:
      result = step.constant;
      break;
    case Step::Index:
      result.i = indices[step.number];
      break;
    case Step::Extract: {
      ArrayRef<char> table = elements[step.number];
      int64_t width = bytesOf(step.kind);
      if (a.i < 0 || a.i >= static_cast<int64_t>(table.size()) / width)
        return std::nullopt;
      result = loadScalar(step.kind, table.data() + a.i * width);
      break;
    }
    }
  }
  return slots[yielded];
}
