/// The `share` dialect: parameters as symbols, views, and their uses.
#ifndef LIGATURE_DIALECT_SHARE_IR_SHARE_H
#define LIGATURE_DIALECT_SHARE_IR_SHARE_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "Ligature/Dialect/Share/IR/ShareDialect.h.inc"
#include "Ligature/Dialect/Share/IR/ShareEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "Ligature/Dialect/Share/IR/ShareAttrs.h.inc"
#define GET_OP_CLASSES
#include "Ligature/Dialect/Share/IR/ShareOps.h.inc"

namespace lig::share {
/// On a parameter: its first byte in the parameter block. On the module: the
/// bytes of that block.
inline constexpr llvm::StringLiteral kOffsetAttr = "share.offset";
inline constexpr llvm::StringLiteral kParamsBytesAttr = "share.params_bytes";
/// On a parameter: how many operations of the network read it.
inline constexpr llvm::StringLiteral kUsesAttr = "share.uses";
/// On an operation that stands for several: how many uses of each parameter
/// that it reads the network has there.
inline constexpr llvm::StringLiteral kCallsAttr = "share.calls";
/// On a parameter: the names of others that held the same bytes and became it.
inline constexpr llvm::StringLiteral kMergedAttr = "share.merged";
/// On a parameter: the names of those that it holds one behind the other.
inline constexpr llvm::StringLiteral kStackedAttr = "share.stacked";
/// On the module: ties that the model declares, as the JSON of a tie file.
inline constexpr llvm::StringLiteral kTiesAttr = "share.ties";
/// On a parameter: the one of the network that it was computed from at compile
/// time.
inline constexpr llvm::StringLiteral kPackedFromAttr = "share.packed_from";
/// On a parameter: a BrokenTieAttr.
inline constexpr llvm::StringLiteral kBrokenTieAttr = "share.broken_tie";

/// The parameter or view that `name` stands for in `op`'s module, or null.
mlir::Operation *lookupParameter(mlir::Operation *op,
                                 mlir::FlatSymbolRefAttr name,
                                 mlir::SymbolTableCollection &tables);

/// The parameter or view that `op` reads: one of `share.get`,
/// `share.get_strided` and `share.address`. Null for other operations.
mlir::StringAttr getSymbolRead(mlir::Operation *op);

/// Makes reads of parameters bufferizable: they become `share.address` and
/// views of it, never writable.
void registerBufferizableOpInterfaceExternalModels(
    mlir::DialectRegistry &registry);
} // namespace lig::share

#endif // LIGATURE_DIALECT_SHARE_IR_SHARE_H
