// Constants in functions would end as globals of the program, outside the
// parameter block, once per use. As parameters they are stored once, laid out
// with the others and counted in the report.

#include "ParameterTable.h"

#include "Ligature/Codegen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace lig::codegen {
#define GEN_PASS_DEF_OUTLINECONSTANTSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

static Value makeFill(OpBuilder &b, Location loc, DenseElementsAttr splat) {
  auto type = cast<RankedTensorType>(splat.getType());
  Value scalar = arith::ConstantOp::create(
      b, loc, cast<TypedAttr>(splat.getSplatValue<Attribute>()));
  Value room =
      tensor::EmptyOp::create(b, loc, type.getShape(), type.getElementType());
  return linalg::FillOp::create(b, loc, ValueRange{scalar}, ValueRange{room})
      .getResult(0);
}

namespace {
struct OutlineConstants
    : lig::codegen::impl::OutlineConstantsPassBase<OutlineConstants> {
  using OutlineConstantsPassBase::OutlineConstantsPassBase;

  void runOnOperation() override {
    lig::codegen::ParameterTable table(getOperation());
    SmallVector<arith::ConstantOp> constants;
    for (auto function : getOperation().getOps<func::FuncOp>())
      function.walk([&](arith::ConstantOp op) {
        if (isa<RankedTensorType>(op.getType()))
          constants.push_back(op);
      });
    for (arith::ConstantOp constant : constants)
      outline(constant, table);
  }

  void outline(arith::ConstantOp constant,
               lig::codegen::ParameterTable &table) {
    auto elements = dyn_cast<ElementsAttr>(constant.getValue());
    if (!elements)
      return;
    OpBuilder b(constant);
    Value value;
    if (auto dense = dyn_cast<DenseElementsAttr>(elements);
        dense && dense.isSplat()) {
      if (minBytes > 0)
        return;
      value = makeFill(b, constant.getLoc(), dense);
    } else {
      std::optional<lig::TensorBytes> bytes = lig::readElements(elements);
      if (!bytes || static_cast<int64_t>(bytes->data.size()) < minBytes)
        return;
      auto [param, isNew] =
          table.getOrCreate(*bytes, "constant", constant.getLoc());
      isNew ? ++numOutlined : ++numMerged;
      value = lig::share::GetOp::create(b, constant.getLoc(),
                                        constant.getType(), param.getSymName());
    }
    constant.replaceAllUsesWith(value);
    constant.erase();
  }
};
} // namespace
