// A hand-made model as the compiler would describe it, with the parameters
// w: 2x2 f32 and b: 2 f32, 64 bytes apart. Entry points:
//   linear(x: 2 f32) -> y: 2 f32 = w x + b
//   nonzero(x: 4 f32) -> indices: up to 4 i64, by position
//   broken(status: 1 i32) -> none, fails with the status it is given
#ifndef LIGATURE_TEST_UNITTESTS_RUNTIME_TESTMODEL_H
#define LIGATURE_TEST_UNITTESTS_RUNTIME_TESTMODEL_H

#include "Ligature/ABI/Runtime.h"
#include "ParameterFiles.h"

#include <cstring>

namespace lig::test {

inline int32_t runLinear(const void *const *inputs, void *const *outputs,
                         const uint8_t *params, uint8_t *arena, int64_t *,
                         const lig_parallel *) {
  auto *x = static_cast<const float *>(inputs[0]);
  auto *w = reinterpret_cast<const float *>(params);
  auto *b = reinterpret_cast<const float *>(params + 64);
  auto *scratch = reinterpret_cast<float *>(arena);
  auto *y = static_cast<float *>(outputs[0]);
  for (int i = 0; i < 2; ++i)
    scratch[i] = w[2 * i] * x[0] + w[2 * i + 1] * x[1];
  for (int i = 0; i < 2; ++i)
    y[i] = scratch[i] + b[i];
  return LIG_OK;
}

inline int32_t runNonzero(const void *const *inputs, void *const *outputs,
                          const uint8_t *, uint8_t *, int64_t *dims,
                          const lig_parallel *) {
  auto *x = static_cast<const float *>(inputs[0]);
  auto *indices = static_cast<int64_t *>(outputs[0]);
  int64_t count = 0;
  for (int64_t i = 0; i < 4; ++i)
    if (x[i] != 0)
      indices[count++] = i;
  dims[0] = count;
  return LIG_OK;
}

inline int32_t runBroken(const void *const *inputs, void *const *,
                         const uint8_t *, uint8_t *, int64_t *,
                         const lig_parallel *) {
  return *static_cast<const int32_t *>(inputs[0]);
}

struct TestModel {
  int64_t one[1] = {1}, two[1] = {2}, four[1] = {4}, matrix[2] = {2, 2};
  uint8_t dynamic[1] = {1};
  lig_tensor_desc x = {"x", two, nullptr, 8, LIG_F32, 1};
  lig_tensor_desc y = {"y", two, nullptr, 8, LIG_F32, 1};
  lig_tensor_desc sparse = {"x", four, nullptr, 16, LIG_F32, 1};
  lig_tensor_desc indices = {"indices", four, dynamic, 32, LIG_I64, 1};
  lig_tensor_desc status = {"status", one, nullptr, 4, LIG_I32, 1};
  lig_entry_desc entries[3] = {
      {"linear", &x, &y, 1, 1, 128, 8, runLinear, nullptr},
      {"nonzero", &sparse, &indices, 1, 1, 0, 0, runNonzero, nullptr},
      {"broken", &status, nullptr, 1, 0, 64, 64, runBroken, nullptr}};
  lig_param_desc paramDescs[2] = {{"w", matrix, 0, 16, LIG_F32, 2, 1, 0},
                                  {"b", two, 64, 8, LIG_F32, 1, 1, 0}};
  lig_params_desc params = {nullptr, "model.params", 256, 72,
                            {0},     paramDescs,     2,   0};
  lig_model_desc model = {LIG_ABI_VERSION, 3, "test", "hand", &params, entries, nullptr};

  std::string digest() const { return "ab" + std::string(62, '0'); }
  TestModel() {
    params.digest[0] = 0xab;
    params.data_offset = goodFile().size() - params.data_bytes;
  }
  /// w = [[1, 2], [3, 4]], b = [10, 20].
  std::string goodData() const {
    std::string data(72, '\0');
    float w[] = {1, 2, 3, 4}, b[] = {10, 20};
    memcpy(&data[0], w, sizeof(w));
    memcpy(&data[64], b, sizeof(b));
    return data;
  }
  std::string goodFile() const {
    return makeFile("{" + metadata(digest()) + "," +
                        tensor("w", "F32", "2,2", "0", "16") + "," +
                        tensor("ligature.pad.0", "U8", "48", "16", "64") + "," +
                        tensor("b", "F32", "2", "64", "72") + "}",
                    goodData());
  }
};

} // namespace lig::test

#endif // LIGATURE_TEST_UNITTESTS_RUNTIME_TESTMODEL_H
