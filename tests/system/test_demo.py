"""The demo from the first command to the answers, as a newcomer would try it."""

import collections
import csv
import io
import re
import time
import unittest

from demo_site import Demo, letter_language, parse
from support import FAILED, USAGE, mailbox_messages, write

# What a preview may differ in: the tokens of links.
TOKEN = re.compile(r"(https://teataja\.example/\w+/|u-)[a-z0-9]+")


class BeforeSending(Demo):
    def test_check_finds_nothing_wrong(self):
        told = self.teataja("--json", "check").json()
        self.assertEqual(told["errors"], 0, told["problems"])

    def test_sixty_members_in_eight_languages(self):
        self.assertEqual(len(self.members), 60)
        first = collections.Counter(m["languages"].split(" ")[0] for m in self.members.values())
        self.assertEqual(first, {"et": 18, "ru": 14, "lt": 8, "pl": 8, "cs": 6, "de": 3, "sv": 2,
                                 "en": 1})
        both = [m for m in self.members.values() if {"et", "ru"} <= set(m["languages"].split())]
        self.assertGreaterEqual(len(both), 5)

    def test_a_second_import_changes_nothing(self):
        before = self.teataja("member", "export").out
        told = self.teataja("--json", "member", "import", self.site / "members.csv", "--list",
                            "funding", "--source", "demo").json()
        self.assertEqual((told[0]["rows"], told[0]["added"], told[0]["updated"],
                          told[0]["unchanged"]), (60, 0, 0, 60))
        self.assertEqual(self.teataja("member", "export").out, before)

    def test_what_was_exported_can_be_imported_into_an_empty_site(self):
        first = self.teataja("member", "export").out
        self.assertEqual(len(list(csv.reader(io.StringIO(first)))), 61)
        write(self.folder / "all.csv", first)
        other = self.folder / "other"
        self.teataja("init", other, "--demo", site="")
        self.teataja("member", "import", self.folder / "all.csv", site=other)
        again = self.teataja("member", "export", site=other).out
        self.assertEqual(self.without_uid(again), self.without_uid(first))

    @staticmethod
    def without_uid(export):
        """A member's uid is random, and another one in every site."""
        return [{key: value for key, value in row.items() if key != "uid"}
                for row in csv.DictReader(io.StringIO(export))]

    def test_init_leaves_a_folder_that_is_not_empty_alone(self):
        run = self.teataja("init", self.site, "--demo", status=FAILED, site="")
        self.assertIn("is not empty: nothing was written", run.err)

    def test_call_list_has_every_state(self):
        calls = self.teataja("--json", "call", "list").json()
        states = {call["state"] for call in calls}
        self.assertLessEqual({"planned", "open", "exhausted", "cancelled"}, states)
        now = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 2 * 86400))
        for call in calls:
            if call["state"] == "open" and call["deadline"]:
                self.assertGreater(call["deadline"], now, call)

    def test_segments_count_list_and_explain(self):
        expression = "subscribed(funding) and region = 'Ida-Viru' and not language = ru"
        count = self.teataja("--json", "segment", "count", expression).json()["count"]
        shown = self.teataja("--json", "segment", "show", expression).json()
        explained = self.teataja("--json", "segment", "explain", expression).json()
        self.assertGreater(count, 0)
        self.assertEqual((len(shown), explained["count"]), (count, count))
        self.assertNotIn("Ida-Viru", explained["sql"])
        self.assertTrue(all("ru" not in m["languages"] for m in shown))

    def test_preview_shows_each_language(self):
        before = self.mailings()
        for language in ("en", "et", "ru", "lt", "pl", "cs"):
            folder = self.folder / "preview"
            self.teataja("preview", self.issue, "--lang", language, "-o", folder)
            page = (folder / f"{self.issue}.{language}.html").read_text()
            self.assertIn(f'lang="{language}"', page)
            self.assertLessEqual(len(page.encode()) - sum(
                len(data) for data in re.findall(r"data:image/[^\"']*", page)), 80 * 1024)
            message = parse((folder / f"{self.issue}.{language}.eml").read_bytes())
            self.assertEqual(message["Content-Language"], language)
            text = (folder / f"{self.issue}.{language}.txt").read_text()
            self.assertEqual(message.get_body(("plain",)).get_content().split(), text.split())
        self.assertEqual(self.mailings(), before)

    def test_a_test_letter_goes_to_one_address_and_does_not_count(self):
        self.teataja("send", self.issue, "--test", "proov@proov.example", "--lang", "pl")
        letter, = mailbox_messages(self.boxes, "proov@proov.example")
        self.assertEqual(parse(letter)["Content-Language"], "pl")
        told = self.teataja("--json", "send", self.issue, "--dry-run").json()
        self.assertEqual(told["recipients"], self.count_active())

    def count_active(self):
        return self.teataja("--json", "segment", "count", "subscribed(funding)").json()["count"]

    def test_help_of_every_verb(self):
        verbs = re.findall(r"^  ([a-z]+(?: [a-z-]+)?)  +\S", self.teataja("--help", site="").out,
                           re.MULTILINE)
        self.assertGreater(len(verbs), 20)
        for verb in verbs:
            if not verb.startswith("-"):
                run = self.teataja(*verb.split(), "--help", site="")
                self.assertIn(f"Usage: teataja [-C DIR] [--json] {verb}", run.out)

    def test_usage_mistakes(self):
        for line, words in ((("sedn",), "did you mean 'send'"), (("send",), "send needs ISSUE"),
                            (("send", "x", "--colour"), "no option '--colour'"),
                            (("send", "x", "y"), "unexpected argument 'y'"),
                            (("member", "import", "x.csv", "--list", "funding"),
                             "--list needs --source")):
            run = self.teataja(*line, status=USAGE)
            self.assertIn(words, run.err)


class AfterSending(Demo):
    def prepare(self):
        super().prepare()
        self.preview = {}
        for address in self.one_a_language():
            folder = self.folder / "preview" / address
            self.teataja("preview", self.issue, "--member", address, "-o", folder)
            self.preview[address] = next(folder.glob("*.txt")).read_text()
        self.planned = self.teataja("--json", "send", self.issue, "--dry-run").json()
        self.told = self.teataja("send", self.issue)
        self.letters = self.received()

    def one_a_language(self):
        active = {m["email"] for m in self.teataja(
            "--json", "segment", "show", "subscribed(funding) and status = active").json()}
        found = {}
        for address, member in self.members.items():
            if address in active:
                found.setdefault(letter_language(member["languages"]), address)
        return found.values()

    def test_the_sink_holds_what_the_ledger_and_the_dry_run_say(self):
        rows = self.rows(1)
        self.assertEqual({row["state"] for row in rows}, {"sent"})
        self.assertEqual({row["address"]: 1 for row in rows},
                         {address: len(found) for address, found in self.letters.items()})
        self.assertEqual(self.planned["recipients"], len(rows))
        self.assertEqual(len(rows) + sum(
            count for why, count in self.planned["others"].items() if why != "not_on_list"), 60)
        self.assertIn(f"{len(rows)} of {len(rows)} sent.", self.told.out)
        by_language = collections.Counter()
        for version in self.planned["versions"]:
            by_language[version["language"]] += version["recipients"]
        self.assertEqual(collections.Counter(row["language"] for row in rows), by_language)

    def test_everybody_got_the_letter_in_their_language(self):
        subjects = {v["language"]: v["subject"] for v in self.planned["versions"]}
        self.assertEqual(set(subjects), {"en", "et", "ru", "lt", "pl", "cs"})
        for row in self.rows(1):
            message = parse(self.letters[row["address"]][0])
            expected = letter_language(self.members[row["address"]]["languages"])
            self.assertEqual((row["language"], message["Content-Language"]), (expected, expected))
            self.assertEqual(message["Subject"], subjects[expected])

    def test_those_without_evidence_of_consent_got_nothing(self):
        without = {row["email"] for row in self.csv
                   if row["basis"] == "consent" and not row["consent_at"]}
        self.assertEqual(without & set(self.letters), set())

    def test_what_came_is_what_the_preview_showed(self):
        self.assertEqual(len(self.preview), 6)
        for address, text in self.preview.items():
            came = parse(self.letters[address][0]).get_body(("plain",)).get_content()
            self.assertEqual(TOKEN.sub(r"\1TOKEN", came).split(),
                             TOKEN.sub(r"\1TOKEN", text).split(), address)

    def test_every_planned_item_stands_in_the_letter(self):
        rows = {row["address"]: row for row in self.rows(1)}
        calls = {c["call"]: c for c in self.teataja("--json", "call", "list").json()}
        by_language = collections.defaultdict(list)
        for version in self.planned["versions"]:
            by_language[version["language"]].append({i["slug"] for i in version["items"]
                                                     if i["block"] == "calls"})
        for selections in by_language.values():
            for slugs in selections:
                self.assertLessEqual(slugs, set(calls))
                self.assertEqual({calls[s]["state"] for s in slugs} - {"open"}, set())
        self.assertEqual(set(rows), set(self.letters))

    def test_a_second_send_is_refused(self):
        run = self.teataja("send", self.issue, status=FAILED)
        self.assertRegex(run.err, f"{self.issue}.*already")
        self.assertEqual(len(self.mailings()), 1)

    def test_the_next_letter_tells_nothing_twice_but_a_moved_deadline(self):
        first = {(v["language"], i["slug"]) for v in self.planned["versions"]
                 for i in v["items"] if i["block"] == "calls"}
        for path in list((self.site / "issues").glob(f"{self.issue}*.md")):
            write(path.with_name(path.name.replace(self.issue, "next")), path.read_bytes())
        told = self.teataja("--json", "send", "next", "--dry-run").json()
        again = {(v["language"], i["slug"]) for v in told["versions"] for i in v["items"]
                 if i["block"] == "calls"}
        self.assertEqual(again, set())
        still = {i["slug"] for v in told["versions"] for i in v["items"]
                 if i["block"] == "still_open"}
        self.assertLessEqual(still, {slug for _, slug in first})
        self.assertGreater(len(still), 3)


class Invitation(Demo):
    def prepare(self):
        super().prepare()
        self.teataja("member", "import", self.site / "members.csv", "--list", "events",
                     "--source", "demo")
        self.planned = self.teataja("--json", "event", "invite", self.event, "--dry-run").json()
        self.teataja("event", "invite", self.event)
        self.letters = self.received()
        self.ledger = self.rows(1)

    def test_those_planned_were_invited_once(self):
        self.assertEqual(len(self.ledger), self.planned["recipients"])
        self.assertEqual({row["address"]: 1 for row in self.ledger},
                         {address: len(found) for address, found in self.letters.items()})
        run = self.teataja("event", "invite", self.event, status=FAILED)
        self.assertRegex(run.err, "^teataja: ")
        self.assertEqual(len(self.mailings()), 1)

    def test_answers_are_kept_and_the_last_one_counts(self):
        address, other = list(self.letters)[:2]
        attendees = {a["address"]: a for a in
                     self.teataja("--json", "event", "attendees", self.event).json()}
        self.assertEqual(set(attendees), set(self.letters))
        self.assertEqual({a["answer"] for a in attendees.values()}, {"none"})
        told = self.teataja("--json", "event", "answer", self.event, address, "yes", "--guests",
                            "1").json()
        self.assertEqual((told["before"], told["answer"], told["seats"]), ("none", "yes", 2))
        told = self.teataja("--json", "event", "answer", self.event, other, "maybe").json()
        self.assertEqual(told["seats"], 2)
        told = self.teataja("--json", "event", "answer", self.event, address, "no").json()
        self.assertEqual((told["before"], told["seats"]), ("yes", 0))
        answers = {a["address"]: a["answer"] for a in
                   self.teataja("--json", "event", "attendees", self.event).json()}
        self.assertEqual((answers[address], answers[other]), ("no", "maybe"))
        count = self.teataja("--json", "segment", "count", f"rsvp({self.event}) = no").json()
        self.assertEqual(count["count"], 1)
        self.teataja("event", "answer", self.event, "keegi@mujal.example", "yes", status=FAILED)
        run = self.teataja("event", "answer", self.event, other, "perhaps", status=USAGE)
        self.assertIn("perhaps", run.err)

    def test_erasing_a_member_leaves_no_address_behind(self):
        address = list(self.letters)[-1]
        self.teataja("--yes", "member", "erase", address)
        run = self.teataja("member", "show", address, status=FAILED)
        self.assertIn("no member", run.err)
        found = [path for path in (self.site / "var").iterdir()
                 if path.suffix != ".lock" and address.encode() in path.read_bytes()]
        self.assertEqual([path.name for path in found if path.name == "erasure.log"], [])
        self.assertNotIn(address, self.teataja("member", "export").out)


if __name__ == "__main__":
    unittest.main()
