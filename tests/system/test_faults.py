"""Memory runs out, the disk is full, the database is held or damaged, the clock goes back:
it is said in a sentence, leaves no half-done state behind, and loses nobody."""

import os
import re
import shutil
import subprocess
import threading
import time
import unittest

from fault_case import LONG, MEMBERS, VERBS, FaultCase, FiveVerbs, sample
from support import CONTENT, DONE, FAILED, PARTLY, PROGRAM, Run, query, stop, wait_for
from witness import Ledger


class Memory(FiveVerbs, FaultCase):
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
        self.fresh("mailing resume")
        import_into = shutil.copytree(self.fixture.master, self.folder / "other")
        shells = [self.shell(site) for site in (self.site, import_into)]
        running = [self.start(*VERBS["mailing resume"]),
                   self.start(*VERBS["member import"], site=import_into)]
        time.sleep(3)
        for process in running:
            self.assertIsNone(process.poll(), "it did not wait")
        for shell in shells:
            shell.communicate("ROLLBACK;\n")
        for process in running:
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, DONE, out + err)
        self.server.settle()
        self.assert_everybody_has_it(Ledger(self.site))
        self.assertEqual(len(self.server.taken), MEMBERS)
        self.assertEqual(query(import_into, "SELECT count(*) FROM member")[0][0],
                         MEMBERS + self.NEW)

    def test_a_shell_that_holds_it_for_good_is_named(self):
        for verb in ("member import", "send"):
            with self.subTest(verb=verb):
                self.fresh(verb)
                shell = self.shell(self.site)
                run = self.teataja(*VERBS[verb], status=FAILED)
                self.assertIn("another program holds it; try again", run.err)
                shell.communicate("ROLLBACK;\n")
                self.examine(verb, run)

    def hold_at_the_fifth(self):
        """The server lets four messages pass, and the others once the gate is open."""
        gate = threading.Event()
        self.addCleanup(gate.set)
        self.server.answers = lambda stage, _: (
            gate.wait(30) and None if stage == "DOT" and len(self.server.taken) >= 4 else None)
        return gate

    def test_a_shell_in_the_middle_of_a_send_stops_it_and_loses_nobody(self):
        gate = self.hold_at_the_fifth()
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

    def test_a_clock_set_back_an_hour_during_a_send_changes_nothing(self):
        gate = self.hold_at_the_fifth()
        self.fresh("send")
        sign = self.folder / "back"
        began = time.time()
        process = self.start("send", "kiri", CLOCK_BACK=str(sign),
                             LD_PRELOAD=str(PROGRAM.parents[2] / "tests/clock_back.so"))
        wait_for("the fifth message", lambda: self.server.reached >= 5)
        sign.touch()
        gate.set()
        out, err = process.communicate(timeout=60)
        self.server.settle()
        self.assertEqual(process.returncode, DONE, out + err)
        self.assert_everybody_has_it(Ledger(self.site))
        self.assertEqual(len(self.server.taken), MEMBERS)
        earliest = query(self.site, "SELECT min(done_at) FROM outbox")[0][0]
        self.assertLess(earliest / 1e6, began - 3000, "the clock was not set back")

    def test_a_clock_set_back_an_hour_before_a_resume_changes_nothing(self):
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

    def test_a_database_that_can_only_be_read_is_not_imported_into(self):
        self.fresh("member import")
        var = self.site / "var"
        # Root may write anywhere: only a mount that is read-only keeps it from writing.
        subprocess.run(["mount", "--bind", var, var], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,ro,bind", var], check=True)
            run = self.teataja(*VERBS["member import"], status=FAILED)
        finally:
            subprocess.run(["umount", var], check=True)
        self.assertRegex(run.err, r"^teataja: database .* cannot be written \(check the permissions")
        self.examine("member import", run)

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

    def test_a_disk_that_is_full_for_a_while_delays_and_loses_nobody(self):
        self.reference("mailing resume")
        for left in (0, 36_864, 100_000):
            with self.subTest(bytes=left):
                self.fresh("mailing resume")
                var = self.site / "var"
                shutil.copytree(var, self.folder / "kept")
                subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", var], check=True)
                try:
                    shutil.copytree(self.folder / "kept", var, dirs_exist_ok=True)
                    space = os.statvfs(var)
                    filler = var / "filler"
                    filler.write_bytes(b"x" * (space.f_bavail * space.f_frsize - left))
                    run = self.teataja(*VERBS["mailing resume"], status=FAILED)
                    self.server.settle()
                    self.assertIn("no space left on the disk", run.err, run)
                    filler.unlink()
                    self.examine("mailing resume", run)
                finally:
                    subprocess.run(["umount", var], check=True)
                    shutil.rmtree(self.folder / "kept")


if __name__ == "__main__":
    unittest.main()
