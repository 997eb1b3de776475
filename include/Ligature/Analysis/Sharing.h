/// What a module shares: the parameters of the network, who uses them and over
/// what, the bytes that a copy for each use would take; and what is stored in
/// the end, with the ties that were broken on the way.
#ifndef LIGATURE_ANALYSIS_SHARING_H
#define LIGATURE_ANALYSIS_SHARING_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"

#include <optional>

namespace lig {

/// One operation that uses a parameter.
struct SharedUse {
  /// The node's name in the model, or where the text has it, or its number.
  std::string name;
  /// The operation, such as `net.conv`.
  std::string op;
  std::string entry;
  /// The parameter or view that is read.
  std::string reads;
  /// How often it stood in the model, and how often a run applies it.
  int64_t uses = 1, applications = 1;
  /// Positions of the data at which one application uses it.
  int64_t positions = 1;
  /// Over what the weight is reused (ReuseDomain.h), in words.
  std::vector<std::string> reuse;
};

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
  /// What its uses, and those of its views, reuse it over.
  std::vector<std::string> reuse;
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
  std::vector<std::string> merged;
  /// Parameters and views that it reads.
  std::vector<std::string> reads;
};

/// A parameter that is stored although another one holds its elements.
struct BrokenTie {
  std::string copy;
  /// The parameter of the network that both come from.
  std::string of;
  /// The pass that made two of one, by its flag, and why.
  std::string pass, reason;
  int64_t bytes;
  /// Where the copy comes from.
  mlir::Location location;
};

/// What is stored after packing.
struct StoredParameter {
  std::string name, type;
  /// The parameter of the network that it comes from.
  std::string of;
  int64_t bytes = 0;
};

/// What a run of an entry point needs besides parameters.
struct ArenaSize {
  std::string entry;
  int64_t bytes = 0;
  /// The most bytes live at the same time: no arena could be smaller.
  int64_t live = 0;
};

struct ParameterStorage {
  std::vector<StoredParameter> parameters;
  int64_t bytes = 0;
  /// Bytes of the block that parameters lie in, aligned; nothing before the
  /// memory phase.
  std::optional<int64_t> blockBytes;
  std::vector<ArenaSize> arenas;
  /// Machine code, where it was made.
  std::optional<int64_t> codeBytes;

  /// A context's arena: that of its most demanding entry point.
  ArenaSize getArena() const;
};

struct SharingReport {
  std::vector<SharedParameter> parameters;
  std::vector<SharedView> views;
  std::vector<SharedUse> useList;
  int64_t uses = 0;
  int64_t applications = 0;
  int64_t bytesStored = 0;
  /// One copy for each use, and one of a parameter that nothing uses.
  int64_t bytesIfCopied = 0;
  std::vector<BrokenTie> brokenTies;
  /// Nothing until setStorage.
  std::optional<ParameterStorage> storage;

  int64_t getBytesSaved() const { return bytesIfCopied - bytesStored; }
  /// Bytes that broken ties cost.
  int64_t getBytesLost() const;

  /// Bytes that are stored only because kernels read another form: filters that
  /// Winograd's transform made larger, panels that were filled up, copies.
  int64_t getBytesGrown() const;

  /// Takes what is stored, and the ties broken so far, from a module of the
  /// kernel phase or the memory phase.
  void setStorage(mlir::ModuleOp module);

  void printText(llvm::raw_ostream &out) const;
  llvm::json::Value toJSON() const;
  /// A page of HTML that needs nothing besides itself: the parameters, their
  /// views and their uses as a picture and as a table.
  void printPage(llvm::raw_ostream &out) const;
};

/// Looks at the module as it is; merged parameters are known by the attribute
/// that merging leaves on the one that stays.
SharingReport analyzeSharing(mlir::ModuleOp module);

/// Broken ties that passes recorded (Dialect/Share/IR/BrokenTies.h) and that
/// stand: another parameter of the same origin is stored, too.
std::vector<BrokenTie> findBrokenTies(mlir::ModuleOp module);

} // namespace lig

#endif // LIGATURE_ANALYSIS_SHARING_H
