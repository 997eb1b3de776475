// What a file says of itself is checked by those who say it elsewhere: layout
// by the reader, ties by the compiler's own pass, on a module of the parameters.

#include "Ligature/Parameters/Commands.h"

#include "Ligature/Dialect/Share/IR/Share.h"
#include "Ligature/Dialect/Share/Transforms/Passes.h"
#include "Ligature/Dialect/Share/Transforms/Ties.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

using namespace mlir;
using namespace lig;
using namespace lig::parameters;

static LogicalResult checkDigest(const ParameterSet &set, Location loc) {
  std::string right = llvm::toHex(
      llvm::SHA256::hash(llvm::arrayRefFromStringRef(*set.data)),
      /*LowerCase=*/true);
  if (right == set.digest)
    return success();
  return emitError(loc) << "the data has the digest " << right
                        << " but the file says " << set.digest;
}

/// Checks declared ties and counts them.
static FailureOr<size_t> checkTies(const ParameterSet &set, StringRef tieFile,
                                   MLIRContext &context) {
  OwningOpRef<ModuleOp> module = makeModule(set, context);
  size_t count = module->getBody()->getOperations().size();
  if (!set.getTies().empty())
    (*module)->setAttr(share::kTiesAttr,
                       StringAttr::get(&context, set.getTies()));
  PassManager pm(&context);
  share::ApplyTiesPassOptions options;
  options.file = tieFile.str();
  pm.addPass(share::createApplyTiesPass(options));
  if (failed(pm.run(*module)))
    return failure();
  // Whatever is tied is a view now.
  return count - llvm::range_size(module->getOps<share::ParamOp>());
}

LogicalResult lig::parameters::verify(const ParameterSet &set,
                                      StringRef tieFile, MLIRContext &context,
                                      llvm::raw_ostream &out) {
  Location loc = FileLineColLoc::get(&context, set.path, 0, 0);
  if (set.safetensors)
    if (llvm::Error error = set.safetensors->checkLayout())
      return emitError(loc) << llvm::toString(std::move(error));
  if (!set.digest.empty() && failed(checkDigest(set, loc)))
    return failure();
  FailureOr<size_t> ties = checkTies(set, tieFile, context);
  if (failed(ties))
    return failure();
  out << set.path << ": " << set.tensors.size() << " parameters, "
      << set.countBytes() << " bytes, "
      << (set.digest.empty() ? "no digest" : "digest right") << ", " << *ties
      << " ties hold\n";
  return success();
}
