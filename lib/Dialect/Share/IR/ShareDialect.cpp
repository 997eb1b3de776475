// The `share` dialect and its attributes.

#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace lig::share;

#include "Ligature/Dialect/Share/IR/ShareDialect.cpp.inc"
#include "Ligature/Dialect/Share/IR/ShareEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "Ligature/Dialect/Share/IR/ShareAttrs.cpp.inc"

LogicalResult FileAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               StringRef path, StringRef name) {
  if (path.empty())
    return emitError() << "#share.file has no path for the tensor '" << name
                       << "'";
  if (name.empty())
    return emitError() << "#share.file names no tensor of '" << path << "'";
  return success();
}

void ShareDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Ligature/Dialect/Share/IR/ShareAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "Ligature/Dialect/Share/IR/ShareOps.cpp.inc"
      >();
}
