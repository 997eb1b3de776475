// Einsum: labels become dimensions of one sum of products. An ellipsis stands
// for as many labels as an operand has dimensions left; they broadcast from the
// right.

#include "Einsum.h"

#include "Contract.h"

#include "llvm/ADT/StringExtras.h"

#include <map>

using namespace mlir;
using namespace lig::onnx_import;

namespace {
/// A label: a letter, or 1000 + i for the i-th last dimension of an ellipsis.
using Label = int;
using Labels = SmallVector<Label>;
constexpr Label firstEllipsis = 1000;

struct Equation {
  SmallVector<Labels> operands;
  Labels result;
};
} // namespace

static void appendEllipsis(Labels &labels, int64_t count) {
  for (int64_t i = count; i-- > 0;)
    labels.push_back(firstEllipsis + i);
}

/// One term as labels, where an ellipsis has `ellipsis` dimensions.
static FailureOr<Labels> parseTerm(StringRef term, int64_t ellipsis) {
  Labels labels;
  while (!term.empty()) {
    if (term.consume_front("...")) {
      appendEllipsis(labels, ellipsis);
      continue;
    }
    if (!llvm::isAlpha(term.front()))
      return failure();
    labels.push_back(term.front());
    term = term.drop_front();
  }
  return labels;
}

static FailureOr<Equation> parseEquation(Node &node) {
  std::string text;
  for (char c : node.stringAttribute("equation", ""))
    if (c != ' ')
      text += c;
  auto [left, right] = StringRef(text).split("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != node.numInputs())
    return node.error() << "the equation '" << text << "' has " << terms.size()
                        << " operands, but the node " << node.numInputs();
  Equation equation;
  int64_t longest = 0;
  for (auto [i, term] : llvm::enumerate(terms)) {
    int64_t letters = llvm::count_if(term, llvm::isAlpha);
    int64_t left = term.contains("...") ? node.type(i).getRank() - letters : 0;
    longest = std::max(longest, left);
    FailureOr<Labels> labels =
        left < 0 ? FailureOr<Labels>(failure()) : parseTerm(term, left);
    if (failed(labels) ||
        static_cast<int64_t>(labels->size()) != node.type(i).getRank())
      return node.error() << "the term '" << term << "' does not fit input "
                          << i << ", which is " << node.type(i);
    equation.operands.push_back(*labels);
  }
  if (StringRef(text).contains("->")) {
    FailureOr<Labels> labels = parseTerm(right, longest);
    if (failed(labels))
      return node.error() << "the result '" << right << "' is no term";
    equation.result = *labels;
    return equation;
  }
  // Without a result: the ellipsis, then labels that occur once, sorted.
  std::map<Label, int> counts;
  for (const Labels &labels : equation.operands)
    for (Label label : labels)
      ++counts[label];
  appendEllipsis(equation.result, longest);
  for (auto [label, count] : counts)
    if (count == 1 && label < firstEllipsis)
      equation.result.push_back(label);
  return equation;
}

LogicalResult lig::onnx_import::translateEinsum(Node &node) {
  FailureOr<Equation> equation = parseEquation(node);
  if (failed(equation))
    return failure();
  // The result's labels come first, as the iteration space wants them.
  std::map<Label, int64_t> places;
  SmallVector<int64_t> extents;
  auto place = [&](Label label) {
    auto [it, fresh] = places.try_emplace(label, extents.size());
    if (fresh)
      extents.push_back(1);
    return it->second;
  };
  for (Label label : equation->result)
    if (!places.try_emplace(label, extents.size()).second)
      return node.error() << "the result has a label twice";
    else
      extents.push_back(1);
  SmallVector<Value> operands;
  SmallVector<Subscripts> subscripts;
  for (auto [i, labels] : llvm::enumerate(equation->operands)) {
    Subscripts own;
    for (auto [label, extent] : llvm::zip(labels, node.shape(i))) {
      int64_t at = place(label);
      own.push_back(at);
      if (extents[at] != 1 && extent != 1 && extents[at] != extent)
        return node.error() << "a label of input " << i << " has extent "
                            << extent << ", but " << extents[at] << " before";
      extents[at] = std::max(extents[at], extent);
      if (extent == 0)
        extents[at] = 0;
    }
    operands.push_back(node.input(i));
    subscripts.push_back(own);
  }
  node.setOutput(0,
                 contract(node.builder(), node.loc(), operands, subscripts,
                          extents, equation->result.size(),
                          node.elementType(0)),
                 node.isUnsigned(0));
  return success();
}
