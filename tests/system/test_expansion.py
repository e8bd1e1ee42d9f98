"""A mailing that is being made belongs to a living process, or to nobody."""

import contextlib
import signal
import sqlite3
import unittest

from support import DONE, FAILED, Case, query, small_site, wait_for, write, write_members

MEMBERS = 8000  # eight chunks, and a second or more of a program with sanitizers
EVENT = """\
title: Kokkutulek
list: funding
access: closed
start: 2030-03-10 10:00
end: 2030-03-10 16:00
---
Tulge!
"""


class Expansion(Case):
    def setUp(self):
        super().setUp()
        self.site = small_site(self.folder / "site")
        write(self.site / "events/paev.md", EVENT)
        write_members(self.folder / "members.csv",
                      ((f"m{i}@members.example", f"Member {i}", "et") for i in range(MEMBERS)))
        self.teataja("member", "import", self.folder / "members.csv", "--list", "funding",
                     "--source", "test")

    def begin(self, *verb):
        """A process stopped in the middle of its expansion."""
        process = self.start(*verb, "--queue")
        wait_for("rows of a mailing", lambda: query(self.site, "SELECT 1 FROM outbox LIMIT 1"))
        wait_for("a moment between two chunks", lambda: self.stop_unlocked(process))
        self.assertEqual(self.state(), ["expanding"])
        self.assertLess(self.rows_made(), MEMBERS)
        return process

    def stop_unlocked(self, process):
        process.send_signal(signal.SIGSTOP)
        with contextlib.closing(sqlite3.connect(self.site / "var/teataja.db", timeout=0)) as db:
            try:
                db.execute("BEGIN IMMEDIATE")
                return True
            except sqlite3.OperationalError:
                process.send_signal(signal.SIGCONT)
                return False

    def end(self, process, number):
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=60)

    def state(self):
        return [state for state, in query(self.site, "SELECT state FROM mailing")]

    def rows_made(self):
        return query(self.site, "SELECT count(*) FROM outbox")[0][0]

    def assert_one_row_each(self):
        self.assertEqual(self.state(), ["queued"])
        rows = query(self.site, "SELECT count(*), count(DISTINCT member) FROM outbox")[0]
        self.assertEqual(rows, (MEMBERS, MEMBERS))
        self.assertEqual(list((self.site / "var").glob("mailing-*.lock")), [])

    def assert_taken_over(self, *verb):
        self.end(self.begin(*verb), signal.SIGKILL)
        self.assertEqual(self.state(), ["expanding"])
        # Not at all, for a mailing that is not complete is none yet.
        self.teataja("mailing", "resume", 1, status=FAILED)
        run = self.teataja(*verb, "--queue")
        self.assertIn(f"Queued {MEMBERS} messages", run.out)
        self.assert_one_row_each()

    def test_a_letter_whose_sender_was_killed_is_sent_at_once(self):
        self.assert_taken_over("send", "kiri")

    def test_invitations_whose_sender_was_killed_are_sent_at_once(self):
        self.assert_taken_over("event", "invite", "paev")
        invited = query(self.site, "SELECT count(*), count(DISTINCT member) FROM invitation")[0]
        self.assertEqual(invited, (MEMBERS, MEMBERS))
        # Each message knows its own invitation.
        self.assertEqual(query(self.site, """
            SELECT count(*) FROM outbox JOIN invitation ON invitation.member = outbox.member
             WHERE json_extract(outbox.slots, '$[3]') <> invitation.id"""), [(0,)])

    def assert_told_apart(self, *verb):
        process = self.begin(*verb)
        run = self.teataja(*verb, "--queue", status=FAILED)
        self.assertIn("is being prepared by another send at this moment (mailing 1)", run.err)
        process.send_signal(signal.SIGCONT)
        self.assertEqual(process.wait(60), DONE)
        self.assert_one_row_each()

    def test_of_two_sends_at_once_one_sends_and_the_other_says_so(self):
        self.assert_told_apart("send", "kiri")

    def test_of_two_invitations_at_once_one_invites_and_the_other_says_so(self):
        self.assert_told_apart("event", "invite", "paev")

    def test_others_write_while_a_letter_is_made(self):
        process = self.begin("send", "kiri")
        self.teataja("member", "add", "late@members.example")
        process.send_signal(signal.SIGCONT)
        self.assertEqual(process.wait(60), DONE)
        self.assert_one_row_each()


if __name__ == "__main__":
    unittest.main()
