"""Letters that wait for the relay until a deadline in them is over."""

import sqlite3
import unittest
from contextlib import closing

from demo_site import parse
from support import CALL, query, write
from test_schedule import Scheduled

QUEUED, LATER = "2026-12-01T07:00:00", "2026-12-02T07:00:00"
SOON, FAR = "2026-12-01", "2026-12-20"


class Overdue(Scheduled):
    """Six members; two of them have got the letter when the call in it closes."""

    def setUp(self):
        super().setUp()
        self.schedule("day 09:00")
        letter = self.site / "newsletters/funding.yaml"
        write(letter, letter.read_text().replace("[et, ru, en]", "[et]").replace(
            "fallback: en\n", "compose: auto\n"))
        for path in (self.site / "issues").glob("*.md"):
            path.unlink()
        for path in (self.site / "calls").glob("*.md"):
            path.unlink()
        for slug, deadline in (("kohe", SOON), ("hiljem", FAR)):
            write(self.site / f"calls/{slug}.md", CALL.format(deadline=deadline).replace(
                "title: ", f"title: {slug.title()} ", 1))
        self.run_due("2026-11-30T08:00:00")

    def send_two(self):
        """Queues it for all; the server takes two, then puts everybody off."""
        self.assertEqual(self.run_due(QUEUED)["done"], 1)
        self.server.answers = lambda stage, argument: (
            "451 4.3.0 later" if stage == "RCPT" and len(self.server.taken) >= 2 else None)
        self.teataja("mailing", "resume", "1", now="2026-12-01T07:00:05", status=None)
        self.server.answers = lambda stage, argument: None
        had = self.server.addresses()
        self.assertEqual(len(had), 2)
        self.assertEqual(self.mailings()[0]["state"], "sending")
        self.teataja("mailing", "resume", "1", now="2026-12-01T22:30:00", status=None)
        self.assertEqual(self.server.addresses(), had)
        self.assertEqual(self.mailings()[0]["state"], "held")
        return had

    def states(self):
        return {m["id"]: m["state"] for m in self.mailings()}

    def test_it_is_composed_anew_for_those_who_have_not_got_it(self):
        had = self.send_two()
        self.run_due("2026-12-01T22:31:00")
        self.assertEqual(self.states(), {1: "sent", 2: "queued"})
        self.assertEqual({r["answer"] for r in self.rows(1, "suppressed")},
                         {"composed anew: a deadline that it shows is over"})
        self.server.taken.clear()
        self.teataja("mailing", "resume", "2", now="2026-12-01T22:32:00")
        self.assertEqual(sorted(had + self.server.addresses()), self.everyone)
        for _, message in self.server.taken:
            text = parse(message).get_body(("plain",)).get_content()
            self.assertIn("Hiljem", text)
            self.assertNotIn("Kohe", text)
        # Nobody is told anything again.
        self.server.taken.clear()
        self.run_due("2026-12-01T22:33:00")
        self.assertEqual(self.states(), {1: "sent", 2: "sent"})
        self.assertEqual(self.run_due(LATER)["skipped"], 1)

    def test_what_died_in_between_goes_on(self):
        had = self.send_two()
        rows = ("UPDATE outbox SET state = 'suppressed', reply = 'composed anew: a deadline that it "
                "shows is over' WHERE mailing = 1 AND state IN ('queued', 'deferred')")
        self.write_to_database(rows)
        self.run_due("2026-12-01T22:31:00")
        self.assertEqual(self.states(), {1: "sent", 2: "queued"})
        # As if it had died before it settled the old one.
        self.write_to_database("UPDATE mailing SET state = 'held' WHERE id = 1")
        self.run_due("2026-12-01T22:32:00")
        self.assertEqual(len(self.mailings()), 2)
        self.assertEqual({r["address"] for r in self.rows(2)}, set(self.everyone) - set(had))

    def write_to_database(self, statement):
        with closing(sqlite3.connect(self.site / "var/teataja.db")) as db, db:
            db.execute(statement)

    def test_what_somebody_approved_stays_held(self):
        self.send_two()
        self.append("newsletters/funding.yaml", "approval: one\n")
        self.run_due("2026-12-01T22:31:00")
        self.assertEqual(self.states(), {1: "held"})
        run = self.teataja("mailing", "show", "1", now="2026-12-01T22:32:00")
        self.assertIn("It shows a deadline that was over at 2026-12-01", run.out)

    def test_what_was_halted_stays_held(self):
        self.send_two()
        self.write_to_database("UPDATE mailing SET reason = 'too many refused' WHERE id = 1")
        self.run_due("2026-12-01T22:31:00")
        self.assertEqual(self.states(), {1: "held"})

    def test_who_left_meanwhile_gets_no_other(self):
        had = self.send_two()
        gone = next(a for a in self.everyone if a not in had)
        self.teataja("member", "leave", gone, "--list", "funding")
        self.run_due("2026-12-01T22:31:00")
        self.assertEqual({r["address"] for r in self.rows(2)},
                         set(self.everyone) - set(had) - {gone})

    def test_where_nothing_else_is_new_nobody_gets_another(self):
        (self.site / "calls/hiljem.md").unlink()
        self.send_two()
        self.run_due("2026-12-01T22:31:00")
        self.assertEqual(self.states(), {1: "sent"})
        self.assertEqual(query(self.site, "SELECT count(*) FROM outbox WHERE state = 'suppressed'"),
                         [(4,)])


if __name__ == "__main__":
    unittest.main()
