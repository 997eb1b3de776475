// Tensor bytes that lie in files beside the model. Model files are untrusted:
// no location leaves the model's folder, and no range leaves its file.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>

namespace lig::onnx_import {

class ExternalData {
public:
  /// `modelPath` is the model's file; an empty one means that there is no
  /// folder to read from.
  explicit ExternalData(llvm::StringRef modelPath);

  struct Range {
    llvm::ArrayRef<char> bytes;
    std::shared_ptr<const void> owner;
  };
  /// Bytes [offset, offset + length) of the file called `location` in the
  /// model's folder, mapped. Each file is mapped once.
  llvm::Expected<Range> read(llvm::StringRef location, uint64_t offset,
                             uint64_t length);

private:
  llvm::Expected<std::shared_ptr<llvm::MemoryBuffer>>
  map(llvm::StringRef location);

  std::string folder;
  bool hasFolder;
  llvm::StringMap<std::shared_ptr<llvm::MemoryBuffer>> files;
};

} // namespace lig::onnx_import
