/// Reads safetensors files in place: the file is mapped, a tensor is a range of
/// its bytes, and nothing is read before someone looks.
#ifndef LIGATURE_SUPPORT_SAFETENSORSFILE_H
#define LIGATURE_SUPPORT_SAFETENSORSFILE_H

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

private:
  SafetensorsFile() = default;
  llvm::Error readHeader();

  std::unique_ptr<llvm::MemoryBuffer> buffer;
  llvm::StringMap<Tensor> tensors;
};

/// `path` below `folder`, for files that a model names: refuses absolute paths,
/// paths and links that lead out of the folder, and what is no regular file.
llvm::Expected<std::string> resolveBelow(llvm::StringRef folder,
                                         llvm::StringRef path);

} // namespace lig

#endif // LIGATURE_SUPPORT_SAFETENSORSFILE_H
