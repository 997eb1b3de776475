// The `net` dialect.

#include "Ligature/Dialect/Net/IR/Net.h"

using namespace mlir;
using namespace lig::net;

#include "Ligature/Dialect/Net/IR/NetDialect.cpp.inc"
#include "Ligature/Dialect/Net/IR/NetEnums.cpp.inc"

void NetDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "Ligature/Dialect/Net/IR/NetOps.cpp.inc"
      >();
}

#define GET_OP_CLASSES
#include "Ligature/Dialect/Net/IR/NetOps.cpp.inc"
