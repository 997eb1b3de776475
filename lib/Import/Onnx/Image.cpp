// Translations of the Image operator family.

#include "Operators.h"

#include "Node.h"

using namespace lig::onnx_import;

void lig::onnx_import::addImageOperators(OperatorTable &table) {}
