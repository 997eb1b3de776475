// Arithmetic of indices in a kernel, unsigned, folded where constants allow.
#ifndef LIGATURE_CODEGEN_GPU_INDEXMATH_H
#define LIGATURE_CODEGEN_GPU_INDEXMATH_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace lig::codegen::gpu {

class IndexMath {
public:
  explicit IndexMath(mlir::ImplicitLocOpBuilder b) : b(b) {}

  mlir::Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(b, value);
  }
  mlir::Value add(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::AddIOp>(x, y);
  }
  mlir::Value mul(mlir::Value x, int64_t y) {
    return b.createOrFold<mlir::arith::MulIOp>(x, index(y));
  }
  mlir::Value div(mlir::Value x, int64_t y) {
    return b.createOrFold<mlir::arith::DivUIOp>(x, index(y));
  }
  mlir::Value rem(mlir::Value x, int64_t y) {
    return y == 1 ? index(0)
                  : b.createOrFold<mlir::arith::RemUIOp>(x, index(y));
  }
  mlir::Value min(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::MinUIOp>(x, y);
  }
  mlir::Value min(mlir::Value x, int64_t y) { return min(x, index(y)); }
  mlir::Value less(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::CmpIOp>(mlir::arith::CmpIPredicate::ult,
                                               x, y);
  }
  mlir::Value less(mlir::Value x, int64_t y) { return less(x, index(y)); }

  mlir::ImplicitLocOpBuilder b;
};

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_INDEXMATH_H
