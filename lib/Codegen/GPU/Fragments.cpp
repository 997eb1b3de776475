// Registers of f16 are pairs for the instruction, those of bf16 and tf32 are
// plain words.

#include "Fragments.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lig::codegen::gpu {

Multiplicand::Multiplicand(MLIRContext *context, Precision precision) {
  Builder b(context);
  steps = 16;
  switch (precision) {
  case Precision::BF16:
    element = b.getBF16Type();
    type = NVVM::MMATypes::bf16;
    break;
  case Precision::F16:
    element = b.getF16Type();
    type = NVVM::MMATypes::f16;
    break;
  default:
    element = b.getF32Type();
    type = NVVM::MMATypes::tf32;
    steps = 8;
  }
}

SmallVector<Value> multiplyFragment(ImplicitLocOpBuilder &b,
                                    const Multiplicand &multiplicand,
                                    ValueRange rows, ValueRange columns,
                                    ValueRange sums) {
  auto results = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(4, b.getF32Type()));
  Value made = NVVM::MmaOp::create(
      b, results, rows, columns, sums,
      ArrayRef<int64_t>{kFragmentRows, kFragmentColumns, multiplicand.steps},
      /*b1Op=*/std::nullopt, /*intOverflow=*/std::nullopt,
      std::array{multiplicand.type, multiplicand.type},
      std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
  SmallVector<Value> next;
  for (int64_t i = 0; i < 4; ++i)
    next.push_back(LLVM::ExtractValueOp::create(b, made, i));
  return next;
}

Value packPair(ImplicitLocOpBuilder &b, Value pair) {
  if (cast<VectorType>(pair.getType()).getElementType().isF16())
    return pair;
  auto word = VectorType::get(1, b.getI32Type());
  return vector::ExtractOp::create(b, vector::BitCastOp::create(b, word, pair),
                                   0);
}

Value asRegister(ImplicitLocOpBuilder &b, Value number) {
  return arith::BitcastOp::create(b, b.getI32Type(), number);
}

Value packTF32(ImplicitLocOpBuilder &b, Value number) {
  return NVVM::ConvertFloatToTF32Op::create(b, b.getI32Type(), number,
                                            NVVM::FPRoundingMode::RNA);
}

} // namespace lig::codegen::gpu
