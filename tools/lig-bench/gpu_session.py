"""What the parts of `gpu` share: options, the clock, tools that are run, and what
was found, what is wrong and what had to be left out."""
import concurrent.futures
import json
import os
import subprocess
import time


class Session:
    """Results of all parts. A part may take time up to what is kept for those that
    follow (`begin`); it asks before each thing it does (`has_time`) and names what
    it leaves out (`leave_out`)."""

    def __init__(self, options):
        self.options = options
        self.end = self.limit = time.monotonic() + options.minutes * 60
        self.part = ""
        self.results, self.missing, self.wrong = {}, [], []
        self.left_out = {}  # names of what a part had no time for
        self.cells, self.peers = {}, {}  # of networks by wave; versions of runtimes

    def begin(self, part, kept):
        """`kept` seconds remain for what comes later."""
        self.part, self.limit = part, self.end - kept

    def left(self):
        """Seconds of the part in hand."""
        return self.limit - time.monotonic()

    def has_time(self, seconds):
        return self.left() > seconds

    def leave_out(self, what):
        self.left_out.setdefault(self.part, []).append(what)

    def all_missing(self):
        return self.missing + [f"{part}: no time for {', '.join(names)}"
                               for part, names in self.left_out.items()]

    def run(self, tool, *arguments, prefix=(), seconds=120):
        """A tool of the build with the text it prints; TimeoutExpired when neither
        `seconds` nor what is left of the run, and a moment, suffice."""
        left = self.end - time.monotonic() + 5
        return subprocess.run(
            [*prefix, self.options.build / "bin" / tool, *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=max(1, min(seconds, left)))

    def attempt(self, tool, *arguments, **options):
        """What went wrong, in words; empty if nothing did."""
        try:
            done = self.run(tool, *arguments, **options)
        except subprocess.TimeoutExpired as error:
            return f"takes more than {error.timeout:.0f} s"
        return "" if not done.returncode else done.stdout.strip()[-300:] or "fails"

    def lig_run(self, *arguments, device=None, **options):
        return self.attempt("lig-run", f"--device={device or self.options.device}",
                            *arguments, **options)

    def bench(self, *arguments):
        """The JSON object of a measured run on the GPU, or what went wrong."""
        try:
            done = self.run("lig-run", "--device=cuda", *arguments, "--bench",
                            f"--min-time={self.options.seconds}")
        except subprocess.TimeoutExpired as error:
            return {"error": str(error)}
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        return json.loads(lines[-1]) if lines else {"error": done.stdout.strip()[-300:]}

    def compile(self, model, library, flags):
        """What went wrong; the library is there if nothing did."""
        return self.attempt("ligc", "--target=cuda", model, *flags, "-o", library)


def in_parallel(action, items):
    """Results of `action`, in the order of `items`; on all CPUs, none of which
    measures meanwhile."""
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(action, items))
