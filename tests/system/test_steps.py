"""The k-th statement step of the database fails: somebody else writes, the disk is full or
broken, the file is damaged. It is said in a sentence, nothing is half done, nobody is lost."""

import collections
import re
import unittest

from fault_case import LONG, MEMBERS, FaultCase, Writers, sample
from support import DONE, query
from witness import Ledger

# What the step answers, and how a person is told.
CAUSES = {
    "busy": "another program holds it; try again",
    "full": "no space left on the disk",
    "ioerr": "disk I/O error",
    "corrupt": "restore a backup",
}
RUNS = 24  # of a verb, unless TEATAJA_LONG asks for each step with each cause


class Steps(Writers, FaultCase):
    NEW = 40

    def setUp(self):
        super().setUp()
        probe = self.teataja("segment", "count", "language = et", site=self.fixture.master,
                             status=None, TEATAJA_TEST_FAIL_STEP="1+:busy")
        if probe.status == DONE:
            self.skipTest("built without TEATAJA_TEST_HOOKS")

    def wishes(self, total):
        """(step, cause) of each run; "7+" is the seventh and every later one."""
        every = [(f"{number}{more}", cause) for number in range(1, total + 1)
                 for more in ("", "+") for cause in CAUSES]
        if LONG:
            return every
        # A step of its own for each run, the causes and the rest in turn.
        return [(f"{number}{'+' * (n // 4 % 2)}", list(CAUSES)[n % 4])
                for n, number in enumerate(sample(1, total, RUNS))]

    def sweep(self, verb):
        self.reference(verb)
        told = self.run_verb(verb, TEATAJA_TEST_FAIL_STEP="0").err
        total = int(re.search(r"(\d+) steps", told).group(1))
        ends = collections.Counter()
        for step, cause in self.wishes(total):
            with self.subTest(verb=verb, step=step, cause=cause, of=total):
                run = self.run_verb(verb, TEATAJA_TEST_FAIL_STEP=f"{step}:{cause}")
                ends[run.status] += 1
                if run.status != DONE:
                    self.assert_told(cause, run)
                    self.assert_way_on_is_told(verb, run)
                self.examine(verb, run)
                if verb == "member import" and run.status != DONE:
                    self.assert_import_can_be_repeated()
        print(f"{verb}: {sum(ends.values())} runs, {total} steps, statuses {dict(ends)}",
              flush=True)

    def assert_told(self, cause, run):
        """One sentence, of this cause and of no other."""
        told = [line for line in run.err.splitlines() if line.startswith("teataja: ")]
        self.assertEqual(len(told), 1, run)
        self.assertIn(CAUSES[cause], told[0], run)
        self.assertNotIn("memory", run.err, run)

    def assert_way_on_is_told(self, verb, run):
        """Once a letter is written the way on is another verb than the one that failed."""
        if verb == "send" and Ledger(self.site).state() in ("queued", "sending"):
            self.assertIn("teataja mailing resume 1", run.err, run)

    def assert_import_can_be_repeated(self):
        self.teataja("member", "import", "new.csv", "--list", "funding", "--source", "test")
        self.assertEqual(query(self.site, "SELECT count(*) FROM subscription")[0][0],
                         MEMBERS + self.NEW)

    def test_show(self):
        self.sweep("mailing show")

    def test_count(self):
        self.sweep("segment count")


if __name__ == "__main__":
    unittest.main()
