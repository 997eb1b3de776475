"""Lists a parameter file by the examples' reader: read-parameters.py EXAMPLES FILE"""
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import safetensors_file  # noqa: E402

for name, values in sorted(safetensors_file.load(sys.argv[2]).items()):
    if not name.startswith("ligature.pad."):
        print(name, values.shape)
