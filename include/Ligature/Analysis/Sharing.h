/// What a module shares: the parameters it stores, who reads them, and the
/// bytes that would be spent if every use had a copy of its own.
#ifndef LIGATURE_ANALYSIS_SHARING_H
#define LIGATURE_ANALYSIS_SHARING_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"

namespace lig {

struct SharedParameter {
  std::string name;
  /// Shape and element type, as `48x64xf32`.
  std::string type;
  int64_t bytes = 0;
  /// Operations that read it, directly, through views or through moves.
  int64_t uses = 0;
  /// The same, times the steps of the loops around each; a loop of unknown
  /// length counts once.
  int64_t applications = 0;
  bool trainable = false, isMutable = false;
  /// Parameters of the model that held the same bytes and became this one.
  std::vector<std::string> merged;
  /// The parameter that this one was computed from at compile time, or empty.
  std::string packedFrom;
  /// Views that read it.
  std::vector<std::string> views;
};

struct SharedView {
  std::string name;
  std::string type;
  /// "index" or "computed"; an index view reads its root in place.
  std::string kind;
  /// In words, such as "transposed".
  std::string moves;
  int64_t bytes = 0;
  int64_t uses = 0;
  int64_t applications = 0;
  /// Parameters and views that it reads.
  std::vector<std::string> reads;
};

struct SharingReport {
  std::vector<SharedParameter> parameters;
  std::vector<SharedView> views;
  int64_t uses = 0;
  int64_t applications = 0;
  int64_t bytesStored = 0;
  /// One copy for each use, and one of a parameter that nothing uses.
  int64_t bytesIfCopied = 0;

  int64_t getBytesSaved() const { return bytesIfCopied - bytesStored; }
  void printText(llvm::raw_ostream &out) const;
  llvm::json::Value toJSON() const;
};

/// Looks at the module as it is; merged parameters are known by the attribute
/// that merging leaves on the one that stays.
SharingReport analyzeSharing(mlir::ModuleOp module);

} // namespace lig

#endif // LIGATURE_ANALYSIS_SHARING_H
