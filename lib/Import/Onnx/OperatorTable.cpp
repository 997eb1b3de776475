// The operator table and its lookup.

#include "Node.h"
#include "Operators.h"

using namespace lig::onnx_import;

void OperatorTable::add(llvm::StringRef name, int since, Translation translate,
                        llvm::StringRef domain) {
  index[(domain + ":" + name).str()].push_back(table.size());
  table.push_back({domain.str(), name.str(), since, translate});
}

Translation OperatorTable::find(llvm::StringRef domain, llvm::StringRef name,
                                int version) const {
  const Entry *best = nullptr;
  auto it = index.find((domain + ":" + name).str());
  if (it == index.end())
    return nullptr;
  for (unsigned i : it->second) {
    const Entry &entry = table[i];
    if (entry.since <= version && (!best || entry.since > best->since))
      best = &entry;
  }
  return best ? best->translate : nullptr;
}

const OperatorTable &OperatorTable::get() {
  static const OperatorTable *table = [] {
    auto *filled = new OperatorTable;
    addConstantOperators(*filled);
    addElementwiseOperators(*filled);
    addActivationOperators(*filled);
    addReductionOperators(*filled);
    addMatrixOperators(*filled);
    addConvolutionOperators(*filled);
    addPoolingOperators(*filled);
    addNormalizationOperators(*filled);
    addQuantizationOperators(*filled);
    addShapeOperators(*filled);
    addMovementOperators(*filled);
    addIndexingOperators(*filled);
    addSelectionOperators(*filled);
    addImageOperators(*filled);
    addGenerationOperators(*filled);
    addSignalOperators(*filled);
    addRecurrentOperators(*filled);
    addControlFlowOperators(*filled);
    return filled;
  }();
  return *table;
}
