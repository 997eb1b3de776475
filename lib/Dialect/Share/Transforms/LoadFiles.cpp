// Parameters in safetensors files become resources that lie in the mapped file:
// nothing is copied, and a weight that no pass looks at is not even read.

#include "Ligature/Dialect/Share/Transforms/Passes.h"

#include "Ligature/Dialect/Share/IR/Share.h"
#include "Ligature/Support/SafetensorsFile.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace lig::share {
#define GEN_PASS_DEF_LOADFILESPASS
#include "Ligature/Dialect/Share/Transforms/Passes.h.inc"
} // namespace lig::share

/// The folder of the file that `module` was read from.
static std::string folderOf(ModuleOp module) {
  if (auto loc = module.getLoc()->findInstanceOf<FileLineColLoc>())
    return llvm::sys::path::parent_path(loc.getFilename().getValue()).str();
  return "";
}

namespace {
struct LoadFiles : lig::share::impl::LoadFilesPassBase<LoadFiles> {
  using LoadFilesPassBase::LoadFilesPassBase;

  void runOnOperation() override {
    std::string below =
        folder.empty() ? folderOf(getOperation()) : folder.getValue();
    for (auto param : getOperation().getOps<lig::share::ParamOp>())
      if (auto file = dyn_cast_or_null<lig::share::FileAttr>(
              param.getValueAttr()))
        if (llvm::Error error = load(param, file, below)) {
          param.emitError("parameter @")
              << param.getSymName() << " cannot be loaded: "
              << llvm::toString(std::move(error));
          return signalPassFailure();
        }
  }

private:
  using File = std::shared_ptr<lig::SafetensorsFile>;

  llvm::Expected<File> open(StringRef path, StringRef below) {
    if (File file = files.lookup(path))
      return file;
    llvm::Expected<std::string> whole = lig::resolveBelow(below, path);
    if (!whole)
      return whole.takeError();
    llvm::Expected<File> file = lig::SafetensorsFile::open(*whole);
    if (file)
      files[path] = *file;
    return file;
  }

  llvm::Error load(lig::share::ParamOp param, lig::share::FileAttr attr,
                   StringRef below) {
    llvm::Expected<File> file = open(attr.getPath(), below);
    if (!file)
      return file.takeError();
    const lig::SafetensorsFile::Tensor *tensor =
        (*file)->find(attr.getName());
    if (!tensor)
      return llvm::createStringError("'" + attr.getPath() +
                                     "' has no tensor '" + attr.getName() +
                                     "'");
    RankedTensorType type = param.getTensorType();
    if (lig::getSafetensorsType(tensor->dtype, &getContext()) !=
            type.getElementType() ||
        type.getShape() != ArrayRef<int64_t>(tensor->shape)) {
      std::string text;
      llvm::raw_string_ostream out(text);
      out << "it has type " << type << " but '" << attr.getName() << "' in '"
          << attr.getPath() << "' is " << tensor->dtype << " [";
      llvm::interleaveComma(tensor->shape, out);
      out << "]";
      return llvm::createStringError(text);
    }
    bool isAligned = reinterpret_cast<uintptr_t>(tensor->bytes.data()) % 16 == 0;
    AsmResourceBlob blob(
        tensor->bytes, /*dataAlignment=*/isAligned ? 16 : 1,
        [kept = *file](void *, size_t, size_t) mutable { kept.reset(); },
        /*dataIsMutable=*/false);
    param.setValueAttr(DenseResourceElementsAttr::get(type, param.getSymName(),
                                                      std::move(blob)));
    ++numLoaded;
    return llvm::Error::success();
  }

  llvm::StringMap<File> files;
};
} // namespace
