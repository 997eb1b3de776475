// Builds the description of a model, struct by struct, as the C header has it.

#include "Descriptor.h"

#include "Ligature/Target/CPU/NativeCode.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/GlobalAlias.h"
#include "llvm/IR/IRBuilder.h"

using namespace llvm;
using namespace lig::target;

namespace {
class Descriptor {
public:
  Descriptor(Module &module, const ModelInfo &model,
             const ParameterFile &parameters)
      : module(module), context(module.getContext()), model(model),
        parameters(parameters), pointer(PointerType::getUnqual(context)) {}

  Error build();

private:
  Constant *i8(uint8_t value) { return number(8, value); }
  Constant *i32(uint32_t value) { return number(32, value); }
  Constant *i64(uint64_t value) { return number(64, value); }
  Constant *number(unsigned width, uint64_t value) {
    return ConstantInt::get(IntegerType::get(context, width), value);
  }
  Constant *null() { return ConstantPointerNull::get(pointer); }
  Constant *structure(ArrayRef<Constant *> fields) {
    return ConstantStruct::getAnon(context, fields);
  }
  GlobalVariable *global(Constant *value) {
    auto *variable =
        new GlobalVariable(module, value->getType(), /*isConstant=*/true,
                           GlobalValue::PrivateLinkage, value);
    variable->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
    return variable;
  }
  Constant *text(StringRef value) {
    return global(ConstantDataArray::getString(context, value));
  }
  Constant *array(ArrayRef<Constant *> elements) {
    if (elements.empty())
      return null();
    auto *type = ArrayType::get(elements.front()->getType(), elements.size());
    return global(ConstantArray::get(type, elements));
  }
  Constant *dims(ArrayRef<int64_t> values) {
    SmallVector<Constant *> constants;
    for (int64_t value : values)
      constants.push_back(i64(value));
    return array(constants);
  }
  Constant *tensors(ArrayRef<TensorInfo> infos);
  Expected<Constant *> entry(const EntryInfo &info);
  Constant *parameterBlock();
  Constant *deviceCode();
  void exportModel(Constant *description);

  Module &module;
  LLVMContext &context;
  const ModelInfo &model;
  const ParameterFile &parameters;
  PointerType *pointer;
};
} // namespace

Constant *Descriptor::tensors(ArrayRef<TensorInfo> infos) {
  SmallVector<Constant *> descriptions;
  for (const TensorInfo &info : infos) {
    SmallVector<Constant *> dynamic;
    for (uint8_t flag : info.dynamic)
      dynamic.push_back(i8(flag));
    descriptions.push_back(
        structure({text(info.name), dims(info.dims), array(dynamic),
                   i64(getTensorBytes(info.dtype, info.dims).value_or(0)),
                   i32(info.dtype), i32(info.dims.size())}));
  }
  return array(descriptions);
}

Expected<Constant *> Descriptor::entry(const EntryInfo &info) {
  Function *run = module.getFunction(info.name + "_run");
  if (!run)
    return createStringError("the code has no entry point '" + info.name + "'");
  Constant *none = null();
  return structure({text(info.name), tensors(info.inputs),
                    tensors(info.outputs), i32(info.inputs.size()),
                    i32(info.outputs.size()), i64(info.arenaBytes),
                    i64(info.arenaLowerBound), model.device ? none : run,
                    model.device ? run : none});
}

Constant *Descriptor::parameterBlock() {
  if (model.parameters.empty())
    return null();
  SmallVector<const ParameterInfo *> sorted;
  for (const ParameterInfo &info : model.parameters)
    sorted.push_back(&info);
  llvm::sort(sorted, [](const ParameterInfo *a, const ParameterInfo *b) {
    return a->offset < b->offset;
  });
  SmallVector<Constant *> descriptions, digest;
  for (const ParameterInfo *info : sorted)
    descriptions.push_back(
        structure({text(info->name), dims(info->dims), i64(info->offset),
                   i64(info->contents.size()), i32(info->dtype),
                   i32(info->dims.size()), i32(info->uses), i32(0)}));
  for (uint8_t byte : parameters.getDigest())
    digest.push_back(i8(byte));
  auto *digestType = ArrayType::get(Type::getInt8Ty(context), digest.size());
  std::string symbol = cpu::getParametersSymbol(model);
  Constant *embedded = null(), *file = null();
  if (symbol.empty()) {
    file = text(model.parameterFile);
  } else {
    auto *data = new GlobalVariable(
        module, ArrayType::get(Type::getInt8Ty(context), 0),
        /*isConstant=*/true, GlobalValue::ExternalLinkage, nullptr, symbol);
    data->setVisibility(GlobalValue::HiddenVisibility);
    embedded = data;
  }
  return global(structure(
      {embedded, file, i64(symbol.empty() ? parameters.getDataOffset() : 0),
       i64(parameters.getDataBytes()), ConstantArray::get(digestType, digest),
       array(descriptions), i32(descriptions.size()), i32(0)}));
}

Constant *Descriptor::deviceCode() {
  if (!model.device)
    return null();
  SmallVector<Constant *> kernels;
  for (const KernelInfo &kernel : model.device->kernels) {
    SmallVector<Constant *> bytes;
    for (uint32_t parameter : kernel.paramBytes)
      bytes.push_back(i32(parameter));
    kernels.push_back(structure({text(kernel.name), array(bytes),
                                 i32(bytes.size()), i32(kernel.maxBlock),
                                 i32(kernel.maxShared), i32(kernel.flags)}));
  }
  const std::string &ptx = model.device->ptx, &cubin = model.device->cubin;
  return global(structure(
      {text(model.device->chip),
       cubin.empty() ? null()
                     : global(ConstantDataArray::getString(context, cubin,
                                                           /*AddNull=*/false)),
       i64(cubin.size()), ptx.empty() ? null() : text(ptx),
       i64(ptx.empty() ? 0 : ptx.size() + 1), array(kernels),
       i32(kernels.size()), i32(0)}));
}

void Descriptor::exportModel(Constant *description) {
  auto *type = FunctionType::get(pointer, /*isVarArg=*/false);
  auto *function =
      Function::Create(type, GlobalValue::ExternalLinkage,
                       getCIdentifier(model.name) + "_model", module);
  IRBuilder<> builder(BasicBlock::Create(context, "", function));
  builder.CreateRet(description);
  // Every library has the second name; in a program with several models the
  // first one linked keeps it.
  GlobalAlias::create(type, 0, GlobalValue::WeakAnyLinkage, LIG_MODEL_SYMBOL,
                      function, &module);
}

Error Descriptor::build() {
  SmallVector<Constant *> entries;
  for (const EntryInfo &info : model.entries) {
    Expected<Constant *> description = entry(info);
    if (!description)
      return description.takeError();
    entries.push_back(*description);
  }
  exportModel(global(
      structure({i32(LIG_ABI_VERSION), i32(entries.size()), text(model.name),
                 text(model.compiler), parameterBlock(), array(entries),
                 deviceCode()})));
  return Error::success();
}

Error lig::target::cpu::addDescriptor(Module &module, const ModelInfo &model,
                                      const ParameterFile &parameters) {
  return Descriptor(module, model, parameters).build();
}
