/// What the artefacts of a compiled model say about it: the strings and numbers
/// behind the constants of Ligature/ABI/Model.h, the parameter file and the C
/// header. A back end fills it in once and gives it to all three.
#ifndef LIGATURE_TARGET_MODELINFO_H
#define LIGATURE_TARGET_MODELINFO_H

#include "Ligature/ABI/Model.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <array>
#include <optional>
#include <string>
#include <vector>

namespace lig::target {

struct TensorInfo {
  std::string name;
  int32_t dtype; ///< lig_dtype
  /// Upper bounds where dynamic.
  std::vector<int64_t> dims;
  /// Per dimension; empty when the whole shape is fixed.
  std::vector<uint8_t> dynamic;
};

struct EntryInfo {
  std::string name;
  std::vector<TensorInfo> inputs;
  std::vector<TensorInfo> outputs;
  uint64_t arenaBytes = 0;
  uint64_t arenaLowerBound = 0;
};

/// A stored parameter; its contents belong to whoever made this.
struct ParameterInfo {
  std::string name;
  int32_t dtype; ///< lig_dtype
  std::vector<int64_t> dims;
  uint64_t offset; ///< from the start of the parameters' data
  llvm::ArrayRef<char> contents;
  uint32_t uses = 0;
};

/// A kernel that entry points launch, by its place in DeviceInfo.
struct KernelInfo {
  std::string name;
  std::vector<uint32_t> paramBytes;
  uint32_t maxBlock = 0;  ///< threads
  uint32_t maxShared = 0; ///< bytes of dynamic shared memory
  uint32_t flags = 0;     ///< LIG_LAUNCH_*, LIG_KERNEL_*
};

/// The kernels of a model for a GPU. Either form of their code may be empty,
/// both where they are only emulated.
struct DeviceInfo {
  std::string chip; ///< "sm_90a"
  std::string ptx;
  std::string cubin;
  std::vector<KernelInfo> kernels;
};

struct ModelInfo {
  /// Any text; see getCIdentifier.
  std::string name;
  std::string compiler;
  std::vector<EntryInfo> entries;
  std::vector<ParameterInfo> parameters;
  uint64_t parameterBytes = 0;
  /// The file's name without a folder; empty when embedded.
  std::string parameterFile;
  /// What the entry points launch; nothing when they run on the CPU.
  std::optional<DeviceInfo> device;
};

/// Bytes of one element of a lig_dtype; 0 if it is none.
uint32_t getElementBytes(int32_t dtype);
/// "F32", "BOOL", ... as safetensors calls it; empty if it is none.
llvm::StringRef getSafetensorsName(int32_t dtype);
/// The lig_dtype that safetensors calls so; 0 if there is none.
int32_t findSafetensorsType(llvm::StringRef name);
/// "f32", "bool", ... as the runtime calls it; empty if it is none.
llvm::StringRef getTypeName(int32_t dtype);
/// The C type of a buffer's elements: "float", "uint8_t" for bool, "uint16_t"
/// for f16 and bf16; empty if it is no lig_dtype.
llvm::StringRef getCType(int32_t dtype);

/// Bytes of a dense tensor; nothing if the type is unknown, a dimension
/// negative or the product beyond 2^63.
std::optional<uint64_t> getTensorBytes(int32_t dtype,
                                       llvm::ArrayRef<int64_t> dims);

/// `name` with everything that C identifiers may not have turned into '_', and
/// a leading 'm' where a digit comes first or nothing is left. The NAME in the
/// exported NAME_model.
std::string getCIdentifier(llvm::StringRef name);

} // namespace lig::target

#endif // LIGATURE_TARGET_MODELINFO_H
