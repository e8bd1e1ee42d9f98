"""Generated letters, sent by the real program, mean the same to two other parsers."""

import email
import email.header
import email.policy
import email.utils
import html.parser
import random
import re
import shutil
import time
import unittest

import icalendar

from judges import ask
from support import SharedCase, mailbox_messages, small_site, write, write_members
from words import WORDS, make_name, make_text

SEED = 20261121
A_LANGUAGE = 30  # letters


class Text(html.parser.HTMLParser):
    """What a person reads of a page."""

    def __init__(self):
        super().__init__()
        self.parts = []
        self.hidden = 0

    def handle_starttag(self, tag, attrs):
        self.hidden += tag in ("style", "title")

    def handle_endtag(self, tag):
        self.hidden -= tag in ("style", "title")

    def handle_data(self, data):
        if not self.hidden:
            self.parts.append(data)


def squeeze(text):
    return " ".join(text.split())


def page_text(page):
    reader = Text()
    reader.feed(page)
    return squeeze("".join(reader.parts))


def header_text(raw):
    return str(email.header.make_header(email.header.decode_header(raw)))


EVENT = """\
---
title: "Koolitus: „jutumärgid“, komad; ja \\\\ kaldkriipsud"
list: events
start: {year}-05-20 10:00 Europe/Tallinn
end: {year}-05-20 16:00
location: {{ name: "Maja; saal, 2. korrus", address: "Rüütli 1, Narva" }}
---
Tere tulemast!
"""


class Wire(SharedCase):
    """Letters and invitations for the same generated people."""

    def prepare(self):
        self.dice = random.Random(SEED)
        self.boxes = self.folder / "boxes"
        port = self.sink(self.boxes)
        self.site = small_site(self.folder / "site", port, connections=2)
        self.write_editions()
        self.write_members()
        self.teataja("member", "import", "m.csv", "--list", "funding", "--source", "test")
        self.teataja("send", "kiri")
        self.letters = self.take()
        write(self.site / "events/koolitus.md", EVENT.format(year=time.gmtime().tm_year + 1))
        self.teataja("member", "import", "m.csv", "--list", "events", "--source", "test")
        self.teataja("event", "invite", "koolitus")
        self.invitations = self.take()

    def take(self):
        """What the sink got, without the two lines that it puts in front; it is
        emptied."""
        taken = {}
        for address, messages in mailbox_messages(self.boxes).items():
            self.assertEqual(len(messages), 1, address)
            taken[address] = messages[0].split(b"\r\n", 2)[2]
            shutil.rmtree(self.boxes / address / "new")
            (self.boxes / address / "new").mkdir()
        self.assertEqual(set(taken), set(self.members))
        return taken

    def write_editions(self):
        languages = ", ".join(WORDS)
        for name in ("teataja.yaml", "newsletters/funding.yaml"):
            path = self.site / name
            path.write_text(path.read_text().replace("[et, ru, en]", f"[{languages}]"))
        self.subjects, self.bodies = {}, {}
        for language in WORDS:
            self.subjects[language] = make_text(self.dice, language, 14)
            self.bodies[language] = make_text(self.dice, language, 120)
            head = "newsletter: funding\n" if language == "et" else ""
            suffix = "" if language == "et" else f".{language}"
            write(self.site / f"issues/kiri{suffix}.md",
                  f"---\n{head}subject: {self.subjects[language]}\npreheader: x\n---\n"
                  f"{{{{member.name}}}}: {self.bodies[language]}\n\n{{{{> calls}}}}\n")
            if suffix:
                write(self.site / f"calls/kultuur{suffix}.md",
                      f"---\ntitle: {make_text(self.dice, language, 5)}\n---\n"
                      f"{make_text(self.dice, language, 20)}\n")

    def write_members(self):
        self.members = {}
        for language in WORDS:
            for n in range(A_LANGUAGE):
                self.members[f"{language}{n}@naide.example"] = (make_name(self.dice), language)
        write_members(self.folder / "m.csv", [(address, name, language) for address,
                                              (name, language) in self.members.items()])

    def check_bytes(self, address, message):
        """What holds for every message on its way (RFC 5321 and 5322, section 2)."""
        self.assertNotRegex(message, rb"[^\r]\n|\r[^\n]", f"{address}: a bare CR or LF")
        self.assertTrue(message.isascii(), f"{address}: not 7 bits clean")
        head, _, body = message.partition(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            self.assertLessEqual(len(line), 998, address)
        for line in body.split(b"\r\n"):
            self.assertLessEqual(len(line), 76, address)
            self.assertFalse(line.startswith((b".", b"From ")), f"{address}: {line!r}")
        for line in re.split(rb"\r\n(?![ \t])", head):
            for word in re.findall(rb"=\?[^?]*\?[^?]*\?[^?]*\?=", line):
                self.assertLessEqual(len(word), 75, f"{address}: RFC 2047, section 2")

    def check_python(self, address, message):
        name, language = self.members[address]
        plain = email.message_from_bytes(message)
        display, mailbox = email.utils.parseaddr(re.sub(r"\r?\n", "", plain["To"]))
        self.assertEqual((header_text(display), mailbox), (name, address))
        self.assertEqual(header_text(re.sub(r"\r?\n", "", plain["Subject"])),
                         self.subjects[language])
        modern = email.message_from_bytes(message, policy=email.policy.default)
        self.assertEqual([part.defects for part in modern.walk() if part.defects], [])
        meant = squeeze(f"{name}: {self.bodies[language]}")
        self.assertIn(meant, squeeze(modern.get_body(("plain",)).get_content()))
        self.assertIn(meant, page_text(modern.get_body(("html",)).get_content()))
        self.assertEqual(modern["Content-Language"], language)

    def check_mailparser(self, address, found):
        name, language = self.members[address]
        self.assertEqual(found["to"], [{"name": name, "address": address}])
        self.assertEqual(found["subject"], self.subjects[language])
        meant = squeeze(f"{name}: {self.bodies[language]}")
        self.assertIn(meant, squeeze(found["text"]))
        self.assertIn(meant, page_text(found["html"]))

    def test_generated_letters_parse_back_to_what_was_meant(self):
        paths = []
        for address, message in self.letters.items():
            with self.subTest(address, name=self.members[address][0], seed=SEED):
                self.check_bytes(address, message)
                self.check_python(address, message)
            paths.append(write(self.folder / "eml" / address, message))
        for path, found in zip(paths, ask("messages", paths), strict=True):
            with self.subTest(path.name, name=self.members[path.name][0], seed=SEED):
                self.check_mailparser(path.name, found)

    def test_generated_names_stand_in_calendars_as_they_are(self):
        paths = []
        for address, message in self.invitations.items():
            with self.subTest(address, name=self.members[address][0], seed=SEED):
                self.check_bytes(address, message)
                data = next(part.get_payload(decode=True) for part in
                            email.message_from_bytes(message).walk()
                            if part.get_content_type() == "text/calendar")
                for line in data.split(b"\r\n"):
                    self.assertLessEqual(len(line), 75)
                event, = icalendar.Calendar.from_ical(data).walk("VEVENT")
                self.check_attendee(address, event["ATTENDEE"], event["ATTENDEE"].params["CN"])
                self.assertEqual(event["SUMMARY"], "Koolitus: „jutumärgid“, komad; ja \\ "
                                                   "kaldkriipsud")
            paths.append(write(self.folder / "ics" / address, data))
        for path, found in zip(paths, ask("calendars", paths), strict=True):
            with self.subTest(path.name, name=self.members[path.name][0], seed=SEED):
                event, = found["events"]
                attendee, = event["attendees"]
                self.check_attendee(path.name, attendee["value"], attendee["cn"])

    def check_attendee(self, address, value, name):
        self.assertEqual(value.lower(), f"mailto:{address}")
        # RFC 5545, section 3.2: a quoted parameter can hold everything but quotes.
        self.assertEqual(name, self.members[address][0].replace('"', "'"))


if __name__ == "__main__":
    unittest.main()
