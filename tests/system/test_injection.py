"""What members and staff write stays text: no field becomes markup, a link, a header or
another member's data.

Every text and address that a table of src/ knows is written twice: with a plain word and
with each of the payloads. Letters and invitations of both are parsed: elements,
attributes, links, headers, parts and calendar properties must be the same, and what was
written must be read back. A key that is new in a table, and neither written here nor
named in NOT_SHOWN with its reason, fails the test.
"""

import email
import email.header
import email.policy
import html.parser
import re
import shutil
import time
import unittest

from hostile import quoted
from schemas import read_schemas, walk
from support import CONTENT, SOURCE, Case, SlowServer, write

TEXTS = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg/onload=alert(1)>",
    "</title></style></td><b>x",
    "{{member.email}} {{{x}}} {{> calls}} {{#calls}}",
    "&lt;b&gt; &#60;script&#62; &#x0a;Bcc: x &amp;amp;",
    "=?utf-8?B?PHNjcmlwdD4=?= =?x?q?=0D=0ABcc:_a?=",
    "[a](javascript:alert(1)) ![i](http://evil.example/) *b* `c`",
    "https://evil.example/?a=1&b=2 www.evil.example",
    "%0d%0aBcc: evil@evil.example %00",
    r"\r\nBcc: evil@evil.example\n.\nQUIT",
    "\"double\" 'single' `tick` back\\slash; a=b, c:d",
    "]]> --> <!-- x --!> <![CDATA[ <?php",
    "x;}body{display:none} url(javascript:x) /* */ expression(1)",
    "--=_boundary-- .. From x =3D =0A",
    "END:VEVENT BEGIN:VALARM ;CN=\"x\":mailto:evil@evil.example",
]
# What no field of a file may hold: characters for private use would become members' values.
REFUSED = ["a\u2028Bcc: x", "a\u2029b", "\u202egnp.exe", "\u2066x", "\u2067x", "\ue000", "\uf8ff",
           "\U000f0000", "\x07", "\x1b[2J", "\x7f", "\x85"]
URLS = [
    "https://{}.example/%0d%0aBcc:x?q='y'&b=1;c=(d)",
    "https://{}.example/?a=&lt;script&gt;&#x3c;",
    "http://{}.example:8080/a'onclick='x,(b)*_~!$",
    "https://{}.example/[a](b)",
    "https://{}.example/=?utf-8?Q?x?=&amp;=3D",
]

# Keys whose values no reader sees as they are written, and why.
NOT_SHOWN = {
    "teataja.yaml": {
        "lists.*.description": "for the pages of the preferences", "relays.user": "login",
        "dkim.domain": "a domain", "dkim.selector": "a word of the DNS", "relays.url": "a server",
        "addresses.domain": "a domain", "serve.metrics": "an address", "web.listen": "an address",
        "web.trusted_proxies": "addresses", "import.columns.*.headers": "names of columns",
        "web.url": "checked apart", "sources.*.url": "another's calendar",
        "sources.*.rrule": "a rule", "sources.*.user": "login", "sources.*.allow": "addresses",
        "sources.*.funder": "stands where a call's own does",
        "staff.name": "in their own mail alone: test_staff.py",
    },
    "newsletters": {"editors.name": "in their own mail alone: test_staff.py",
                    "audience": "a segment", "schedule.every": "a time", "schedule.rrule": "a rule"},
    "regions.yaml": {"groups.*.aliases": "only found by"},
    "calls": {"deadline": "a date", "moved_from": "a date", "opens": "a date",
              "rounds.rrule": "a rule", "amount.currency": "three capitals",
              "applicants": "words of a vocabulary", "tell": "words of a vocabulary",
              "sectors": "words of a vocabulary", "regions": "names of regions"},
    "news": {"kinds": "words of a vocabulary", "sectors": "words of a vocabulary",
             "regions": "names of regions", "image_alt": "of editions; as image.alt"},
    "issues": {"audience": "a segment"},
    "events": {"rrule": "a rule", "audience": "a segment", "invite": "a segment",
               "reminder": "Markdown as the body is", "thanks": "Markdown as the body is"},
}
TEXT_TYPES = ("TEXT", "LINES", "BY_LANGUAGE", "LINES_BY_LANGUAGE", "URL")

TEATAJA = """\
name: {name}
url: {url}
postal_address: {postal_address}
languages: [et]
timezone: Europe/Tallinn
office: {{ name: {office.name}, address: office@cluster.example, phone: {office.phone} }}
lists:
  funding: {{ name: {lists.*.name}, basis: membership, controller: {lists.*.controller},
    privacy_url: {lists.*.privacy_url} }}
  events: {{ name: Events, basis: membership }}
addresses: {{ mode: catchall, domain: bounce.cluster.example }}
web: https://letters.cluster.example/
vocabularies: {{ sectors: {{ music: {vocabularies.sectors} }} }}
attributes: {{ note: {{ type: text, name: {attributes.*.name} }} }}
relays: {{ url: "smtp://127.0.0.1:PORT", starttls: "off" }}
"""
NEWSLETTER = """\
name: {name}
description: {description}
list: funding
from: {{ name: {from.name}, address: letters@cluster.example }}
languages: [et]
brand: {{ logo: assets/a.png, logo_alt: {brand.logo_alt}, header_image: assets/a.png,
  header_alt: {brand.header_alt} }}
funded_by: project
"""
PROJECT = """\
name: {name}
programme: {programme}
number: {number}
from: 2020-01-01
to: 2199-01-01
partner: {partner}
logos: [ {{ file: assets/a.png, alt: {logos.alt} }} ]
notice: {notice}
"""
REGIONS = """\
regions:
  EE00A: {{ name: {regions.*.name}, aliases: [ {regions.*.aliases} ] }}
groups: {{ all: {{ name: {groups.*.name}, members: [EE00A] }} }}
"""
CALL = """\
---
title: {title}
funder: {funder}
summary: {summary}
url: {url}
stages:
  - {{ name: {stages.name}, deadline: SOON }}
  - {{ name: Second, deadline: LATER }}
amount: {{ max: 5000 }}
sectors: [music]
regions: [EE00A, all]
apply_url: {apply_url}
contact: {{ name: {contact.name}, email: ask@fond.example, phone: {contact.phone},
  url: {contact.url} }}
---
"""
NEWS = """\
---
title: {title}
summary: {summary}
url: {url}
image: {{ file: assets/a.png, alt: {image.alt} }}
---
"""
ISSUE = """\
---
newsletter: letter
subject: {subject}
preheader: {preheader}
---
Tere, {{{{member.name}}}} ({{{{member.organisation}}}}, {{{{newsletter.name}}}}, {{{{site.name}}}})!

{{{{> calls}}}}

{{{{> events}}}}

{{{{> news}}}}

{{{{> deadlines}}}}
"""
EVENT = """\
---
title: {title}
summary: {summary}
list: events
start: SOON 10:00
end: SOON 12:00
rrule: FREQ=WEEKLY;COUNT=3
overrides: {{ SOON: {{ start: SOON 11:00, end: SOON 12:00, title: {overrides.*.title},
  summary: {overrides.*.summary}, online: {overrides.*.online},
  location: {{ name: {overrides.*.location.name}, address: {overrides.*.location.address},
    url: {overrides.*.location.url} }} }} }}
location: {{ name: {location.name}, address: {location.address}, url: {location.url} }}
online: {online}
url: {url}
rsvp: {{ questions: [ {rsvp.questions} ] }}
---
Tere.
"""
FILES = {
    "teataja.yaml": ("teataja.yaml", TEATAJA),
    "newsletters": ("newsletters/letter.yaml", NEWSLETTER),
    "projects": ("projects/project.yaml", PROJECT), "regions.yaml": ("regions.yaml", REGIONS),
    "calls": ("calls/call.md", CALL), "news": ("news/news.md", NEWS),
    "issues": ("issues/issue.md", ISSUE), "events": ("events/event.md", EVENT),
}
ADDRESS = "mari@naide.example"
MEMBER = ("name", "organisation", "attr.note")
PLACE = re.compile(r"(?<!\{)\{([\w.*]+)\}(?!\})")


class Shape(html.parser.HTMLParser):
    """The elements and attributes of a page, its addresses, and what is read of it."""

    ADDRESSES = ("href", "src", "action", "background", "poster", "data", "formaction", "cite")

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.shape, self.addresses, self.texts = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.shape.append((tag, tuple(name for name, _ in attrs)))
        for name, value in attrs:
            if name in self.ADDRESSES:
                self.addresses.append(value)
            elif name == "alt" or name == "title":
                self.texts.append(value)
            elif name == "style" or name == "class":
                self.shape.append((name, value))

    def handle_endtag(self, tag):
        self.shape.append(("/" + tag,))

    def handle_comment(self, data):
        self.shape.append(("comment", data))

    def handle_decl(self, decl):
        self.shape.append(("declaration", decl))

    def unknown_decl(self, data):
        self.shape.append(("unknown", data))

    def handle_pi(self, data):
        self.shape.append(("instruction", data))

    def handle_data(self, data):
        self.texts.append(data)


def squeeze(text):
    return "".join(text.split())


class Values:
    """The values of one run: what stands in each field."""

    def __init__(self, fields, payload, url):
        self.of = {}
        for number, (kind, path, field) in enumerate(fields):
            mark = f"q0{number}0q"  # in no token, whose digits are 2 to 7
            text = f"{payload}{mark}"
            if field is not None and field.type == "URL":
                text = url.format(mark)
            elif field is not None and 0 < field.most < len(text.encode()):
                text = (f"<b>{mark}" if payload else mark)
            self.of[kind, path] = (mark, text)

    def fill(self, kind, template, port):
        soon, later = (time.strftime("%Y-%m-%d", time.gmtime(time.time() + days * 86400))
                       for days in (20, 40))
        pieces = PLACE.split(template)  # text, path, text, path, ...
        for n, piece in enumerate(pieces):
            if n % 2 == 1:
                pieces[n] = quoted(self.of[kind, piece][1])
                continue
            for doubled, single in (("{{", "{"), ("}}", "}")):
                piece = piece.replace(doubled * 2, "\0").replace(doubled, single)
                piece = piece.replace("\0", doubled)
            pieces[n] = piece.replace("SOON", soon).replace("LATER", later).replace(
                "PORT", str(port))
        return "".join(pieces)


class Injection(Case):
    def setUp(self):
        super().setUp()
        self.schemas = read_schemas()
        self.fields = [(kind, path, self.field(kind, path)) for kind, (_, text) in FILES.items()
                       for path in dict.fromkeys(PLACE.findall(text))]
        self.fields += [("member", name, None) for name in MEMBER]
        self.server = SlowServer()
        self.addCleanup(self.server.close)
        self.runs = 0

    def field(self, kind, path):
        found = {".".join(keys): field for keys, field in walk(self.schemas[kind])}
        self.assertIn(path, found, f"{kind} has no key {path}")
        return found[path]

    def test_every_text_of_every_table_is_written_here(self):
        written = {(kind, path) for kind, path, _ in self.fields}
        for kind, schema in self.schemas.items():
            for keys, field in walk(schema):
                path = ".".join(keys)
                if field.type in TEXT_TYPES and path not in NOT_SHOWN.get(kind, {}):
                    self.assertIn((kind, path), written, "a payload, or a reason in NOT_SHOWN")

    def make_site(self, values):
        self.runs += 1
        self.site = self.folder / f"site{self.runs}"
        for kind, (name, template) in FILES.items():
            write(self.site / name, values.fill(kind, template, self.server.port))
        shutil.copy(self.site / "issues/issue.md", self.site / "issues/second.md")
        (self.site / "assets").mkdir()
        shutil.copy(SOURCE / "templates/site/demo/assets/eu-emblem.png",
                    self.site / "assets/a.png")

    def letters(self, payload, url):
        """Sends both letters and the invitation; what came, by what it is."""
        values = Values(self.fields, payload, url)
        self.make_site(values)
        texts = [values.of["member", name][1].replace('"', '""') for name in MEMBER]
        write(self.folder / "m.csv", "email;language;name;organisation;attr.note\n"
              f"{ADDRESS};et;" + ";".join(f'"{text}"' for text in texts) + "\n")
        for name in ("funding", "events"):
            self.teataja("member", "import", self.folder / "m.csv", "--list", name, "--source", "t",
                         "--basis", "membership")
        self.server.taken.clear()
        self.teataja("send", "issue")
        self.teataja("send", "second")
        self.teataja("event", "invite", "event")
        self.assertEqual(len(self.server.taken), 3)
        return values, [email.message_from_bytes(data, policy=email.policy.default)
                        for _, data in self.server.taken]

    @staticmethod
    def parts(message):
        return [(part.get_content_type(), part.get_content_disposition(), part.get_charset())
                for part in message.walk()]

    @staticmethod
    def calendar(message):
        for part in message.walk():
            if part.get_content_type() == "text/calendar":
                lines = part.get_payload(decode=True).decode().replace("\r\n ", "")
                return lines.split("\r\n")
        return []

    def assert_headers(self, values, plain, message):
        self.assertEqual([name for name, _ in message.raw_items()],
                         [name for name, _ in plain.raw_items()])
        for name, value in message.raw_items():
            self.assertNotRegex(value, r"\r?\n[^ \t]", name)
            self.assertTrue(value.isascii(), name)
            decoded = str(email.header.make_header(email.header.decode_header(
                re.sub(r"\r?\n", "", value))))
            self.assertFalse(any(ord(c) < 32 or 0xE000 <= ord(c) <= 0xF8FF for c in decoded), name)
            marks = set(re.findall(r"q0\d+0q", decoded))
            meant = set(re.findall(r"q0\d+0q", str(email.header.make_header(
                email.header.decode_header(re.sub(r"\r?\n", "", plain[name]))))))
            self.assertEqual(marks, meant, name)
        for name in ("From", "To"):
            address, = message[name].addresses
            was, = plain[name].addresses
            self.assertEqual(address.addr_spec, was.addr_spec)

    def assert_same(self, values, plain, message, url):
        """The message is the plain one with other words."""
        self.assert_headers(values, plain, message)
        self.assertEqual(self.parts(message), self.parts(plain))
        shape, was = (Shape(m.get_body(("html",)).get_content()) for m in (message, plain))
        self.assertEqual(shape.shape, was.shape)
        self.assertEqual(len(shape.addresses), len(was.addresses))
        for address, before in zip(shape.addresses, was.addresses, strict=True):
            mark = re.search(r"q0\d+0q", before or "")
            if mark:
                self.assertEqual(address, url.format(mark.group()))
            elif "cid:" not in before and "cluster.example" not in before:
                self.assertEqual(address, before)
            else:
                self.assertEqual(address.partition(":")[0], before.partition(":")[0])
        text, text_was = (m.get_body(("plain",)).get_content().replace("\r\n", "\n")
                          for m in (message, plain))
        self.assertFalse([c for c in text if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0
                          or 0xE000 <= ord(c) <= 0xF8FF or ord(c) >= 0xF0000])
        for got, before in ((" ".join(shape.texts), " ".join(was.texts)), (text, text_was)):
            self.assertEqual(sorted(re.findall(r"q0\d+0q", got)),
                             sorted(re.findall(r"q0\d+0q", before)))
        lines, lines_was = self.calendar(message), self.calendar(plain)
        self.assertEqual([re.split("[:;]", line)[0] for line in lines],
                         [re.split("[:;]", line)[0] for line in lines_was])
        return squeeze(" ".join(shape.texts)), squeeze(text)

    def test_no_field_becomes_anything_but_text(self):
        _, plain = self.letters("", "https://{}.example/")
        shown = set()
        for number, payload in enumerate(TEXTS):
            url = URLS[number % len(URLS)]
            with self.subTest(payload, url=url):
                values, messages = self.letters(payload, url)
                for before, message in zip(plain, messages, strict=True):
                    page, text = self.assert_same(values, before, message, url)
                    for (kind, path), (mark, value) in values.of.items():
                        if mark not in page + text:
                            continue
                        shown.add((kind, path))
                        if kind == "issues":  # where members' own values have their place
                            value = value.replace("{{member.email}}", ADDRESS)
                        for where in (page, text):
                            if mark in where:
                                self.assertIn(squeeze(value), where, f"{kind} {path}")
        self.assertGreater(len(shown), 30, shown)

    def test_what_shows_nothing_or_turns_text_around_is_refused_everywhere(self):
        plain = Values(self.fields, "", "https://{}.example/")
        self.make_site(plain)
        for payload in REFUSED:
            values = Values(self.fields, payload, "https://{}.example/")
            private = "\ue000" <= payload[0] <= "\uf8ff" or payload[0] >= "\U000f0000"
            piece = "character for private use: each" if private else "control character$"
            for kind, (name, template) in FILES.items():
                write(self.site / name, values.fill(kind, template, self.server.port))
            said = self.teataja("check", "--quiet", status=CONTENT).err
            for kind, path, field in self.fields:
                if field is None or field.type == "URL" or 0 < field.most < 20:
                    continue
                with self.subTest(payload, field=f"{kind} {path}"):
                    self.assertRegex(said, rf"(?m)^{re.escape(FILES[kind][0])}:\d+:\d+: "
                                           rf"{field.key}: the text holds a {piece}")
        for kind, (name, template) in FILES.items():
            write(self.site / name, plain.fill(kind, template, self.server.port))
        for payload in REFUSED:
            for key in MEMBER if not "\ue000" <= payload[0] else ():  # those are left out later
                with self.subTest(payload, field=key):
                    run = self.teataja("member", "add", "a@naide.example", f"{key}=a{payload}b",
                                       status=CONTENT)
                    self.assertIn("control character", run.err)


if __name__ == "__main__":
    unittest.main()
