// Any bytes as a file of parameters, of whatever format: the readers behind
// lig-params accept or refuse, and what they accept has the bytes that its types
// need, equals itself, and goes through every command.

#include "Ligature/Parameters/Commands.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"

#include <cstdlib>
#include <memory>

using namespace lig::parameters;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // A context keeps every type and attribute it has seen, so it is renewed.
  constexpr unsigned runsPerContext = 500;
  static std::unique_ptr<mlir::MLIRContext> context;
  static unsigned run = 0;
  if (run++ % runsPerContext == 0)
    context = std::make_unique<mlir::MLIRContext>(
        mlir::MLIRContext::Threading::DISABLED);

  bool complained = false;
  mlir::ScopedDiagnosticHandler handler(context.get(),
                                        [&](mlir::Diagnostic &diagnostic) {
                                          complained = true;
                                          (void)diagnostic.str();
                                        });
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  auto set = parseParameters(
      llvm::MemoryBuffer::getMemBuffer(bytes, "", /*RequiresNullTerminator=*/false),
      "", *context);
  if (!set) {
    llvm::consumeError(set.takeError());
    return 0;
  }
  for (const NamedTensor &tensor : set->tensors) {
    lig::TensorBytes held = tensor.getBytes(*context);
    if (lig::countBytes(held.type) != static_cast<int64_t>(held.data.size()))
      abort();
  }
  list(llvm::nulls(), *set, Style::Text);
  list(llvm::nulls(), *set, Style::Json);
  if (failed(verify(*set, "", *context, llvm::nulls())) != complained)
    abort();
  if (!diff(llvm::nulls(), *set, *set, *context, Style::Text))
    abort();
  llvm::consumeError(duplicates(llvm::nulls(), *set, /*minBytes=*/1, *context,
                                Style::Json));
  llvm::consumeError(convert(*set, {}, "/dev/null", llvm::nulls()));
  if (!set->tensors.empty())
    llvm::consumeError(
        dump(*set, set->tensors.front().name, "/dev/null", *context));
  return 0;
}
