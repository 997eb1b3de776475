// Translations of the Convolution operator family.

#include "Operators.h"

#include "Node.h"

using namespace lig::onnx_import;

void lig::onnx_import::addConvolutionOperators(OperatorTable &table) {}
