/// Writes parameters as a safetensors file that can be mapped and used in
/// place: the data begins at a multiple of 64 bytes.
#ifndef LIGATURE_TARGET_PARAMETERFILE_H
#define LIGATURE_TARGET_PARAMETERFILE_H

#include "Ligature/Target/ModelInfo.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace lig::target {

/// What the header calls the SHA-256 of the data, among its `__metadata__`.
inline constexpr llvm::StringLiteral kDigestKey = "ligature.digest";
/// How names of tensors begin that only fill gaps.
inline constexpr llvm::StringLiteral kPadPrefix = "ligature.pad.";

class ParameterFile {
public:
  /// Lays the file out and hashes its data. `parameters` must outlive the
  /// result; their order does not matter. Refuses offsets that are no multiple
  /// of 64, overlaps, contents of the wrong size, and names that are used
  /// twice, reserved ("__metadata__", "ligature.pad.*") or no UTF-8 text.
  /// `metadata` stands in the header beside the digest, whose key is reserved.
  static llvm::Expected<ParameterFile>
  create(llvm::ArrayRef<ParameterInfo> parameters, uint64_t dataBytes,
         llvm::ArrayRef<std::pair<std::string, std::string>> metadata = {});

  /// Where the data begins in the file; a multiple of 64.
  uint64_t getDataOffset() const { return 8 + header.size(); }
  uint64_t getDataBytes() const { return dataBytes; }
  /// SHA-256 of the data, gaps between parameters included, which are zero.
  const std::array<uint8_t, 32> &getDigest() const { return digest; }

  /// The data alone, as it is embedded in a library.
  void writeData(llvm::raw_ostream &out) const;
  /// The whole file, by way of a temporary one.
  llvm::Error write(llvm::StringRef path) const;
  /// Whether that file would hold exactly these bytes.
  bool equals(llvm::StringRef contents) const;

private:
  ParameterFile() = default;

  /// By rising offset.
  std::vector<const ParameterInfo *> sorted;
  uint64_t dataBytes = 0;
  std::array<uint8_t, 32> digest = {};
  std::string header;
};

} // namespace lig::target

#endif // LIGATURE_TARGET_PARAMETERFILE_H
