// Any bytes as an ONNX model: the importer gives a module that verifies, or
// says by a diagnostic what is wrong.

#include "Ligature/Import/Onnx.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"

#include <cstdlib>
#include <memory>

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
  lig::OnnxImportOptions options;
  options.dims["N"] = 2;
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  mlir::OwningOpRef<mlir::ModuleOp> module =
      lig::importOnnxBuffer(bytes, "", options, context.get());
  if (module ? mlir::failed(mlir::verify(*module)) : !complained)
    abort();
  return 0;
}
