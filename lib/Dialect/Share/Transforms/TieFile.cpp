// The text of a tie, and nothing about the parameters it names: what is wrong
// with the text is said here, what is wrong with the tie by who applies it.

#include "TieFile.h"

#include "Ligature/Dialect/Share/Transforms/Ties.h"
#include "Ligature/Support/Json.h"

#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace lig::share;

/// All ties, a tie, a list of steps, a step, a slice, its numbers.
static constexpr unsigned kDeepest = 6;

static Error refuse(StringRef name, const Twine &reason) {
  return createStringError("tie of '" + name + "' " + reason);
}

static Expected<SmallVector<int64_t>> readNumbers(StringRef name,
                                                  const json::Value *value,
                                                  StringRef what) {
  const json::Array *array = value ? value->getAsArray() : nullptr;
  if (!array)
    return refuse(name, "has no list of numbers in \"" + what + "\"");
  SmallVector<int64_t> numbers;
  for (const json::Value &entry : *array) {
    std::optional<int64_t> number = entry.getAsInteger();
    if (!number || *number < 0)
      return refuse(name, "has an entry in \"" + what +
                              "\" that is no whole number from 0 on");
    numbers.push_back(*number);
  }
  return numbers;
}

static Expected<TieStep> readSlice(StringRef name, const json::Value &value) {
  const json::Object *object = value.getAsObject();
  if (!object)
    return refuse(name, "has a slice without \"offsets\" and \"sizes\"");
  auto offsets = readNumbers(name, object->get("offsets"), "offsets");
  if (!offsets)
    return offsets.takeError();
  auto sizes = readNumbers(name, object->get("sizes"), "sizes");
  if (!sizes)
    return sizes.takeError();
  TieStep step{TieStep::Slice, *offsets, *sizes, {}, 1};
  step.strides.assign(offsets->size(), 1);
  if (const json::Value *given = object->get("strides")) {
    auto strides = readNumbers(name, given, "strides");
    if (!strides)
      return strides.takeError();
    step.strides = *strides;
  }
  if (step.sizes.size() != step.numbers.size() ||
      step.strides.size() != step.numbers.size())
    return refuse(name, "has a slice with " + Twine(step.numbers.size()) +
                            " offsets but " + Twine(step.sizes.size()) +
                            " sizes and " + Twine(step.strides.size()) +
                            " strides");
  return step;
}

static Expected<TieStep> readStep(StringRef name, const json::Value &value) {
  if (value.getAsString() == StringRef("transpose"))
    return TieStep{TieStep::Transpose, {}, {}, {}, 1};
  const json::Object *object = value.getAsObject();
  if (!object || object->size() != 1)
    return refuse(name, "has a view that is neither \"same\", \"transpose\", "
                        "an object of one entry, nor a list of these");
  StringRef kind = object->begin()->first;
  const json::Value &argument = object->begin()->second;
  if (kind == "slice")
    return readSlice(name, argument);
  if (kind == "scale") {
    std::optional<double> factor = argument.getAsNumber();
    if (!factor)
      return refuse(name, "has a scale that is no number");
    return TieStep{TieStep::Scale, {}, {}, {}, *factor};
  }
  std::optional<TieStep::Kind> found;
  if (kind == "transpose")
    found = TieStep::Transpose;
  else if (kind == "reshape")
    found = TieStep::Reshape;
  else if (kind == "reverse")
    found = TieStep::Reverse;
  if (!found)
    return refuse(name, "has a view of the unknown kind \"" + kind + "\"");
  auto numbers = readNumbers(name, &argument, kind);
  if (!numbers)
    return numbers.takeError();
  return TieStep{*found, *numbers, {}, {}, 1};
}

static Expected<Tie> readTie(StringRef name, const json::Value &value) {
  const json::Object *object = value.getAsObject();
  std::optional<StringRef> of =
      object ? object->getString("of") : std::nullopt;
  if (!of)
    return refuse(name, "does not say what it is a tie \"of\"");
  Tie tie;
  tie.name = name.str();
  tie.of = of->str();
  for (const auto &[key, entry] : *object) {
    if (key == "of")
      continue;
    if (key == "tolerance") {
      std::optional<double> tolerance = entry.getAsNumber();
      if (!tolerance || !(*tolerance >= 0))
        return refuse(name, "has a tolerance that is no number from 0 on");
      tie.tolerance = *tolerance;
    } else if (key != "view") {
      return refuse(name, "has the unknown entry \"" + StringRef(key) + "\"");
    } else if (const json::Array *steps = entry.getAsArray()) {
      for (const json::Value &step : *steps) {
        Expected<TieStep> read = readStep(name, step);
        if (!read)
          return read.takeError();
        tie.steps.push_back(*read);
      }
    } else if (entry.getAsString() != StringRef("same")) {
      Expected<TieStep> read = readStep(name, entry);
      if (!read)
        return read.takeError();
      tie.steps.push_back(*read);
    }
  }
  return tie;
}

Expected<std::vector<Tie>> lig::share::parseTies(StringRef text) {
  Expected<json::Value> parsed = lig::parseJson(text, kDeepest);
  if (!parsed)
    return parsed.takeError();
  const json::Object *object = parsed->getAsObject();
  if (!object)
    return createStringError("ties are no JSON object");
  std::vector<Tie> ties;
  for (const auto &[name, value] : *object) {
    Expected<Tie> tie = readTie(name, value);
    if (!tie)
      return tie.takeError();
    ties.push_back(std::move(*tie));
  }
  llvm::sort(ties,
             [](const Tie &a, const Tie &b) { return a.name < b.name; });
  return ties;
}

Expected<size_t> lig::share::countTies(StringRef text) {
  Expected<std::vector<Tie>> ties = parseTies(text);
  if (!ties)
    return ties.takeError();
  return ties->size();
}

Expected<std::string> lig::share::renameTies(
    StringRef text,
    function_ref<std::optional<std::string>(StringRef)> rename,
    SmallVectorImpl<std::string> &dropped) {
  Expected<std::vector<Tie>> ties = parseTies(text);
  if (!ties)
    return ties.takeError();
  // Views are taken over as they stand.
  json::Value parsed = llvm::cantFail(lig::parseJson(text, kDeepest));
  json::Object renamed;
  for (const Tie &tie : *ties) {
    std::optional<std::string> name = rename(tie.name), of = rename(tie.of);
    if (!name || !of) {
      dropped.push_back(tie.name);
      continue;
    }
    json::Object entry = *parsed.getAsObject()->getObject(tie.name);
    entry["of"] = *of;
    renamed[*name] = std::move(entry);
  }
  std::string result;
  if (!renamed.empty())
    llvm::raw_string_ostream(result) << json::Value(std::move(renamed));
  return result;
}
