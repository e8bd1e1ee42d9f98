"""Letters and invitations that wait for the people who approve them, with the real program."""

import email
import json
import random
import signal
import sqlite3
import time
import unittest

from support import FAILED, USAGE, Case, SlowServer, query, small_site, write, write_members

LONG_AGO = "2026-11-22T08:00:00"
EVENT = """\
---
title: Foorum
start: 2027-04-10 10:00 Europe/Tallinn
end: 2027-04-10 16:00
location: {{ name: Narva }}
{more}---
Tulge!
"""


class Approval(Case):
    MEMBERS = 6
    NEEDED = "one"

    def setUp(self):
        super().setUp()
        self.server = SlowServer()
        self.addCleanup(self.server.close)
        self.site = small_site(self.folder / "site", self.server.port)
        self.everyone = [f"liige{n}@naide.example" for n in range(self.MEMBERS)]
        self.write_members(self.everyone)
        self.newsletter(f"approval: {self.NEEDED}\n")

    def write_members(self, addresses, lists=("funding", "events")):
        write_members(self.folder / "m.csv", [(a, f"Liige {a[5]}", "et") for a in addresses])
        for name in lists:
            self.teataja("member", "import", "m.csv", "--list", name, "--source", "test")

    def newsletter(self, text):
        self.append("newsletters/funding.yaml", text)

    def append(self, path, text):
        file = self.site / path
        file.write_text(file.read_text() + text)

    def edit(self, path, old, new):
        file = self.site / path
        text = file.read_text()
        self.assertIn(old, text)
        file.write_text(text.replace(old, new))

    def send(self, *more, **options):
        return self.teataja("--json", "send", "kiri", *more, **options)

    def approve(self, name, *more, mailing=1, **options):
        return self.teataja("--json", "approve", mailing, "--as", name, *more, **options)

    def state(self, mailing=1):
        return query(self.site, "SELECT state FROM mailing WHERE id = ?", mailing)[0][0]

    def trail(self, mailing=1):
        rows = self.teataja("--json", "mailing", "show", mailing, "--trail").json()
        return [(row["what"], row["who"], row["void"]) for row in rows]

    def diff(self, *more, mailing=1):
        return self.teataja("--json", "mailing", "diff", mailing, *more).json()


class Letters(Approval):
    def test_a_letter_waits_and_goes_out_when_it_is_approved(self):
        run = self.send().json()
        self.assertEqual((run["mailing"], run["state"], run["recipients"], run["needed"]),
                         (1, "waiting", self.MEMBERS, 1))
        self.assertEqual(self.server.addresses(), [])
        self.assertEqual(query(self.site, "SELECT count(*) FROM outbox"), [(0,)])
        listed = self.mailings()[0]
        self.assertEqual((listed["state"], listed["total"]), ("waiting", self.MEMBERS))
        self.approve("Kati")
        self.assertEqual(sorted(self.server.addresses()), self.everyone)
        self.assertEqual(self.state(), "sent")
        self.assertEqual([row[:2] for row in self.trail()[1:]],
                         [("approved", "Kati"), ("released", "Kati")])
        self.assertIn("is sent", self.approve("Mati", status=FAILED).err)

    def test_what_waits_was_told_to_nobody(self):
        self.send()
        dry = self.teataja("--json", "send", "kiri", "--dry-run").json()
        self.assertEqual(dry["recipients"], self.MEMBERS)
        self.assertIn("kultuur", json.dumps(dry["versions"][0]["items"]))
        self.assertEqual(query(self.site, "SELECT count(*) FROM v_had"), [(0,)])
        self.assertEqual(query(self.site, "SELECT count(*) FROM v_archived"), [(0,)])
        self.assertEqual(query(self.site, "SELECT count(*) FROM v_outcome"), [(0,)])
        self.assertNotIn("warning", json.dumps(dry["warnings"]))

    def test_tests_and_rehearsals_wait_for_nobody(self):
        self.teataja("send", "kiri", "--test", "proov@naide.example")
        self.assertEqual(self.server.addresses(), ["proov@naide.example"])
        self.assertEqual(self.send("--dry-run").json()["mailing"], 0)

    def test_an_edited_text_voids_what_was_approved(self):
        self.newsletter("schedule: first Monday 09:00\ndraft_before: 3d\n")
        self.edit("issues/kiri.md", "newsletter: funding\n", "newsletter: funding\nsend: next\n")
        self.teataja("schedule", "run-due", now=LONG_AGO)
        self.teataja("schedule", "run-due", now="2026-12-04T07:00:00")
        self.approve("Kati", now="2026-12-04T09:00:00")
        self.assertEqual(self.state(), "approved")
        self.edit("issues/kiri.md", "Siin on uudised.", "Siin on hoopis muud uudised.")
        diff = self.diff()
        self.assertTrue(diff["voids"])
        self.assertIn("et: the text changed", diff["changes"])
        self.assertIn("-Siin on uudised.", diff["versions"][0]["diff"])
        self.assertIn("+Siin on hoopis muud uudised.", diff["versions"][0]["diff"])
        tick = self.teataja("--json", "schedule", "run-due", now="2026-12-07T07:00:00").json()
        self.assertEqual((tick["done"], tick["skipped"], tick["failed"]), (0, 0, 0))
        self.assertEqual(self.state(), "waiting")
        self.assertEqual(query(self.site, "SELECT count(*) FROM outbox"), [(0,)])
        self.assertIn(("approved", "Kati", "void"), self.trail())
        last = self.diff("--last")
        self.assertIn("+Siin on hoopis muud uudised.", last["versions"][0]["diff"])
        self.assertFalse(self.diff()["voids"])
        self.approve("Kati", "--queue", now="2026-12-07T08:00:00")
        self.assertEqual(self.state(), "queued")

    def test_who_approves_a_stale_draft_is_shown_the_new_one_first(self):
        self.send()
        self.edit("issues/kiri.md", "Siin on uudised.", "Midagi muud.")
        run = self.approve("Kati", status=FAILED)
        self.assertIn("drafted anew", run.err)
        self.assertIn("et: the text changed", run.err)
        self.assertEqual((self.state(), self.server.addresses()), ("waiting", []))
        self.approve("Kati")
        self.assertEqual(sorted(self.server.addresses()), self.everyone)
        self.assertIn("Midagi muud.", self.server.taken[0][1].decode())

    def test_each_change_is_told(self):
        self.send()
        cases = [
            ("calls/kultuur.md", "summary:", "summary: Hoopis", "call 'kultuur' changed"),
            ("issues/kiri.md", "Rahastus detsembris", "Rahastus jaanuaris", "the subject was"),
            ("newsletters/funding.yaml", "approval: one", "approval: two", "approval: it was 'one'"),
            ("newsletters/funding.yaml", "approval: one",
             "approval: one\nblocks: [calls]", "blocks: it was"),
            ("newsletters/funding.yaml", "approval: one",
             'approval: one\naudience: language = et', "audience: it was ''"),
            ("newsletters/funding.yaml", "approval: one",
             'approval: one\nbrand: { color: "#102030" }', "et: the look changed"),
            ("newsletters/funding.yaml", "letters@", "news@", "from: it was"),
        ]
        for path, old, new, told in cases:
            with self.subTest(told):
                before = (self.site / path).read_text()
                if old not in before:
                    self.fail(f"{path} lacks {old}:\n{before}")
                self.edit(path, old, new)
                diff = self.diff()
                self.assertTrue(diff["voids"], diff)
                self.assertIn(told, diff["changes"])
                (self.site / path).write_text(before)
                self.assertFalse(self.diff()["voids"])

    def test_a_new_call_and_one_that_is_gone_are_told(self):
        self.send()
        for ending in ("md", "ru.md", "en.md"):
            call = (self.site / f"calls/kultuur.{ending}").read_text()
            write(self.site / f"calls/muusika.{ending}", call.replace("title: ", "title: Muusika "))
        diff = self.diff()
        self.assertIn("call 'muusika' is in it now and was not", diff["changes"])
        self.assertEqual([(i["what"], i["slug"]) for i in diff["items"]], [("new", "muusika")])
        for path in [*self.site.glob("calls/kultuur*"), *self.site.glob("calls/muusika*")]:
            path.unlink()
        self.assertIn("call 'kultuur' was in it and is not now", self.diff()["changes"])

    def test_a_newcomer_gets_it_within_the_tolerance_only(self):
        self.newsletter("approval_tolerance: 20%\n")
        self.send("--queue")
        self.write_members(["liigex@naide.example", "liigey@naide.example"], lists=["funding"])
        self.assertFalse(self.diff()["voids"])  # 20 % of 6, rounded up, is 2
        self.write_members(["liigez@naide.example"], lists=["funding"])
        self.assertIn("there were 6, there are 9 now", self.diff()["changes"])
        self.teataja("member", "leave", "liigez@naide.example", "--list", "funding", "--source", "x",
                     status=None)
        self.teataja("--yes", "member", "erase", "liigez@naide.example")
        self.approve("Kati")
        self.assertEqual(len(self.server.addresses()), 8)

    def test_a_rejected_letter_is_drafted_again_once_it_changed(self):
        self.send()
        self.assertEqual(self.teataja("reject", "1", status=USAGE).status, USAGE)
        self.teataja("reject", "1", "--reason", "Pealkiri on vale", "--as", "Kati")
        self.teataja("reject", "1", "--reason", "Ikka", "--as", "Mati")
        self.assertEqual(self.state(), "rejected")
        self.assertIn("Pealkiri on vale", self.send(status=FAILED).err)
        self.assertIn("Pealkiri on vale", self.approve("Mati", status=FAILED).err)
        self.edit("issues/kiri.md", "Rahastus detsembris", "Rahastus jaanuaris")
        run = self.send().json()
        self.assertEqual((run["mailing"], run["state"]), (1, "waiting"))
        self.approve("Kati")
        self.assertEqual(sorted(self.server.addresses()), self.everyone)
        self.assertEqual([row[0] for row in self.trail()],
                         ["drafted", "rejected", "drafted", "approved", "released"])

    def test_notes_are_kept_and_a_draft_can_be_cancelled(self):
        self.send()
        self.teataja("mailing", "note", "1", "Vaata pealkirja", "--as", "Mati")
        self.teataja("mailing", "note", "1", "Vaata pealkirja", "--as", "Mati")
        self.assertEqual([row[:2] for row in self.trail()][1:], [("noted", "Mati")])
        shown = self.teataja("mailing", "show", "1").out
        self.assertIn("Vaata pealkirja", shown)
        self.assertIn("Rahastus detsembris", shown)
        self.teataja("--yes", "mailing", "cancel", "1")
        self.assertEqual(self.state(), "cancelled")
        self.assertIn("is cancelled", self.approve("Kati", status=FAILED).err)
        self.assertIn("already", self.send(status=FAILED).err)

    def test_a_send_again_releases_what_was_approved_elsewhere(self):
        self.send()
        self.set_approved()
        self.send()
        self.assertEqual(sorted(self.server.addresses()), self.everyone)

    def test_the_schedule_releases_what_has_no_time(self):
        self.send()
        self.set_approved()
        self.teataja("schedule", "run-due")
        self.assertEqual(self.state(), "queued")

    def set_approved(self):
        """As a page does: in the database alone."""
        with sqlite3.connect(self.site / "var/teataja.db") as db:
            db.execute("UPDATE mailing SET state = 'approved'")
            db.execute("INSERT INTO approval_trail (mailing, at, who, address, person, how, what,"
                       " remark, revision, digest) SELECT mailing, 1, 'K', 'k@x.example',"
                       " 'a:k@x.example', 'web', 'approved', '', revision, digest"
                       " FROM approval_snapshot")
        db.close()

    def test_a_stale_draft_of_days_ago_is_not_sent_with_old_dates(self):
        self.send("--queue", now="2026-11-22T08:00:00")
        self.set_approved()
        self.teataja("--json", "send", "kiri", now="2026-11-25T08:00:00")
        self.assertEqual(self.state(), "waiting")

    def test_a_letter_that_needs_no_approval_any_more_goes_out(self):
        self.send()
        self.edit("newsletters/funding.yaml", "approval: one", "approval: none")
        self.send()
        self.assertEqual(sorted(self.server.addresses()), self.everyone)


class Two(Approval):
    NEEDED = "two"

    def test_two_people_are_needed_and_one_of_them_twice_is_one(self):
        self.newsletter("editors: [{ address: kati@naide.example, name: Kati }]\n")
        self.send()
        first = self.approve("Kati").json()
        self.assertEqual((first["given"], first["again"], first["state"]), (1, False, "waiting"))
        for same in ("Kati", "kati@naide.example", "KATI@naide.example"):
            again = self.approve(same).json()
            self.assertEqual((again["given"], again["again"]), (1, True))
        self.assertEqual(self.server.addresses(), [])
        self.approve("Mati")
        self.assertEqual(sorted(self.server.addresses()), self.everyone)

    def test_two_at_once_are_two_and_send_once(self):
        self.send()
        processes = [self.start("approve", "1", "--as", name, "--queue")
                     for name in ("Kati", "Mati", "Jüri")]
        for process in processes:
            process.wait(60)
        self.assertEqual(self.state(), "queued")
        self.assertEqual(query(self.site, "SELECT count(*), count(DISTINCT address) FROM outbox"),
                         [(self.MEMBERS, self.MEMBERS)])
        self.assertEqual(sum(row[0] == "released" for row in self.trail()), 1)


class Invitations(Approval):
    def test_invitations_wait_as_the_letters_of_their_list(self):
        write(self.site / "events/foorum.md", EVENT.format(more="approval: one\n"))
        run = self.teataja("--json", "event", "invite", "foorum").json()
        self.assertEqual((run["state"], run["recipients"]), ("waiting", self.MEMBERS))
        self.assertEqual(query(self.site, "SELECT count(*) FROM invitation"), [(0,)])
        self.assertFalse(self.diff()["voids"])
        self.edit("events/foorum.md", "name: Narva", "name: Sillamäe")
        self.assertIn("event 'foorum' changed", self.diff()["changes"])
        self.edit("events/foorum.md", "name: Sillamäe", "name: Narva")
        self.approve("Kati")
        self.assertEqual(sorted(self.server.addresses()), self.everyone)
        self.assertIn("METHOD:REQUEST", self.decoded(self.server.taken[0][1]))
        self.write_members(["liigex@naide.example"], lists=["events"])
        run = self.teataja("--json", "event", "invite", "foorum").json()
        self.assertEqual((run["mailing"], run["recipients"]), (2, 1))
        self.approve("Kati", mailing=2)
        self.assertEqual(len(self.server.addresses()), self.MEMBERS + 1)

    @staticmethod
    def decoded(message):
        return "\n".join(part.get_payload(decode=True).decode(errors="replace")
                         for part in email.message_from_bytes(message).walk()
                         if not part.is_multipart())

    def test_an_event_can_do_without(self):
        write(self.site / "events/foorum.md", EVENT.format(more="approval: none\n"))
        self.teataja("event", "invite", "foorum")
        self.assertEqual(sorted(self.server.addresses()), self.everyone)


class Planned(Approval):
    """Drafts that the schedule makes."""

    def setUp(self):
        super().setUp()
        self.newsletter("schedule: Monday 09:00\ndraft_before: 3d\n")
        self.edit("issues/kiri.md", "newsletter: funding\n", "newsletter: funding\nsend: next\n")

    def tick(self, now, **expected):
        run = self.teataja("--json", "schedule", "run-due", now=now, status=None).json()
        for key, value in expected.items():
            self.assertEqual(run[key], value, run)

    def test_a_draft_is_made_early_waits_at_its_time_and_goes_out_once(self):
        self.tick(LONG_AGO, done=1)  # of 23 November: three days before have begun
        self.assertEqual(self.state(), "waiting")
        planned = self.teataja("--json", "schedule", "--days", "14", now=LONG_AGO).json()
        self.assertIn(("2026-11-27 09:00", "draft"),
                      [(row["when"], row["kind"]) for row in planned])
        self.tick("2026-11-23T06:59:00", done=0)
        self.tick("2026-11-23T07:00:00", done=0, skipped=0, failed=0)
        self.assertEqual(self.state(), "waiting")
        self.assertIn("waits for approval: 0 of 1", self.log()["newsletters/funding"])
        self.approve("Kati", "--queue", now="2026-11-23T07:30:00")
        self.assertEqual(self.state(), "queued")
        self.tick("2026-11-23T07:31:00", done=1)
        self.teataja("mailing", "resume", "1", now="2026-11-23T07:32:00")
        self.assertEqual(sorted(self.server.addresses()), self.everyone)
        self.tick("2026-11-23T07:33:00", done=0)
        self.assertEqual(len(self.mailings()), 1)

    def log(self):
        rows = self.teataja("--json", "schedule", "log").json()
        return {row["job"]: row["reason"] for row in rows}

    def test_what_is_approved_in_time_goes_out_at_its_time(self):
        self.tick(LONG_AGO, done=1)
        run = self.approve("Kati", now="2026-11-22T09:00:00").json()
        self.assertEqual((run["state"], run["due"]), ("approved", "2026-11-23 07:00"))
        self.assertEqual(self.state(), "approved")
        self.tick("2026-11-23T07:00:00", done=1)
        self.assertEqual(self.state(), "queued")

    def test_what_nobody_approves_is_not_sent_and_told(self):
        self.tick(LONG_AGO, done=1)
        self.tick("2026-11-23T07:00:00", done=0)
        self.tick("2026-11-24T07:01:00", skipped=1)
        self.assertIn("too late: mailing 1 waits for approval: 0 of 1 given", self.log()["newsletters/funding"])
        self.assertEqual((self.state(), self.server.addresses()), ("waiting", []))

    def test_a_rejected_one_is_not_sent(self):
        self.tick(LONG_AGO, done=1)
        self.teataja("reject", "1", "--reason", "Mitte nii", now="2026-11-22T09:00:00")
        self.tick("2026-11-23T07:00:00", skipped=1)
        self.assertIn("was rejected: Mitte nii", self.log()["newsletters/funding"])

    def test_without_approval_a_draft_is_shown_and_goes_out_unless_rejected(self):
        self.edit("newsletters/funding.yaml", "approval: one", "approval: none")
        self.tick(LONG_AGO, done=1)
        self.assertEqual(self.state(), "waiting")
        self.edit("issues/kiri.md", "Siin on uudised.", "Viga parandatud.")
        self.tick("2026-11-23T07:00:00", done=1)
        self.assertEqual(self.state(), "queued")
        self.teataja("mailing", "resume", "1", now="2026-11-23T07:01:00")
        self.assertIn("Viga parandatud.", self.server.taken[0][1].decode())

    def test_an_automatic_letter_has_a_draft_for_each_time(self):
        (self.site / "issues/kiri.md").unlink()
        for path in self.site.glob("issues/kiri*"):
            path.unlink()
        self.newsletter("compose: auto\n")
        self.tick(LONG_AGO, done=1)
        self.approve("Kati", now="2026-11-22T09:00:00")
        self.tick("2026-11-23T07:00:00", done=1)
        self.assertEqual(self.state(), "queued")
        self.teataja("mailing", "resume", "1", now="2026-11-23T07:01:00")
        self.assertEqual(sorted(self.server.addresses()), self.everyone)
        self.tick("2026-11-27T07:00:00", skipped=1)  # nothing is new


class Killed(Approval):
    MEMBERS = 5000

    def write_members(self, addresses, lists=("funding",)):
        super().write_members(addresses, lists)

    def test_a_release_that_is_killed_is_done_again_and_nobody_gets_two(self):
        self.send()
        seed = random.SystemRandom().randrange(1 << 30)
        rng = random.Random(seed)
        killed = 0
        self.approve_elsewhere()
        for _ in range(4):
            process = self.start("send", "kiri", "--queue")
            # While it expands, at the first rows or a little later: 5,000 are five commits.
            least = rng.choice((0, 1, 1001, 2001))
            while process.poll() is None and not self.has_rows(least):
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
            process.wait(30)
            if self.state() == "queued":
                break
            self.assertEqual(self.state(), "expanding", f"seed {seed}")
            killed += 1
        self.teataja("send", "kiri", "--queue", status=None)
        self.assertEqual(self.state(), "queued")
        counts = query(self.site, "SELECT count(*), count(DISTINCT address) FROM outbox")
        self.assertEqual(counts, [(self.MEMBERS, self.MEMBERS)], f"seed {seed}")
        self.assertEqual(query(self.site, "SELECT count(*) FROM mailing"), [(1,)])
        self.assertEqual(sum(row[0] == "released" for row in self.trail()), 1)
        self.assertGreater(killed, 0, f"seed {seed}")

    def has_rows(self, least):
        return (self.state() == "expanding" and
                query(self.site, "SELECT count(*) FROM outbox")[0][0] >= least)

    def approve_elsewhere(self):
        Letters.set_approved(self)


if __name__ == "__main__":
    unittest.main()
