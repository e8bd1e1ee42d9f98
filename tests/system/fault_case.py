"""One site, copied for every fault: what a run may say of it, and what it may leave behind."""

import os
import shutil

from support import CONTENT, DONE, FAILED, PARTLY, query, write_members
from witness import Ledger, WitnessCase

LONG = bool(os.environ.get("TEATAJA_LONG"))
MEMBERS = 12

VERBS = {
    "check": ("check",),
    "member import": ("member", "import", "new.csv", "--list", "funding", "--source", "test"),
    "preview": ("preview", "kiri", "--lang", "et", "-o", "view"),
    "send": ("send", "kiri"),
    "mailing resume": ("mailing", "resume", "1"),
    "mailing show": ("mailing", "show", "1"),
    "segment count": ("segment", "count", "language = et"),
}
# These need a mailing that is there.
QUEUED = ("mailing resume", "mailing show")


def sample(first, last, count):
    """All numbers from first to last, or in an ordinary run so many of them."""
    if LONG or last - first < count:
        return list(range(first, last + 1))
    return sorted({first + n * (last - first) // (count - 1) for n in range(count)})


class FaultCase(WitnessCase):
    """One site, copied for every fault; the server counts what was sent."""

    NEW = 300  # rows of the file that is imported

    def setUp(self):
        super().setUp()
        self.make_fixture(MEMBERS, 1)
        write_members(self.folder / "new.csv",
                      [(f"uus{n}@naide.example", f"Uus {n}", "et") for n in range(self.NEW)])
        self.queued = self.folder / "queued"
        shutil.copytree(self.fixture.master, self.queued)
        self.teataja("send", "kiri", "--queue", site=self.queued)
        self.runs = 0

    def fresh(self, verb):
        self.site = self.folder / "site"
        shutil.rmtree(self.site, ignore_errors=True)
        shutil.rmtree(self.folder / "view", ignore_errors=True)
        shutil.copytree(self.queued if verb in QUEUED else self.fixture.master,
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

    def examine(self, verb, run, mute=False):
        """Nothing is half done, and who was told 'done' can rely on it; with `mute` nothing
        can be written, not even why."""
        if run.status == DONE:
            self.assertEqual(run.out, self.out, run)
        elif not (mute and run.err == ""):
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
        expected = [MEMBERS + self.NEW] if run.status == DONE else [MEMBERS, MEMBERS + self.NEW]
        self.assertIn(count, expected, run)
        if count > MEMBERS and run.status != DONE and run.err != "":
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
            self.teataja("send", "kiri")
        else:
            self.teataja("mailing", "resume", "1")
        self.server.settle()
        ledger = Ledger(self.site)
        self.assert_everybody_has_it(ledger)
        self.assertLessEqual(self.assert_doubles_were_named(ledger), 1)


class Writers:
    """Tests of a case that has sweep(verb): the verbs that write."""

    def test_import(self):
        self.sweep("member import")

    def test_preview(self):
        self.sweep("preview")

    def test_send(self):
        self.sweep("send")

    def test_resume(self):
        self.sweep("mailing resume")


class FiveVerbs(Writers):
    """These and the one that only reads."""

    def test_check(self):
        self.sweep("check")
