/// A model compiled into this process.
#ifndef LIGATURE_DRIVER_JITMODEL_H
#define LIGATURE_DRIVER_JITMODEL_H

#include "Ligature/ABI/Model.h"
#include "Ligature/Driver/Driver.h"

namespace lig {

class JitModel {
public:
  /// Runs all phases of a loaded model. Its parameters are embedded.
  static llvm::Expected<std::unique_ptr<JitModel>>
  create(Compilation &compilation);
  ~JitModel();

  /// For lig_library_from_model; valid as long as this object.
  const lig_model_desc *getModel() const { return description; }

private:
  JitModel();
  struct Engine;
  std::unique_ptr<Engine> engine;
  const lig_model_desc *description = nullptr;
};

} // namespace lig

#endif // LIGATURE_DRIVER_JITMODEL_H
