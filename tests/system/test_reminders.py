"""What those who were invited hear of an event again: reminders before it, thanks after it."""

import datetime
import re
import sqlite3
import unittest
from contextlib import closing

from demo_site import Demo, mailbox, parse
from judges import ask, html_errors
from support import CONTENT, FAILED, USAGE, query, write
from test_schedule import Scheduled

EVENT = """\
---
title: Foorum
start: 2027-04-10 10:00 Europe/Tallinn
end: 2027-04-10 16:00
location: { name: Narva }
invite: 21 days before
reminders: [7 days before, 1 day before]
thanks: |
  Aitäh, et tulite! [Slaidid](https://klaster.example/slaidid)
---
Tulge!
"""
INVITED = "2027-03-20T08:00:00"
WEEK, DAY, START = "2027-04-03T07:00:00", "2027-04-09T07:00:00", "2027-04-10T07:00:00"
THANKED = "2027-04-11T07:00:00"
ANSWERS = "yes no maybe".split()


class Invited(Scheduled):
    """Six members: the first three answer, the last leaves."""

    TEXT = EVENT

    def setUp(self):
        super().setUp()
        self.event(self.TEXT)
        self.invite()

    def event(self, text):
        write(self.site / "events/foorum.md", text)

    def invite(self):
        self.assertEqual(self.run_due(INVITED)["done"], 1)
        self.deliver(1, INVITED)
        for address, answer in zip(self.everyone, ANSWERS):
            self.answer(address, answer, INVITED)
        self.teataja("member", "leave", self.everyone[5], "--list", "events")

    def answer(self, address, answer, now, *more):
        self.teataja("event", "answer", "foorum", address, answer, *more, now=now)

    def deliver(self, mailing, now):
        self.teataja("mailing", "resume", mailing, now=now, status=None)
        taken = sorted(self.server.addresses())
        self.messages = {to[0]: parse(message) for to, message in self.server.taken}
        self.server.taken.clear()
        return [self.everyone.index(address) for address in taken]


class Reminders(Invited):
    def test_each_goes_once_to_who_may_come(self):
        self.assertEqual(self.run_due("2027-04-03T06:59:59")["done"], 0)
        self.assertEqual(self.run_due(WEEK)["done"], 1)
        self.assertEqual(self.run_due(WEEK)["done"], 0)
        self.assertEqual(self.deliver(2, WEEK), [0, 2, 3, 4])
        made = self.mailings()[0]
        self.assertEqual((made["purpose"], made["what"], made["sent"]),
                         ("reminder", "events/foorum", 4))
        self.assertEqual(query(self.site, "SELECT priority FROM mailing WHERE id = 2"), [(3,)])
        self.assertEqual(self.run_due(DAY)["done"], 1)
        self.assertEqual(self.deliver(3, DAY), [0, 2, 3, 4])
        self.assertEqual(self.run_due(START)["done"], 0)
        self.assertEqual(self.log()[:2], [("events/foorum/reminder-1d", "done", ""),
                                          ("events/foorum/reminder-7d", "done", "")])

    def test_it_says_what_was_answered_and_asks_no_calendar(self):
        self.run_due(WEEK)
        self.deliver(2, WEEK)
        said = ("Olete öelnud, et tulete.", None, "Olete öelnud, et võib-olla tulete.",
                "Te ei ole veel vastanud.", "Te ei ole veel vastanud.")
        for number in (0, 2, 3, 4):
            message = self.messages[self.everyone[number]]
            text = message.get_body(("plain",)).get_content()
            with self.subTest(number):
                self.assertEqual(message["Subject"], "Meeldetuletus: Foorum")
                self.assertEqual([part.get_content_type() for part in message.walk()],
                                 ["multipart/alternative", "text/plain", "text/html"])
                self.assertIn(said[number], text)
                self.assertIn("10. aprill 2027", text)
                self.assertEqual("Kas plaanid muutusid?" in text, number == 0)
                for answer in ("yes", "maybe", "no"):
                    self.assertRegex(text, rf"/answer/[a-z0-9]+/{answer}\b")
                self.assertRegex(text, r"/e/foorum\.et\.ics\b")
                self.assertIn("List-Unsubscribe", message)

    def test_who_says_no_while_it_waits_does_not_get_it(self):
        self.run_due(WEEK)
        self.answer(self.everyone[3], "no", WEEK)
        self.answer(self.everyone[1], "yes", WEEK)
        self.assertEqual(self.deliver(2, WEEK), [0, 2, 4])
        row = self.rows(2, "suppressed")
        self.assertEqual([(r["address"], r["answer"]) for r in row],
                         [(self.everyone[3], "said no to the invitation, since it was queued")])

    def test_nobody_is_reminded_of_what_was_cancelled_meanwhile(self):
        self.run_due(WEEK)
        with closing(sqlite3.connect(self.site / "var/teataja.db")) as db, db:
            db.execute("UPDATE event SET status = 'CANCELLED'")
        self.assertEqual(self.deliver(2, WEEK), [])
        self.assertEqual({r["answer"] for r in self.rows(2, "suppressed")},
                         {"the event was cancelled, since it was queued"})

    def test_an_event_that_is_cancelled_in_its_file_has_none(self):
        self.event(EVENT.replace("invite:", "status: cancelled\ninvite:"))
        self.assertEqual(self.run_due(WEEK)["done"], 0)
        run = self.teataja("event", "remind", "foorum", "--queue", now=WEEK, status=FAILED)
        self.assertIn("events/foorum.md: the event is cancelled", run.err)

    def test_who_was_invited_after_its_time_is_not_reminded(self):
        write(self.folder / "late.csv", "email,name,language\nhiljem@naide.example,Hiljem,et\n")
        self.teataja("member", "import", "late.csv", "--list", "events", "--source", "test",
                     now="2027-04-04T07:00:00")
        self.teataja("event", "invite", "foorum", "--queue", now="2027-04-04T07:00:00")
        self.run_due("2027-04-05T07:00:00")
        self.assertNotIn("hiljem@naide.example", [r["address"] for r in self.rows(3)])
        self.run_due(DAY)
        self.assertIn("hiljem@naide.example", [r["address"] for r in self.rows(4)])

    def test_after_the_last_day_for_answers_only_who_said_so_is_reminded(self):
        self.event(EVENT.replace("invite:", "rsvp: { by: 2027-04-01 }\ninvite:"))
        self.run_due("2027-04-01T08:00:00")
        self.run_due(WEEK)
        self.assertEqual(self.deliver(2, WEEK), [0, 2])
        text = self.messages[self.everyone[0]].get_body(("plain",)).get_content()
        self.assertNotIn("/answer/", text)

    def test_who_has_not_answered_is_not_asked_to_a_full_event(self):
        self.event(EVENT.replace("invite:", "rsvp: { capacity: 1 }\ninvite:"))
        self.run_due("2027-04-01T08:00:00")
        self.run_due(WEEK)
        self.assertEqual(self.deliver(2, WEEK), [0, 2])

    def test_by_hand_at_most_once_a_day(self):
        told = self.teataja("--json", "event", "remind", "foorum", "--dry-run", now=WEEK).json()
        expected = {"subject": "events/foorum", "when": "2027-04-10 10:00", "recipients": 4,
                    "invited": 5, "said_no": 1, "waiting": 0, "no_answer": 0, "invited_later": 0,
                    "left_out": []}
        self.assertEqual({name: told.get(name) for name in expected}, expected)
        self.assertEqual(told["forecast"]["first"], 4)
        self.teataja("event", "remind", "foorum", "--queue", now=WEEK)
        run = self.teataja("event", "remind", "foorum", "--queue", now="2027-04-03T12:00:00",
                           status=FAILED)
        self.assertIn("events/foorum is mailing 2 already", run.err)
        self.teataja("event", "remind", "foorum", "--queue", now="2027-04-04T07:00:00")
        self.assertEqual(len(self.mailings()), 3)

    def test_a_test_goes_to_one_address_and_does_not_count(self):
        self.teataja("event", "remind", "foorum", "--test", "keegi@naide.example", now=WEEK)
        self.assertEqual(self.server.addresses(), ["keegi@naide.example"])
        self.assertEqual(self.run_due(WEEK)["done"], 1)

    def test_it_is_not_sent_once_the_event_has_begun(self):
        self.run_due(DAY)
        self.assertEqual(self.deliver(2, START), [])
        run = self.teataja("event", "remind", "foorum", "--queue", now=START, status=FAILED)
        self.assertIn("events/foorum.md: the event has begun", run.err)

    def test_preview_shows_each_kind(self):
        run = self.teataja("preview", "events/foorum", "--kind", "reminder", "--member",
                           self.everyone[2], now=WEEK)
        self.assertIn("Subject: Meeldetuletus: Foorum", run.out)
        self.assertIn("Olete öelnud, et võib-olla tulete.", run.out)
        run = self.teataja("preview", "events/foorum", "--kind", "thanks", now=WEEK)
        self.assertIn("https://klaster.example/slaidid", run.out)
        self.teataja("preview", "events/foorum", "--kind", "letter", now=WEEK, status=USAGE)
        self.teataja("preview", "issues/kiri", "--kind", "thanks", now=WEEK, status=USAGE)

    def test_schedule_tells_them_with_counts(self):
        planned = self.teataja("--json", "schedule", "--days", "30", now=INVITED).json()
        self.assertEqual([(p["when"], p["kind"], p["job"], p["recipients"]) for p in planned], [
            ("2027-04-03 10:00", "reminder", "events/foorum/reminder-7d", 4),
            ("2027-04-09 10:00", "reminder", "events/foorum/reminder-1d", 4),
            ("2027-04-11 10:00", "thanks", "events/foorum/thanks", 1)])


class Thanks(Invited):
    def test_they_go_the_morning_after_to_who_said_yes(self):
        self.run_due(START)
        self.assertEqual(self.run_due("2027-04-11T06:59:59")["done"], 0)
        self.assertEqual(self.run_due(THANKED)["done"], 1)
        number = self.mailings()[0]["id"]
        self.assertEqual(self.deliver(number, THANKED), [0])
        message = self.messages[self.everyone[0]]
        self.assertEqual(message["Subject"], "Aitäh: Foorum")
        self.assertIn("https://klaster.example/slaidid",
                      message.get_body(("plain",)).get_content())
        self.assertEqual(self.run_due("2027-04-12T07:00:00")["done"], 0)
        run = self.teataja("event", "thank", "foorum", "--queue", now="2027-04-12T07:00:00",
                           status=FAILED)
        self.assertIn("already (sent", run.err)

    def test_the_file_says_how_long_after(self):
        self.event(EVENT.replace("thanks:", "thanks_after: 2 h\nthanks:"))
        self.run_due(START)
        self.assertEqual(self.run_due("2027-04-10T14:59:59")["done"], 0)
        self.assertEqual(self.run_due("2027-04-10T15:00:00")["done"], 1)


class Late(Invited):
    """Who writes a file sends nothing by that."""

    TEXT = re.sub(r"reminders: .*\nthanks: \|\n.*\n", "", EVENT)

    def test_a_reminder_that_is_written_late_is_not_sent_at_once(self):
        self.run_due("2027-04-04T07:00:00")
        self.event(EVENT)
        self.assertEqual(self.run_due("2027-04-05T07:00:00")["done"], 0)
        self.assertEqual(self.run_due(DAY)["done"], 1)

    def test_thanks_that_are_written_late_are_sent_by_hand(self):
        self.run_due(START)
        run = self.teataja("event", "thank", "foorum", "--queue", now=THANKED, status=FAILED)
        self.assertIn("events/foorum.md: there is nothing to send: 'thanks:'", run.err)
        self.event(EVENT)
        self.assertEqual(self.run_due("2027-04-13T07:00:00")["done"], 0)
        run = self.teataja("event", "thank", "foorum", "--queue", now="2027-04-10T12:59:59",
                           status=FAILED)
        self.assertIn("events/foorum.md: the event is not over", run.err)
        self.teataja("event", "thank", "foorum", now="2027-04-13T07:00:00")
        self.assertEqual(self.server.addresses(), [self.everyone[0]])


class Series(Scheduled):
    SERIES = EVENT.replace("invite: 21 days before\n", "rrule: FREQ=WEEKLY;COUNT=3\n").replace(
        "[7 days before, 1 day before]", "1 day before")

    def setUp(self):
        super().setUp()
        write(self.site / "events/sari.md", self.SERIES)
        self.teataja("event", "invite", "sari", "--queue", now=INVITED)
        self.run_due(INVITED)

    def answer(self, number, answer, *when):
        more = ["--occurrence", when[0]] if when else []
        self.teataja("event", "answer", "sari", self.everyone[number], answer, *more, now=INVITED)

    def test_each_occurrence_is_reminded_of_by_its_own_answer(self):
        self.answer(0, "yes")
        self.answer(0, "no", "2027-04-17")
        self.answer(1, "no")
        self.answer(1, "yes", "2027-04-17")
        got = {}
        for day in ("09", "16", "23"):
            self.run_due(f"2027-04-{day}T07:00:00")
            made = self.mailings()[0]
            got[day] = [self.everyone.index(r["address"]) for r in self.rows(made["id"])]
            self.assertEqual(made["what"], "events/sari")
        self.assertEqual(got, {"09": [0, 2, 3, 4, 5], "16": [1, 2, 3, 4, 5],
                               "23": [0, 2, 3, 4, 5]})
        # Thanks come once, after the last, to whoever said yes to any.
        self.run_due("2027-04-24T07:00:00")
        self.run_due("2027-04-25T07:00:00")
        made = self.mailings()[0]
        self.assertEqual(made["purpose"], "thanks")
        self.assertEqual([self.everyone.index(r["address"]) for r in self.rows(made["id"])],
                         [0, 1])

    def test_a_no_to_this_one_keeps_it_back_while_it_waits(self):
        self.answer(0, "yes")
        self.run_due("2027-04-16T07:00:00")
        self.answer(0, "no", "2027-04-17")
        self.answer(2, "no", "2027-04-24")
        self.teataja("mailing", "resume", "2", now="2027-04-16T07:00:01", status=None)
        self.assertEqual(sorted(self.server.addresses()),
                         [self.everyone[n] for n in (1, 2, 3, 4, 5)])

    def test_staff_name_one_of_them(self):
        run = self.teataja("event", "remind", "sari", "--occurrence", "2027-04-18", "--dry-run",
                           now=INVITED, status=FAILED)
        self.assertIn("'sari' has no occurrence on 2027-04-18; the next is 2027-04-24", run.err)
        told = self.teataja("--json", "event", "remind", "sari", "--occurrence", "2027-04-17",
                            "--dry-run", now=INVITED).json()
        self.assertEqual(told["when"], "2027-04-17 10:00")

    def test_a_series_without_an_end_has_no_thanks(self):
        write(self.site / "events/sari.md", self.SERIES.replace(";COUNT=3", ""))
        run = self.teataja("event", "thank", "sari", "--queue", now=THANKED, status=FAILED)
        self.assertIn("events/sari.md: the event has no end to give thanks after", run.err)


class Beside(Scheduled):
    """<slug>.md beside <slug>.ics says what calendars do not."""

    ICS = ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1@klaster.example\r\n"
           "DTSTAMP:20270101T000000Z\r\nDTSTART;TZID=Europe/Tallinn:20270410T100000\r\n"
           "DTEND;TZID=Europe/Tallinn:20270410T160000\r\nSUMMARY:Foorum\r\nEND:VEVENT\r\n"
           "END:VCALENDAR\r\n")

    def test_a_calendar_is_invited_to_and_reminded_of_by_itself(self):
        write(self.site / "events/foorum.ics", self.ICS)
        write(self.site / "events/foorum.md", "invite: 21 days before\nreminders: 7 days before\n"
              "reminder: Buss läheb kell 9.\n---\n")
        self.teataja("check")
        self.assertEqual(self.run_due(INVITED)["done"], 1)
        self.teataja("mailing", "resume", "1", now=INVITED)
        self.server.taken.clear()
        self.assertEqual(self.run_due(WEEK)["done"], 1)
        self.teataja("mailing", "resume", "2", now=WEEK)
        self.assertEqual(sorted(self.server.addresses()), self.everyone)
        text = parse(self.server.taken[0][1]).get_body(("plain",)).get_content()
        self.assertIn("Buss läheb kell 9.", text)

    def test_what_the_calendar_says_does_not_stand_there(self):
        write(self.site / "events/foorum.ics", self.ICS)
        write(self.site / "events/foorum.md", "start: 2027-04-11 10:00\n---\n")
        run = self.teataja("check", status=CONTENT)
        self.assertIn("events/foorum.md:1:1: unknown key 'start'", run.err)


class Judged(Demo):
    """The demo's forum: a reminder to everybody, and thanks to who said yes."""

    THANKS = ("reminder: |\n  Der **Bus** – автобус – fährt um 6:30.\n"
              "thanks: |\n  Es war schön.\n\n  - [Folien](https://www.merevaigutee.example/f)\n"
              "  - [Bilder](https://www.merevaigutee.example/b)\n")

    def prepare(self):
        super().prepare()
        self.teataja("member", "import", self.site / "members.csv", "--list", "events",
                     "--source", "demo")
        for path in (self.site / "events").glob("forum*.md"):
            text = path.read_text()
            write(path, text.replace("---\n", "", 1) if text.startswith("---\n") else text)
            write(path, self.THANKS + path.read_text())
        start = re.search(r"(?m)^start: (\S+)", (self.site / "events/forum.md").read_text())
        after = datetime.date.fromisoformat(start.group(1)) + datetime.timedelta(days=3)
        self.teataja("event", "invite", "forum")
        for address in list(self.members)[:20]:
            self.teataja("event", "answer", "forum", address, "yes", status=None)
        for address in list(self.members)[20:25]:
            self.teataja("event", "answer", "forum", address, "maybe", status=None)
        self.teataja("event", "remind", "forum")
        self.teataja("event", "thank", "forum", now=f"{after}T10:00:00")
        self.messages = []
        for box, messages in self.received().items():
            for number, raw in enumerate(messages):
                mime = parse(raw)
                if mime.get_content_type() == "multipart/mixed":
                    continue  # the invitation
                path = write(self.folder / f"eml/{box}-{number}", raw)
                self.messages.append({"path": path, "raw": raw, "mime": mime, "address": box})
        self.found = dict(zip([m["path"] for m in self.messages],
                              ask("messages", [m["path"] for m in self.messages]), strict=True))
        self.pages = {}
        for message in self.messages:
            page = message["mime"].get_body(("html",)).get_content()
            kind = ("reminder" if re.search(r"/answer/[a-z0-9]+/yes", page) else "thanks")
            name = f"{kind}-{message['mime']['Content-Language']}.html"
            self.pages.setdefault(name, write(self.folder / "pages" / name, page))

    def test_there_is_everything_to_judge(self):
        kinds = {name.partition("-")[0] for name in self.pages}
        self.assertEqual(kinds, {"reminder", "thanks"})
        self.assertGreaterEqual(len(self.pages), 10, self.pages)

    def test_two_parsers_read_the_same(self):
        for message in self.messages:
            with self.subTest(message["path"].name):
                mime, found = message["mime"], self.found[message["path"]]
                member = self.members[message["address"]]
                self.assertEqual([part.defects for part in mime.walk() if part.defects], [])
                self.assertEqual(found["to"], [{"name": member["name"],
                                                "address": message["address"]}])
                self.assertEqual(found["from"], [mailbox(message["raw"], "From")])
                self.assertEqual(found["subject"], mime["Subject"])
                text = mime.get_body(("plain",)).get_content()
                self.assertEqual(found["text"].split(), text.split())
                self.assertEqual(found["html"].split(),
                                 mime.get_body(("html",)).get_content().split())
                self.assertNotRegex(text, r"\{\{|\}\}|[\ue000-\uf8ff]")
                self.assertIn("Sepikoja 4", text)
                self.assertFalse([p for p in found["tree"] if "calendar" in p["type"]])
                self.assertEqual(mime["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click")
                for line in message["raw"].partition(b"\r\n\r\n")[2].split(b"\r\n"):
                    self.assertLessEqual(len(line), 76)

    def biggest(self):
        """The two longest of each kind: a browser takes its time."""
        by_size = sorted(self.pages.values(), key=lambda path: -path.stat().st_size)
        return [page for kind in ("reminder", "thanks")
                for page in [p for p in by_size if p.name.startswith(kind)][:2]]

    def test_pages_are_right_and_read_by_everybody(self):
        self.assertEqual(html_errors(self.pages.values()), [])
        for found in ask("pages", self.biggest()):
            with self.subTest(found["path"]):
                self.assertEqual(found["schemes"], {"light": [], "dark": []})
                self.assertEqual({width: int(wide) <= int(width)
                                  for width, wide in found["widths"].items()},
                                 dict.fromkeys(("320", "600", "900"), True), found["widths"])


if __name__ == "__main__":
    unittest.main()
