// Two sets of parameters, name by name. Bits are compared, as everywhere here:
// two equal NaNs do not differ, 0.0 and -0.0 do, at the distance 0.

#include "Ligature/Parameters/Commands.h"

#include "PrintName.h"

#include "Ligature/Analysis/ElementComparison.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace lig;
using namespace lig::parameters;

namespace {
struct Change {
  std::string name;
  /// "only in first", "only in second", "type" or "elements".
  StringRef kind;
  const NamedTensor *a, *b;
  Differences elements;
};
} // namespace

static std::vector<Change> compare(const ParameterSet &a, const ParameterSet &b,
                                   MLIRContext &context) {
  std::vector<Change> changes;
  llvm::StringMap<const NamedTensor *> others;
  for (const NamedTensor &tensor : b.tensors)
    others[tensor.name] = &tensor;
  for (const NamedTensor &tensor : a.tensors) {
    const NamedTensor *other = others.lookup(tensor.name);
    others.erase(tensor.name);
    if (!other) {
      changes.push_back({tensor.name, "only in first", &tensor, nullptr, {}});
    } else if (other->dtype != tensor.dtype || other->shape != tensor.shape) {
      changes.push_back({tensor.name, "type", &tensor, other, {}});
    } else {
      Differences found =
          compareElements(tensor.getBytes(context), other->getBytes(context));
      if (found.count)
        changes.push_back({tensor.name, "elements", &tensor, other, found});
    }
  }
  for (const NamedTensor &tensor : b.tensors)
    if (others.contains(tensor.name))
      changes.push_back({tensor.name, "only in second", nullptr, &tensor, {}});
  return changes;
}

static void printText(llvm::raw_ostream &out, const Change &change,
                      const ParameterSet &a, const ParameterSet &b,
                      MLIRContext &context) {
  out << printName(change.name) << ": ";
  if (!change.a || !change.b) {
    const NamedTensor *tensor = change.a ? change.a : change.b;
    out << tensor->describeType() << ", only in "
        << (change.a ? a.path : b.path) << "\n";
  } else if (change.kind == "type") {
    out << change.a->describeType() << " is " << change.b->describeType()
        << "\n";
  } else {
    TensorBytes left = change.a->getBytes(context),
                right = change.b->getBytes(context);
    const Differences &elements = change.elements;
    out << elements.count << " of " << left.type.getNumElements()
        << " elements differ, by at most "
        << llvm::format("%.9g", elements.largest);
    if (elements.withoutDistance)
      out << ", " << elements.withoutDistance << " of them by no number";
    out << "; first " << printPosition(left.type, elements.first) << ": "
        << printElement(left, elements.first) << " is "
        << printElement(right, elements.first) << "\n";
  }
}

static llvm::json::Value toJson(const Change &change, MLIRContext &context) {
  llvm::json::Object object{{"name", llvm::json::fixUTF8(change.name)},
                            {"difference", change.kind}};
  if (change.a)
    object["first"] = change.a->describeType();
  if (change.b)
    object["second"] = change.b->describeType();
  if (change.kind == "elements") {
    TensorBytes left = change.a->getBytes(context),
                right = change.b->getBytes(context);
    int64_t first = change.elements.first;
    object["elements"] = change.elements.count;
    object["without_distance"] = change.elements.withoutDistance;
    // JSON has no infinity.
    object["largest"] =
        std::isfinite(change.elements.largest)
            ? llvm::json::Value(change.elements.largest)
            : llvm::json::Value("inf");
    object["position"] = printPosition(left.type, first);
    object["values"] = llvm::json::Array{printElement(left, first),
                                         printElement(right, first)};
  }
  return object;
}

bool lig::parameters::diff(llvm::raw_ostream &out, const ParameterSet &a,
                           const ParameterSet &b, MLIRContext &context,
                           Style style) {
  std::vector<Change> changes = compare(a, b, context);
  if (style == Style::Json) {
    llvm::json::Array array;
    for (const Change &change : changes)
      array.push_back(toJson(change, context));
    out << llvm::formatv("{0:2}", llvm::json::Value(std::move(array))) << "\n";
    return changes.empty();
  }
  for (const Change &change : changes)
    printText(out, change, a, b, context);
  if (changes.empty())
    out << a.tensors.size() << " parameters, all equal\n";
  else
    out << changes.size() << " parameters differ\n";
  return changes.empty();
}
