"""Letters and invitations that go out by the calendar, with the real program."""

import random
import time
import unittest

from support import (CONTENT, DONE, FAILED, PARTLY, PROGRAM, USAGE, Case, SlowServer, query,
                     small_site, write, write_members)

LONG_AGO = "2026-11-22T08:00:00"
EVENT = """\
---
title: Foorum
start: 2027-04-10 10:00 Europe/Tallinn
end: 2027-04-10 16:00
location: { name: Narva }
invite: 21 days before
---
Tulge!
"""


class Scheduled(Case):
    MEMBERS = 6

    def setUp(self):
        super().setUp()
        self.server = SlowServer()
        self.addCleanup(self.server.close)
        self.site = small_site(self.folder / "site", self.server.port)
        self.everyone = [f"liige{n}@naide.example" for n in range(self.MEMBERS)]
        write_members(self.folder / "m.csv", [(a, f"Liige {a[5]}", "et") for a in self.everyone])
        for name in ("funding", "events"):
            self.teataja("member", "import", "m.csv", "--list", name, "--source", "test")

    def append(self, path, text):
        file = self.site / path
        file.write_text(file.read_text() + text)

    def schedule(self, text):
        self.append("newsletters/funding.yaml", f"schedule: {text}\n")

    def send(self, text):
        issue = self.site / "issues/kiri.md"
        issue.write_text(issue.read_text().replace("newsletter: funding\n",
                                                   f"newsletter: funding\nsend: {text}\n"))

    def run_due(self, now, status=DONE, **env):
        return self.teataja("--json", "schedule", "run-due", now=now, status=status, **env).json()

    def log(self):
        return [(row["job"], row["state"], row["reason"])
                for row in self.teataja("--json", "schedule", "log").json()]


class Letters(Scheduled):
    def test_an_issue_with_a_date_is_queued_at_it_and_sent_once(self):
        self.schedule("first Monday 09:00")
        self.send("2026-12-01 09:00")
        self.assertEqual(self.run_due(LONG_AGO)["next"], "2026-12-01 07:00")
        self.assertEqual(self.run_due("2026-12-01T06:59:59")["done"], 0)
        self.assertEqual(self.run_due("2026-12-01T07:00:00")["done"], 1)
        self.assertEqual(self.run_due("2026-12-01T07:00:00")["done"], 0)
        self.assertEqual(self.mailings()[0]["state"], "queued")
        self.teataja("mailing", "resume", "1", now="2026-12-01T07:00:01")
        self.assertEqual(sorted(self.server.addresses()), self.everyone)
        self.run_due("2026-12-07T07:00:00")
        self.assertEqual(len(self.mailings()), 1)

    def test_an_issue_waits_for_the_newsletters_next_time(self):
        self.schedule("first Monday 09:00")
        self.send("next")
        planned = self.teataja("--json", "schedule", "--days", "60", now=LONG_AGO).json()
        self.assertEqual([(p["when"], p["sends"], p["recipients"]) for p in planned],
                         [("2026-12-07 09:00", "issues/kiri", self.MEMBERS),
                          ("2027-01-04 09:00", "", "")])
        self.run_due(LONG_AGO)
        self.assertEqual(self.run_due("2026-12-07T07:00:00")["done"], 1)
        self.assertEqual(self.run_due("2027-01-04T07:00:00")["skipped"], 1)
        self.assertEqual(self.log(), [
            ("newsletters/funding", "skipped", "no issue of it says 'send: next'"),
            ("newsletters/funding", "done", "")])

    def test_a_letter_that_composes_itself_goes_out_each_time_with_what_is_new(self):
        self.schedule("day 09:00")
        self.append("newsletters/funding.yaml", "compose: auto\n")
        today = int(time.time()) // 86400 * 86400
        day = [time.strftime("%Y-%m-%dT12:00:00", time.gmtime(today + n * 86400))
               for n in range(4)]
        self.run_due(day[0])
        self.assertEqual(self.run_due(day[1])["done"], 1)
        self.teataja("mailing", "resume", "1", now=day[1])
        self.assertEqual(self.run_due(day[2])["skipped"], 1)
        self.assertRegex(self.log()[0][2], "new")
        self.assertEqual(len(self.server.taken), self.MEMBERS)

    def test_downtime_is_made_up_for_once_and_not_too_late(self):
        self.schedule("weekday 09:00")
        self.send("next")
        self.run_due(LONG_AGO)
        self.run_due("2026-11-27T07:30:00")
        states = [state for _, state, _ in self.log()]
        self.assertEqual(states, ["done", "skipped", "skipped", "skipped", "skipped"])
        self.assertTrue(all(r.startswith("missed") for _, s, r in self.log() if s == "skipped"))
        self.run_due("2026-11-29T08:00:00")
        self.assertEqual(len(self.mailings()), 1)

    def test_what_fails_is_tried_again(self):
        self.send("2026-12-01 09:00")
        self.append("newsletters/funding.yaml", "audience: received(issues/nowhere) = 3\n")
        run = self.teataja("schedule", "run-due", now="2026-12-01T07:00:00", status=None)
        self.assertIn(run.status, (PARTLY, CONTENT), run)
        letter = self.site / "newsletters/funding.yaml"
        letter.write_text(letter.read_text().replace(
            "audience: received(issues/nowhere) = 3\n", ""))
        self.run_due("2026-12-01T07:02:00")
        self.assertEqual(len(self.mailings()), 1)


class Invitations(Scheduled):
    def test_invitations_go_out_so_many_days_before(self):
        write(self.site / "events/foorum.md", EVENT)
        self.assertEqual(self.run_due("2027-03-20T07:59:00")["done"], 0)
        self.assertEqual(self.run_due("2027-03-20T08:00:00")["done"], 1)
        self.assertEqual(self.mailings()[0]["purpose"], "invitation")
        self.assertEqual(self.run_due("2027-03-21T08:00:00")["done"], 0)
        self.assertEqual(len(self.mailings()), 1)

    def test_a_time_that_cannot_be_read_is_no_expression(self):
        write(self.site / "events/foorum.md", EVENT.replace("21 days", "21 dais"))
        run = self.teataja("check", status=CONTENT)
        self.assertRegex(run.err, r"(?m)^events/foorum.md:6:9: 'invite': '21 dais before' is not")


class Company(Scheduled):
    MEMBERS = 60

    def test_schedulers_at_the_same_time_queue_one_letter(self):
        self.send("2026-12-01 09:00")
        several = [self.start("--json", "schedule", "run-due", now="2026-12-01T07:00:00")
                   for _ in range(6)]
        for process in several:
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, DONE, out + err)
        self.assertEqual(len(self.mailings()), 1)
        self.assertEqual(self.log(), [("issues/kiri", "done", "")])

    def test_a_scheduler_that_is_killed_is_followed_by_one_that_ends_its_work(self):
        self.send("2026-12-01 09:00")
        chance = random.Random(7)
        for _ in range(12):
            process = self.start("schedule", "run-due", now="2026-12-01T07:00:00")
            time.sleep(chance.uniform(0.02, 0.5))
            process.kill()
            process.wait()
        # What was killed too often is given up, and said; a person starts it again.
        self.run_due("2026-12-01T13:00:00", status=None)
        job, state, reason = self.log()[0]
        if state == "failed":
            self.assertIn("ended each time", reason)
            self.teataja("--yes", "schedule", "run", job, "--now", now="2026-12-01T13:00:01")
        self.assertEqual([m["state"] for m in self.mailings()], ["queued"])
        self.assertEqual(len(self.rows(1)), self.MEMBERS)
        self.assertEqual(query(self.site, "SELECT count(*) FROM schedule_run WHERE state IN "
                                          "('due', 'running')"), [(0,)])


class Clock(Scheduled):
    def clock(self, seconds):
        write(self.folder / "clock", str(seconds))
        return {"CLOCK_BACK": str(self.folder / "clock"),
                "LD_PRELOAD": str(PROGRAM.parents[2] / "tests/clock_back.so")}

    def test_a_clock_that_jumps_holds_everything_until_somebody_says_that_it_is_right(self):
        self.schedule("day 09:00")
        self.send("next")
        self.run_due(None, **self.clock(0))
        self.run_due(None, **self.clock(3600))
        self.assertEqual(self.mailings(), [])
        run = self.teataja("schedule", "run-due", status=FAILED, **self.clock(40 * 86400))
        self.assertRegex(run.err, "everything is held: the clock went forward by (39|40) days")
        self.assertIn("schedule release", run.err)
        # Back to the right time: still held, and shown.
        self.assertIn("held", self.teataja("schedule", status=DONE).err)
        self.teataja("schedule", "run-due", status=FAILED, **self.clock(0))
        self.teataja("schedule", "release", status=FAILED)
        self.teataja("--yes", "schedule", "release")
        self.run_due(None, **self.clock(0))
        self.assertEqual(self.mailings(), [])


class Told(Scheduled):
    def test_check_tells_the_next_five_times_in_the_sites_language(self):
        self.schedule("1st and 15th 09:00")
        run = self.teataja("check", now=LONG_AGO)
        self.assertIn("funding (1st and 15th 09:00, Europe/Tallinn)\n"
                      "    teisipäev, 1. detsember 2026, kell 09:00\n", run.out.replace("\xa0", " "))
        told = self.teataja("--json", "check", now=LONG_AGO).json()["schedules"]
        self.assertEqual(len(told[0]["times"]), 5)
        self.assertEqual(told[0]["rule"], "FREQ=MONTHLY;BYMONTHDAY=1,15")

    def test_an_hour_that_is_skipped_is_told(self):
        self.schedule("last Sunday of March and October 03:30")
        run = self.teataja("check", now=LONG_AGO)
        self.assertIn("an hour that is skipped", run.out)
        self.assertIn("an hour that comes twice", run.out)

    def test_what_is_wrong_has_its_place_and_a_suggestion(self):
        for text, column, message in (
                ("frist Monday 09:00", 11, "did you mean 'first'?"),
                ("first Mondya 09:00", 17, "did you mean 'monday'?"),
                ("first Monday", 23, "a time of day, such as 09:00, is missing at the end"),
                ("{ rrule: FREQ=HOURLY, start: 2026-12-01 09:00 }", 20, "HOURLY"),
                ("{ rrule: FREQ=DAILY }", 11, "a rule needs a start with a time of day"),
                ("{ every: day 09:00, rrule: FREQ=DAILY }", 38, "either 'every' or 'rrule'"),
                ("{ every: day 09:00, start: 2026-12-01 10:00 }", 38, "the start is a date")):
            with self.subTest(text=text):
                before = (self.site / "newsletters/funding.yaml").read_text()
                self.schedule(text)
                run = self.teataja("check", status=CONTENT)
                self.assertRegex(run.err, rf"(?m)^newsletters/funding.yaml:6:{column}: ")
                self.assertIn(message, run.err)
                write(self.site / "newsletters/funding.yaml", before)

    def test_an_issue_cannot_wait_for_a_time_that_never_comes(self):
        self.send("next")
        run = self.teataja("check", status=CONTENT)
        self.assertIn("issues/kiri.md:3:7: 'send: next' needs a 'schedule' in "
                      "newsletters/funding.yaml", run.err)

    def test_a_job_is_run_by_hand_when_somebody_says_yes(self):
        self.schedule("first Monday 09:00")
        self.send("next")
        self.teataja("schedule", "run", "funding", status=USAGE)
        run = self.teataja("schedule", "run", "fundin", "--now", status=FAILED)
        self.assertIn("did you mean 'funding'?", run.err)
        run = self.teataja("schedule", "run", "funding", "--now", "--dry-run")
        self.assertIn(f"issues/kiri would be sent to {self.MEMBERS}.", run.out)
        self.teataja("schedule", "run", "funding", "--now", status=FAILED)
        self.assertEqual(self.mailings(), [])
        self.teataja("--yes", "schedule", "run", "funding", "--now")
        self.assertEqual(len(self.mailings()), 1)
        run = self.teataja("--yes", "schedule", "run", "funding", "--now", status=FAILED)
        self.assertIn("newsletters/funding: no issue of it says 'send: next'", run.err)


if __name__ == "__main__":
    unittest.main()
