"""Bad input gets a clear message with its place, and leaves everything as it was."""

import contextlib
import hashlib
import os
import shutil
import sqlite3
import subprocess
import time
import unittest

from demo_site import parse
from support import (CONTENT, FAILED, PARTLY, Case, SlowServer, free_port, query, small_site, write,
                     write_members)

# One language that every letter must have, so that each mistake stands alone.
SITE = """\
name: Cluster
postal_address: Keskväljak 1, Narva
languages: [et, en]
timezone: Europe/Tallinn
country: EE
office: office@cluster.example
lists: { funding: Rahastus, events: Sündmused }
addresses: { mode: single, mailbox: bounce@cluster.example }
web: https://letters.cluster.example/
vocabularies: { sectors: [music, design] }
"""

NEWSLETTER = """\
name: Rahastuskiri
list: funding
from: { name: Cluster, address: letters@cluster.example }
languages: [et]
"""

REGIONS = "regions:\n  EE00A: { name: Ida-Viru, aliases: [Ida-Virumaa] }\n"

CALL = "---\ntitle: Toetus\nfunder: Fond\nurl: https://fond.example/\n{}---\n{}\n"
EVENT = "---\ntitle: Foorum\nlist: events\nstart: {}\nend: {}\n---\nTere.\n"
ISSUE = "---\nnewsletter: funding\nsubject: Kiri\n{}---\n{}\n"
ICS = ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//naide//EN\r\n{}BEGIN:VEVENT\r\n"
       "UID:1@naide.example\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20270520T100000Z\r\n"
       "SUMMARY:Foorum\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")


def call(keys="deadline: none\n", text="Tekst."):
    return {"calls/bad.md": CALL.format(keys, text)}


def event(start, end):
    return {"events/bad.md": EVENT.format(start, end)}


def issue(keys="", text="Tere."):
    return {"issues/bad.md": ISSUE.format(keys, text)}


# What is wrong -> the files that say so, and everything that 'check' must say.
WRONG = {
    "unknown key": (
        {"teataja.yaml": SITE + "colour: red\n"},
        ["teataja.yaml:11:1: unknown key 'colour'"]),
    "misspelt key": (
        {"newsletters/funding.yaml": NEWSLETTER + "falback: en\n"},
        ["newsletters/funding.yaml:5:1: unknown key 'falback'; did you mean 'fallback'?"]),
    "key that stands twice": (
        {"teataja.yaml": SITE + "name: Other\n"},
        ["teataja.yaml:11:1: the key 'name' stands twice; it is on line 1 already"]),
    "wrong type": (
        {"newsletters/funding.yaml": NEWSLETTER + "deadlines_within: many\n"},
        ["newsletters/funding.yaml:5:19: deadlines_within: 'many' is not a length of time; "
         "write '7 days', '36 h' or 'P7D'"]),
    "list that teataja.yaml lacks": (
        {"newsletters/funding.yaml": NEWSLETTER.replace("list: funding", "list: fundin")},
        ["newsletters/funding.yaml:2:7: list: teataja.yaml has no list 'fundin'; "
         "did you mean 'funding'?"]),
    "date that does not exist": (
        call("deadline: 2027-02-30 17:00\n"),
        ["calls/bad.md:5:11: deadline: 2027-02-30 is not a date: February 2027 has 28 days"]),
    "time that clocks skip": (
        call("deadline: 2027-03-28 03:30 Europe/Tallinn\n"),
        ["calls/bad.md:5:11: 2027-03-28 03:30 does not exist in Europe/Tallinn: "
         "clocks go from 03:00 to 04:00"]),
    "time that comes twice": (
        call("deadline: 2027-10-31 03:30 Europe/Tallinn\n"),
        ["calls/bad.md:5:11: 2027-10-31 03:30 comes twice in Europe/Tallinn: "
         "clocks go back from 04:00 to 03:00"]),
    "event at a time that clocks skip": (
        event("2027-03-28 02:30 Europe/Berlin", "2027-03-28 05:00"),
        ["events/bad.md:4:8: 2027-03-28 02:30 does not exist in Europe/Berlin: "
         "clocks go from 02:00 to 03:00"]),
    "event that ends before it begins": (
        event("2027-05-20 10:00", "2027-05-20 09:00"),
        ["events/bad.md:5:6: the event ends before it begins, on 2027-05-20 10:00"]),
    "unknown time zone": (
        call("deadline: 2027-02-20 17:00 Europe/Talinn\n"),
        ["calls/bad.md:5:11: no time zone 'Europe/Talinn'; did you mean 'Europe/Tallinn'?"]),
    "deadline before opening": (
        call("opens: 2027-03-01\ndeadline: 2027-02-20 17:00\n"),
        ["calls/bad.md:6:11: the deadline 2027-02-20 17:00 lies before the opening "
         "2027-03-01"]),
    "rule that never ends": (
        call("rounds: { rrule: 'FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30', at: '17:00' }\n"),
        ["calls/bad.md:5:18: FREQ=SECONDLY: write YEARLY, MONTHLY, WEEKLY or DAILY; "
         "nothing here recurs faster"]),
    "missing edition": (
        {"newsletters/funding.yaml": NEWSLETTER.replace("[et]", "[et, en]\nfallback: en"),
         **call()},
        ["calls/bad.md:2:1: no edition in English, which newsletters/funding.yaml is sent in, "
         "nor in its fallback English",
         "issues/kiri.md:2:1: no edition in English, which newsletters/funding.yaml is sent in, "
         "nor in its fallback English"]),
    "missing edition that the fallback covers": (
        {"newsletters/funding.yaml": NEWSLETTER.replace("[et]", "[et, en]\nfallback: et"),
         "calls/bad.md": CALL.format("deadline: 2027-02-30\n", "x")},
        ["calls/bad.md:2:1: warning: no edition in English: these readers get the fallback's",
         "calls/bad.md:5:11: deadline: 2027-02-30 is not a date: February 2027 has 28 days",
         "issues/kiri.md:2:1: warning: no edition in English: these readers get the "
         "fallback's"]),
    "edition without its facts": (
        {"calls/ghost.en.md": "---\ntitle: Grants\n---\nText\n"},
        ["calls/ghost.en.md: there is no calls/ghost.md, which holds the facts of this edition"]),
    "date in an edition": (
        {**call(), "calls/bad.en.md": "---\ntitle: Grants\ndeadline: 2027-01-01\n---\nText\n"},
        ["calls/bad.en.md:3:1: 'deadline' stands once, in the file of the first language; "
         "a language edition holds only title, funder, summary, url"]),
    "two files of one slug": (
        {"events/foorum.md": EVENT.format("2027-05-20 10:00", "2027-05-20 12:00"),
         "events/foorum.ics": ICS.format("")},
        [f"events/foorum.md:{line}:1: unknown key '{key}'; the keys here are access, list, "
         "approval, audience, invite, rsvp, reminders, reminder, thanks, thanks_after, funded_by"
         for line, key in ((2, "title"), (4, "start"), (5, "end"))]),
    "unknown newsletter": (
        {"issues/bad.md": ISSUE.format("", "Tere.").replace("funding", "fundign")},
        ["issues/bad.md:2:13: no newsletter 'fundign'; did you mean 'funding'?"]),
    "unknown block": (
        issue(text="Tere.\n\n{{> cals}}"),
        ["issues/bad.md:7:1: no block 'cals'; did you mean 'calls'?"]),
    "unknown token": (
        issue(text="Tere, {{member.nmae}}!"),
        ["issues/bad.md:5:7: no token 'member.nmae'; did you mean 'member.name'?"]),
    "section in content": (
        issue(text="{{#member}}"),
        ["issues/bad.md:5:1: '{{#' belongs to templates; content has tokens such as "
         "{{member.name}} and blocks such as {{> calls}}"]),
    "unknown field in a segment": (
        issue("audience: 'secter = music'\n"),
        ["issues/bad.md:4:11: audience: column 1: no field 'secter'; did you mean 'sector'?"]),
    "segment that ends early": (
        {"newsletters/funding.yaml": NEWSLETTER + "audience: 'sector in (music'\n"},
        ["newsletters/funding.yaml:5:11: audience: column 17: ')' is missing"]),
    "unknown region": (
        call("deadline: none\nregions: [Ida-Vru]\n"),
        ["calls/bad.md:6:11: no region 'Ida-Vru'; did you mean 'Ida-Viru'?"]),
    "unknown sector": (
        call("deadline: none\nsectors: [musik]\n"),
        ["calls/bad.md:6:11: no sector 'musik'; did you mean 'music'?"]),
    "broken UTF-8 in the text": (
        {"calls/bad.md": CALL.format("deadline: none\n", "Te@kst").encode().replace(b"@", b"\xff")},
        ["calls/bad.md:7:3: broken UTF-8; save the file as UTF-8"]),
    "broken UTF-8 in a key": (
        {"calls/bad.md": CALL.format("deadline: none\n", "x").encode().replace(b"Fond", b"F\xe4")},
        ["calls/bad.md:3:10: broken UTF-8; save the file as UTF-8"]),
    "line of 1 MB": (
        call(text="a" * 1_000_000),
        ["calls/bad.md:7:1: the line is longer than 65536 bytes"]),
    "calendar line of 1 MB": (
        {"events/bad.ics": ICS.format("X-NOTE:" + "a" * 1_000_000 + "\r\n")},
        ["events/bad.ics:4:1: the line is longer than 65536 bytes"]),
    "YAML nested too deep": (
        call("sectors: " + "[" * 1000 + "]" * 1000 + "\n"),
        ["calls/bad.md:5:25: lists and mappings are nested more than 16 deep"]),
    "Markdown nested too deep": (
        issue(text=">" * 3000 + " a"),
        ["issues/bad.md:5:1: lists and quotes are nested more than 40 deep"]),
    "lists nested too deep": (
        issue(text="- " * 3000 + "a"),
        ["issues/bad.md:5:1: lists and quotes are nested more than 40 deep"]),
    "calendar nested too deep": (
        {"events/bad.ics": "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + "BEGIN:VEVENT\r\n" * 1000},
        ["events/bad.ics:10:1: components are nested more than 8 deep"]),
    "HTML in Markdown": (
        issue(text="<script>alert(1)</script>"),
        ["issues/bad.md:5:1: HTML is not allowed here: '<script>alert(1)</script>'"]),
    "link that runs a script": (
        issue(text="[vaata](javascript:alert(1))"),
        ["issues/bad.md:5:9: link 'javascript:alert(1)' is not http, https, mailto or tel"]),
    "image that says nothing": (
        issue(text="![](https://naide.example/a.png)"),
        ["issues/bad.md:5:5: image 'https://naide.example/a.png' has no alternative text; "
         "say what it shows: ![...](...)"]),
    "From at a free-mail provider": (
        {"newsletters/funding.yaml": NEWSLETTER.replace("letters@cluster.example",
                                                        "cluster@gmail.com")},
        ["newsletters/funding.yaml:3:33: address: letters cannot come from gmail.com, where "
         "anybody can have a mailbox; use an address of your own domain"]),
    "address with a line break": (
        {"newsletters/funding.yaml": NEWSLETTER.replace(
            "letters@cluster.example", '"letters@cluster.example\\r\\nBcc: x@naide.example"')},
        ["newsletters/funding.yaml:3:33: address: address 'letters@cluster.example  "
         "Bcc: x@naide.example' holds a line break"]),
    "subject with a line break": (
        {"issues/bad.md": ISSUE.format("", "x").replace("subject: Kiri",
                                                        'subject: "Kiri\\r\\nBcc: x@y.example"')},
        ["issues/bad.md:3:10: subject: the value must be one line without tabs"]),
    "several at once": (
        {"teataja.yaml": SITE + "colour: red\n", **call("deadline: 2027-02-30\nregions: [X]\n")},
        ["calls/bad.md:5:11: deadline: 2027-02-30 is not a date: February 2027 has 28 days",
         "calls/bad.md:6:11: no region 'X'",
         "teataja.yaml:11:1: unknown key 'colour'"]),
}


def digest(folder):
    """Every file below the folder with its bytes."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def dump(site):
    """Every row of the site's database."""
    with contextlib.closing(sqlite3.connect(f"file:{site}/var/teataja.db?mode=ro",
                                            uri=True)) as db:
        return "\n".join(db.iterdump())


class Files(Case):
    """What 'check' says of files that are wrong."""

    def setUp(self):
        super().setUp()
        self.site = self.folder / "site"

    def make_site(self, files):
        shutil.rmtree(self.site, ignore_errors=True)
        write(self.site / "teataja.yaml", SITE)
        write(self.site / "regions.yaml", REGIONS)
        write(self.site / "newsletters/funding.yaml", NEWSLETTER)
        write(self.site / "issues/kiri.md", ISSUE.format("", "Tere."))
        for name, text in files.items():
            write(self.site / name, text)

    def test_a_right_site_has_no_problem(self):
        self.make_site({})
        run = self.teataja("check", "--quiet")
        self.assertEqual(run.err, "")
        self.assertIn("0 errors, 0 warnings", run.out)

    def test_each_mistake_is_named_with_its_place(self):
        for what, (files, expected) in WRONG.items():
            with self.subTest(what):
                self.make_site(files)
                before = digest(self.site)
                run = self.teataja("check", "--quiet", status=CONTENT)
                self.assertEqual(run.err.splitlines(), expected)
                self.assertEqual(digest(self.site), before, "check wrote something")

    def test_mistakes_keep_a_letter_from_going_out(self):
        self.make_site(WRONG["unknown key"][0])
        run = self.teataja("send", "kiri", status=CONTENT)
        self.assertEqual(run.err.splitlines(), WRONG["unknown key"][1] +
                         ["teataja: nothing was sent: correct what is said above first"])
        self.assertFalse((self.site / "var").exists())

    def test_a_line_of_ten_megabytes_is_refused_at_once(self):
        for name in ("calls/bad.md", "events/bad.ics", "newsletters/bad.yaml"):
            with self.subTest(name):
                self.make_site({name: "a" * 10_000_000 + "\n"})
                run = self.teataja("check", "--quiet", status=CONTENT, timeout=10)
                self.assertEqual(len(run.err.splitlines()), 1)
                self.assertRegex(run.err, f"^{name}:.* larger than 4194304 bytes")

    def test_json_gives_each_problem_its_place(self):
        self.make_site(WRONG["unknown region"][0])
        told = self.teataja("--json", "check", status=CONTENT).json()
        self.assertEqual(told["problems"], [{
            "severity": "error", "file": "calls/bad.md", "line": 6, "column": 11,
            "message": "no region 'Ida-Vru'; did you mean 'Ida-Viru'?"}])


class Members(Case):
    """What is not taken into the register."""

    def setUp(self):
        super().setUp()
        self.site = small_site(self.folder / "site")
        write_members(self.folder / "good.csv", [("mari@naide.example", "Mari", "et")])
        self.teataja("member", "import", "good.csv", "--list", "funding", "--source", "test")

    def refuse(self, text, expected):
        write(self.folder / "bad.csv", text)
        before = dump(self.site)
        run = self.teataja("member", "import", "bad.csv", "--list", "funding", "--source", "test",
                           status=CONTENT)
        self.assertEqual(run.err.splitlines(), expected + ["teataja: nothing was imported"])
        self.assertEqual(dump(self.site), before)

    def test_every_wrong_row_is_named_and_none_is_imported(self):
        self.refuse(
            'email;name;language;region\n'
            '"peeter@naide.example\r\nBcc: x@naide.example";Peeter;et;\n'
            'jaan@naide.example;Jaan;et;Ida-Vru\n'
            'jyri@naide.example;Jüri;xx;Ida-Virumaa\n'
            'aadressita;Aa;et;\n'
            'hea@naide.example;Hea;et;\n',
            ["bad.csv:2:1: address 'peeter@naide.example  Bcc: x@naide.example' holds a line "
             "break",
             "bad.csv:4:28: no region 'Ida-Vru'; did you mean 'Ida-Viru'?",
             "bad.csv:5:25: no language 'xx'; letters speak et, ru, en, lv, lt, pl, cs, de, sv, "
             "fi",
             "bad.csv:6:1: address 'aadressita' has no '@'"])

    def test_a_file_in_another_charset_is_not_guessed_at(self):
        self.refuse("email;name\nmari@naide.example;M@ri\n".encode().replace(b"M@", b"M\xe4"),
                    ["bad.csv:2:21: this is not UTF-8; if the file is in another charset, name "
                     "it, such as --charset windows-1257"])

    def test_a_quote_that_is_not_closed(self):
        self.refuse('email;name\nmari@naide.example;"Mari\n',
                    ["bad.csv:2:20: the quote that opens here is never closed"])

    def test_a_file_without_addresses(self):
        self.refuse("name\nMari\n",
                    ["bad.csv:1:1: no column holds addresses: the first row must name the "
                     "columns, one of them 'email'"])

    def test_an_address_with_a_line_break_by_hand(self):
        before = dump(self.site)
        run = self.teataja("member", "add", "a@naide.example\r\nBcc: x@naide.example",
                           status=CONTENT)
        self.assertEqual(run.err, "teataja: address 'a@naide.example  Bcc: x@naide.example' holds "
                                  "a line break\n")
        self.assertEqual(dump(self.site), before)

    def test_a_segment_shows_the_column(self):
        run = self.teataja("segment", "count", "name = Mari and secter = music", status=CONTENT)
        self.assertEqual(run.err.splitlines(),
                         ["  name = Mari and secter = music",
                          "                  ^",
                          "teataja: column 17: no field 'secter'; did you mean 'sector'?"])


class Sending(Case):
    """What keeps a letter from going out."""

    def setUp(self):
        super().setUp()
        self.site = self.folder / "site"

    def make_site(self, port=None, members=3):
        small_site(self.site, port)
        write_members(self.folder / "m.csv", [(f"mari{n}@naide.example", f"Mari {n}", "et")
                                              for n in range(members)])
        self.teataja("member", "import", "m.csv", "--list", "funding", "--source", "test")

    def relay(self, text):
        config = self.site / "teataja.yaml"
        config.write_text(config.read_text().partition("relays:")[0] + "relays:\n" + text)

    def assert_unsent(self, rows=3):
        states = query(self.site, "SELECT state, count(*) FROM outbox GROUP BY 1")
        self.assertEqual([(state, count) for state, count in states if state != "queued"], [])
        self.assertIn(sum(count for _, count in states), (0, rows))

    def test_no_such_issue(self):
        self.make_site(free_port())
        run = self.teataja("send", "kirri", status=FAILED)
        self.assertRegex(run.err, "no issue 'kirri'.*did you mean 'kiri'")
        self.assertEqual(self.mailings(), [])

    def test_no_relay(self):
        self.make_site()
        run = self.teataja("send", "kiri", status=FAILED)
        self.assertIn("teataja: teataja.yaml names no relay: add one under 'relays'", run.err)
        self.assert_unsent()

    def test_nobody_answers_at_the_relay(self):
        port = free_port()
        self.make_site(port)
        run = self.teataja("send", "kiri", status=None)
        self.assertIn(run.status, (FAILED, 4), run)
        self.assertRegex(run.err, f"127.0.0.1.*{port}|{port}.*refused|connect")
        self.assert_unsent()

    def add_late_call(self):
        """A call that was open until yesterday."""
        day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400))
        write(self.site / "calls/hilja.md", CALL.format(f"deadline: {day} 17:00\n", "Tekst."))
        for language in ("ru", "en"):
            write(self.site / f"calls/hilja.{language}.md", "---\ntitle: Late\n---\nLate.\n")
        return day

    def test_a_call_that_has_closed_is_left_out_and_said(self):
        server = SlowServer()
        self.addCleanup(server.close)
        self.make_site(server.port)
        day = self.add_late_call()
        warning = f"warning: call 'hilja' closed on {day} 17:00 Europe/Tallinn and is left out\n"
        run = self.teataja("send", "kiri", "--dry-run")
        self.assertIn(warning, run.out)
        self.assertIn("(kultuur)", run.out)
        self.assertNotIn("(hilja)", run.out)
        run = self.teataja("send", "kiri")
        self.assertEqual(run.err, f"teataja: {warning}")
        self.assertEqual(len(server.taken), 3)
        for _, message in server.taken:
            self.assertNotIn("Toetus (", parse(message).get_body(("plain",)).get_content())

    def test_a_letter_whose_call_closes_while_it_waits_goes_no_further(self):
        server = SlowServer()
        self.addCleanup(server.close)
        self.make_site(server.port)
        self.teataja("send", "kiri", "--queue")
        later = time.strftime("%Y-%m-%dT08:00:00", time.gmtime(time.time() + 45 * 86400))
        run = self.teataja("mailing", "resume", "1", now=later, status=PARTLY)
        self.assertIn("Mailing 1 (issues/kiri) is held: 0 of 3 sent, 3 waiting.\n", run.out)
        self.assertIn("It shows a deadline that was over at ", run.out)
        self.assertNotIn("Go on with", run.out)
        self.assertEqual(server.taken, [])

    def test_a_database_of_a_newer_version(self):
        self.make_site(free_port())
        with contextlib.closing(sqlite3.connect(self.site / "var/teataja.db")) as db, db:
            db.execute("INSERT INTO schema_migration (number, name, checksum, applied_at) "
                       "VALUES (99, '0099-later', 'x', 0)")
        before = dump(self.site)
        for verb in (("send", "kiri"), ("member", "list"), ("mailing", "list")):
            run = self.teataja(*verb, status=FAILED)
            self.assertRegex(run.err, r"^teataja: database '.*/var/teataja.db' is of a newer "
                                      r"teataja \(schema 99\b")
        self.assertEqual(dump(self.site), before)

    def test_a_damaged_database(self):
        self.make_site(free_port())
        database = self.site / "var/teataja.db"
        database.write_bytes(b"not a database at all\n" * 500)
        before = digest(self.site)
        run = self.teataja("send", "kiri", status=FAILED)
        self.assertRegex(run.err, "^teataja: .*teataja.db")
        self.assertEqual(digest(self.site), before)

    def test_a_read_only_database(self):
        self.make_site(free_port())
        before = dump(self.site)
        # Root may write anywhere: only a mount that is read-only keeps it from writing.
        subprocess.run(["mount", "--bind", "-o", "ro", self.site / "var", self.site / "var"],
                       check=True)
        self.addCleanup(subprocess.run, ["umount", self.site / "var"], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", self.site / "var"], check=True)
        run = self.teataja("send", "kiri", status=FAILED)
        self.assertRegex(run.err, "^teataja: .*(read-only|readonly|cannot be written|Read-only)")
        self.assertEqual(dump(self.site), before)

    def test_a_full_disk(self):
        server = SlowServer()
        self.addCleanup(server.close)
        var = self.site / "var"
        var.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", var], check=True)
        self.addCleanup(subprocess.run, ["umount", var], check=True)
        self.make_site(server.port)
        before = self.teataja("member", "export").out
        filler = var / "filler"
        for left in (0, 8192, 40_000):
            with self.subTest(bytes=left):
                space = os.statvfs(var)
                filler.write_bytes(b"x" * (space.f_bavail * space.f_frsize - left))
                run = self.teataja("send", "kiri", status=FAILED)
                self.assertRegex(run.err, "^teataja: .*no space left on the disk")
                self.assertEqual(server.taken, [])
                filler.unlink()
                self.assertEqual(self.mailings(), [])
                self.assertEqual(self.teataja("member", "export").out, before)
        self.teataja("send", "kiri")
        self.assertEqual(len(server.taken), 3)

    def test_a_secret_that_is_not_there(self):
        self.make_site()
        self.relay("  - url: smtp://127.0.0.1:2525\n    name: main\n    starttls: \"off\"\n"
                   "    user: teataja\n    password: env:TEATAJA_NOT_SET\n")
        run = self.teataja("send", "kiri", status=None)
        self.assertIn(run.status, (FAILED, CONTENT), run)
        self.assertIn("TEATAJA_NOT_SET", run.err)
        self.assert_unsent()


class Templates(Case):
    def test_a_template_that_contains_itself(self):
        self.site = small_site(self.folder / "site", free_port())
        write(self.site / "templates/mail/calls.html.mustache", "<p>\n{{> calls}}\n")
        before = digest(self.site)
        run = self.teataja("check", "--quiet", status=CONTENT)
        self.assertEqual(run.err, "templates/mail/calls.html.mustache:2: partial 'calls' contains "
                                  "itself without end\n")
        self.assertEqual(digest(self.site), before)

    def test_a_section_that_is_not_closed(self):
        self.site = small_site(self.folder / "site", free_port())
        write(self.site / "templates/mail/footer.txt.mustache", "a\n\n{{#calls}}\n")
        run = self.teataja("check", "--quiet", status=CONTENT)
        self.assertEqual(run.err, "templates/mail/footer.txt.mustache:3: section 'calls' is not "
                                  "closed\n")


if __name__ == "__main__":
    unittest.main()
