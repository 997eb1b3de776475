// What a kernel's operations become on the host, one operation at a time.
#pragma once

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"

namespace lig::target::gpu {

/// Writes the host code of operations that only a GPU has. The function they
/// are in has the emulator's thread as its last argument; pointers are in
/// address space 0.
class EmulatedOps {
public:
  /// Functions of the emulator are declared in `host`.
  explicit EmulatedOps(mlir::Operation *host)
      : host(host), b(host->getContext()) {}

  /// Replaces an operation, unless host code may keep it. Fails where the
  /// emulator has nothing for it, and says so.
  llvm::LogicalResult replace(mlir::Operation *op);

  /// Whether threads may wait for each other at this operation.
  static bool isMeeting(mlir::Operation *op);
  /// Whether the operation orders memory, or makes threads wait: leaving one
  /// out is a mistake that a test must notice.
  static bool isSynchronization(mlir::Operation *op);

  /// The thread of the function that `op` is in.
  static mlir::Value getThread(mlir::Operation *op);
  /// A field of the thread.
  mlir::Value loadField(mlir::Operation *op, mlir::Type type, uint64_t offset);

private:
  bool replaceRegister(mlir::Operation *op);
  bool replaceMeeting(mlir::Operation *op);
  bool replaceMatrix(mlir::Operation *op);
  bool replaceCopy(mlir::Operation *op);
  bool replaceBulkCopy(mlir::Operation *op);
  bool replaceWarpgroup(mlir::Operation *op);
  bool replaceRounding(mlir::Operation *op);
  mlir::Value roundToBf16(mlir::Value value);
  bool replaceApproximation(mlir::Operation *op);
  llvm::LogicalResult replaceCall(mlir::Operation *op);

  mlir::Value constant(int64_t value, unsigned width = 32);
  /// Calls a function of the emulator; `result` may be null.
  mlir::Value call(llvm::StringRef name, mlir::Type result,
                   mlir::ValueRange arguments);
  mlir::Value callMath(llvm::StringRef name, mlir::Value argument);
  /// Room for `words` 32-bit words on the stack of the function.
  mlir::Value allocate(mlir::Operation *op, int64_t words);
  /// Stores values behind each other; gives where they begin.
  mlir::Value storeAll(mlir::Operation *op, mlir::ValueRange values);
  /// Loads words as a value, or a struct of them.
  mlir::Value loadAll(mlir::Type type, mlir::Value words);
  mlir::Value toBits(mlir::Value value);
  mlir::Value fromBits(mlir::Value bits, mlir::Type type);
  /// `value`, or if `type` is a struct, that and whether `word` in memory is
  /// not zero.
  mlir::Value withFlag(mlir::Value value, mlir::Value word, mlir::Type type);
  void finish(mlir::Operation *op, mlir::Value result = nullptr);

  mlir::Operation *host;
  mlir::OpBuilder b;
  mlir::Location loc = b.getUnknownLoc();
};

} // namespace lig::target::gpu
