"""Every verb for people and for programs: what it prints, and what a slip of the hand does."""

import json
import re
import shlex
import unittest

from support import (CONTENT, FAILED, USAGE, Case, mailbox_messages, query,
                     small_site, write, write_members)

EVENT = """\
---
title: Foorum
list: events
start: 2027-05-20 10:00
end: 2027-05-20 16:00
---
Tere tulemast.
"""


class Site(Case):
    def setUp(self):
        super().setUp()
        self.maildir = self.folder / "mail"
        self.site = small_site(self.folder / "site", port=self.sink(self.maildir))
        (self.site / "events").mkdir()
        (self.site / "events/foorum.md").write_text(EVENT)
        write_members(self.folder / "members.csv",
                      [("mari@naide.example", "Mari Maasikas", "et"),
                       ("ivan@naide.example", "Иван", "ru"),
                       ("ann@naide.example", "Ann", "en")])
        for name in ("funding", "events"):
            self.teataja("member", "import", self.folder / "members.csv", "--list", name,
                         "--source", "register 2026")

    def states(self, member, name="funding"):
        told = self.teataja("--json", "member", "show", member).json()
        return {s["list"]: s["state"] for s in told["subscriptions"]}.get(name)


class Commands(Site):
    def test_every_verb_prints_json_for_programs(self):
        for line in (("check",), ("member", "list"), ("member", "show", "1"),
                     ("member", "import", self.folder / "members.csv", "--dry-run"),
                     ("member", "add", "new@naide.example", "name=New"),
                     ("member", "set", "new@naide.example", "name=Newer"),
                     ("member", "change-address", "new@naide.example", "newer@naide.example"),
                     ("member", "revoke-links", "newer@naide.example"),
                     ("member", "subscribe", "newer@naide.example", "--list", "funding"),
                     ("member", "leave", "newer@naide.example", "--list", "funding"),
                     ("--yes", "member", "erase", "newer@naide.example"),
                     ("segment", "count", "name exists"), ("segment", "show", "name exists"),
                     ("segment", "explain", "name exists"), ("call", "list"), ("event", "list"),
                     ("event", "show", "foorum"), ("event", "invite", "foorum", "--dry-run"),
                     ("event", "invite", "foorum"), ("event", "attendees", "foorum"),
                     ("event", "answer", "foorum", "mari@naide.example", "yes"),
                     ("preview", "kiri"), ("preview", "kiri", "-o", self.folder / "out"),
                     ("preview", "events/foorum"), ("send", "kiri", "--dry-run"),
                     ("send", "kiri", "--test", "office@naide.example"), ("send", "kiri"),
                     ("mailing", "list"), ("mailing", "show", "1"), ("mailing", "resume", "1"),
                     ("mailing", "resend", "1", "--failed")):
            run = self.teataja("--json", *line)
            try:
                json.loads(run.out)
            except ValueError:
                self.fail(f"{line} printed no JSON: {run.out[:200]!r}")
        run = self.teataja("--json", "init", self.folder / "second", site="")
        self.assertEqual(run.json(), {"site": str(self.folder / "second")})

    def test_help_of_a_group_is_no_mistake(self):
        self.assertIn("member import", self.teataja("member", "--help", site="").out)
        self.assertIn("member import", self.teataja("member", site="", status=USAGE).out)

    def test_a_slip_in_an_option_sends_nothing(self):
        for status, words, *line in (
                (USAGE, "--as goes with --test", "send", "kiri", "--as", "1"),
                (USAGE, "--lang goes with --test", "send", "kiri", "--lang", "et"),
                (USAGE, "--lang goes with --test", "event", "invite", "foorum", "--lang", "et"),
                (USAGE, "from 1 to 64", "send", "kiri", "--connections", "0"),
                (FAILED, "no relay 'mian' in teataja.yaml; did you mean 'main'?", "send", "kiri",
                 "--relay", "mian"),
                (FAILED, "no relay 'other'", "event", "invite", "foorum", "--relay", "other")):
            self.assertIn(words, self.teataja(*line, status=status).err)
        self.assertEqual(self.mailings(), [])
        self.assertFalse(self.maildir.exists() and mailbox_messages(self.maildir))

    def test_what_is_not_there_is_no_empty_answer(self):
        for status, words, *line in (
                (FAILED, "no mailing 9", "mailing", "show", "9"),
                (FAILED, "no mailing 9", "--json", "mailing", "show", "9"),
                (USAGE, "no state 'lost' of a row", "mailing", "show", "1", "--state", "lost"),
                (USAGE, "no state 'opened' of a call", "call", "list", "--state", "opened"),
                (FAILED, "teataja.yaml, newsletters, projects or regions.yaml", "config",
                 "sample", "relays")):
            self.assertIn(words, self.teataja(*line, status=status).err)


class Beginning(Case):
    def test_what_init_says_comes_next_can_be_typed(self):
        for demo in ((), ("--demo",)):
            site = self.folder / f"a site of õ {len(demo)}"
            told = self.teataja("init", site, *demo, site="").out
            steps = [shlex.split(line) for line in told.splitlines()[1:]
                     if line.startswith("  teataja") and "sink" not in line]
            self.assertGreaterEqual(len(steps), 4)
            for step in steps[:3]:
                self.teataja(*step[1:], site="")


class Nobody(Site):
    def test_an_empty_list_is_named(self):
        write(self.site / "teataja.yaml", (self.site / "teataja.yaml").read_text().replace(
            "lists:", "lists:\n  other: { name: Other }"))
        write(self.site / "newsletters/funding.yaml",
              (self.site / "newsletters/funding.yaml").read_text().replace(
                  "list: funding", "list: other"))
        write(self.site / "events/foorum.md", EVENT.replace("list: events", "list: other"))
        for line in (("send", "kiri"), ("event", "invite", "foorum")):
            self.assertIn("nobody is on the list 'other'",
                          self.teataja(*line, status=FAILED).err)


class Answers(Site):
    def test_staff_enter_an_answer_by_the_members_number(self):
        self.teataja("event", "invite", "foorum")
        self.assertIn("Member 1: yes", self.teataja("event", "answer", "foorum", "1", "yes").out)
        self.teataja("member", "change-address", "1", "mari@uus.example")
        self.assertIn("before: yes", self.teataja("event", "answer", "foorum",
                                                  "mari@naide.example", "no").out)
        self.assertIn("no member '99'", self.teataja("event", "answer", "foorum", "99", "yes",
                                                     status=FAILED).err)


class Mistakes(Site):
    def test_a_broken_configuration_does_not_make_every_file_wrong(self):
        for text, words in (("name: [", "teataja.yaml:2:1: not YAML"),
                            ("name: x\n", "'languages'")):
            (self.site / "teataja.yaml").write_text(text)
            run = self.teataja("check", status=CONTENT)
            self.assertIn(words, run.err)
            self.assertNotIn("calls/", run.err)
            self.assertNotIn("issues/", run.err)

    def test_what_holds_addresses_is_for_its_owner_alone(self):
        for name in ("teataja.db", "token.key"):
            self.assertEqual((self.site / "var" / name).stat().st_mode & 0o777, 0o600, name)


class Log(Site):
    def test_verbose_names_members_by_number_and_never_by_address(self):
        log = self.teataja("--verbose", "send", "kiri").err
        self.assertEqual(sorted(re.findall(r"event=message .*member=(\d+) outcome=sent code=250",
                                           log)), ["1", "2", "3"])
        self.assertRegex(log, r"event=mailing mailing=1 state=sent total=3 sent=3")
        self.assertNotIn("naide.example", log)
        self.assertNotIn("event=", self.teataja("event", "invite", "foorum").err)


class NextLetter(Site):
    def setUp(self):
        super().setUp()
        self.teataja("send", "kiri")
        for issue in sorted((self.site / "issues").glob("kiri*")):
            issue.with_name(issue.name.replace("kiri", "second")).write_text(issue.read_text())
        self.call = self.site / "calls/kultuur.md"

    def text(self):
        told = self.teataja("--json", "preview", "second", "--member", "ann@naide.example").json()
        return told["text"]

    def test_json_of_a_mailing_has_what_the_text_has(self):
        told = self.teataja("--json", "mailing", "show", "1").json()
        self.assertEqual((told["state"], told["total"], told["sent"]), ("sent", 3, 3))
        self.assertEqual(len(told["rows"]), 3)

    def test_nobody_is_asked_whether_to_cancel_what_is_sent(self):
        for yes in ((), ("--yes",)):
            run = self.teataja(*yes, "mailing", "cancel", "1", status=FAILED)
            self.assertEqual(run.err, "teataja: mailing 1 is sent: nobody is left who will not "
                                      "get it\n")

    def test_a_relay_that_is_not_there_is_named_in_rehearsals_too(self):
        for relay, hint in (("mian", "; did you mean 'main'?"), ("x", "; it names 'main'")):
            for way in ("--dry-run", "--queue"):
                run = self.teataja("send", "kiri", way, "--relay", relay, status=FAILED)
                self.assertIn(f"no relay '{relay}' in teataja.yaml{hint}", run.err)

    def test_a_preview_in_a_language_without_an_edition_says_so(self):
        run = self.teataja("preview", "kiri", "--lang", "fi")
        self.assertIn("there is no edition in 'fi': this is the one in 'en'", run.err)
        self.assertEqual(self.teataja("preview", "kiri", "--lang", "ru").err, "")

    def test_problems_that_stop_a_letter_end_with_what_was_not_done(self):
        issue = self.site / "issues/kiri.md"
        issue.write_text(issue.read_text().replace("subject:", "subjekt:"))
        for verb, done in (("send", "sent"), ("preview", "shown")):
            run = self.teataja(verb, "kiri", status=CONTENT)
            self.assertEqual(run.err.splitlines()[-1], f"teataja: nothing was {done}: "
                                                       "correct what is said above first")

    def test_a_cancelled_call_is_named_and_not_offered(self):
        self.call.write_text(self.call.read_text().replace("funder:", "status: cancelled\nfunder:"))
        text = self.text()
        self.assertIn("Changes in calls\n\n- Grants for culture: Cancelled", text)
        for word in ("Open calls", "Deadline:", "open call", "Read more"):
            self.assertNotIn(word, text)
        self.teataja("send", "second")
        self.assertNotIn("Grants for culture", self.text())

    def test_a_moved_deadline_keeps_its_stages(self):
        self.call.write_text(self.call.read_text().replace(
            "funder:", "stages:\n  - { name: { en: Outline }, deadline: 2199-01-02 }\n"
            "  - { name: { en: Full proposal }, deadline: 2199-03-02 }\nfunder:"))
        text = self.call.read_text()
        self.call.write_text("".join(line for line in text.splitlines(True)
                                     if not line.startswith("deadline:")))
        text = " ".join(self.text().split())
        self.assertIn("Outline: 2 January 2199; Full proposal: 2 March 2199", text)


class Zones(Site):
    def test_a_reader_elsewhere_is_told_whose_clock_a_time_is_by(self):
        self.teataja("member", "set", "ann@naide.example", "timezone=Europe/Berlin")
        for what, member, words, absent in (
                ("events/foorum", "mari@naide.example", "10:00–16:00", "Tallinn"),
                ("events/foorum", "ann@naide.example", "10:00–16:00 (kohalik aeg: Tallinn)",
                 "\0"),
                ("kiri", "ann@naide.example", "17:00 (Tallinn time)", "\0")):
            told = self.teataja("--json", "preview", what, "--member", member).json()
            text = " ".join(told["text"].split())
            self.assertIn(words, text)
            self.assertNotIn(absent, text)
        self.teataja("event", "invite", "foorum")
        self.teataja("send", "kiri")
        letters = [message.decode() for message in
                   mailbox_messages(self.maildir, "ann@naide.example")]
        self.assertEqual(["Tallinn" in letter for letter in letters], [True, True])
        self.assertFalse(any("Tallinn)" in message.decode() for message in
                             mailbox_messages(self.maildir, "mari@naide.example")))


class Erased(Site):
    def test_who_was_erased_is_not_entered_again_and_gets_nothing(self):
        self.teataja("--yes", "member", "erase", "mari@naide.example")
        run = self.teataja("member", "add", "mari@naide.example", "--list", "funding", "--source",
                           "register", status=FAILED)
        self.assertIn("asked to be forgotten", run.err)
        self.teataja("send", "kiri")
        self.assertEqual(mailbox_messages(self.maildir, "mari@naide.example"), [])


class Lists(Site):
    def test_who_leaves_gets_nothing_and_an_import_does_not_bring_them_back(self):
        self.assertEqual(self.states("mari@naide.example"), "active")
        run = self.teataja("member", "leave", "mari@naide.example", "--list", "funding",
                           "--source", "wrote to the office")
        self.assertIn("on the list 'funding': left", run.out)
        self.assertEqual(self.states("mari@naide.example", "events"), "active")
        self.teataja("member", "import", self.folder / "members.csv", "--list", "funding",
                     "--source", "register 2026")
        self.teataja("member", "subscribe", "mari@naide.example", "--list", "funding")
        self.assertEqual(self.states("mari@naide.example"), "left")
        self.teataja("send", "kiri")
        self.assertEqual(set(mailbox_messages(self.maildir)),
                         {"ivan@naide.example", "ann@naide.example"})
        self.assertIn("would get nothing: on the list 'funding': left",
                      self.teataja("preview", "kiri", "--member", "1").err)
        self.assertEqual(self.teataja("preview", "kiri", "--member", "2").err, "")
        self.assertIn("wrote to the office",
                      self.teataja("member", "show", "mari@naide.example").out)

    def test_who_asks_anew_is_back_with_evidence(self):
        self.teataja("member", "leave", "1", "--list", "funding")
        self.teataja("member", "subscribe", "1", "--list", "funding", "--again", "--basis",
                     "consent", "--source", "form", "--consent-at", "2026-01-02")
        self.assertEqual(self.states("1"), "active")

    def test_the_day_of_a_consent_is_the_day_that_was_written(self):
        self.teataja("member", "subscribe", "1", "--list", "funding", "--basis", "consent",
                     "--source", "form", "--consent-at", "2026-01-02")
        self.teataja("member", "add", "new@naide.example", "--list", "funding", "--basis",
                     "consent", "--source", "paper form", "--consent-at", "2026-01-02",
                     "joined=2026-01-03")
        told = self.teataja("member", "show", "new@naide.example").out
        self.assertIn("2026-01-02 funding given, staff, paper form", told)
        self.assertRegex(told, r"joined +2026-01-03")
        at = query(self.site, "SELECT at FROM consent WHERE source = 'paper form'")[0][0]
        self.assertEqual(at, 1767304800 * 10**6, "midnight in Tallinn")

    def test_consent_in_the_future_or_without_a_source_is_refused(self):
        for status, words, *options in (
                (CONTENT, "lies in the future", "--list", "funding", "--source", "x",
                 "--consent-at", "2199-01-01"),
                (CONTENT, "--consent-at needs --source", "--list", "funding", "--consent-at",
                 "2026-01-01"),
                (USAGE, "go with --list", "--consent-at", "2026-01-01")):
            run = self.teataja("member", "add", "new@naide.example", *options, status=status)
            self.assertIn(words, run.err)
        self.teataja("member", "show", "new@naide.example", status=FAILED)


if __name__ == "__main__":
    unittest.main()
