"""Starting workers and talking to them."""
import json
import os
import pathlib
import select
import subprocess
import time

FOLDER = pathlib.Path(__file__).resolve().parent
DEBIAN_PYTHON = "/usr/bin/python3"


def module_of(peer):
    """The module of a column: "ligature --weights=int8" is Ligature with an option."""
    return peer.split()[0]


def options_of(peer):
    return peer.split()[1:]


def is_own(peer):
    return module_of(peer) == "ligature"


class PeerError(Exception):
    """What a worker said that went wrong."""


class Process:
    """A worker of `peer`, pinned to as many CPUs as it may use threads."""

    def __init__(self, peer, python, cpus, log, environment=()):
        self.peer, self.timeout = peer, 300
        self.log = open(log, "a", encoding="utf-8")
        threads = str(len(cpus))
        self.process = subprocess.Popen(
            [python, str(FOLDER / "worker.py"), module_of(peer)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
            env={**os.environ, **dict(environment), "OMP_NUM_THREADS": threads},
            preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        try:
            self.version = self.read()["version"]
        except PeerError:
            self.close()
            raise

    def ask(self, do, **arguments):
        self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self.process.stdin.flush()
        return self.read()

    def read(self):
        end = time.monotonic() + self.timeout
        while not select.select([self.process.stdout], [], [], 1)[0]:
            if time.monotonic() > end:
                self.process.kill()
                raise PeerError(f"no answer in {self.timeout} s")
        line = self.process.stdout.readline()
        if not line:
            raise PeerError(f"died with status {self.process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer

    def close(self):
        try:
            self.process.stdin.close()
            self.process.wait(timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()


def find_python(peer, peers_folder):
    """The Python that has the peer's packages; Debian's for Ligature itself."""
    return DEBIAN_PYTHON if is_own(peer) else str(peers_folder / "bin" / "python3")


def available(peers, peers_folder, log, environment):
    """{peer: version} of those whose library loads; says which do not."""
    found = {}
    for peer in peers:
        try:
            process = Process(peer, find_python(peer, peers_folder),
                              os.sched_getaffinity(0), log, environment)
            found[peer] = process.version
            process.close()
        except (PeerError, OSError) as error:
            print(f"lig-bench: no {peer}: {error}")
    return found
