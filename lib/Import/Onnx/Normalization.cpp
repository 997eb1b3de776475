// Translations of the Normalization operator family.

#include "Operators.h"

#include "Node.h"

using namespace lig::onnx_import;

void lig::onnx_import::addNormalizationOperators(OperatorTable &table) {}
