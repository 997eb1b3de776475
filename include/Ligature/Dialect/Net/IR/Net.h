/// The `net` dialect: structured network operations and `net.scan`.
#ifndef LIGATURE_DIALECT_NET_IR_NET_H
#define LIGATURE_DIALECT_NET_IR_NET_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "Ligature/Dialect/Net/IR/NetDialect.h.inc"
#include "Ligature/Dialect/Net/IR/NetEnums.h.inc"
#define GET_OP_CLASSES
#include "Ligature/Dialect/Net/IR/NetOps.h.inc"

namespace lig::net {
/// Names of the attributes that functions, arguments and results may carry.
inline constexpr llvm::StringLiteral kEntryAttr = "net.entry";
inline constexpr llvm::StringLiteral kNameAttr = "net.name";
inline constexpr llvm::StringLiteral kUnsignedAttr = "net.unsigned";
/// On a scan: its steps were written out in the model, each with its own uses.
inline constexpr llvm::StringLiteral kRolledAttr = "net.rolled";
/// On an argument that is an output buffer.
inline constexpr llvm::StringLiteral kOutputAttr = "net.output";
/// On a scalar result: it is `[output, dimension]`, known when it has run.
inline constexpr llvm::StringLiteral kDimOfAttr = "net.dim_of";
/// On a scalar i32 result: the lig_status that the run returns.
inline constexpr llvm::StringLiteral kStatusAttr = "net.status";
/// On an entry point: how large its arena is.
inline constexpr llvm::StringLiteral kArenaBytesAttr = "net.arena_bytes";
/// On an entry point: the most bytes of it that are alive at once.
inline constexpr llvm::StringLiteral kArenaLowerBoundAttr =
    "net.arena_lower_bound";
/// On an output buffer: its dimensions that are known when it has run.
inline constexpr llvm::StringLiteral kDynamicDimsAttr = "net.dynamic_dims";

/// Lets net.attention go from tensors to buffers as it is.
void registerBufferizableOpInterfaceExternalModels(
    mlir::DialectRegistry &registry);
} // namespace lig::net

#endif // LIGATURE_DIALECT_NET_IR_NET_H
