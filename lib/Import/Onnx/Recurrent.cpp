// Translations of the Recurrent operator family.

#include "Operators.h"

#include "Node.h"

using namespace lig::onnx_import;

void lig::onnx_import::addRecurrentOperators(OperatorTable &table) {}
