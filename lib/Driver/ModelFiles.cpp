// One command line is about several models, which may have inputs of the same
// name in different shapes. What an option says without a model's name goes to
// whoever understands it.

#include "Ligature/Driver/ModelFiles.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Path.h"

using namespace lig;
using llvm::StringRef;

void lig::nameModels(llvm::MutableArrayRef<ModelFile> models) {
  llvm::StringSet<> taken;
  for (ModelFile &model : models) {
    std::string base = model.name.empty()
                           ? llvm::sys::path::stem(model.path).str()
                           : model.name;
    model.name = base;
    for (unsigned i = 2; !taken.insert(model.name).second; ++i)
      model.name = base + "." + std::to_string(i);
  }
}

bool lig::isMlirFile(StringRef path, StringRef contents) {
  StringRef extension = llvm::sys::path::extension(path);
  return contents.starts_with("ML\xefR") || extension == ".mlir" ||
         extension == ".mlirbc";
}

ModelFiles::ModelFiles(llvm::ArrayRef<std::string> paths) {
  for (const std::string &path : paths)
    models.push_back({path, "", "", {}});
  nameModels(models);
}

ModelFile *ModelFiles::find(StringRef name) {
  auto it = llvm::find_if(
      models, [&](const ModelFile &model) { return model.name == name; });
  return it == models.end() ? nullptr : &*it;
}

ModelFile *ModelFiles::findOwner(StringRef entry) {
  if (isSingle())
    return &models.front();
  if (ModelFile *model = find(entry))
    return model;
  auto it = llvm::find_if(models, [&](const ModelFile &model) {
    return entry.starts_with(model.name + ".");
  });
  return it == models.end() ? nullptr : &*it;
}

llvm::SmallVector<ModelFiles::Choice> ModelFiles::choose(StringRef text) {
  if (!isSingle()) {
    auto [name, rest] = text.split(':');
    if (ModelFile *model = find(name); model && name.size() < text.size())
      return {{model, rest}};
  }
  llvm::SmallVector<Choice> all;
  for (ModelFile &model : models)
    all.push_back({&model, text});
  return all;
}

static bool hasInput(const ModelFile &model, StringRef name) {
  auto inputs = listOnnxInputs(model.path);
  if (!inputs) {
    // It is MLIR, or the importer will say what is wrong with it.
    llvm::consumeError(inputs.takeError());
    return false;
  }
  return llvm::any_of(
      *inputs, [&](const OnnxInput &input) { return input.name == name; });
}

llvm::Expected<llvm::SmallVector<ModelFiles::Choice>>
ModelFiles::chooseInput(StringRef text) {
  llvm::SmallVector<Choice> chosen = choose(text);
  if (chosen.size() == 1)
    return chosen;
  llvm::erase_if(chosen, [](const Choice &choice) {
    return !hasInput(*choice.model, choice.text);
  });
  if (chosen.empty())
    return llvm::createStringError("no model has an input '" + text + "'");
  return chosen;
}
