// Giving inputs to an entry point and taking its outputs.

#include "Model.h"

using namespace lig::run;
using llvm::Error;

Runner::~Runner() { lig_context_close(context); }

llvm::Expected<std::unique_ptr<Runner>>
Runner::create(const Model &model, const Options &given, bool measured) {
  std::unique_ptr<Runner> runner(new Runner(model));
  lig_context_options options = {};
  options.size = sizeof(options);
  options.threads = given.threads;
  options.ordinal = given.ordinal;
  bool staysOnDevice = measured && given.device == Options::Device::Cuda;
  options.flags = (given.graph ? LIG_CONTEXT_GRAPH : 0) |
                  (staysOnDevice ? LIG_CONTEXT_DEVICE_POINTERS : 0);
  if (const emulator::Emulator *emulator = model.emulator())
    options.device = emulator->getDevice();
  if (lig_context_create(model.weights(), &options, &runner->context))
    return runtimeError();
  if (staysOnDevice)
    if (Error error =
            DeviceBuffers::create(given.ordinal).moveInto(runner->deviceBuffers))
      return error;
  uint32_t count = lig_output_count(model.library(), model.entry());
  for (uint32_t i = 0; i < count; ++i) {
    llvm::Expected<Tensor> output =
        Tensor::allocate(*lig_entry_output(model.library(), model.entry(), i));
    if (!output)
      return output.takeError();
    runner->outputPointers.push_back(output->data());
    runner->outputTensors.push_back(std::move(*output));
  }
  return runner;
}

static Error checkInput(const lig_tensor_desc &desc, const Tensor &value) {
  llvm::ArrayRef<int64_t> dims(desc.dims, desc.rank);
  if (desc.dtype == value.dtype && dims == llvm::ArrayRef(value.dims))
    return Error::success();
  return llvm::createStringError("input '" + llvm::Twine(desc.name) + "' is " +
                                 describeType(desc.dtype, dims) +
                                 ", but the value given for it is " +
                                 describeType(value.dtype, value.dims));
}

Error Runner::setInputs(const std::map<std::string, Given> &given,
                        std::optional<uint64_t> seed) {
  std::mt19937_64 generator(seed.value_or(0));
  inputPointers.clear();
  random.clear();
  uint32_t count = lig_input_count(model.library(), model.entry());
  llvm::StringSet<> known;
  for (uint32_t i = 0; i < count; ++i) {
    const lig_tensor_desc &desc =
        *lig_entry_input(model.library(), model.entry(), i);
    known.insert(desc.name);
    auto it = given.find(desc.name);
    if (it != given.end()) {
      if (Error error = checkInput(desc, *it->second.value))
        return error;
      inputPointers.push_back(it->second.value->data());
      continue;
    }
    if (!seed)
      return llvm::createStringError(
          "input '" + llvm::Twine(desc.name) + "', " +
          describeType(desc.dtype, {desc.dims, size_t(desc.rank)}) +
          ", has no value; give one by --input " + desc.name +
          "=@FILE, or random ones by --seed=N");
    llvm::Expected<Tensor> value = Tensor::allocate(desc);
    if (!value)
      return value.takeError();
    value->fillRandomly(generator);
    inputPointers.push_back(value->data());
    random.push_back(std::move(*value));
  }
  for (const auto &[name, value] : given)
    if (!known.contains(name) && !model.isFolded(name))
      return llvm::createStringError("the model has no input '" + name + "'");
  return deviceBuffers ? moveToDevice() : Error::success();
}

Error Runner::moveToDevice() {
  auto move = [&](auto &pointer, const lig_tensor_desc &desc,
                  bool isInput) -> Error {
    if (!desc.bytes)
      return Error::success();
    llvm::Expected<void *> there =
        deviceBuffers->add(isInput ? pointer : nullptr, desc.bytes);
    if (!there)
      return there.takeError();
    pointer = *there;
    return Error::success();
  };
  for (auto [i, pointer] : llvm::enumerate(inputPointers))
    if (Error error = move(
            pointer, *lig_entry_input(model.library(), model.entry(), i), true))
      return error;
  for (auto [i, pointer] : llvm::enumerate(outputPointers))
    if (Error error =
            move(pointer, *lig_entry_output(model.library(), model.entry(), i),
                 false))
      return error;
  return Error::success();
}

lig_device_usage Runner::usage() const {
  lig_device_usage usage = {};
  lig_context_usage(context, &usage);
  return usage;
}

Error Runner::runChecked() {
  if (run() != LIG_OK) {
    // An emulated kernel that did something wrong has said what.
    const emulator::Emulator *emulator = model.emulator();
    return emulator && !emulator->getError().empty()
               ? llvm::createStringError(emulator->getError())
               : runtimeError();
  }
  for (auto [i, tensor] : llvm::enumerate(outputTensors)) {
    const int64_t *dims = lig_output_dims(context, model.entry(), i);
    tensor.dims.assign(dims, dims + tensor.dims.size());
  }
  return Error::success();
}
