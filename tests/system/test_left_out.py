#!/usr/bin/env python3
"""One bad file stops what needs it, and nothing else."""

import datetime
import unittest

from demo_site import parse
from serve_site import Serving
from support import CONTENT, FAILED, Case, SlowServer, query, small_site, write, write_members

CALL = """\
---
title: {title}
summary: For small projects.
funder: Fund
url: https://fund.example/{slug}
deadline: {day} 17:00 Europe/Tallinn
{more}---
Text.
"""
EVENT = """\
---
title: Foorum
start: {day} 10:00 Europe/Tallinn
end: {day} 16:00
location: {{ name: Narva }}
{more}---
Tulge!
"""
PROJECT = """\
name: South Baltic
from: 2026-01-01
to: 2036-12-31
notice: { et: Rahastatud, ru: Оплачено, en: Co-funded }
"""
AUTO = """\
name: News by itself
list: funding
from: { name: Cluster, address: letters@cluster.example }
languages: [et]
compose: auto
blocks: [calls, events, news]
"""
ICS = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nEND:VCALENDAR\r\n"
BROKEN = "---\ntitle: [\n---\nText.\n"

# (files that are wrong, what is left out because of them)
BAD = (
    ({"calls/halb.md": BROKEN}, "calls/halb"),
    ({"calls/halb.md": "\0\xff"}, "calls/halb"),
    ({"calls/halb.md": "---\n" + "nonsense: 1\n" * 1500 + "---\n"}, "calls/halb"),
    ({"calls/halb.md": CALL.format(slug="halb", title="Halb", day="2036-02-31", more="")},
     "calls/halb"),
    ({"calls/kultuur.ru.md": BROKEN}, "calls/kultuur"),
    ({"calls/puudu.ru.md": "---\ntitle: X\n---\nX\n"}, "calls/puudu"),
    ({"news/halb.md": BROKEN}, "news/halb"),
    ({"events/halb.md": BROKEN}, "events/halb"),
    ({"events/halb.ics": ICS}, "events/halb"),
    ({"issues/teine.md": BROKEN}, "issues/teine"),
    ({"newsletters/teine.yaml": "name: [\n"}, "newsletters/teine"),
    ({"newsletters/teine.yaml": AUTO + "schedule: { every: 32nd Monday 09:00 }\n"},
     "newsletters/teine"),
    ({"newsletters/teine.yaml": AUTO, "newsletters/teine.intro.md": BROKEN}, "newsletters/teine"),
    ({"newsletters/teine.yaml": AUTO + "funded_by: balti\n",
      "projects/balti.yaml": PROJECT.replace("2036", "2020")}, "newsletters/teine"),
    ({"projects/balti.yaml": "name: [\n"}, "projects/balti"),
)

# (files that are wrong, what they say)
NEEDED = (
    ({"issues/kiri.md": BROKEN}, "issues/kiri cannot be used: issues/kiri.md:"),
    ({"issues/kiri.ru.md": BROKEN}, "issues/kiri cannot be used: issues/kiri.ru.md:"),
    ({"newsletters/funding.yaml": "name: [\n"}, "issues/kiri cannot be used: issues/kiri.md:"),
    ({"projects/balti.yaml": PROJECT.replace("2036", "2020")},
     "the project cannot be used: projects/balti.yaml:"),
    ({"teataja.yaml": "name: [\n"}, "teataja.yaml:"),
    ({"regions.yaml": "regions: 1\n"}, "regions.yaml:"),
)


def day(days):
    return (datetime.date.today() + datetime.timedelta(days=days)).isoformat()


def bodies(server):
    return [parse(message).get_body(("plain",)).get_content() for _, message in server.taken]


class Small(Case):
    def setUp(self):
        super().setUp()
        self.server = SlowServer()
        self.addCleanup(self.server.close)
        self.make_site(self.folder / "site")

    def make_site(self, folder):
        self.site = small_site(folder, self.server.port)
        rows = [(f"{tag}@liige.example", "Mari", tag) for tag in ("et", "ru", "en")]
        write_members(self.folder / "m.csv", rows)
        self.teataja("member", "import", "m.csv", "--list", "funding", "--source", "register")

    def spoil(self, files):
        for path, text in files.items():
            write(self.site / path, text)

    def pay(self):
        issue = self.site / "issues/kiri.md"
        issue.write_text(issue.read_text().replace("subject:", "funded_by: balti\nsubject:", 1))
        write(self.site / "projects/balti.yaml", PROJECT)


class Others(Small):
    def test_a_letter_goes_out_without_what_is_wrong(self):
        for number, (files, left) in enumerate(BAD):
            with self.subTest(file=list(files)[-1], left=left):
                self.make_site(self.folder / f"site{number}")
                self.spoil(files)
                self.teataja("check", status=CONTENT)
                run = self.teataja("--json", "send", "kiri", "--dry-run")
                folder, slug = left.split("/")
                self.assertIn((folder, slug), [(one["folder"], one["slug"])
                                               for one in run.json()["left_out"]])
                self.assertIn("teataja: warning: left out until it is corrected: ", run.err)
                self.assertIn(left, run.err.splitlines()[-1])
                wrong = list(files)[-1]
                self.assertRegex(run.err, rf"(?m)^{wrong.replace('.', '[.]')}:")
                self.assertEqual(run.json()["recipients"], 3)
                self.assertEqual(self.teataja("preview", "kiri").status, 0)
                self.assertEqual(self.teataja("schedule").status, 0)
                self.assertEqual(self.teataja("event", "list").status, 0)
                self.server.taken.clear()
                self.assertIn("left out", self.teataja("send", "kiri").err)
                self.assertEqual(len(self.server.taken), 3)
                told = left != "calls/kultuur"
                self.assertEqual({"fond.example" in text for text in bodies(self.server)}, {told})

    def test_an_event_for_people_that_nobody_can_understand_is_no_reason_to_be_silent(self):
        write(self.site / "events/foorum.md", EVENT.format(day=day(30), more="audience: sector is music\n"))
        run = self.teataja("--json", "send", "kiri", "--dry-run")
        self.assertIn("event 'foorum' is left out: events/foorum.md: ", run.json()["warnings"][0])

    def test_who_attended_what_cannot_be_read_stays_in_the_audience(self):
        newsletter = self.site / "newsletters/funding.yaml"
        newsletter.write_text(newsletter.read_text() + "audience: not invited(foorum)\n")
        write(self.site / "events/foorum.md", BROKEN)
        self.assertEqual(self.teataja("--json", "send", "kiri", "--dry-run").json()["recipients"],
                         3)


class Needed(Small):
    def test_a_letter_that_needs_a_wrong_file_does_not_go_out(self):
        for number, (files, message) in enumerate(NEEDED):
            with self.subTest(file=list(files)[0]):
                self.make_site(self.folder / f"site{number}")
                self.pay()
                good = {path: (self.site / path).read_text() for path in files}
                self.spoil(files)
                for verb in ("send", "preview"):
                    self.assertIn(message, self.teataja(verb, "kiri", status=CONTENT).err)
                self.assertEqual(self.server.taken, [])
                self.spoil(good)
                self.assertEqual(self.mailings(), [])
                self.teataja("send", "kiri", "--dry-run")

    def test_an_invitation_needs_its_event(self):
        write(self.site / "events/foorum.pl.md", "---\ntitle: X\n---\nX\n")
        write(self.site / "events/foorum.md", EVENT.format(day=day(30), more=""))
        run = self.teataja("event", "invite", "foorum", "--dry-run", status=CONTENT)
        self.assertIn("events/foorum cannot be used: events/foorum.pl.md:", run.err)

    def test_an_automatic_letter_needs_its_introduction(self):
        write(self.site / "newsletters/iga.yaml", AUTO)
        write(self.site / "newsletters/iga.intro.md", BROKEN)
        for name in ("iga", "newsletters/iga"):
            run = self.teataja("send", name, "--dry-run", status=CONTENT)
            self.assertIn("newsletters/iga cannot be used: newsletters/iga.intro.md:", run.err)


class Automatic(Small):
    """Nothing is told twice or as over, and nothing is lost."""

    def setUp(self):
        super().setUp()
        write(self.site / "newsletters/iga.yaml", AUTO)
        newsletter = self.site / "newsletters/funding.yaml"
        newsletter.write_text(newsletter.read_text().replace("[et, ru, en]", "[et]")
                              .replace("fallback: en", "fallback: et"))
        self.call("alfa")
        self.call("beeta")

    def call(self, slug, more="", broken=False):
        text = CALL.format(slug=slug, title=f"Toetus {slug}", day=day(60), more=more)
        write(self.site / f"calls/{slug}.md", text.replace("title:", "titel:") if broken else text)

    def letter(self, days, status=0):
        self.server.taken.clear()
        self.teataja("send", "iga", now=f"{day(days)}T10:00:00", status=status)
        return bodies(self.server)

    def test_what_was_left_out_comes_with_the_next_letter(self):
        self.call("beeta", broken=True)
        for text in self.letter(0):
            self.assertIn("Toetus alfa", text)
            self.assertNotIn("beeta", text)
        self.call("beeta")
        second = self.letter(1)
        self.assertEqual(len(second), 3)
        for text in second:
            self.assertLess(text.index("Toetus beeta"), text.index("Toetus alfa"))
        self.letter(2, status=FAILED)

    def test_what_was_told_and_cannot_be_read_is_not_told_as_over(self):
        self.assertEqual(len(self.letter(0)), 3)
        self.call("beeta", broken=True)
        self.letter(1, status=FAILED)
        self.call("gamma")
        for text in self.letter(2):
            self.assertIn("Toetus gamma", text)
            self.assertNotIn("beeta", text)
        self.call("beeta")
        self.letter(3, status=FAILED)


class Calendar(Small):
    def queued(self, now):
        self.teataja("schedule", "run-due", now=now, status=None)
        return [row["what"] for row in self.mailings()]

    def test_an_issue_that_is_wrong_at_its_time_goes_once_it_is_right(self):
        issue = self.site / "issues/kiri.md"
        good = issue.read_text().replace("subject:", "send: 2026-12-01 09:00\nsubject:", 1)
        issue.write_text(good)
        self.assertEqual(self.queued("2026-11-30T08:00:00"), [])
        issue.write_text(good.replace("preheader:", "preheadr:"))
        self.assertEqual(self.queued("2026-12-01T08:00:00"), [])
        issue.write_text(good)
        self.assertEqual(self.queued("2026-12-01T10:00:00"), ["issues/kiri"])

    def test_the_next_issue_does_not_go_in_place_of_one_that_is_wrong(self):
        newsletter = self.site / "newsletters/funding.yaml"
        newsletter.write_text(newsletter.read_text() + "schedule: first Monday 09:00\n")
        issue = self.site / "issues/kiri.md"
        good = issue.read_text().replace("subject:", "send: next\nsubject:", 1)
        for path in self.site.glob("issues/kiri*.md"):
            write(self.site / "issues" / path.name.replace("kiri", "lugu"), path.read_text())
        write(self.site / "issues/lugu.md", good.replace("Rahastus detsembris", "Jaanuar"))
        self.assertEqual(self.queued("2026-11-30T08:00:00"), [])
        issue.write_text(good.replace("preheader:", "preheadr:"))
        self.assertEqual(self.queued("2026-12-07T07:01:00"), [])
        self.assertIn("issues/kiri cannot be used", self.teataja(
            "schedule", "run", "funding", "--now", now="2026-12-07T07:01:10", status=CONTENT).err)
        (waiting,) = query(self.site, "SELECT state, reason, attempts FROM schedule_run")
        self.assertEqual((waiting[0], waiting[2]), ("due", 0))
        self.assertIn("issues/kiri cannot be used: issues/kiri.md:", waiting[1])
        issue.write_text(good)
        self.assertEqual(self.queued("2026-12-07T07:03:00"), ["issues/kiri"])


class Daemon(Serving):
    def test_the_schedule_logs_what_is_left_out_once(self):
        self.make_site(self.slow().port)
        write(self.site / "calls/halb.md", BROKEN)
        write(self.site / "newsletters/teine.yaml", "name: [\n")
        self.start_daemon()
        self.wait_for_log("event=left_out")
        self.assertRegex(self.log(), r"event=left_out what=calls slug=halb problem=\"calls/halb")
        self.assertRegex(self.log(), r"event=left_out what=newsletters slug=teine")
        self.assertNotIn("schedule_not_read", self.log())


if __name__ == "__main__":
    unittest.main()
