// Names of a model are any text, and two of them may become the same C
// identifier. So tensors are counted in the constants (..._INPUT0_BYTES), their
// names stand in comments, and only parameters of functions carry them, made
// unique where they meet. Text for comments loses what could end one.

#include "Ligature/Target/CHeader.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

namespace lig::target {
namespace {

std::string makeComment(llvm::StringRef text) {
  std::string result;
  for (char c : text)
    result += llvm::isPrint(c) && c != '*' && c != '\\' ? c : '?';
  return result;
}

/// Hands out C identifiers, each once.
class Identifiers {
public:
  std::string make(const llvm::Twine &wanted) {
    std::string base = getCIdentifier(wanted.str());
    std::string name = base;
    for (unsigned i = 2; !taken.insert(name).second; ++i)
      name = base + "_" + std::to_string(i);
    return name;
  }

private:
  llvm::StringSet<> taken;
};

/// "f32[1,3,<=224]"
std::string describe(const TensorInfo &tensor) {
  std::string text = getTypeName(tensor.dtype).str() + "[";
  for (size_t i = 0; i < tensor.dims.size(); ++i) {
    text += i ? "," : "";
    if (i < tensor.dynamic.size() && tensor.dynamic[i])
      text += "<=";
    text += std::to_string(tensor.dims[i]);
  }
  return text + "]";
}

class HeaderWriter {
public:
  HeaderWriter(llvm::raw_ostream &out, const ModelInfo &model)
      : out(out), model(model), name(getCIdentifier(model.name)) {}

  void write(llvm::StringRef library);

private:
  void writeUsage(llvm::StringRef library);
  void writeOpen();
  void writeEntry(unsigned index);
  void writeSizes(llvm::StringRef prefix, llvm::StringRef kind,
                  llvm::ArrayRef<TensorInfo> tensors);
  void writeRun(unsigned index, llvm::StringRef identifier);

  llvm::raw_ostream &out;
  const ModelInfo &model;
  std::string name;
  Identifiers entryNames;
};

void HeaderWriter::write(llvm::StringRef library) {
  std::string guard = "LIGATURE_MODEL_" + llvm::StringRef(name).upper() + "_H";
  writeUsage(library);
  out << "#ifndef " << guard << "\n#define " << guard << "\n\n"
      << "#include \"Ligature/ABI/Runtime.h\"\n\n"
      << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
      << "/* The model's description: names, shapes, parameters. */\n"
      << "const lig_model_desc *" << name << "_model(void);\n";
  writeOpen();
  for (unsigned i = 0; i < model.entries.size(); ++i)
    writeEntry(i);
  out << "\n#ifdef __cplusplus\n} /* extern \"C\" */\n#endif\n\n"
      << "#endif /* " << guard << " */\n";
}

void HeaderWriter::writeUsage(llvm::StringRef library) {
  out << "/* The model '" << makeComment(model.name) << "', compiled by "
      << makeComment(model.compiler) << ".\n *\n"
      << " *   lig_context *context;\n"
      << " *   if (" << name << "_open(&context) != LIG_OK)\n"
      << " *     puts(lig_last_error());\n";
  if (!model.entries.empty())
    out << " *   " << name << "_run_"
        << getCIdentifier(model.entries.front().name) << "(context, ...);\n";
  out << " *   lig_context_close(context);\n *\n"
      << " * Link with " << makeComment(library) << ".";
  if (!model.parameterFile.empty())
    out << " It finds its parameters, " << makeComment(model.parameterFile)
        << ",\n * beside itself.";
  out << "\n */\n";
}

void HeaderWriter::writeOpen() {
  out << "\n/* Opens the model for one thread; close it by lig_context_close. "
         "For more\n * contexts on the same weights, or another place of the "
         "parameter file, see\n * Ligature/ABI/Runtime.h. */\n"
      << "LIG_INLINE lig_status " << name << "_open(lig_context **context) {\n"
      << "  lig_library *library = NULL;\n"
      << "  lig_weights *weights = NULL;\n"
      << "  lig_status status =\n"
      << "      lig_library_from_model(" << name
      << "_model(), NULL, &library);\n"
      << "  *context = NULL;\n"
      << "  if (status == LIG_OK)\n"
      << "    status = lig_weights_open(library, NULL, &weights);\n"
      << "  if (status == LIG_OK)\n"
      << "    status = lig_context_create(weights, NULL, context);\n"
      << "  lig_weights_close(weights);\n"
      << "  lig_library_close(library);\n"
      << "  return status;\n}\n";
}

void HeaderWriter::writeEntry(unsigned index) {
  const EntryInfo &entry = model.entries[index];
  std::string identifier = entryNames.make(entry.name);
  // Upper-casing may bring two names together again: the number keeps macros
  // apart.
  std::string prefix =
      llvm::StringRef(name).upper() + "_ENTRY" + std::to_string(index);
  out << "\n/* Entry point " << index << ": '" << makeComment(entry.name)
      << "'. Sizes of tensors are in bytes. */\n"
      << "#define " << prefix << "_INPUTS " << entry.inputs.size() << "\n"
      << "#define " << prefix << "_OUTPUTS " << entry.outputs.size() << "\n"
      << "#define " << prefix << "_ARENA_BYTES UINT64_C(" << entry.arenaBytes
      << ")\n";
  writeSizes(prefix, "INPUT", entry.inputs);
  writeSizes(prefix, "OUTPUT", entry.outputs);
  writeRun(index, identifier);
}

void HeaderWriter::writeSizes(llvm::StringRef prefix, llvm::StringRef kind,
                              llvm::ArrayRef<TensorInfo> tensors) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    const TensorInfo &tensor = tensors[i];
    std::string start = (prefix + "_" + kind + llvm::Twine(i)).str();
    uint64_t bytes = getTensorBytes(tensor.dtype, tensor.dims).value_or(0);
    out << "/* '" << makeComment(tensor.name) << "': " << describe(tensor)
        << " */\n"
        << "#define " << start << "_BYTES UINT64_C(" << bytes << ")\n"
        << "#define " << start << "_RANK " << tensor.dims.size() << "\n";
    for (size_t d = 0; d < tensor.dims.size(); ++d)
      out << "#define " << start << "_DIM" << d << " INT64_C(" << tensor.dims[d]
          << ")\n";
  }
}

void HeaderWriter::writeRun(unsigned index, llvm::StringRef identifier) {
  const EntryInfo &entry = model.entries[index];
  Identifiers taken;
  std::vector<std::string> inputs, outputs;
  for (const TensorInfo &tensor : entry.inputs)
    inputs.push_back(taken.make("in_" + tensor.name));
  for (const TensorInfo &tensor : entry.outputs)
    outputs.push_back(taken.make("out_" + tensor.name));

  out << "LIG_INLINE lig_status " << name << "_run_" << identifier
      << "(lig_context *context";
  for (size_t i = 0; i < inputs.size(); ++i)
    out << ",\n    const " << getCType(entry.inputs[i].dtype) << " *"
        << inputs[i];
  for (size_t i = 0; i < outputs.size(); ++i)
    out << ",\n    " << getCType(entry.outputs[i].dtype) << " *" << outputs[i];
  // An array of length 0 is no C.
  out << ") {\n  const void *inputs[" << std::max<size_t>(1, inputs.size())
      << "] = {NULL};\n  void *outputs[" << std::max<size_t>(1, outputs.size())
      << "] = {NULL};\n";
  for (size_t i = 0; i < inputs.size(); ++i)
    out << "  inputs[" << i << "] = " << inputs[i] << ";\n";
  for (size_t i = 0; i < outputs.size(); ++i)
    out << "  outputs[" << i << "] = " << outputs[i] << ";\n";
  out << "  return lig_run(context, " << index << ", inputs, outputs);\n}\n";
}

} // namespace

void writeCHeader(llvm::raw_ostream &out, const ModelInfo &model,
                  llvm::StringRef library) {
  HeaderWriter(out, model).write(library);
}

} // namespace lig::target
