// Writing what was asked for, in an order that leaves nothing half done: all
// bytes are made before the first file appears, the library comes last.

#include "Ligature/Driver/Driver.h"

#include "Ligature/Support/SafetensorsFile.h"
#include "Ligature/Target/CHeader.h"
#include "Ligature/Target/Linker.h"
#include "Ligature/Target/OutputFile.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

using namespace lig;
using namespace lig::target;
using llvm::Error;
using llvm::StringRef;

static Error writeBytes(StringRef path, StringRef bytes) {
  return writeFile(path, [&](llvm::raw_ostream &out) { out << bytes; });
}

static Error writeLLVM(Compilation &compilation, StringRef path) {
  llvm::LLVMContext context;
  auto code = compilation.makeLLVM(context);
  if (!code)
    return code.takeError();
  return writeFile(
      path, [&](llvm::raw_ostream &out) { (*code)->print(out, nullptr); });
}

namespace {
/// Object files that exist while the linker needs them.
class TemporaryObjects {
public:
  ~TemporaryObjects() {
    for (const std::string &path : paths) {
      llvm::sys::fs::remove(path);
      llvm::sys::DontRemoveFileOnSignal(path);
    }
  }
  Error add(StringRef bytes) {
    llvm::SmallString<128> path;
    if (std::error_code code =
            llvm::sys::fs::createTemporaryFile("ligature", "o", path))
      return llvm::createFileError(path, code);
    paths.push_back(path.str().str());
    llvm::sys::RemoveFileOnSignal(path);
    return writeBytes(path, bytes);
  }
  std::vector<std::string> paths;
};
} // namespace

/// The objects of a model: its code, and its parameters if they are embedded.
static llvm::Expected<std::vector<std::string>>
makeObjects(Compilation &compilation) {
  llvm::Expected<std::string> code =
      compilation.makeCode(cpu::CodeKind::Object);
  if (!code)
    return code.takeError();
  std::vector<std::string> objects = {std::move(*code)};
  llvm::Expected<const ModelInfo &> model = compilation.getModel();
  if (!model)
    return model.takeError();
  if (cpu::getParametersSymbol(*model).empty())
    return objects;
  llvm::Expected<const ParameterFile &> parameters =
      compilation.getParameters();
  if (!parameters)
    return parameters.takeError();
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream out(bytes);
  if (Error error = cpu::writeParametersObject(*model, *parameters,
                                               compilation.getMachine(), out))
    return error;
  objects.emplace_back(bytes);
  return objects;
}

static Error linkObjects(Compilation &compilation,
                         llvm::ArrayRef<std::string> objects,
                         const OutputOptions &options) {
  TemporaryObjects files;
  for (const std::string &object : objects)
    if (Error error = files.add(object))
      return error;
  LinkOptions linking;
  linking.kind = options.artefact == Artefact::Executable
                     ? LinkKind::Executable
                     : LinkKind::SharedLibrary;
  linking.objects = files.paths;
  linking.output = options.path;
  linking.triple = compilation.getMachine().getTarget().getTargetTriple().str();
  return link(linking);
}

/// One object file, even where parameters are embedded: the linker joins them.
static Error writeObject(llvm::ArrayRef<std::string> objects, StringRef path) {
  if (objects.size() == 1)
    return writeBytes(path, objects.front());
  TemporaryObjects files;
  for (const std::string &object : objects)
    if (Error error = files.add(object))
      return error;
  return joinObjects(files.paths, path);
}

/// Whether a library, program or object file describes parameters of this
/// digest, which is how it recognises its file.
static bool expectsDigest(StringRef artefact, StringRef digest) {
  std::string bytes;
  if (digest.size() != 64 || !llvm::tryGetFromHex(digest, bytes))
    return false;
  auto contents = llvm::MemoryBuffer::getFile(artefact, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/false);
  return contents && (*contents)->getBuffer().contains(bytes);
}

/// Whether the file at `path` may be replaced: it is not there, or the artefact
/// that is compiled again reads it. `isThere` says that it need not be.
static Error checkReplaced(StringRef path, StringRef artefact,
                           const ParameterFile &parameters, bool &isThere) {
  auto contents = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/false);
  isThere = contents && parameters.equals((*contents)->getBuffer());
  if (isThere || contents.getError() == std::errc::no_such_file_or_directory)
    return Error::success();
  if (!contents)
    return llvm::createFileError(path, contents.getError());
  auto refuse = [&](const llvm::Twine &reason) {
    return llvm::createStringError("'" + path + "' is there and " + reason +
                                   "; remove it or name another file");
  };
  auto file = SafetensorsFile::parse(std::move(*contents));
  if (!file) {
    llvm::consumeError(file.takeError());
    return refuse("is no parameter file");
  }
  for (const auto &[key, value] : (*file)->getMetadata())
    if (key == kDigestKey && expectsDigest(artefact, value))
      return Error::success();
  return refuse("holds other parameters, which '" + artefact +
                "' does not read");
}

static Error writeParameterFile(Compilation &compilation,
                                const OutputOptions &options) {
  llvm::Expected<const ModelInfo &> model = compilation.getModel();
  if (!model)
    return model.takeError();
  if (model->parameterFile.empty())
    return Error::success();
  llvm::SmallString<128> path(llvm::sys::path::parent_path(options.path));
  llvm::sys::path::append(path, model->parameterFile);
  llvm::Expected<const ParameterFile &> parameters =
      compilation.getParameters();
  if (!parameters)
    return parameters.takeError();
  if (options.sharesParameterFile) {
    bool isThere;
    if (Error error = checkReplaced(path, options.path, *parameters, isThere))
      return error;
    // Left alone, it stays one mapping in programs that have it open.
    if (isThere)
      return Error::success();
  }
  return parameters->write(path);
}

static Error writeHeader(Compilation &compilation,
                         const OutputOptions &options) {
  if (options.header.empty())
    return Error::success();
  llvm::Expected<const ModelInfo &> model = compilation.getModel();
  if (!model)
    return model.takeError();
  return writeFile(options.header, [&](llvm::raw_ostream &out) {
    writeCHeader(out, *model, llvm::sys::path::filename(options.path));
  });
}

static Error writeNative(Compilation &compilation,
                         const OutputOptions &options) {
  llvm::Expected<std::vector<std::string>> objects = makeObjects(compilation);
  if (!objects)
    return objects.takeError();
  if (Error error = writeParameterFile(compilation, options))
    return error;
  if (Error error = options.artefact == Artefact::Object
                        ? writeObject(*objects, options.path)
                        : linkObjects(compilation, *objects, options))
    return error;
  return writeHeader(compilation, options);
}

/// The kernels of a model for a GPU, alone.
static Error writeKernels(Compilation &compilation,
                          const OutputOptions &options) {
  llvm::Expected<const DeviceInfo &> kernels = compilation.getKernels();
  if (!kernels)
    return kernels.takeError();
  if (options.artefact == Artefact::Ptx)
    return writeBytes(options.path, kernels->ptx);
  if (kernels->cubin.empty() && !kernels->ptx.empty())
    return llvm::createStringError(
        "no ptxas on PATH or under CUDA_HOME; --ptxas names one");
  return writeBytes(options.path, kernels->cubin);
}

Error lig::writeArtefact(Compilation &compilation,
                         const OutputOptions &options) {
  switch (options.artefact) {
  case Artefact::Mlir: {
    if (failed(compilation.runTo(options.last)))
      return llvm::createStringError("compilation failed");
    bool bytecode = llvm::sys::path::extension(options.path) == ".mlirbc";
    return compilation.writeMlir(options.path, bytecode, /*elide=*/false);
  }
  case Artefact::Llvm:
    return writeLLVM(compilation, options.path);
  case Artefact::Assembly: {
    llvm::Expected<std::string> code =
        compilation.makeCode(cpu::CodeKind::Assembly);
    return code ? writeBytes(options.path, *code) : code.takeError();
  }
  case Artefact::Object:
  case Artefact::Library:
  case Artefact::Executable:
    return writeNative(compilation, options);
  case Artefact::Ptx:
  case Artefact::Cubin:
    return writeKernels(compilation, options);
  }
  llvm_unreachable("all artefacts are handled");
}
