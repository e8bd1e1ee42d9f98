"""Two things at once: the ledger keeps them apart, and a letter stays what it was."""

import collections
import threading
import time
import unittest

from support import DONE, PARTLY, query, wait_for, write, write_members
from witness import Ledger, WitnessCase

MEMBERS = 120


class Together(WitnessCase):
    def setUp(self):
        super().setUp()
        self.make_fixture(MEMBERS, 2)
        self.site = self.fixture.fresh()
        self.gate = threading.Event()
        self.addCleanup(self.gate.set)
        self.stop_at = 10

    def hold(self, stage, _):
        """Every connection waits at its final dot once so many were taken."""
        if stage == "DOT" and len(self.server.taken) >= self.stop_at:
            self.gate.wait(60)

    def start_and_hold(self, *verb, connections=2):
        """Starts a send and returns while it waits for the server."""
        self.server.answers = self.hold
        process = self.start(*verb, "--connections", str(connections))
        wait_for("a send that waits",
                 lambda: self.server.reached >= self.stop_at + connections)
        return process

    def finish(self, process, status=DONE):
        self.gate.set()
        out, err = (text.decode() for text in process.communicate(timeout=60))
        self.server.settle()
        self.assertEqual(process.returncode, status, out + err)
        return out

    def assert_once_each(self, everyone=None):
        counts = collections.Counter(self.server.addresses())
        self.assertEqual(set(counts), everyone or self.everyone)
        self.assertEqual(set(counts.values()), {1}, "a double")

    def test_two_resumes_of_one_mailing_share_its_rows(self):
        self.server.pause = 0.005
        self.teataja("send", "kiri", "--queue")
        both = [self.start("mailing", "resume", "1") for _ in range(2)]
        ended = [(process.communicate(timeout=60), process.returncode) for process in both]
        self.server.settle()
        # The first to find nothing left may see rows of the other on their way.
        self.assertIn(DONE, [status for _, status in ended], ended)
        self.assertLessEqual({status for _, status in ended}, {DONE, PARTLY}, ended)
        ledger = Ledger(self.site)
        self.assert_everybody_has_it(ledger)
        self.assert_once_each()
        self.assertEqual(ledger.state(), "sent")
        self.assertFalse(ledger.doubts)
        self.assertEqual(query(self.site, "SELECT * FROM worker"), [])
        self.assertEqual(list((self.site / "var").glob("worker-*.lock")), [])

    def test_a_resume_beside_a_send_that_waits_takes_what_is_free(self):
        process = self.start_and_hold("send", "kiri")
        held = Ledger(self.site).addresses("claimed", "committing")
        self.server.answers = lambda *_: None
        run = self.teataja("mailing", "resume", "1", status=PARTLY)
        self.assertIn(f"{len(held)} waiting", run.out)
        self.assertEqual(Ledger(self.site).addresses("claimed", "committing"), held)
        self.finish(process)
        self.assert_everybody_has_it(Ledger(self.site))
        self.assert_once_each()

    def test_who_leaves_during_a_send_gets_nothing_any_more(self):
        process = self.start_and_hold("send", "kiri", connections=1)
        rows = [address for (address,) in
                query(self.site, "SELECT address FROM outbox ORDER BY id")]
        claimed = Ledger(self.site).addresses("claimed")
        # One of the claim that is being sent, one of a later one.
        leaving = {next(address for address in reversed(rows) if address in claimed), rows[-1]}
        self.assertNotIn(rows[-1], claimed)
        for address in leaving:
            self.teataja("member", "leave", address, "--list", "funding")
        time.sleep(0.3)  # what was known of the claim's members holds a quarter of a second
        self.finish(process)
        ledger = Ledger(self.site)
        self.assertEqual(ledger.addresses("suppressed"), leaving)
        self.assertEqual(ledger.addresses("sent"), self.everyone - leaving)
        self.assert_once_each(self.everyone - leaving)
        told = self.teataja("mailing", "show", "1", "--state", "suppressed").out
        for address in leaving:
            self.assertIn(address, told)

    def test_an_import_during_a_send_does_not_touch_it(self):
        changed = sorted(self.everyone)[-1]
        write_members(self.folder / "new.csv",
                      [(f"uus{n}@naide.example", f"Uus {n}", "en") for n in range(500)]
                      + [(changed, "Teine Nimi", "en")])
        process = self.start_and_hold("send", "kiri")
        self.teataja("member", "import", "new.csv", "--list", "funding", "--source", "test")
        self.finish(process)
        self.assertEqual(query(self.site, "SELECT count(*) FROM member")[0][0], MEMBERS + 500)
        self.assert_everybody_has_it(Ledger(self.site))
        self.assert_once_each()
        message = next(text for (to,), text in self.server.taken if to == changed)
        self.assertNotIn(b"Teine Nimi", message)

    def test_imports_and_sends_at_once_all_end_well(self):
        self.server.pause = 0.005
        processes = [self.start("send", "kiri")]
        for n in range(3):
            write_members(self.folder / f"{n}.csv",
                          [(f"{n}x{i}@naide.example", "Uus", "et") for i in range(2000)])
            processes.append(self.start("member", "import", f"{n}.csv", "--list", "funding",
                                        "--source", "test"))
        for process in processes:
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, DONE, out + err)
        self.server.settle()
        self.assertEqual(query(self.site, "SELECT count(*) FROM member")[0][0], MEMBERS + 6000)
        sent = Ledger(self.site).addresses("sent")
        # What was imported before the letter was frozen gets it too.
        self.assertLessEqual(self.everyone, sent)
        self.assert_once_each(sent)

    def test_what_is_edited_during_a_send_changes_nothing(self):
        process = self.start_and_hold("send", "kiri")
        for name, old, new in (("issues/kiri.md", "Siin on uudised", "MUUDETUD"),
                               ("issues/kiri.md", "Rahastus detsembris", "MUUDETUD"),
                               ("newsletters/funding.yaml", "letters@", "muudetud@"),
                               ("newsletters/funding.yaml", "Funding letter", "MUUDETUD"),
                               ("calls/kultuur.md", "väikestele", "MUUDETUD"),
                               ("teataja.yaml", "Keskväljak 1", "MUUDETUD")):
            path = self.site / name
            text = path.read_text()
            self.assertIn(old, text)
            write(path, text.replace(old, new))
        self.finish(process)
        self.assert_everybody_has_it(Ledger(self.site))
        self.assert_once_each()
        for (address,), message in self.server.taken:
            self.assertNotIn("MUUDETUD".encode(), message)
            self.assertNotIn(b"muudetud@", message, address)

    def test_what_is_edited_before_a_resume_changes_nothing(self):
        process = self.start_and_hold("send", "kiri")
        process.kill()
        process.communicate(timeout=60)
        self.gate.set()
        self.server.settle()
        before = self.subjects()
        write(self.site / "issues/kiri.md",
              (self.site / "issues/kiri.md").read_text().replace("Siin on", "MUUDETUD"))
        (self.site / "issues/kiri.ru.md").unlink()
        self.teataja("mailing", "resume", "1")
        self.server.settle()
        self.assert_everybody_has_it(Ledger(self.site))
        self.assertLessEqual(before, self.subjects())
        self.assertEqual(len(self.subjects()), 3)
        for _, message in self.server.taken:
            self.assertNotIn(b"MUUDETUD", message)

    def subjects(self):
        return {next(line for line in message.split(b"\r\n") if line.startswith(b"Subject:"))
                for _, message in self.server.taken}


if __name__ == "__main__":
    unittest.main()
