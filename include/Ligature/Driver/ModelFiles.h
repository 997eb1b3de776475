/// The models of one compilation, and which of them an option is for.
#ifndef LIGATURE_DRIVER_MODELFILES_H
#define LIGATURE_DRIVER_MODELFILES_H

#include "Ligature/Import/Onnx.h"

#include <string>
#include <vector>

namespace lig {

/// A model to compile.
struct ModelFile {
  std::string path;
  /// What it is called among several; empty takes the file's stem.
  std::string name;
  /// The name of its entry point. Empty: a model alone keeps the names that it
  /// has (`main` in ONNX), one of several is called by its name, and where it
  /// has more than one entry point these are NAME.ENTRY.
  std::string entryName;
  /// `entryName` above goes before the one in here.
  OnnxImportOptions onnx;
};

/// Gives every model without a name its file's stem, and counts names that are
/// there before: `a`, `a.2`, ...
void nameModels(llvm::MutableArrayRef<ModelFile> models);

/// Text or bytecode, by the first bytes or the name. Anything else is for the
/// ONNX importer to judge.
bool isMlirFile(llvm::StringRef path, llvm::StringRef contents);

class ModelFiles {
public:
  explicit ModelFiles(llvm::ArrayRef<std::string> paths);

  /// What an option says, for one of the models.
  struct Choice {
    ModelFile *model;
    llvm::StringRef text;
  };
  /// Among several models `MODEL:TEXT` is for one of them; any other text is
  /// for all. Names of ONNX values may hold colons, so what stands before one
  /// counts only if it is a model's name.
  llvm::SmallVector<Choice> choose(llvm::StringRef text);
  /// The same for the name of an input, which without a model is for all ONNX
  /// models that have such an input. Fails if there is none.
  llvm::Expected<llvm::SmallVector<Choice>> chooseInput(llvm::StringRef text);

  /// Null if no model is called so.
  ModelFile *find(llvm::StringRef name);
  /// The model that an entry point of a package is named after; null if the
  /// name does not tell. A model alone has all entry points.
  ModelFile *findOwner(llvm::StringRef entry);
  bool isSingle() const { return models.size() == 1; }
  llvm::MutableArrayRef<ModelFile> get() { return models; }

private:
  std::vector<ModelFile> models;
};

} // namespace lig

#endif // LIGATURE_DRIVER_MODELFILES_H
