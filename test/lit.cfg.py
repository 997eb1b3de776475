# How every text test runs: our tools and LLVM's on the path, memory and time
# capped, so that a diverging pattern set fails a test and not the machine.
import os
import shutil

import lit.formats

config.name = "Ligature"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "Conformance", "Models", "Install", "unittests", "Fuzz"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.ligature_obj_root, "test")
config.environment["PATH"] = os.pathsep.join(
    [
        os.path.join(config.ligature_obj_root, "bin"),
        config.llvm_tools_dir,
        os.environ.get("PATH", ""),
    ]
)
config.environment["OMP_NUM_THREADS"] = "1"
config.substitutions.append(("%shlibext", config.shlib_suffix))
config.substitutions.append(
    ("%llvm_lib", os.path.join(os.path.dirname(config.llvm_tools_dir), "lib"))
)
config.substitutions.append(("%src_root", config.ligature_src_root))
config.substitutions.append(("%obj_root", config.ligature_obj_root))
# The toolkit's assembler, where it is installed.
ptxas = next(filter(None, (shutil.which("ptxas"), shutil.which("ptxas", path="/usr/local/cuda/bin"))), None)
if ptxas:
    config.available_features.add("ptxas")
    config.substitutions.append(("%ptxas", ptxas))
config.substitutions.append(("%python", "/usr/bin/python3"))
lit_config.maxIndividualTestTime = 120
