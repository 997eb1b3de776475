// The main of a model that was compiled to a program:
//
//   model [--entry=NAME] [-o FOLDER] INPUT.npy...
//
// runs the model once and leaves every output in FOLDER/NAME.npy. Without
// inputs, where the model needs some, it says what it takes and gives.

#include "NpyFile.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" const lig_model_desc *lig_model(void);

namespace {

int fail(const char *what, const char *why) {
  fprintf(stderr, "error: %s: %s\n", what, why);
  return 1;
}

void printTensor(const char *kind, const lig_tensor_desc &tensor) {
  printf("  %s %s: %s[", kind, tensor.name, lig_dtype_name(tensor.dtype));
  for (int32_t i = 0; i < tensor.rank; ++i)
    printf("%s%s%" PRId64, i ? "," : "",
           tensor.dynamic && tensor.dynamic[i] ? "<=" : "", tensor.dims[i]);
  printf("]\n");
}

void printUsage(const char *program, const lig_library *library) {
  printf("usage: %s [--entry=NAME] [-o FOLDER] INPUT.npy...\n", program);
  for (uint32_t e = 0; e < lig_entry_count(library); ++e) {
    printf("%s\n", lig_entry_name(library, e));
    for (uint32_t i = 0; i < lig_input_count(library, e); ++i)
      printTensor("input ", *lig_entry_input(library, e, i));
    for (uint32_t i = 0; i < lig_output_count(library, e); ++i)
      printTensor("output", *lig_entry_output(library, e, i));
  }
}

struct Arguments {
  const char *folder = ".";
  const char *entry = nullptr;
  const char **inputs = nullptr;
  uint32_t count = 0;
};

bool parse(int argc, char **argv, Arguments &arguments) {
  arguments.inputs = (const char **)calloc(argc, sizeof(char *));
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
      arguments.folder = argv[++i];
    else if (strncmp(argv[i], "--entry=", 8) == 0)
      arguments.entry = argv[i] + 8;
    else if (argv[i][0] == '-' && argv[i][1])
      return false;
    else
      arguments.inputs[arguments.count++] = argv[i];
  }
  return true;
}

/// A file name from an output's name, which may hold what paths are made of.
void nameFile(char *path, size_t size, const char *folder, const char *name) {
  int length = snprintf(path, size, "%s/", folder);
  size_t at = length < (int)size ? length : size - 1;
  for (; *name && at + 5 < size; ++name)
    path[at++] = *name == '/' || *name == ':' ? '_' : *name;
  snprintf(path + at, size - at, ".npy");
}

int writeOutputs(const lig_context *context, const lig_library *library,
                 uint32_t entry, const Arguments &arguments, void **outputs) {
  for (uint32_t i = 0; i < lig_output_count(library, entry); ++i) {
    const lig_tensor_desc &tensor = *lig_entry_output(library, entry, i);
    char path[4096];
    nameFile(path, sizeof path, arguments.folder, tensor.name);
    if (const char *problem = lig::program::writeNpy(
            path, tensor.dtype, lig_output_dims(context, entry, i), tensor.rank,
            outputs[i]))
      return fail(path, problem);
  }
  return 0;
}

/// Memory for `count` tensors; the program ends before it would be freed.
void **allocate(const lig_library *library, uint32_t entry, uint32_t count,
                const lig_tensor_desc *(*describe)(const lig_library *,
                                                   uint32_t, uint32_t)) {
  void **tensors = (void **)calloc(count + 1, sizeof(void *));
  for (uint32_t i = 0; tensors && i < count; ++i) {
    tensors[i] = calloc(describe(library, entry, i)->bytes + 1, 1);
    if (!tensors[i])
      return nullptr;
  }
  return tensors;
}

int runModel(lig_context *context, const lig_library *library, uint32_t entry,
             const Arguments &arguments) {
  void **inputs = allocate(library, entry, arguments.count, lig_entry_input);
  void **outputs = allocate(library, entry, lig_output_count(library, entry),
                            lig_entry_output);
  if (!inputs || !outputs)
    return fail("run", "out of memory");
  for (uint32_t i = 0; i < arguments.count; ++i)
    if (const char *problem = lig::program::readNpy(
            arguments.inputs[i], *lig_entry_input(library, entry, i),
            inputs[i]))
      return fail(arguments.inputs[i], problem);
  if (lig_run(context, entry, (const void *const *)inputs, outputs) != LIG_OK)
    return fail("run", lig_last_error());
  return writeOutputs(context, library, entry, arguments, outputs);
}

} // namespace

int main(int argc, char **argv) {
  lig_library *library = nullptr;
  lig_weights *weights = nullptr;
  lig_context *context = nullptr;
  if (lig_library_from_model(lig_model(), nullptr, &library) != LIG_OK)
    return fail("model", lig_last_error());
  Arguments arguments;
  uint32_t entry = 0;
  if (!parse(argc, argv, arguments)) {
    printUsage(argv[0], library);
    return 1;
  }
  if (arguments.entry &&
      lig_entry_find(library, arguments.entry, &entry) != LIG_OK)
    return fail(arguments.entry, lig_last_error());
  if (arguments.count != lig_input_count(library, entry)) {
    printUsage(argv[0], library);
    return 1;
  }
  if (lig_weights_open(library, nullptr, &weights) != LIG_OK ||
      lig_context_create(weights, nullptr, &context) != LIG_OK)
    return fail("model", lig_last_error());
  return runModel(context, library, entry, arguments);
}
