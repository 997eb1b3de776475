// What all contexts of a process share on a GPU: the device's primary context,
// the kernels of a model and the parameters, each made once and counted.
//
// Parameters are known by their digest, so models that were compiled from one
// parameter file, or embed the same one, meet in one copy on a device.
#ifndef LIGATURE_LIB_RUNTIME_CUDARESOURCES_H
#define LIGATURE_LIB_RUNTIME_CUDARESOURCES_H

#include "CudaDriver.h"

namespace lig::runtime::cuda {

/// An opened GPU.
struct OpenDevice {
  const Driver *driver;
  Context context;
  Device device;
  int ordinal;
  int multiprocessors;
  int major, minor; ///< compute capability
  int cooperative;  ///< whether blocks of a launch may wait for each other
  int sharedBytes;  ///< most shared memory of a block
  uint64_t references;
  OpenDevice *next;
};

/// Kernels on a device, in the order of lig_device_code.kernels.
struct LoadedCode {
  OpenDevice *device;
  const lig_device_code *code;
  Module module;
  /// Most blocks of a launch whose blocks wait for each other: as many as are
  /// resident at once, of any kernel that is launched so. 1 where there are no
  /// such launches.
  uint32_t cooperativeBlocks;
  uint64_t references;
  LoadedCode *next;
  Function *functions; ///< behind the struct
};

/// Parameters on a device.
struct UploadedParameters {
  OpenDevice *device;
  Pointer data;
  uint64_t bytes;
  uint8_t digest[32];
  uint64_t references;
  UploadedParameters *next;
};

/// Each takes a reference that the function below it gives back; giving back
/// null does nothing. What is loaded or uploaded must be given back before the
/// device. Any thread may call, whatever context is current.
lig_status openDevice(uint32_t ordinal, OpenDevice **device);
void closeDevice(OpenDevice *device);

lig_status loadCode(OpenDevice &device, const lig_device_code &code,
                    LoadedCode **loaded);
void unloadCode(LoadedCode *loaded);

lig_status uploadParameters(OpenDevice &device, const lig_params_desc &params,
                            const uint8_t *data, UploadedParameters **uploaded);
void dropParameters(UploadedParameters *uploaded);

/// How often this process uploaded parameters, and how many bytes of them are
/// on `device`.
void countParameters(const OpenDevice &device, uint64_t &uploads,
                     uint64_t &bytes);

} // namespace lig::runtime::cuda

#endif // LIGATURE_LIB_RUNTIME_CUDARESOURCES_H
