"""Every message of the demo before independent judges: two parsers of mail, two of
calendars, a checker of HTML, one of accessibility, and the tables of caniemail."""

import datetime
import hashlib
import html.parser
import re
import unittest
import zoneinfo

import dateutil.rrule
import icalendar

from demo_site import Demo, mailbox, parse
from judges import ask, html_errors
from support import query, write

HTML_MOST = 80 * 1024
TALLINN = "Europe/Tallinn"

# Headers that every bulk message carries once (product.md, "Mail rules").
ONCE = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "List-Id",
        "List-Unsubscribe", "List-Unsubscribe-Post", "List-Help", "List-Post", "List-Archive",
        "Auto-Submitted", "X-Auto-Response-Suppress", "Feedback-ID", "Content-Language")
AT_MOST_ONCE = ("Sender", "Reply-To", "Return-Path", "Delivered-To", "References", "In-Reply-To")

# What a page uses although some mail program lacks it: {feature: (those programs,
# what they show instead)}. Everything that matters is inline and in attributes.
WORD = {"outlook.windows", "outlook.windows-mail"}
GMAIL_BARE = {"gmail.mobile-webmail"}
OUTLOOK_APPS = {"outlook.macos", "outlook.ios", "outlook.android"}
CLIENTS_ALLOWED = {
    "Type selector": (GMAIL_BARE, "the style sheet only adjusts what is inline"),
    "Class selector": (GMAIL_BARE, "the style sheet only adjusts what is inline"),
    "Descendant combinator": (GMAIL_BARE, "the style sheet only adjusts what is inline"),
    "@media": (GMAIL_BARE | WORD, "the light letter, as wide as the window lets it be"),
    "display:none": (GMAIL_BARE, "the preheader is the first line, in small"),
    "overflow": (WORD | OUTLOOK_APPS, "the preheader is hidden by mso-hide and its height too"),
    "<body> element": (OUTLOOK_APPS, "a table carries the page's colour and language"),
    "role attribute": ({"outlook.windows-mail"}, "tables are read out as tables"),
    "aria-label attribute": ({"outlook.windows-mail"}, "the heading says the same"),
    "border-radius": (WORD, "square corners"),
    "white-space": (WORD, "a short date may break"),
    "word-break": ({"outlook.windows-mail"}, "a long word makes the letter wider"),
}


class Links(html.parser.HTMLParser):
    """Links, images and visible text of a page."""

    def __init__(self, page):
        super().__init__()
        self.links, self.images, self.text, self.skip = [], [], [], 0
        self.language = None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "html":
            self.language = attrs.get("lang")
        if tag == "a":
            self.links.append(attrs.get("href"))
        if tag == "img":
            self.images.append(attrs)
        self.skip += tag in ("style", "title")

    def handle_endtag(self, tag):
        self.skip -= tag in ("style", "title")

    def handle_data(self, data):
        if not self.skip:
            self.text.append(data)


class Judged(Demo):
    """The demo's letter and all its invitations, sent; each message in a file."""

    def prepare(self):
        super().prepare()
        for other in ("events", "network"):
            self.teataja("member", "import", self.site / "members.csv", "--list", other,
                         "--source", "demo")
        self.teataja("send", self.issue)
        self.invited = [event["event"] for event in
                        self.teataja("--json", "event", "list").json()
                        if self.teataja("event", "invite", event["event"], status=None).status == 0]
        self.messages = self.read_messages()
        self.found = dict(zip([m["path"] for m in self.messages],
                              ask("messages", [m["path"] for m in self.messages]), strict=True))
        self.write_parts()

    def read_messages(self):
        """A record for each message, with its row of the ledger."""
        rows = query(self.site, """
            SELECT m.id, m.uid, m.purpose, m.subject, o.address, o.state, o.variant, v.lang
              FROM outbox o JOIN mailing m ON m.id = o.mailing JOIN variant v ON v.id = o.variant
        """)
        messages = []
        boxes = self.received()
        for mailing, uid, purpose, subject, address, state, variant, lang in rows:
            self.assertEqual(state, "sent", address)
            mine = [raw for raw in boxes[address]
                    if uid.encode() in re.search(rb"(?im)^Message-ID:.*?>", raw, re.S).group()]
            self.assertEqual(len(mine), 1, (mailing, address))
            path = write(self.folder / f"eml/{mailing}-{address}", mine[0])
            messages.append({"mailing": mailing, "purpose": purpose, "path": path, "raw": mine[0],
                             "subject": subject.partition("/")[2], "address": address,
                             "variant": variant, "lang": lang, "mime": parse(mine[0])})
        self.assertEqual(len(messages), sum(len(found) for found in boxes.values()))
        return messages

    def write_parts(self):
        """One page a variant, and the calendar of every invitation."""
        self.pages, self.calendars = {}, {}
        for message in self.messages:
            if message["variant"] not in self.pages.values():
                page = message["mime"].get_body(("html",)).get_content()
                name = f"{message['subject']}-{message['lang']}-{message['variant']}.html"
                path = self.folder / "pages" / name
                if path not in self.pages:
                    self.pages[write(path, page)] = message["variant"]
            for part in message["mime"].walk():
                if part.get_content_type() == "text/calendar":
                    self.calendars[message["path"]] = write(
                        self.folder / f"ics/{message['path'].name}.ics",
                        part.get_payload(decode=True))

    def letters(self):
        return [m for m in self.messages if m["purpose"] == "letter"]

    def invitations(self):
        return [m for m in self.messages if m["purpose"] == "invitation"]


class Mail(Judged):
    def test_there_is_everything_to_judge(self):
        self.assertEqual({m["lang"] for m in self.letters()}, {"en", "et", "ru", "lt", "pl", "cs"})
        self.assertGreaterEqual({m["lang"] for m in self.invitations()},
                                {"et", "ru", "lt", "pl", "cs", "de", "sv"})
        self.assertGreaterEqual(len(self.invited), 5, self.invited)

    def test_headers_of_every_message(self):
        seen = set()
        for message in self.messages:
            with self.subTest(message["path"].name):
                mime, found = message["mime"], self.found[message["path"]]
                self.assertEqual([part.defects for part in mime.walk() if part.defects], [])
                names = [name.lower() for name in mime.keys()]
                self.assertEqual(names, [h["key"] for h in found["headers"]][:len(names)])
                for name in ONCE:
                    # A list without a newsletter has no archive to point to.
                    least = message["subject"] != "team-meeting" or name != "List-Archive"
                    self.assertIn(names.count(name.lower()), range(least, 2), name)
                for name in AT_MOST_ONCE:
                    self.assertLessEqual(names.count(name.lower()), 1, name)
                self.check_list_headers(message)
                self.assertNotIn(mime["Message-ID"], seen)
                seen.add(mime["Message-ID"])
                self.assertEqual(found["messageId"], mime["Message-ID"])

    def check_list_headers(self, message):
        mime = message["mime"]
        self.assertRegex(mime["List-Id"], r"<[a-z0-9.-]+>$")
        self.assertRegex(re.sub(r"\s+", " ", mime["List-Unsubscribe"]),
                         r"^<https://teataja\.example/leave/[a-z0-9]+>, <mailto:[^>]+>$")
        self.assertEqual(mime["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click")
        self.assertEqual(mime["List-Post"], "NO")
        self.assertRegex(mime["List-Help"], r"^<(https|mailto):[^>]+>")
        self.assertRegex(mime.get("List-Archive", "<https://none>"), r"^<https://[^>]+>$")
        self.assertEqual(mime["Auto-Submitted"], "auto-generated")
        self.assertEqual(mime["X-Auto-Response-Suppress"], "OOF, AutoReply")
        self.assertEqual(mime["Content-Language"], message["lang"])
        self.assertLess(abs(mime["Date"].datetime - datetime.datetime.now(datetime.timezone.utc)),
                        datetime.timedelta(minutes=30))

    def test_who_it_is_from_and_for_reads_the_same_to_both_parsers(self):
        for message in self.messages:
            with self.subTest(message["path"].name):
                mime, found = message["mime"], self.found[message["path"]]
                member = self.members[message["address"]]
                self.assertEqual(found["to"], [{"name": member["name"],
                                                "address": message["address"]}])
                self.assertEqual(found["to"], [mailbox(message["raw"], "To")])
                self.assertEqual(found["from"], [mailbox(message["raw"], "From")])
                self.assertRegex(found["from"][0]["address"], r"@merevaigutee\.example$")
                self.assertEqual(found["subject"], mime["Subject"])

    def test_envelope_senders_are_tokens_of_their_own(self):
        senders = set()
        for address in {m["address"] for m in self.messages}:
            for path in (self.boxes / address / "new").iterdir():
                first = path.read_bytes().split(b"\r\n", 1)[0].decode()
                self.assertRegex(first, r"^Return-Path: <b-[a-z0-9]+@post\.merevaigutee\.example>$")
                self.assertLessEqual(len(first[len("Return-Path: <"):].partition("@")[0]), 64)
                senders.add(first)
        self.assertEqual(len(senders), len(self.messages))

    def test_bytes_on_the_wire(self):
        for message in self.messages:
            with self.subTest(message["path"].name):
                raw = message["raw"]
                self.assertTrue(raw.isascii())
                self.assertNotRegex(raw, rb"[^\r]\n|\r[^\n]")
                head, _, body = raw.partition(b"\r\n\r\n")
                self.assertLessEqual(max(map(len, head.split(b"\r\n"))), 998)
                for line in body.split(b"\r\n"):
                    self.assertLessEqual(len(line), 76)
                    self.assertFalse(line.startswith((b".", b"From ")), line)

    def test_mime_tree_of_letters(self):
        for message in self.letters():
            with self.subTest(message["path"].name):
                tree = [(p["depth"], p["type"]) for p in self.found[message["path"]]["tree"]]
                self.assertEqual(tree[:2], [(0, "multipart/alternative"), (1, "text/plain")])
                pictures = [p for p in tree if p[1].startswith("image/")]
                self.assertGreaterEqual(len(pictures), 2)  # the logo and the emblem
                self.assertEqual(tree[2:], [(1, "multipart/related"), (2, "text/html")] + pictures)
                self.assert_same_tree(message, tree)

    def test_mime_tree_of_invitations(self):
        for message in self.invitations():
            with self.subTest(message["path"].name):
                parts = self.found[message["path"]]["tree"]
                kinds = [p["type"] for p in parts if not p["type"].startswith("image/")]
                self.assertEqual([kind for kind in kinds if kind != "multipart/related"], [
                    "multipart/mixed", "multipart/alternative", "text/plain", "text/html",
                    "text/calendar", "application/ics"])
                self.assert_same_tree(message, [(p["depth"], p["type"]) for p in parts])
                calendar = next(p for p in parts if p["type"] == "text/calendar")
                self.assertEqual(calendar["encoding"], "base64")
                self.assertRegex(calendar["header"], "(?i)method=\"?REQUEST")
                self.assertRegex(calendar["header"], "(?i)charset=\"?UTF-8")
                attached = next(p for p in parts if p["type"] == "application/ics")
                self.assertEqual(attached["filename"], "invite.ics")

    def assert_same_tree(self, message, tree):
        def walk(part, depth=0):
            yield depth, part.get_content_type()
            for inner in part.iter_parts() if part.is_multipart() else ():
                yield from walk(inner, depth + 1)
        self.assertEqual(list(walk(message["mime"])), tree)

    def test_texts_are_equal_to_both_parsers(self):
        for message in self.messages:
            with self.subTest(message["path"].name):
                mime, found = message["mime"], self.found[message["path"]]
                text = mime.get_body(("plain",)).get_content()
                page = mime.get_body(("html",)).get_content()
                self.assertEqual(found["text"].split(), text.split())
                self.assertEqual(found["html"].split(), page.split())
                for line in text.splitlines():
                    self.assertLessEqual(len(line), 998)

    def test_pictures_are_equal_to_both_parsers_and_all_shown(self):
        for message in self.messages:
            with self.subTest(message["path"].name):
                pictures = {part["Content-ID"].strip("<>"): part.get_payload(decode=True)
                            for part in message["mime"].walk()
                            if part.get_content_maintype() == "image"}
                self.assertEqual({cid: hashlib.sha256(data).hexdigest()
                                  for cid, data in pictures.items()},
                                 {a["cid"]: a["sha256"] for a in
                                  self.found[message["path"]]["attachments"] if a["cid"]})
                page = Links(message["mime"].get_body(("html",)).get_content())
                shown = {i["src"][4:] for i in page.images if i["src"].startswith("cid:")}
                self.assertEqual(shown, set(pictures))
                self.assertEqual([i for i in page.images if "alt" not in i], [])

    def test_every_letter_says_how_to_leave_who_wrote_it_and_who_paid(self):
        notices = {"en": "Co-funded by the European Union", "et": "Euroopa Liit",
                   "ru": "Европейск", "lt": "Europos Sąjung", "pl": "Uni", "cs": "Evropsk"}
        for message in self.letters():
            with self.subTest(message["path"].name):
                leave = re.search(r"<(https:[^>]*)>", message["mime"]["List-Unsubscribe"]).group(1)
                text = message["mime"].get_body(("plain",)).get_content()
                page = Links(message["mime"].get_body(("html",)).get_content())
                self.assertEqual(page.language, message["lang"])
                self.assertIn(leave, page.links)
                self.assertIn(leave, text)
                self.assertTrue(any("/preferences/" in link for link in page.links))
                for body in (text, "".join(page.text)):
                    self.assertIn("Sepikoja 4", body)
                    self.assertIn(notices[message["lang"]], body)
                    self.assertNotRegex(body, r"\{\{|\}\}|[\ue000-\uf8ff]")
                for link in page.links:
                    self.assertRegex(link, r"^(https?|mailto|tel):")

    def test_nobody_reads_of_another_member(self):
        addresses = set(self.members)
        for message in self.messages:
            text = b"".join(part.get_payload(decode=True) or b""
                            for part in message["mime"].walk()).decode("utf-8", "replace")
            found = {a for a in re.findall(r"[\w.+-]+@[\w.-]+\.example", text)} & addresses
            self.assertLessEqual(found, {message["address"]}, message["path"].name)


class Calendars(Judged):
    def test_both_copies_of_the_calendar_are_the_same(self):
        for message in self.invitations():
            data = [part.get_payload(decode=True) for part in message["mime"].walk()
                    if part.get_content_type() in ("text/calendar", "application/ics")]
            self.assertEqual(len(data), 2)
            self.assertEqual(data[0], data[1])
            self.assertNotRegex(data[0], rb"[^\r]\n|\r[^\n]")
            for line in data[0].split(b"\r\n"):
                self.assertLessEqual(len(line), 75)
                line.decode()

    def test_each_invitation_asks_one_person_to_one_event(self):
        judged = self.by_ical_js()
        uids = {}
        for message in self.invitations():
            with self.subTest(message["path"].name):
                calendar = judged[message["path"]]
                self.assertEqual((calendar["method"], calendar["version"]), ("REQUEST", "2.0"))
                main = [e for e in calendar["events"] if e["override"] is None]
                self.assertEqual(len(main), 1)
                for event in calendar["events"]:
                    self.check_people(message, event)
                    self.assertEqual(event["uid"], main[0]["uid"])
                    self.assertEqual(event["status"], "CONFIRMED")
                    self.assertEqual(event["dtstamp"]["zone"], "UTC")
                uids.setdefault(message["subject"], set()).add(main[0]["uid"])
                self.check_by_python(message)
        self.assertEqual({len(found) for found in uids.values()}, {1})
        self.assertEqual(len(set().union(*uids.values())), len(uids))

    def check_people(self, message, event):
        member = self.members[message["address"]]
        attendee, = event["attendees"]
        self.assertEqual(attendee["value"].lower(), f"mailto:{message['address']}")
        self.assertEqual({k: attendee[k] for k in ("cutype", "role", "partstat", "rsvp")},
                         {"cutype": "INDIVIDUAL", "role": "REQ-PARTICIPANT",
                          "partstat": "NEEDS-ACTION", "rsvp": "TRUE"})
        self.assertEqual(attendee["cn"], member["name"].replace('"', "'"))
        self.assertEqual(event["organizer"]["value"].lower(),
                         "mailto:office@merevaigutee.example")
        self.assertNotIn("+", event["organizer"]["value"])

    def check_by_python(self, message):
        calendar = icalendar.Calendar.from_ical(self.calendars[message["path"]].read_bytes())
        self.assertEqual(calendar["METHOD"], "REQUEST")
        for event in calendar.walk("VEVENT"):
            self.assertNotIsInstance(event["ATTENDEE"], list)
            self.assertEqual(str(event["ATTENDEE"]).lower(), f"mailto:{message['address']}")
            self.assertEqual(event["ATTENDEE"].params["RSVP"], "TRUE")
        zones = {str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")}
        for zone in calendar.walk("VTIMEZONE"):
            for observance in zone.subcomponents:
                self.assertIn("TZOFFSETTO", observance)
        used = {e["DTSTART"].params["TZID"] for e in calendar.walk("VEVENT")
                if "TZID" in e["DTSTART"].params}
        self.assertEqual(zones, used)

    def by_ical_js(self):
        paths = list(self.calendars)
        return dict(zip(paths, ask("calendars", [self.calendars[p] for p in paths]), strict=True))

    def test_times_are_right_in_every_zone(self):
        judged = self.by_ical_js()
        zones = set()
        for message in self.invitations():
            with self.subTest(message["path"].name):
                starts, end, zone = self.meant(message["subject"])
                event = next(e for e in judged[message["path"]]["events"] if not e["override"])
                if zone is None:
                    self.assertTrue(event["start"]["date"])
                    self.assertEqual((event["start"]["local"], event["end"]["local"]),
                                     (str(starts[0]), str(end)))
                    continue
                zones.add(zone)
                self.assertEqual(event["start"]["zone"], zone)
                self.assertEqual(event["start"]["local"], starts[0].isoformat())
                self.assertEqual(event["end"]["local"], end.isoformat())
                where = zoneinfo.ZoneInfo(zone)
                instants = [start.replace(tzinfo=where).timestamp() for start in starts]
                if len(starts) > 1:
                    self.assertEqual(sorted(s["unix"] for s in event["starts"]), sorted(instants))
                self.assertEqual(event["end"]["unix"], end.replace(tzinfo=where).timestamp())
                self.check_times_by_python(message, starts, where)
        self.assertGreaterEqual(len(zones), 3, "the demo has events in three zones")

    def check_times_by_python(self, message, starts, where):
        calendar = icalendar.Calendar.from_ical(self.calendars[message["path"]].read_bytes())
        main = next(e for e in calendar.walk("VEVENT") if "RECURRENCE-ID" not in e)
        self.assertEqual(main["DTSTART"].dt.timestamp(),
                         starts[0].replace(tzinfo=where).timestamp())

    def meant(self, slug):
        """Local starts, the first one's end and the zone, from the event's own file."""
        text = self.site / f"events/{slug}.md"
        if (self.site / f"events/{slug}.ics").exists():
            return self.meant_by_calendar(slug)
        keys = dict(re.findall(r"(?m)^(start|end): (.*)$", text.read_text()))
        day, time, zone = (keys["start"].split() + [TALLINN])[:3]
        start = datetime.datetime.fromisoformat(f"{day}T{time}")
        end = datetime.datetime.fromisoformat("T".join(keys["end"].split()[:2]))
        rule = re.search(r'(?m)^rrule: "?([A-Z=;,\d-]+)', text.read_text())
        starts = list(dateutil.rrule.rrulestr(rule.group(1), dtstart=start)[:12]) if rule else [
            start]
        for left_out in re.findall(r"(?m)^exdate: \[(.*)\]", text.read_text()):
            for when in left_out.split(","):
                starts.remove(datetime.datetime.fromisoformat("T".join(when.split())))
        return starts, end, zone

    def meant_by_calendar(self, slug):
        calendar = icalendar.Calendar.from_ical((self.site / f"events/{slug}.ics").read_bytes())
        main = next(e for e in calendar.walk("VEVENT") if "RECURRENCE-ID" not in e)
        start, end = main["DTSTART"].dt, main["DTEND"].dt
        if not isinstance(start, datetime.datetime):
            return [start], end, None
        start, end = start.replace(tzinfo=None), end.replace(tzinfo=None)
        if "RRULE" not in main:
            return [start], end, main["DTSTART"].params["TZID"]
        starts = list(dateutil.rrule.rrulestr(main["RRULE"].to_ical().decode(), dtstart=start))
        for moved in (e for e in calendar.walk("VEVENT") if "RECURRENCE-ID" in e):
            starts.remove(moved["RECURRENCE-ID"].dt.replace(tzinfo=None))
            starts.append(moved["DTSTART"].dt.replace(tzinfo=None))
        return starts, end, main["DTSTART"].params["TZID"]


class Pages(Judged):
    def test_html_is_right(self):
        self.assertEqual(html_errors(self.pages), [])

    def test_pages_are_small_enough_for_gmail(self):
        for page in self.pages:
            self.assertLessEqual(page.stat().st_size, HTML_MOST, page.name)

    def test_axe_finds_nothing_and_pages_fit_narrow_screens(self):
        for found in ask("pages", self.biggest()):
            with self.subTest(found["path"]):
                self.assertEqual(found["schemes"], {"light": [], "dark": []})
                self.assertEqual({width: int(wide) <= int(width)
                                  for width, wide in found["widths"].items()},
                                 dict.fromkeys(("320", "600", "900"), True), found["widths"])

    def biggest(self):
        """The longest letter in each language, and the longest invitation."""
        found = {}
        for page in sorted(self.pages, key=lambda path: path.stat().st_size):
            subject, lang = re.fullmatch(r"(.*)-(\w\w)-\d+\.html", page.name).groups()
            found[lang if subject == self.issue else "invitation"] = page
        return list(found.values())

    def test_mail_programs_can_show_what_the_pages_use(self):
        lacking = {}
        for found in ask("clients", list(self.pages)):
            for text in found["errors"]:
                feature, program = re.fullmatch(r"`(.*)` is not supported by `(.*)`",
                                                text).groups()
                lacking.setdefault(feature, set()).add(program)
        self.assertEqual({feature: programs - CLIENTS_ALLOWED.get(feature, (set(),))[0]
                          for feature, programs in lacking.items()},
                         dict.fromkeys(CLIENTS_ALLOWED, set()), "and none is allowed for nothing")


if __name__ == "__main__":
    unittest.main()
