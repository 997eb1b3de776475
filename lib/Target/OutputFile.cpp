// The stream's own errors are asked for before the rename: a disk that fills up
// leaves neither a cut file nor a process that ends in a fatal error.

#include "Ligature/Target/OutputFile.h"

#include "llvm/Support/FileSystem.h"

namespace lig::target {
namespace {

std::error_code writeTo(int descriptor,
                        llvm::function_ref<void(llvm::raw_ostream &)> write) {
  llvm::raw_fd_ostream out(descriptor, /*shouldClose=*/false);
  write(out);
  out.flush();
  std::error_code code = out.error();
  out.clear_error();
  return code;
}

} // namespace

llvm::Error writeFile(llvm::StringRef path,
                      llvm::function_ref<void(llvm::raw_ostream &)> write) {
  namespace fs = llvm::sys::fs;
  if (path == "-") {
    std::error_code code = writeTo(1, write);
    return code ? llvm::createFileError("standard output", code)
                : llvm::Error::success();
  }
  fs::file_status status;
  if (!fs::status(path, status) &&
      status.type() != fs::file_type::regular_file) {
    int descriptor;
    if (std::error_code code = fs::openFileForWrite(
            path, descriptor, fs::CD_OpenExisting, fs::OF_None))
      return llvm::createFileError(path, code);
    std::error_code code = writeTo(descriptor, write);
    llvm::sys::fs::file_t file = descriptor;
    fs::closeFile(file);
    return code ? llvm::createFileError(path, code) : llvm::Error::success();
  }

  // Without the execute bits that a temporary file would get.
  unsigned mode = fs::owner_read | fs::owner_write | fs::group_read |
                  fs::group_write | fs::others_read | fs::others_write;
  llvm::Expected<fs::TempFile> temporary =
      fs::TempFile::create(path + ".%%%%%%%%.tmp", mode);
  if (!temporary)
    return llvm::createFileError(path, temporary.takeError());
  std::error_code code = writeTo(temporary->FD, write);
  llvm::Error error =
      code ? llvm::errorCodeToError(code) : temporary->keep(path);
  if (!error)
    return error;
  if (llvm::Error ignored = temporary->discard())
    llvm::consumeError(std::move(ignored));
  return llvm::createFileError(path, std::move(error));
}

} // namespace lig::target
