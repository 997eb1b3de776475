// A description is code, so it can be trusted as far as code can; but it may
// come from another version of the compiler or from a hand that wrote it, and
// every later function indexes and multiplies by what it says. So it is checked
// once, here, and believed from then on.

#include "DataType.h"
#include "Error.h"
#include "Handles.h"

#include <cstring>

namespace lig::runtime {
namespace {

bool checkTensor(const lig_tensor_desc &tensor) {
  uint64_t bytes;
  return tensor.name &&
         tensorBytes(tensor.dtype, tensor.dims, tensor.rank, bytes) &&
         bytes == tensor.bytes;
}

lig_status checkEntry(const lig_entry_desc &entry, bool isForDevice) {
  if (!entry.name || (entry.input_count && !entry.inputs) ||
      (entry.output_count && !entry.outputs))
    return fail(LIG_NOT_A_MODEL, "an entry point's description is incomplete");
  if (isForDevice ? entry.run || !entry.run_device
                  : !entry.run || entry.run_device)
    return fail(LIG_NOT_A_MODEL,
                "entry point '%s' has no code, or code of two kinds",
                entry.name);
  if (isForDevice && entry.arena_bytes < LIG_DEVICE_HEADER_BYTES)
    return fail(LIG_NOT_A_MODEL, "entry point '%s': no room for a status",
                entry.name);
  for (uint32_t i = 0; i < entry.input_count; ++i)
    if (!checkTensor(entry.inputs[i]))
      return fail(LIG_NOT_A_MODEL,
                  "entry point '%s': input %u is described "
                  "wrongly",
                  entry.name, i);
  for (uint32_t i = 0; i < entry.output_count; ++i)
    if (!checkTensor(entry.outputs[i]))
      return fail(LIG_NOT_A_MODEL,
                  "entry point '%s': output %u is described "
                  "wrongly",
                  entry.name, i);
  return LIG_OK;
}

lig_status checkParams(const lig_params_desc &params) {
  if ((params.embedded != nullptr) == (params.file != nullptr))
    return fail(LIG_NOT_A_MODEL,
                "parameters must be either embedded or in a file");
  if (reinterpret_cast<uintptr_t>(params.embedded) % LIG_ALIGNMENT)
    return fail(LIG_NOT_A_MODEL, "the embedded parameters are misaligned");
  if (params.file && (!params.file[0] || strchr(params.file, '/')))
    return fail(LIG_NOT_A_MODEL, "'%s' is no name of a parameter file",
                params.file);
  if (params.count && !params.params)
    return fail(LIG_NOT_A_MODEL, "the parameters' description is incomplete");
  for (uint32_t i = 0; i < params.count; ++i) {
    const lig_param_desc &param = params.params[i];
    uint64_t bytes;
    if (!param.name ||
        !tensorBytes(param.dtype, param.dims, param.rank, bytes) ||
        bytes != param.bytes || param.offset > params.data_bytes ||
        bytes > params.data_bytes - param.offset)
      return fail(LIG_NOT_A_MODEL, "parameter %u is described wrongly", i);
  }
  return LIG_OK;
}

lig_status checkDeviceCode(const lig_device_code &code) {
  if (!code.chip || (code.kernel_count && !code.kernels))
    return fail(LIG_NOT_A_MODEL, "the device code's description is incomplete");
  if (code.ptx && (!code.ptx_bytes || code.ptx[code.ptx_bytes - 1]))
    return fail(LIG_NOT_A_MODEL, "the PTX does not end with a zero");
  for (uint32_t i = 0; i < code.kernel_count; ++i) {
    const lig_kernel_desc &kernel = code.kernels[i];
    if (!kernel.name || (kernel.param_count && !kernel.param_bytes))
      return fail(LIG_NOT_A_MODEL, "kernel %u is described wrongly", i);
  }
  return LIG_OK;
}

} // namespace

lig_status checkModel(const lig_model_desc *model) {
  if (!model)
    return fail(LIG_INVALID_ARGUMENT, "the model is null");
  if (model->abi_version != LIG_ABI_VERSION)
    return fail(LIG_UNSUPPORTED_VERSION,
                "the model has ABI version %u, this runtime has %d",
                model->abi_version, LIG_ABI_VERSION);
  if (!model->name || !model->compiler ||
      (model->entry_count && !model->entries))
    return fail(LIG_NOT_A_MODEL, "the model's description is incomplete");
  for (uint32_t i = 0; i < model->entry_count; ++i)
    if (lig_status status =
            checkEntry(model->entries[i], model->device_code != nullptr))
      return status;
  if (model->device_code)
    if (lig_status status = checkDeviceCode(*model->device_code))
      return status;
  return model->params ? checkParams(*model->params) : LIG_OK;
}

} // namespace lig::runtime
