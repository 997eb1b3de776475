/// Reads safetensors files in place: the file is mapped, a tensor is a range of
/// its bytes, and nothing is read before someone looks.
#ifndef LIGATURE_SUPPORT_SAFETENSORSFILE_H
#define LIGATURE_SUPPORT_SAFETENSORSFILE_H

#include "mlir/IR/Types.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>
#include <vector>

namespace lig {

class SafetensorsFile {
public:
  struct Tensor {
    /// As the format spells it: "F32", "BF16", "I64", "BOOL", ...
    std::string dtype;
    std::vector<int64_t> shape;
    /// Row-major, little endian, at any alignment.
    llvm::ArrayRef<char> bytes;
    /// Of the bytes in the data.
    uint64_t offset = 0;
  };

  /// Maps the file and reads its header. Every tensor lies within the file and
  /// has the bytes that its shape and type need.
  static llvm::Expected<std::shared_ptr<SafetensorsFile>>
  open(llvm::StringRef path);
  /// The same over bytes at hand; `buffer` is named in errors.
  static llvm::Expected<std::shared_ptr<SafetensorsFile>>
  parse(std::unique_ptr<llvm::MemoryBuffer> buffer);

  /// Null if there is no tensor of that name.
  const Tensor *find(llvm::StringRef name) const;
  /// All names, in the order of the data.
  std::vector<llvm::StringRef> getNames() const;
  /// The entries of `__metadata__`, by rising key.
  llvm::ArrayRef<std::pair<std::string, std::string>> getMetadata() const {
    return metadata;
  }
  /// Everything behind the header, and where in the file it begins.
  llvm::StringRef getData() const { return data; }
  uint64_t getDataOffset() const { return data.data() - buffer->getBufferStart(); }

  /// Fails unless every byte of the data belongs to exactly one tensor, as the
  /// format asks and the runtime insists.
  llvm::Error checkLayout() const;

private:
  SafetensorsFile() = default;
  llvm::Error readHeader();

  std::unique_ptr<llvm::MemoryBuffer> buffer;
  llvm::StringRef data;
  llvm::StringMap<Tensor> tensors;
  std::vector<std::pair<std::string, std::string>> metadata;
};

/// The element type of a dtype as the format spells it, without a sign; null if
/// there is none.
mlir::Type getSafetensorsType(llvm::StringRef dtype,
                              mlir::MLIRContext *context);

/// `path` below `folder`, for files that a model names: refuses absolute paths,
/// paths and links that lead out of the folder, and what is no regular file.
llvm::Expected<std::string> resolveBelow(llvm::StringRef folder,
                                         llvm::StringRef path);

} // namespace lig

#endif // LIGATURE_SUPPORT_SAFETENSORSFILE_H
