// Counts the parameters of a module by their C++ class, which only works if the
// program and libLigature.so share one copy of the dialect.

#include "Ligature/Dialect/Share/IR/Share.h"
#include "Ligature/InitAll.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Parser/Parser.h"

#include <cstdio>

int main() {
  mlir::DialectRegistry registry;
  lig::registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(
      "share.param @a : tensor<2xf32> = dense<1.0> : tensor<2xf32>\n"
      "share.param @b : tensor<2xf32> = dense<2.0> : tensor<2xf32>\n",
      &context);
  if (!module)
    return 1;
  unsigned count = 0;
  module->walk([&](lig::share::ParamOp) { ++count; });
  std::printf("%u parameters\n", count);
  return count == 2 ? 0 : 1;
}
