"""Runs the ```sh blocks of a page, in order, as one script under `set -e`.

The script starts in the repository's root with $OUT naming an empty folder.

  run-page.py PAGE.md ROOT OUT
"""
import os
import re
import shutil
import subprocess
import sys


def main():
    page, root, out = sys.argv[1:]
    with open(page, encoding="utf-8") as file:
        blocks = re.findall(r"^```sh\n(.*?)^```$", file.read(), re.M | re.S)
    if not blocks:
        sys.exit(f"run-page.py: {page} has no commands")
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    script = "set -eux\nulimit -v 12000000\n" + "".join(blocks)
    environment = dict(os.environ, OUT=os.path.abspath(out))
    sys.exit(subprocess.run(["bash", "-c", script], cwd=root, env=environment).returncode)


if __name__ == "__main__":
    main()
