// A bias is where accumulation starts and an activation is applied before the
// result leaves the registers: both would otherwise walk the whole output once
// more.

#include "Stages.h"
#include "Body.h"

using namespace mlir;

namespace lig::codegen::cpu {

SmallVector<Value> startValues(Emitter &e, const Tile &tile,
                               const Position &position) {
  SmallVector<Value> result;
  for (unsigned output = 0; output < e.nest.numOutputs; ++output) {
    SmallVector<Value> values;
    if (e.nest.startsAtZero) {
      Type element = e.nest.accesses[e.nest.numInputs + output].element;
      Value zero = e.constant(cast<TypedAttr>(e.b.getZeroAttr(element)));
      values.assign(tile.size(), zero);
    } else if (const std::optional<Stage> &start = e.nest.starts[output]) {
      SmallVector<Binding> bindings;
      for (int source : start->sources)
        bindings.push_back({source, {}});
      values = Body(e, tile, position, start->body, bindings).yields();
    } else {
      unsigned access = e.nest.numInputs + output;
      for (int64_t row = 0; row < tile.rows; ++row)
        for (int64_t column = 0; column < tile.columns; ++column)
          values.push_back(e.load(access,
                                  e.offset(access, position, tile, row, column),
                                  /*laneStride=*/1, tile.lanes,
                                  tile.activeIn(column)));
    }
    for (Value value : values)
      result.push_back(e.splat(value, tile.lanes));
  }
  return result;
}

SmallVector<Value> runBody(Emitter &e, const Tile &tile,
                           const Position &position, ValueRange carried) {
  SmallVector<Binding> bindings;
  for (int i = 0; i < int(e.nest.numInputs + e.nest.numOutputs); ++i) {
    int output = i - int(e.nest.numInputs);
    if (output < 0 || carried.empty())
      bindings.push_back({i, {}});
    else
      bindings.push_back(
          {-1, carried.slice(output * tile.size(), tile.size())});
  }
  SmallVector<Value> results =
      Body(e, tile, position, e.nest.body(), bindings).yields();
  if (!carried.empty())
    for (Value &result : results)
      result = e.splat(result, tile.lanes);
  return results;
}

/// Runs `stages`, whose results are added to `values`.
static void runStages(Emitter &e, const Tile &tile, const Position &position,
                      ArrayRef<Stage> stages, SmallVector<Value> &values) {
  for (const Stage &stage : stages) {
    SmallVector<Binding> bindings;
    for (int source : stage.sources) {
      if (source >= 0)
        bindings.push_back({source, {}});
      else
        bindings.push_back(
            {-1, ArrayRef(values).slice((-1 - source) * tile.size(),
                                        tile.size())});
    }
    SmallVector<Value> next =
        Body(e, tile, position, stage.body, bindings).yields();
    values.append(next);
  }
}

/// The columns of a result, one after another.
static SmallVector<Value> cutColumns(const Tile &tile, ArrayRef<Value> values) {
  SmallVector<Value> result;
  for (int64_t column = 0; column < tile.columns; ++column)
    for (int64_t row = 0; row < tile.rows; ++row)
      result.push_back(values[row * tile.columns + column]);
  return result;
}

void finish(Emitter &e, Tile tile, const Position &position,
            ArrayRef<Value> results) {
  SmallVector<Value> values(results);
  runStages(e, tile, position, e.nest.ends, values);
  if (const std::optional<Gates> &gates = e.nest.gates) {
    values = cutColumns(tile, ArrayRef(values).slice(
                                  gates->result * tile.size(), tile.size()));
    tile.columnLoop = -1;
    tile.columns = 1;
    runStages(e, tile, position, gates->stages, values);
  }
  for (Store store : e.nest.stores)
    for (int64_t i = 0; i < tile.size(); ++i) {
      int64_t row = i / tile.columns, column = i % tile.columns;
      e.store(values[store.result * tile.size() + i], store.access,
              e.offset(store.access, position, tile, row, column), tile.lanes,
              tile.activeIn(column));
    }
}

} // namespace lig::codegen::cpu
