"""A file, a pipe or a socket fails, is interrupted, or moves less than was asked for: it is
said in a sentence, leaves no half-done state behind, and loses nobody."""

import re
import unittest

import syscalls
from fault_case import LONG, VERBS, FaultCase, FiveVerbs, sample
from support import DONE, Run, environment

# What strace lets fail: the calls, and with what. What passes by is done again, and nobody
# hears of it; for good it is not of this world, or the shell's part, below.
PASSES_BY = True
FAULTS = [
    ("read,pread64", "EIO", False),
    ("write,pwrite64", "EIO", False),
    ("write,pwrite64", "ENOSPC", False),
    ("fsync,fdatasync", "EIO", False),
    ("fsync,fdatasync", "ENOSPC", False),
    ("openat", "EIO", False),
    ("openat", "ENOSPC", False),
    ("fcntl", "EAGAIN", PASSES_BY),  # somebody else's lock
    ("read,pread64,pwrite64,fcntl,ftruncate,poll,sendto,recvfrom,connect", "EINTR", PASSES_BY),
    ("openat,write,fsync,fdatasync", "EINTR", False),  # of network file systems only
]


class Files(FiveVerbs, FaultCase):
    """The k-th read, write, fsync or open of a thread fails, once or from then on."""

    def count(self, calls, *verb):
        """(calls of that kind, made by the thread that makes the most)"""
        trace = self.folder / "count"
        self.teataja(*verb, prefix=("strace", "-ff", "--seccomp-bpf", "-e", f"trace={calls}", "-e",
                                    "signal=none", "-o", str(trace)), ASAN_OPTIONS="detect_leaks=0")
        most = 0
        for path in self.folder.glob("count.*"):
            most = max(most, sum(not line.startswith("+++")
                                 for line in path.read_text().splitlines()))
            path.unlink()
        return most

    def sweep(self, verb):
        self.reference(verb)
        per_fault = 5
        for calls, error, passes in FAULTS:
            self.fresh(verb)
            # Before main() the dynamic linker reads and opens: that is not ours.
            first = self.count(calls, "--version") + 1
            last = self.count(calls, *VERBS[verb])
            for n, number in enumerate(sample(first, last, per_fault)):
                once, for_good = f"{number}", f"{number}+"
                if passes or error == "EINTR":
                    moments = (once,)
                elif LONG:
                    moments = (once, for_good)
                else:
                    moments = (for_good if n % 2 else once,)
                for when in moments:
                    with self.subTest(verb=verb, calls=calls, error=error, when=when, of=last):
                        self.one(verb, calls, error, when, passes)
        print(f"{verb}: {self.runs} runs", flush=True)

    def one(self, verb, calls, error, when, passes):
        trace = self.folder / "trace"
        run = self.run_verb(verb, ("strace", "-f", "-qq", "--seccomp-bpf", "-e",
                                   f"trace={calls}", "-e", f"inject={calls}:error={error}:when={when}",
                                   "-e", "signal=none", "-o", str(trace)),
                            ASAN_OPTIONS="detect_leaks=0")
        # No kernel refuses to give a lock back, or to tell who holds it for want of it; what
        # SQLite makes of that is not looked at.
        refused = re.search(r"(F_UNLCK|F_GETLK).*EAGAIN.*INJECTED", trace.read_text())
        if passes and not refused:
            self.assertEqual(run.status, DONE, run)
        self.examine(verb, run, mute="write" in calls and when.endswith("+"))

class Short(FiveVerbs, FaultCase):
    """The k-th read or write moves half of what was asked for, once or from then on: the
    rest follows, and nobody can tell."""

    def shorten(self, line, number, for_good=False):
        status, calls = syscalls.shorten_at(line, number, for_good,
                                            environment(ASAN_OPTIONS="detect_leaks=0"), self.folder)
        self.server.settle()
        return Run(status, *syscalls.output_of(self.folder)), calls

    def sweep(self, verb):
        self.reference(verb)
        # The dynamic linker's reads are not ours; the last one is the version's line.
        _, first = self.shorten(self.command("--version"), 0)
        self.fresh(verb)
        line = self.command(*VERBS[verb], site=self.site)
        _, last = self.shorten(line, 0)
        for n, number in enumerate(sample(first, last, 10)):
            for for_good in (False, True) if LONG else (bool(n % 2),):
                with self.subTest(verb=verb, call=number, for_good=for_good, of=last):
                    self.fresh(verb)
                    self.runs += 1
                    run, _ = self.shorten(line, number, for_good)
                    self.assertEqual(run.status, DONE, run)
                    self.examine(verb, run)
        print(f"{verb}: {self.runs} runs, {last} reads and writes", flush=True)

if __name__ == "__main__":
    unittest.main()
