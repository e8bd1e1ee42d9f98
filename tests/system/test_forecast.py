#!/usr/bin/env python3
"""When the last letter will be out: what is told before, against what the servers see."""

import datetime
import time
import unittest

from serve_site import Serving
from support import DONE, Case, SlowServer, small_site, wait_for, write, write_members

SECOND = """\
  - name: second
    url: smtp://127.0.0.1:{port}
    starttls: "off"
"""
FORUM = """\
---
title: Foorum
start: {start} 10:00 Europe/Tallinn
end: {start} 16:00
location: {{ name: Narva }}
rsvp: {{ by: {by} }}
invite: 5 days before
---
Tulge!
"""


def day(days):
    return (datetime.date.today() + datetime.timedelta(days=days)).isoformat()


class Watched(SlowServer):
    """Notes when each message has come."""

    def __init__(self):
        self.dots = []
        super().__init__(answers=self.note_dot)

    def note_dot(self, stage, _):
        if stage == "DOT":
            self.dots.append(time.time())


class Waits(Case):
    """The forecast of a letter, and the letter itself."""

    def setUp(self):
        super().setUp()
        self.servers = []

    def make_site(self, name, members, *limits):
        """A site with a relay for each limit; returns its servers."""
        servers = [Watched() for _ in limits]
        for server in servers:
            self.addCleanup(server.close)
        self.site = small_site(self.folder / name, servers[0].port)
        text = (self.site / "teataja.yaml").read_text() + f"    limits: [{limits[0]}]\n"
        for server, limit in zip(servers[1:], limits[1:]):
            text += SECOND.format(port=server.port) + f"    limits: [{limit}]\n"
        write(self.site / "teataja.yaml", text)
        write_members(self.folder / "m.csv",
                      [(f"m{n}@liige.example", "Liige", "et") for n in range(members)])
        self.teataja("member", "import", "m.csv", "--list", "funding", "--source", "test")
        return servers

    def forecast(self, *arguments):
        told = self.teataja("--json", *arguments, "--dry-run").json()["forecast"]
        return told, time.time()

    def test_limits_are_waited_for_as_long_as_was_told(self):
        # The second relay takes what the first one leaves.
        cases = (("one", 10, ("{ rate: 8/min, reserve: 3 }",), 5, ["main"]),
                 ("two", 18, ("5/min", "10/min"), 15, ["main", "second"]))
        running = []
        for name, members, limits, first, relays in cases:
            servers = self.make_site(name, members, *limits)
            told, asked = self.forecast("send", "kiri")
            self.assertEqual((told["relays"], told["first"], told["ahead"]), (relays, first, 0))
            if len(relays) > 1:
                alone = self.forecast("send", "kiri", "--relay", "second")[0]
                self.assertEqual((alone["relays"], alone["first"]), (["second"], 10))
            begun = time.time()
            running.append((members, servers, told, asked, begun, self.start("send", "kiri")))
        for members, servers, told, asked, begun, process in running:
            process.communicate(timeout=100)
            self.assertEqual(process.returncode, DONE)
            dots = sorted(dot for server in servers for dot in server.dots)
            self.assertEqual(len(dots), members)
            wait = told["last_at"] / 1e6 - asked
            self.assertGreater(wait, 55)
            self.assertAlmostEqual(dots[-1] - begun, wait, delta=4)
            self.assertEqual(sum(dot < begun + 30 for dot in dots), told["first"])

    def test_what_was_sent_in_the_window_counts(self):
        self.make_site("site", 5, "6/min")
        self.teataja("send", "kiri")
        for path in self.site.glob("issues/kiri*.md"):
            write(self.site / "issues" / path.name.replace("kiri", "teine"), path.read_text())
        told, asked = self.forecast("send", "teine")
        self.assertEqual(told["first"], 1)
        self.assertAlmostEqual(told["last_at"] / 1e6 - asked, 60, delta=4)

    def test_an_invitation_is_forecast_with_its_last_day(self):
        self.make_site("site", 12, "2/day")
        write(self.site / "events/foorum.md", FORUM.format(start=day(10), by=day(3)))
        self.teataja("member", "import", "m.csv", "--list", "events", "--source", "test")
        told, _ = self.forecast("event", "invite", "foorum")
        self.assertEqual([late["what"] for late in told["late"]], ["takes answers until"])
        run = self.teataja("event", "invite", "foorum", "--dry-run")
        self.assertIn("let 2 go now, the rest from", run.out)
        self.assertRegex(run.out, r"warning: 'Foorum' takes answers until \S+ \S+ UTC, before the "
                                  r"last one is out\n")


class Dry(Case):
    def test_languages_and_versions_stand_in_tables(self):
        self.site = small_site(self.folder / "site")
        rows = [(f"{tag}{n}@liige.example", "Mari", tag)
                for tag, count in (("et", 3), ("en", 2), ("ru", 1)) for n in range(count)]
        write_members(self.folder / "m.csv", rows)
        self.teataja("member", "import", "m.csv", "--list", "funding", "--source", "test")
        told = self.teataja("--json", "send", "kiri", "--dry-run").json()
        self.assertEqual({one["language"]: (one["recipients"], one["versions"])
                          for one in told["languages"]},
                         {"et": (3, 1), "en": (2, 1), "ru": (1, 1)})
        self.assertEqual([version["counts"]["calls"] for version in told["versions"]], [1, 1, 1])
        self.assertEqual(told["left_out"], [])
        out = self.teataja("send", "kiri", "--dry-run").out
        self.assertRegex(out, r"language +recipients +versions\n")
        self.assertRegex(out, r"Estonian +et +3 +1\n")
        self.assertRegex(out, r"version +language +recipients +calls +still open +deadlines +events "
                              r"+news +HTML KB +subject\n")
        self.assertRegex(out, r"\n +1 +et +3 +1 +0 +0 +0 +0 +\d+ +Rahastus detsembris\n")


class Calendar(Case):
    def test_the_list_of_what_is_planned_says_when_it_is_out(self):
        self.site = small_site(self.folder / "site", 25)
        write(self.site / "teataja.yaml", (self.site / "teataja.yaml").read_text()
              + "    limits: [5/day]\n")
        rows = [(f"m{n}@liige.example", "Mari", "et") for n in range(20)]
        write_members(self.folder / "m.csv", rows)
        for name in ("funding", "events"):
            self.teataja("member", "import", "m.csv", "--list", name, "--source", "test")
        issue = self.site / "issues/kiri.md"
        issue.write_text(issue.read_text().replace("subject:", f"send: {day(2)} 09:00\nsubject:",
                                                   1))
        call = self.site / "calls/kultuur.md"
        call.write_text(call.read_text().replace(day(40), day(5)))
        write(self.site / "events/foorum.md", FORUM.format(start=day(7), by=day(6)))
        lines = {line["job"]: line for line in self.teataja("--json", "schedule").json()}
        # Invitations are more urgent, and due three hours after the letter: 5 of it are out.
        letter, invitation = lines["issues/kiri"], lines["events/foorum"]
        self.assertEqual(letter["recipients"], 20)
        self.assertEqual(invitation["out_by"][:10], day(6))
        self.assertIn(letter["out_by"][:10], (day(9), day(10)))
        self.assertRegex(letter["note"], r"^'Kultuuritoetus' closes ")
        plain = self.teataja("schedule").out
        self.assertRegex(plain, r"when +zone +kind +job +sends +recipients +out by +note")
        without = self.teataja("--json", "schedule", "--no-counts").json()
        self.assertEqual({line["out_by"] for line in without}, {""})


class Queue(Serving):
    """Another letter goes first, whoever asked for it."""

    def test_a_letter_that_is_queued_goes_before(self):
        relay = Watched()
        self.addCleanup(relay.close)
        self.make_site(relay.port)
        path = self.site / "teataja.yaml"
        text = path.read_text()
        relays = text[text.index("relays:"):]
        limited = relays.replace("    connections: 1\n", "    connections: 1\n    limits: [8/s]\n")
        write(path, text.replace(relays, limited))
        for one in self.site.glob("issues/kiri*.md"):
            write(self.site / "issues" / one.name.replace("kiri", "teine"), one.read_text())
        self.teataja("send", "kiri", "--queue")
        told = self.teataja("--json", "send", "teine", "--dry-run").json()["forecast"]
        asked = time.time()
        self.assertEqual((told["ahead"], told["first"]), (20, 0))
        self.assertIn("20 queued before go first.",
                      self.teataja("send", "teine", "--dry-run").out)
        self.teataja("send", "teine", "--queue", status=DONE)
        self.start_daemon()
        wait_for("both letters", lambda: len(relay.dots) == 40, 30)
        dots = sorted(relay.dots)
        self.assertAlmostEqual(dots[-1] - dots[0], told["last_at"] / 1e6 - asked, delta=1.5)


if __name__ == "__main__":
    unittest.main()
