// The object file that a library would be linked from, loaded by LLVM's JIT
// linker into this process instead.

#include "Ligature/Driver/JitModel.h"

#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <cstring>

using namespace lig;
using namespace lig::target;

namespace {
struct Free {
  void operator()(void *memory) const { std::free(memory); }
};
} // namespace

struct JitModel::Engine {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::unique_ptr<void, Free> parameters;
  std::unique_ptr<emulator::Emulator> emulator;
};

JitModel::JitModel() : engine(std::make_unique<Engine>()) {}
JitModel::~JitModel() = default;

const emulator::Emulator *JitModel::getEmulator() const {
  return engine->emulator.get();
}

/// Writes into memory of a fixed size.
namespace {
class MemoryStream : public llvm::raw_ostream {
public:
  explicit MemoryStream(char *memory) : memory(memory) { SetUnbuffered(); }

private:
  void write_impl(const char *data, size_t size) override {
    std::memcpy(memory + position, data, size);
    position += size;
  }
  uint64_t current_pos() const override { return position; }
  char *memory;
  uint64_t position = 0;
};
} // namespace

static llvm::Error defineParameters(llvm::orc::LLJIT &jit,
                                    const ModelInfo &model, void *memory) {
  llvm::orc::SymbolMap symbols;
  symbols[jit.mangleAndIntern(cpu::getParametersSymbol(model))] = {
      llvm::orc::ExecutorAddr::fromPtr(memory), llvm::JITSymbolFlags::Exported};
  return jit.getMainJITDylib().define(
      llvm::orc::absoluteSymbols(std::move(symbols)));
}

static llvm::Error defineEmulator(llvm::orc::LLJIT &jit) {
  llvm::orc::SymbolMap symbols;
  for (auto [name, address] : emulator::getSymbols())
    symbols[jit.mangleAndIntern(name)] = {
        llvm::orc::ExecutorAddr::fromPtr(address),
        llvm::JITSymbolFlags::Exported};
  return jit.getMainJITDylib().define(
      llvm::orc::absoluteSymbols(std::move(symbols)));
}

llvm::Expected<std::unique_ptr<JitModel>>
JitModel::create(Compilation &compilation, const emulator::Options &emulation) {
  llvm::Expected<std::string> code =
      compilation.makeCode(cpu::CodeKind::Object);
  if (!code)
    return code.takeError();
  llvm::Expected<const ModelInfo &> info = compilation.getModel();
  llvm::Expected<const ParameterFile &> parameters =
      compilation.getParameters();
  if (!info || !parameters)
    return llvm::joinErrors(info.takeError(), parameters.takeError());

  std::unique_ptr<JitModel> model(new JitModel);
  auto jit = llvm::orc::LLJITBuilder().create();
  if (!jit)
    return jit.takeError();
  model->engine->jit = std::move(*jit);
  llvm::orc::LLJIT &engine = *model->engine->jit;
  auto process = llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      engine.getDataLayout().getGlobalPrefix());
  if (!process)
    return process.takeError();
  engine.getMainJITDylib().addGenerator(std::move(*process));

  if (!cpu::getParametersSymbol(*info).empty()) {
    size_t bytes = parameters->getDataBytes();
    void *memory = std::aligned_alloc(
        LIG_ALIGNMENT,
        llvm::alignTo(std::max<size_t>(bytes, 1), LIG_ALIGNMENT));
    if (!memory)
      return llvm::createStringError("no memory for the parameters");
    model->engine->parameters.reset(memory);
    MemoryStream out(static_cast<char *>(memory));
    parameters->writeData(out);
    if (llvm::Error error = defineParameters(engine, *info, memory))
      return error;
  }
  bool isEmulated = info->device && info->device->ptx.empty();
  if (isEmulated)
    if (llvm::Error error = defineEmulator(engine))
      return error;
  if (llvm::Error error = engine.addObjectFile(
          llvm::MemoryBuffer::getMemBufferCopy(*code, info->name)))
    return error;
  auto symbol = engine.lookup(LIG_MODEL_SYMBOL);
  if (!symbol)
    return symbol.takeError();
  model->description = symbol->toPtr<lig_model_fn>()();
  if (isEmulated) {
    auto table = engine.lookup(emulator::kTableSymbol);
    if (!table)
      return table.takeError();
    model->engine->emulator = std::make_unique<emulator::Emulator>(
        table->toPtr<const emulator::Kernel *>(),
        *model->description->device_code, emulation);
  }
  return model;
}
