// ONNX test data: folders of input_N.pb and output_N.pb, N counting the model's
// inputs and outputs. A model of dynamic dimensions may have data sets of
// several shapes; it is compiled again where they change.

#include "Commands.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"

using namespace lig;
using namespace lig::run;
using llvm::Error;
using llvm::StringRef;
namespace path = llvm::sys::path;

namespace {
struct TestSet {
  std::string folder;
  std::vector<Tensor> inputs, outputs;
};
} // namespace

//===-- Finding and reading ----------------------------------------------===//

static std::string tensorPath(StringRef folder, StringRef role, size_t index,
                              StringRef extension) {
  llvm::SmallString<256> file(folder);
  path::append(file, role + "_" + llvm::Twine(index) + extension);
  return file.str().str();
}

/// role_0, role_1, ... until one is missing.
static Error loadTensors(StringRef folder, StringRef role,
                         std::vector<Tensor> &tensors,
                         mlir::MLIRContext &context) {
  for (;;) {
    std::string file = tensorPath(folder, role, tensors.size(), ".pb");
    if (!llvm::sys::fs::exists(file))
      file = tensorPath(folder, role, tensors.size(), ".npy");
    if (!llvm::sys::fs::exists(file))
      return Error::success();
    llvm::Expected<Tensor> tensor = Tensor::load(file, context);
    if (!tensor)
      return tensor.takeError();
    tensors.push_back(std::move(*tensor));
  }
}

static llvm::Expected<TestSet> loadTestSet(StringRef folder,
                                           mlir::MLIRContext &context) {
  TestSet set;
  set.folder = folder.str();
  if (Error error = loadTensors(folder, "input", set.inputs, context))
    return error;
  if (Error error = loadTensors(folder, "output", set.outputs, context))
    return error;
  if (set.outputs.empty())
    return llvm::createStringError("'" + folder +
                                   "' has no output_0.pb to compare with");
  return set;
}

/// The folder itself, or the test_data_set_* in it, by rising number.
static llvm::Expected<std::vector<std::string>> findSets(StringRef folder) {
  for (StringRef extension : {".pb", ".npy"})
    if (llvm::sys::fs::exists(tensorPath(folder, "output", 0, extension)))
      return std::vector<std::string>{folder.str()};
  std::vector<std::pair<unsigned, std::string>> found;
  std::error_code code;
  for (llvm::sys::fs::directory_iterator it(folder, code), end;
       it != end && !code; it.increment(code)) {
    StringRef name = path::filename(it->path());
    unsigned number;
    if (name.consume_front("test_data_set_") && !name.getAsInteger(10, number))
      found.emplace_back(number, it->path());
  }
  if (code)
    return llvm::createFileError(folder, code);
  if (found.empty())
    return llvm::createStringError(
        "'" + folder + "' has neither output_0.pb nor a test_data_set_*");
  llvm::sort(found);
  std::vector<std::string> sets;
  for (auto &[number, name] : found)
    sets.push_back(std::move(name));
  return sets;
}

//===-- Names ------------------------------------------------------------===//

/// The names that the numbers of input files stand for. Old models list
/// initializers among the inputs, which usually have no data.
static llvm::Expected<std::vector<std::string>>
nameInputs(const Options &options, size_t count) {
  llvm::Expected<std::vector<OnnxInput>> inputs = listOnnxInputs(options.getModelOfEntry());
  if (!inputs)
    return inputs.takeError();
  std::vector<std::string> all, fed;
  for (const OnnxInput &input : *inputs) {
    all.push_back(input.name);
    if (!input.hasInitializer)
      fed.push_back(input.name);
  }
  if (count == fed.size())
    return fed;
  if (count <= all.size())
    return all;
  return llvm::createStringError("the test data has " + llvm::Twine(count) +
                                 " inputs, but the model " +
                                 llvm::Twine(all.size()));
}

static std::vector<std::string> namesOf(const Model &model) {
  std::vector<std::string> names;
  uint32_t count = lig_input_count(model.library(), model.entry());
  for (uint32_t i = 0; i < count; ++i)
    names.push_back(lig_entry_input(model.library(), model.entry(), i)->name);
  return names;
}

static std::map<std::string, Given>
giveByName(const std::vector<Tensor> &inputs,
           llvm::ArrayRef<std::string> names) {
  std::map<std::string, Given> given;
  for (auto [tensor, name] : llvm::zip(inputs, names))
    given[name].value = &tensor;
  return given;
}

//===-- Running ----------------------------------------------------------===//

namespace {
/// The model as it is compiled for the data sets so far.
class Checker {
public:
  Checker(const Options &options, mlir::MLIRContext &context)
      : options(options), context(context) {}

  /// Runs one data set; false, with the differences printed, if it fails.
  llvm::Expected<bool> check(const TestSet &set);

private:
  Error prepare(const TestSet &set, std::map<std::string, Given> &given);
  /// Measures with a runner of its own, which need not give outputs.
  Error measureOn(const std::map<std::string, Given> &given);
  bool compareAll(const TestSet &set, llvm::ArrayRef<Tensor> outputs);

  const Options &options;
  mlir::MLIRContext &context;
  std::unique_ptr<Model> model;
  std::vector<llvm::SmallVector<int64_t>> shapes;
};
} // namespace

Error Checker::prepare(const TestSet &set,
                       std::map<std::string, Given> &given) {
  llvm::Expected<FileKind> kind = readFileKind(options.getModelOfEntry());
  if (!kind)
    return kind.takeError();
  if (*kind == FileKind::Onnx) {
    auto names = nameInputs(options, set.inputs.size());
    if (!names)
      return names.takeError();
    given = giveByName(set.inputs, *names);
  }
  if (Error error = markConstants(options, given))
    return error;
  std::vector<llvm::SmallVector<int64_t>> wanted;
  for (const Tensor &input : set.inputs)
    wanted.push_back(input.dims);
  bool hasConstants = llvm::any_of(
      given, [](const auto &entry) { return entry.second.isConstant; });
  bool isCurrent =
      model && !hasConstants && (*kind != FileKind::Onnx || wanted == shapes);
  if (!isCurrent) {
    model.reset();
    auto made = Model::open(options, given, context);
    if (!made)
      return made.takeError();
    model = std::move(*made);
    shapes = wanted;
  }
  if (*kind != FileKind::Onnx) {
    std::vector<std::string> names = namesOf(*model);
    if (names.size() != set.inputs.size())
      return llvm::createStringError(
          "the test data has " + llvm::Twine(set.inputs.size()) +
          " inputs, but the model " + llvm::Twine(names.size()));
    given = giveByName(set.inputs, names);
  }
  return Error::success();
}

bool Checker::compareAll(const TestSet &set, llvm::ArrayRef<Tensor> outputs) {
  StringRef name = path::filename(set.folder);
  if (outputs.size() < set.outputs.size()) {
    llvm::outs() << name << ": " << set.outputs.size()
                 << " outputs expected, but the model has " << outputs.size()
                 << "\n";
    return false;
  }
  double largest = 0;
  bool agree = true;
  for (auto [got, want] : llvm::zip(outputs, set.outputs)) {
    std::string difference = compare(got, want, options.tolerance, &largest);
    if (difference.empty())
      continue;
    agree = false;
    llvm::outs() << name << ": " << difference << "\n";
  }
  if (agree)
    llvm::outs() << name << ": " << set.outputs.size()
                 << (set.outputs.size() == 1 ? " output agrees"
                                             : " outputs agree")
                 << llvm::format(", largest difference %.2g of the largest "
                                 "magnitude\n",
                                 largest);
  return agree;
}

Error Checker::measureOn(const std::map<std::string, Given> &given) {
  auto runner = Runner::create(*model, options, /*measured=*/true);
  if (!runner)
    return runner.takeError();
  if (Error error = (*runner)->setInputs(given, options.seed))
    return error;
  return measure(options, *model, **runner);
}

llvm::Expected<bool> Checker::check(const TestSet &set) {
  std::map<std::string, Given> given;
  if (Error error = prepare(set, given))
    return error;
  auto runner = Runner::create(*model, options);
  if (!runner)
    return runner.takeError();
  if (Error error = (*runner)->setInputs(given, options.seed))
    return error;
  if (Error error = (*runner)->runChecked())
    return error;
  bool agree = compareAll(set, (*runner)->outputs());
  if (agree && options.bench)
    if (Error error = measureOn(given))
      return error;
  return agree;
}

llvm::Expected<bool> lig::run::runTestData(const Options &options,
                                           mlir::MLIRContext &context) {
  llvm::Expected<std::vector<std::string>> folders = findSets(options.testData);
  if (!folders)
    return folders.takeError();
  Checker checker(options, context);
  bool agree = true;
  for (const std::string &folder : *folders) {
    llvm::Expected<TestSet> set = loadTestSet(folder, context);
    if (!set)
      return set.takeError();
    llvm::Expected<bool> result = checker.check(*set);
    if (!result)
      return result;
    agree &= *result;
  }
  return agree;
}
