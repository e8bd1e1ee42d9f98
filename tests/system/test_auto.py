#!/usr/bin/env python3
"""Letters that compose themselves, from a demo site into mailboxes, week after week; and the
deadlines that their links and feeds give to calendars."""

import datetime
import re
import unittest

import judges
from demo_site import Demo, parse
from support import FAILED, JUDGES, write
from web_site import WebSite

LANGUAGES = ("en", "et", "ru", "lt", "pl", "cs")
CALL = """\
title: {title}
funder: Baltic Travel Fund
summary: A week in a partner's workshop.
url: https://travel.example/{slug}
deadline: {deadline} 16:00 Europe/Warsaw
"""


def day(days):
    return (datetime.date.today() + datetime.timedelta(days=days)).isoformat()


def text_of(message):
    return parse(message).get_body(("plain",)).get_content()


class Weeks(Demo):
    """The demo's people, with calls of our own: whatever the weekday, nothing else is new."""

    def prepare(self):
        super().prepare()
        for kind in ("calls", "events", "news"):
            for path in (self.site / kind).iterdir():
                path.unlink()
        self.call("base", 90)

    def call(self, slug, days, more=""):
        write(self.site / f"calls/{slug}.md",
              CALL.format(slug=slug, title=f"Travel {slug}", deadline=day(days)) + more)

    def send(self, days, **more):
        return self.teataja("send", "weekly", now=f"{day(days)}T10:00:00", **more)

    def letters(self):
        """What has come since the last look: {address: [message, ...]}."""
        now = self.received()
        before = getattr(self, "seen", {})
        self.seen = now
        return {a: m[len(before.get(a, [])):] for a, m in now.items()
                if len(m) > len(before.get(a, []))}

    def test_week_after_week(self):
        plan = self.teataja("--json", "send", "weekly", "--dry-run").json()
        self.assertEqual(plan["nothing_new"], 0)
        self.send(0)
        first = self.letters()
        self.assertEqual(len(first), plan["recipients"])
        self.assertEqual({tag for m in first.values()
                          for tag in [parse(m[0])["Content-Language"]]}, set(LANGUAGES))

        with self.subTest("a segment finds who had a letter of the newsletter"):
            had = self.teataja("--json", "segment", "count", "received(newsletters/weekly)").json()
            self.assertEqual(had["count"], plan["recipients"])
            rest = self.teataja("--json", "segment", "count",
                                "subscribed(funding) and not received(newsletters/weekly)").json()
            self.assertEqual(rest["count"], 0)

        with self.subTest("who has had everything gets nothing, and no row"):
            self.assertIn("there is nothing new", self.send(1, status=FAILED).err)
            self.assertEqual(self.letters(), {})

        with self.subTest("a new call goes to those whom it concerns, and nothing else with it"):
            self.call("alpha", 60)
            self.send(2)
            second = self.letters()
            self.assertEqual(set(second), set(first))
            for message in second.values():
                text = text_of(message[0])
                self.assertIn("Travel alpha", text)
                self.assertLess(text.index("Travel alpha"), text.index("Travel base"))

        with self.subTest("a moved deadline is news, with what changed"):
            self.call("alpha", 75)
            self.send(3)
            english = next(text_of(m[0]) for m in self.letters().values()
                           if parse(m[0])["Content-Language"] == "en")
            self.assertIn("Deadline moved", english)
            self.assertIn("moved from", english)

        with self.subTest("who joined today gets what is still open"):
            self.teataja("member", "add", "new@naide.example", "language=en", "--list", "funding",
                         "--basis", "membership", "--source", "office")
            self.send(4)
            got = self.letters()
            self.assertEqual(list(got), ["new@naide.example"])
            text = text_of(got["new@naide.example"][0])
            self.assertIn("Travel alpha", text)
            self.assertNotIn("Still open", text)
            self.assertIn("there is nothing new", self.send(5, status=FAILED).err)

    def test_a_preview_says_that_it_would_be_held_back(self):
        folder = self.folder / "out"
        run = self.teataja("preview", "newsletters/weekly", "--lang", "et", "-o", folder)
        self.assertNotIn("would not be sent", run.err)
        self.assertTrue((folder / "weekly.et.eml").is_file())


class Calendars(WebSite):
    def judged(self, *texts):
        paths = [write(self.folder / f"{number}.ics", text) for number, text in enumerate(texts)]
        return judges.ask("calendars", paths)

    def test_links_in_letters_give_their_deadline(self):
        message = next(iter(self.received().values()))[0]
        links = sorted(set(re.findall(r"https://[^/\s\"]+(/c/[a-z0-9-]+\.[a-z]{2}\.ics)",
                                      text_of(message))))
        self.assertTrue(links)
        answers = [self.ask(link) for link in links]
        self.assertEqual({status for status, _, _ in answers}, {200})
        self.assertEqual({headers["Content-Type"] for _, headers, _ in answers},
                         {"text/calendar; charset=utf-8; method=PUBLISH"})
        for link, calendar in zip(links, self.judged(*(text for _, _, text in answers))):
            with self.subTest(link):
                self.assertEqual(calendar["method"], "PUBLISH")
                self.assertTrue(calendar["events"])

    def test_feeds_of_each_language(self):
        feeds = [self.ask(f"/feed/funding.{tag}.ics") for tag in LANGUAGES]
        self.assertEqual({status for status, _, _ in feeds}, {200})
        uids = [re.findall(r"^UID:(.*)\r$", text, re.M) for _, _, text in feeds]
        self.assertGreater(len(uids[0]), 10)
        self.assertEqual(len(set(uids[0])), len(uids[0]))
        self.assertTrue(all(found == uids[0] for found in uids))
        self.assertEqual(len({text for _, _, text in feeds}), len(LANGUAGES))
        for calendar in self.judged(*(text for _, _, text in feeds)):
            self.assertEqual(len(calendar["events"]), len(uids[0]))
        listed = self.teataja("call", "list", "--ics", "--lang", "et").out
        self.assertEqual(re.findall(r"^UID:(.*?)\r?$", listed, re.M), uids[0])

    def test_an_event_is_the_one_of_its_invitation(self):
        status, headers, text = self.ask(f"/e/{self.event}.et.ics")
        self.assertEqual((status, headers["Content-Type"]),
                         (200, "text/calendar; charset=utf-8; method=PUBLISH"))
        invited = next(part.get_payload(decode=True).decode() for messages in
                       self.received().values() for raw in messages
                       for part in parse(raw).walk() if part.get_content_type() == "text/calendar")
        for name in ("UID", "SEQUENCE", "DTSTART;TZID=Europe/Tallinn"):
            line = rf"(?m)^{name}:(.*)\r$"
            self.assertEqual(re.findall(line, text), re.findall(line, invited), name)
        self.assertNotRegex(text, "(?m)^(ATTENDEE|ORGANIZER)")
        calendar = self.judged(text)[0]
        self.assertEqual((calendar["method"], len(calendar["events"])), ("PUBLISH", 1))

    def test_what_there_is_no_calendar_of(self):
        for path in ("/c/nothing.en.ics", "/c/creative-europe.ics", "/c/creative-europe.xx.ics",
                     "/c/creative-europe.en.icx", "/feed/funding.de.ics", "/feed/meetings.en.ics",
                     "/feed/nothing.en.ics", "/c/.en.ics", "/e/nothing.en.ics",
                     # Nobody was invited to it; it is not for everybody.
                     "/e/closing-congress.en.ics", "/e/team-meeting.en.ics"):
            with self.subTest(path):
                self.assertEqual(self.ask(path)[0], 404)
        self.assertEqual(self.ask("/c/creative-europe.en.ics", "POST", "")[0], 405)

    def test_asking_changes_nothing(self):
        before = self.dump()
        self.ask("/feed/funding.en.ics")
        self.ask("/c/creative-europe.en.ics")
        self.ask(f"/e/{self.event}.en.ics")
        self.assertEqual(self.dump(), before)


class Looks(Demo):
    def test_the_judges_take_the_letters(self):
        if not (JUDGES / "node_modules").is_dir():
            raise AssertionError(f"run 'npm ci --prefix {JUDGES}' first")
        folder = self.folder / "out"
        for tag in LANGUAGES:
            self.teataja("preview", "weekly", "--lang", tag, "-o", folder)
        pages = sorted(folder.glob("*.html"))
        self.assertEqual(len(pages), len(LANGUAGES))
        self.assertEqual(judges.html_errors(pages), [])


if __name__ == "__main__":
    unittest.main()
