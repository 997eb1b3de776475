// The operator families; each adds its translations to the table.
#pragma once

namespace lig::onnx_import {
class OperatorTable;

void addConstantOperators(OperatorTable &table);
void addElementwiseOperators(OperatorTable &table);
void addActivationOperators(OperatorTable &table);
void addReductionOperators(OperatorTable &table);
void addMatrixOperators(OperatorTable &table);
void addConvolutionOperators(OperatorTable &table);
void addPoolingOperators(OperatorTable &table);
void addNormalizationOperators(OperatorTable &table);
void addQuantizationOperators(OperatorTable &table);
void addShapeOperators(OperatorTable &table);
void addMovementOperators(OperatorTable &table);
void addIndexingOperators(OperatorTable &table);
void addSelectionOperators(OperatorTable &table);
void addImageOperators(OperatorTable &table);
void addGenerationOperators(OperatorTable &table);
void addSignalOperators(OperatorTable &table);
void addRecurrentOperators(OperatorTable &table);
void addControlFlowOperators(OperatorTable &table);
} // namespace lig::onnx_import
