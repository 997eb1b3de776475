/// A model compiled into this process.
#ifndef LIGATURE_DRIVER_JITMODEL_H
#define LIGATURE_DRIVER_JITMODEL_H

#include "Ligature/ABI/Model.h"
#include "Ligature/Driver/Driver.h"
#include "Ligature/Emulator/Emulator.h"

namespace lig {

class JitModel {
public:
  /// Runs all phases of a loaded model. Its parameters are embedded. `emulation`
  /// is how kernels run that were compiled for the emulator.
  static llvm::Expected<std::unique_ptr<JitModel>>
  create(Compilation &compilation, const emulator::Options &emulation = {});
  ~JitModel();

  /// For lig_library_from_model; valid as long as this object.
  const lig_model_desc *getModel() const { return description; }

  /// Runs the kernels of a model that was compiled for it; null for others.
  const emulator::Emulator *getEmulator() const;

private:
  JitModel();
  struct Engine;
  std::unique_ptr<Engine> engine;
  const lig_model_desc *description = nullptr;
};

} // namespace lig

#endif // LIGATURE_DRIVER_JITMODEL_H
