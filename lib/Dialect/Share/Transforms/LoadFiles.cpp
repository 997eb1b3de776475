// Parameters in safetensors files become resources that lie in the mapped file:
// nothing is copied, and a weight that no pass looks at is not even read.

#include "Ligature/Dialect/Share/Transforms/Passes.h"

#include "Ligature/Dialect/Share/IR/Share.h"
#include "Ligature/Support/SafetensorsFile.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace lig::share {
#define GEN_PASS_DEF_LOADFILESPASS
#include "Ligature/Dialect/Share/Transforms/Passes.h.inc"
} // namespace lig::share

/// The element type of a dtype, without a sign; null if there is none.
static Type typeOfDtype(StringRef dtype, Builder &b) {
  return llvm::StringSwitch<Type>(dtype)
      .Case("F64", b.getF64Type())
      .Case("F32", b.getF32Type())
      .Case("F16", b.getF16Type())
      .Case("BF16", b.getBF16Type())
      .Case("F8_E4M3", Float8E4M3FNType::get(b.getContext()))
      .Case("F8_E5M2", Float8E5M2Type::get(b.getContext()))
      .Cases({"I64", "U64"}, b.getI64Type())
      .Cases({"I32", "U32"}, b.getI32Type())
      .Cases({"I16", "U16"}, b.getI16Type())
      .Cases({"I8", "U8"}, b.getI8Type())
      .Case("BOOL", b.getI1Type())
      .Default(Type());
}

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
    Builder b(&getContext());
    RankedTensorType type = param.getTensorType();
    if (typeOfDtype(tensor->dtype, b) != type.getElementType() ||
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
