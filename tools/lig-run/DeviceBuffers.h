// Inputs and outputs in a GPU's memory, as a program has them that keeps its data
// there: what a measured run works on, so that it is the model that is measured and
// not the way of its data to the GPU.
#ifndef LIGATURE_TOOLS_LIG_RUN_DEVICEBUFFERS_H
#define LIGATURE_TOOLS_LIG_RUN_DEVICEBUFFERS_H

#include "llvm/Support/Error.h"

#include <memory>
#include <vector>

namespace lig::run {

class DeviceBuffers {
public:
  /// Opens the driver that the runtime uses, and the primary context of the GPU of
  /// that number.
  static llvm::Expected<std::unique_ptr<DeviceBuffers>> create(uint32_t ordinal);
  ~DeviceBuffers();
  DeviceBuffers(const DeviceBuffers &) = delete;
  DeviceBuffers &operator=(const DeviceBuffers &) = delete;

  /// Memory of `bytes`, at least one, that begins with a copy of `data` if that is
  /// not null. It lives as long as this does.
  llvm::Expected<void *> add(const void *data, uint64_t bytes);

private:
  using Pointer = unsigned long long; // CUdeviceptr

  DeviceBuffers() = default;

  int device = 0;
  void *context = nullptr;
  std::vector<Pointer> buffers;
  int (*release)(int) = nullptr;
  int (*push)(void *) = nullptr;
  int (*pop)(void **) = nullptr;
  int (*allocate)(Pointer *, size_t) = nullptr;
  int (*deallocate)(Pointer) = nullptr;
  int (*upload)(Pointer, const void *, size_t) = nullptr;
};

} // namespace lig::run

#endif // LIGATURE_TOOLS_LIG_RUN_DEVICEBUFFERS_H
