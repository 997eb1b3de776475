// Functions of mathematics by additions and multiplications of f64, to within a
// few units in its last place. Rounded to f32 they are right to the last bit
// but for rare ties; a GPU that has f64 at half the speed of f32 loses little
// by them, and no library is needed.
#ifndef LIGATURE_CODEGEN_GPU_DOUBLEMATH_H
#define LIGATURE_CODEGEN_GPU_DOUBLEMATH_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace lig::codegen::gpu {

/// Writes functions of f64 numbers, or of vectors of them.
class DoubleMath {
public:
  /// `type` is f64 or a vector of it.
  DoubleMath(mlir::ImplicitLocOpBuilder &b, mlir::Type type);

  mlir::Value exp(mlir::Value x);
  mlir::Value expm1(mlir::Value x);
  mlir::Value log(mlir::Value x);
  mlir::Value log1p(mlir::Value x);
  /// Good for numbers up to 2^31; an infinity gives NaN.
  mlir::Value sin(mlir::Value x);
  mlir::Value cos(mlir::Value x);
  mlir::Value tan(mlir::Value x);
  mlir::Value asin(mlir::Value x);
  mlir::Value acos(mlir::Value x);
  mlir::Value atan(mlir::Value x);
  mlir::Value sinh(mlir::Value x);
  mlir::Value cosh(mlir::Value x);
  mlir::Value tanh(mlir::Value x);
  mlir::Value asinh(mlir::Value x);
  mlir::Value acosh(mlir::Value x);
  mlir::Value atanh(mlir::Value x);
  mlir::Value pow(mlir::Value x, mlir::Value y);
  /// What C's fmod gives, as long as x / y is below 2^53.
  mlir::Value remainder(mlir::Value x, mlir::Value y);

  mlir::Value number(double value);
  mlir::Value mul(mlir::Value x, mlir::Value y);

private:
  mlir::Value integer(int64_t value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value div(mlir::Value x, mlir::Value y);
  mlir::Value fma(mlir::Value x, mlir::Value y, mlir::Value z);
  mlir::Value sqrt(mlir::Value x);
  mlir::Value abs(mlir::Value x);
  mlir::Value withSignOf(mlir::Value x, mlir::Value sign);
  mlir::Value compare(mlir::arith::CmpFPredicate how, mlir::Value x, double y);
  mlir::Value select(mlir::Value is, mlir::Value x, mlir::Value y);
  mlir::Value bits(mlir::Value x);
  mlir::Value fromBits(mlir::Value x);
  /// Coefficients from the highest power down.
  mlir::Value polynomial(mlir::Value x, llvm::ArrayRef<double> coefficients);
  /// x (1 + series[0] x^2 + series[1] x^4 + ...) near zero, else `far`.
  mlir::Value nearZero(mlir::Value x, llvm::ArrayRef<double> series,
                       mlir::Value far);
  /// x as n * `unit` + r: n in the low bits of the first, then r.
  std::pair<mlir::Value, mlir::Value> reduce(mlir::Value x, double perUnit,
                                             llvm::ArrayRef<double> unit);
  mlir::Value sinOrCos(mlir::Value x, int64_t quadrant);

  mlir::ImplicitLocOpBuilder &b;
  mlir::Type type, whole;
};

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_DOUBLEMATH_H
