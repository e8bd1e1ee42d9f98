"""Whatever fails - memory, reading, writing, opening, the database - is said in a
sentence, leaves no half-done state behind, and loses nobody."""

import contextlib
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import threading
import time
import unittest

from support import (CONTENT, DONE, FAILED, PARTLY, Run, query, stop, wait_for, write,
                     write_members)
from witness import Ledger, WitnessCase

LONG = bool(os.environ.get("TEATAJA_LONG"))
MEMBERS = 12
NEW = 300  # rows of the file that is imported

VERBS = {
    "check": ("check",),
    "member import": ("member", "import", "new.csv", "--list", "funding", "--source", "test"),
    "preview": ("preview", "kiri", "--lang", "et", "-o", "view"),
    "send": ("send", "kiri"),
    "mailing resume": ("mailing", "resume", "1"),
}

# What strace lets fail: the calls, and with what.
FAULTS = [
    ("read,pread64", "EIO"),
    ("read,pread64", "EINTR"),
    ("write,pwrite64", "EIO"),
    ("write,pwrite64", "ENOSPC"),
    ("pwrite64", "EINTR"),
    ("fsync,fdatasync", "EIO"),
    ("fsync,fdatasync", "ENOSPC"),
    ("openat", "EIO"),
    ("openat", "ENOSPC"),
    ("fcntl", "EAGAIN"),  # somebody else's lock
]
# What passes by: the call is made again. For good is the shell's part, below.
PASSING = ("EINTR", "EAGAIN")


def sample(first, last, count):
    """All numbers from first to last, or in an ordinary run so many of them."""
    if LONG or last - first < count:
        return list(range(first, last + 1))
    return sorted({first + n * (last - first) // (count - 1) for n in range(count)})


class FaultCase(WitnessCase):
    """One site, copied for every fault; the server counts what was sent."""

    def setUp(self):
        super().setUp()
        self.make_fixture(MEMBERS, 1)
        write_members(self.folder / "new.csv",
                      [(f"uus{n}@naide.example", f"Uus {n}", "et") for n in range(NEW)])
        self.queued = self.folder / "queued"
        shutil.copytree(self.fixture.master, self.queued)
        self.teataja("send", "kiri", "--queue", site=self.queued)
        self.runs = 0

    def fresh(self, verb):
        self.site = self.folder / "site"
        shutil.rmtree(self.site, ignore_errors=True)
        shutil.rmtree(self.folder / "view", ignore_errors=True)
        shutil.copytree(self.queued if verb == "mailing resume" else self.fixture.master,
                        self.site)
        self.server.forget()

    def run_verb(self, verb, prefix=(), **env):
        """Runs the verb on a fresh site; signals and sanitizers' findings fail the test."""
        self.fresh(verb)
        self.runs += 1
        run = self.teataja(*VERBS[verb], status=None, prefix=prefix, **env)
        self.server.settle()
        self.assertIn(run.status, (DONE, FAILED, CONTENT, PARTLY), run)
        return run

    def reference(self, verb):
        """The undisturbed run."""
        run = self.run_verb(verb)
        self.assertEqual(run.status, DONE, run)
        self.view = self.files_of_view()
        self.out = run.out

    def files_of_view(self):
        folder = self.folder / "view"
        # Boundaries and tokens of links are another run's, and fold otherwise.
        return {path.name: path.stat().st_size for path in folder.iterdir()} \
            if folder.is_dir() else {}

    def examine(self, verb, run):
        """Nothing is half done, and who was told 'done' can rely on it."""
        if run.status == DONE:
            self.assertEqual(run.out, self.out, run)
        else:
            self.assertRegex(run.err, r"(?m)^(teataja|[^ ]+(:\d+)*): .{8,}", run)
        if verb == "member import":
            self.examine_import(run)
        elif verb == "preview":
            self.examine_preview(run)
        elif verb in ("send", "mailing resume"):
            self.examine_mailing(run)

    def examine_import(self, run):
        count = query(self.site, "SELECT count(*) FROM member")[0][0]
        on_list = query(self.site, "SELECT count(*) FROM subscription")[0][0]
        # All or nothing; all and 'failed' if the report of it could not be printed.
        expected = [MEMBERS + NEW] if run.status == DONE else [MEMBERS, MEMBERS + NEW]
        self.assertIn(count, expected, run)
        if count > MEMBERS and run.status != DONE:
            self.assertRegex(run.err, "said above|standard output", run)
        self.assertEqual(on_list, count, run)

    def examine_preview(self, run):
        files = self.files_of_view()
        if run.status == DONE:
            self.assertEqual(set(files), set(self.view), run)
        for name, size in files.items():
            self.assertIn(name, self.view, run)
            self.assertLess(abs(size - self.view[name]), 64, f"{name} is half written\n{run}")

    def examine_mailing(self, run):
        """The ledger's word against the server's; then the next attempt ends it."""
        taken = set(self.server.addresses())
        ledger = Ledger(self.site)
        sent = ledger.addresses("sent")
        self.assertLessEqual(sent, taken, run)
        self.assertLessEqual(taken - sent, ledger.addresses("unknown", "committing"),
                             f"sent, and the ledger does not know it\n{run}")
        self.assertIn(len(ledger.rows), (0, MEMBERS), run)
        if run.status == DONE:
            self.assertEqual(sent, self.everyone, run)
            return
        if ledger.state() in (None, "expanding"):
            self.teataja("send", "kiri", now=in_ten_minutes())
        else:
            self.teataja("mailing", "resume", "1")
        self.server.settle()
        ledger = Ledger(self.site)
        self.assert_everybody_has_it(ledger)
        self.assertLessEqual(self.assert_doubles_were_named(ledger), 1)


def in_ten_minutes():
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 600))


class Memory(FaultCase):
    def setUp(self):
        super().setUp()
        probe = self.teataja("check", site=self.fixture.master, status=None,
                             TEATAJA_TEST_FAIL_ALLOC="1+")
        if probe.status == DONE:
            self.skipTest("built without TEATAJA_TEST_HOOKS")

    def sweep(self, verb):
        self.reference(verb)
        told = self.run_verb(verb, TEATAJA_TEST_FAIL_ALLOC="0").err
        total = int(re.search(r"(\d+) allocations", told).group(1))
        for number in sample(1, total, 40):
            for wish in (str(number), f"{number}+") if LONG else (f"{number}{'+' * (number % 2)}",):
                with self.subTest(verb=verb, allocation=wish, of=total):
                    run = self.run_verb(verb, TEATAJA_TEST_FAIL_ALLOC=wish)
                    if run.status != DONE:
                        self.assertIn("memory", run.err, run)
                    self.examine(verb, run)
        print(f"{verb}: {self.runs} runs, {total} allocations", flush=True)

    def test_check(self):
        self.sweep("check")

    def test_import(self):
        self.sweep("member import")

    def test_preview(self):
        self.sweep("preview")

    def test_send(self):
        self.sweep("send")

    def test_resume(self):
        self.sweep("mailing resume")


class Files(FaultCase):
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
        for calls, error in FAULTS:
            self.fresh(verb)
            # Before main() the dynamic linker reads and opens: that is not ours.
            first = self.count(calls, "--version") + 1
            last = self.count(calls, *VERBS[verb])
            for number in sample(first, last, per_fault):
                for when in (f"{number}", f"{number}+") if LONG else \
                        (f"{number}{'+' * (number % 2)}",):
                    if error in PASSING and when.endswith("+"):
                        continue
                    with self.subTest(verb=verb, calls=calls, error=error, when=when, of=last):
                        self.one(verb, calls, error, when)
        print(f"{verb}: {self.runs} runs", flush=True)

    def one(self, verb, calls, error, when):
        run = self.run_verb(verb, ("strace", "-f", "-qq", "--seccomp-bpf", "-e",
                                   f"trace={calls}", "-e", f"inject={calls}:error={error}:when={when}",
                                   "-e", "signal=none", "-o", "/dev/null"),
                            ASAN_OPTIONS="detect_leaks=0")
        if error == "EINTR":
            self.assertEqual(run.status, DONE, run)
        self.examine(verb, run)

    def test_check(self):
        self.sweep("check")

    def test_import(self):
        self.sweep("member import")

    def test_preview(self):
        self.sweep("preview")

    def test_send(self):
        self.sweep("send")

    def test_resume(self):
        self.sweep("mailing resume")


class Database(FaultCase):
    def shell(self, site):
        """A person's sqlite3 that holds the database."""
        shell = subprocess.Popen(["sqlite3", str(site / "var/teataja.db")], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
        self.addCleanup(stop, shell)
        shell.stdin.write("BEGIN EXCLUSIVE; SELECT 'held';\n")
        shell.stdin.flush()
        self.assertEqual(shell.stdout.readline(), "held\n")
        return shell

    def test_what_a_shell_holds_is_waited_for(self):
        self.fresh("member import")
        shell = self.shell(self.site)
        threading.Timer(1.5, shell.communicate, ("ROLLBACK;\n",)).start()
        self.out = None
        run = self.teataja(*VERBS["member import"])
        self.assertEqual(query(self.site, "SELECT count(*) FROM member")[0][0], MEMBERS + NEW, run)

    def test_a_shell_that_holds_it_for_good_is_named(self):
        for verb in ("member import", "send"):
            with self.subTest(verb=verb):
                self.fresh(verb)
                shell = self.shell(self.site)
                run = self.teataja(*VERBS[verb], status=FAILED)
                self.assertIn("another program holds it; try again", run.err)
                shell.communicate("ROLLBACK;\n")
                self.examine(verb, run)

    def test_a_shell_in_the_middle_of_a_send_stops_it_and_loses_nobody(self):
        gate = threading.Event()
        self.addCleanup(gate.set)
        self.server.answers = lambda stage, _: (
            gate.wait(30) and None if stage == "DOT" and len(self.server.taken) >= 4 else None)
        self.fresh("send")
        process = self.start("send", "kiri")
        wait_for("the fifth message", lambda: self.server.reached >= 5)
        shell = self.shell(self.site)
        gate.set()
        out, err = (text.decode() for text in process.communicate(timeout=60))
        self.server.settle()
        shell.communicate("ROLLBACK;\n")
        run = Run(process.returncode, out, err)
        self.assertEqual(run.status, FAILED, run)
        self.assertIn("another program holds it", run.err)
        self.assertIn("teataja mailing resume 1", run.err)
        self.examine("send", run)

    def test_a_page_that_is_garbage_is_corruption_not_a_crash(self):
        for verb in ("member import", "send", "mailing resume", "preview"):
            self.fresh(verb)
            pages = (self.site / "var/teataja.db").stat().st_size // 4096
            for page in sample(0, pages - 1, 12):
                with self.subTest(verb=verb, page=page):
                    self.fresh(verb)
                    with open(self.site / "var/teataja.db", "r+b") as file:
                        file.seek(page * 4096 + (100 if page == 0 else 0))
                        file.write(os.urandom(1000))
                    run = self.teataja(*VERBS[verb], status=None)
                    self.server.settle()
                    self.assertIn(run.status, (DONE, FAILED, CONTENT, PARTLY), run)
                    if run.status != DONE:
                        self.assertRegex(run.err, r"(?m)^teataja: .{8,}", run)
                    self.assertLessEqual(len(self.server.taken), MEMBERS)

    def test_a_clock_set_back_an_hour_changes_nothing(self):
        self.fresh("send")
        process = self.start("send", "kiri")
        wait_for("a few messages", lambda: len(self.server.taken) >= 3)
        process.kill()
        process.communicate(timeout=60)
        self.server.settle()
        back = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - 3600))
        self.teataja("mailing", "resume", "1", now=back)
        self.server.settle()
        ledger = Ledger(self.site)
        self.assert_everybody_has_it(ledger)
        self.assertLessEqual(len(self.server.taken), MEMBERS + 1)
        run = self.teataja("send", "kiri", status=FAILED, now=back)
        self.assertIn("is mailing 1 already", run.err)
        self.teataja(*VERBS["member import"], now=back)

    def test_a_disk_that_fills_while_sending_stops_it_and_loses_nobody(self):
        for number in sample(30, 150, 6):
            with self.subTest(write=number):
                run = self.run_verb(
                    "mailing resume",
                    ("strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=pwrite64,ftruncate",
                     "-e", f"inject=pwrite64:error=ENOSPC:when={number}+", "-e", "signal=none",
                     "-o", "/dev/null"), ASAN_OPTIONS="detect_leaks=0")
                if run.status != DONE:
                    self.assertIn("no space left on the disk", run.err, run)
                self.out = run.out
                self.examine("mailing resume", run)


if __name__ == "__main__":
    unittest.main()
