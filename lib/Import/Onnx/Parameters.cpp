// Declaring constants as parameters.

#include "Parameters.h"

#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace lig;
using namespace lig::onnx_import;

StringAttr Parameters::declare(Location loc, const Constant &constant,
                               bool isMutable) {
  OpBuilder b(loc.getContext());
  auto param = share::ParamOp::create(
      b, loc, constant.name.empty() ? "constant" : constant.name, constant.type,
      constant.toAttribute(), /*trainable=*/false, isMutable);
  auto module = cast<ModuleOp>(symbols.getOp());
  // Parameters stand before the functions, in the order of their first use.
  Block *body = module.getBody();
  auto firstFunction = llvm::find_if(
      *body, [](Operation &op) { return !isa<share::ParamOp>(op); });
  return symbols.insert(param, firstFunction);
}

Value Parameters::get(OpBuilder &b, Location loc,
                      std::shared_ptr<const Constant> constant) {
  if (constant->numElements() <= 1)
    return arith::ConstantOp::create(b, loc, constant->toAttribute());
  StringAttr &symbol = declared[constant.get()];
  if (!symbol) {
    symbol = declare(loc, *constant, /*isMutable=*/false);
    alive.push_back(constant);
  }
  return share::GetOp::create(b, loc, constant->type,
                              FlatSymbolRefAttr::get(symbol));
}

Value Parameters::getMutable(OpBuilder &b, Location loc,
                             const Constant &initial) {
  StringAttr symbol = declare(loc, initial, /*isMutable=*/true);
  return share::GetOp::create(b, loc, initial.type,
                              FlatSymbolRefAttr::get(symbol));
}
