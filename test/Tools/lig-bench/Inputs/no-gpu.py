"""Runs a command with no GPU in sight; prints what it says and its exit code."""
import os
import subprocess
import sys

done = subprocess.run([sys.executable, *sys.argv[1:]], env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
print(done.stdout, end="")
print("exit code", done.returncode)
