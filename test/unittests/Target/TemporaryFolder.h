// A folder that goes away with all its files.
#ifndef LIGATURE_TEST_UNITTESTS_TARGET_TEMPORARYFOLDER_H
#define LIGATURE_TEST_UNITTESTS_TARGET_TEMPORARYFOLDER_H

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <string>

namespace lig::test {

class TemporaryFolder {
public:
  TemporaryFolder() {
    llvm::sys::fs::createUniqueDirectory("ligature-target", folder);
  }
  ~TemporaryFolder() { llvm::sys::fs::remove_directories(folder); }

  std::string operator/(llvm::StringRef name) const {
    return (folder + "/" + name).str();
  }
  std::string write(llvm::StringRef name, llvm::StringRef contents) const {
    std::error_code code;
    llvm::raw_fd_ostream(*this / name, code) << contents;
    return *this / name;
  }
  static std::string read(llvm::StringRef path) {
    auto buffer = llvm::MemoryBuffer::getFile(path);
    return buffer ? (*buffer)->getBuffer().str() : "";
  }
  size_t countFiles() const {
    size_t count = 0;
    std::error_code code;
    for (llvm::sys::fs::directory_iterator at(folder, code), end; at != end;
         at.increment(code))
      ++count;
    return count;
  }

private:
  llvm::SmallString<128> folder;
};

} // namespace lig::test

#endif // LIGATURE_TEST_UNITTESTS_TARGET_TEMPORARYFOLDER_H
