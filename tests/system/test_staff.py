#!/usr/bin/env python3
"""Editors and admins are told by mail how it goes: the real daemon tells, a server takes it."""

import contextlib
import datetime
import email
import email.policy
import http.server
import os
import re
import signal
import sqlite3
import threading
import unittest

from judges import ask, html_errors
from serve_site import Serving
from support import CONTENT, query, wait_for, write
from test_judges import CLIENTS_ALLOWED, HTML_MOST, Links

LANGUAGES = ("et", "ru", "en", "lv", "lt", "pl", "cs", "de", "sv", "fi")
ROLES = ("schedule", "deliver", "metrics", "schedule-2")
STAFF = """
staff:
  - { address: ann@staff.example, name: Ann Admin, language: en }
  - { address: boss@staff.example, language: fi, roles: [admin, editor] }
"""
EDITORS = """
editors:
  - { address: mari@staff.example, name: Mari Maasikas, language: et }
  - { address: igor@staff.example, language: ru }
"""


def hours_on(hours):
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
    return later.strftime("%Y-%m-%dT%H:%M:%S")


class Mail:
    """One mail as its reader gets it."""

    def __init__(self, raw):
        self.message = email.message_from_bytes(raw, policy=email.policy.default)
        self.subject = str(self.message["Subject"])
        self.text = self.message.get_body(("plain",)).get_content().replace("\r\n", "\n")
        self.html = self.message.get_body(("html",)).get_content()
        self.attached = [part.get_content() for part in self.message.walk()
                         if part.get_content_type() == "message/rfc822"]

    def facts(self):
        """{label: text} of the lines that say so."""
        return dict(re.findall(r"^- ([^:\n]+): (.+)$", self.text, re.M))


class Telling(Serving):
    """A site with staff; `mail` takes everything but what `answers` refuses."""

    def setUp(self):
        super().setUp()
        self.refused = set()
        self.mail = self.slow(answers=self.answer)
        self.make_site(self.mail.port)
        self.configure(STAFF)
        newsletter = self.site / "newsletters/funding.yaml"
        write(newsletter, newsletter.read_text() + EDITORS)
        self.seen = 0

    def answer(self, verb, argument):
        address = argument.partition("<")[2].partition(">")[0]
        if verb == "RCPT" and address in self.refused:
            return "550 5.1.1 nobody of that name"
        return None

    def configure(self, lines):
        path = self.site / "teataja.yaml"
        write(path, path.read_text() + lines)

    def execute(self, sql, *values):
        with contextlib.closing(sqlite3.connect(self.site / "var/teataja.db", timeout=30)) as db:
            with db:
                db.execute(sql, values)

    def waiting(self):
        return query(self.site, "SELECT count(*) FROM outbox JOIN mailing ON mailing = mailing.id "
                     "WHERE outbox.state IN ('queued', 'claimed', 'committing', 'deferred') "
                     "AND mailing.state IN ('queued', 'sending')")[0][0]

    def told(self):
        """The staff's mails since the last call: {local part: [Mail, ...]}."""
        found = {}
        with self.mail.lock:
            taken = self.mail.taken[self.seen:]
            self.seen = len(self.mail.taken)
        for recipients, message in taken:
            (address,) = recipients
            if address.endswith("@staff.example"):
                raw = message if isinstance(message, bytes) else message.encode()
                found.setdefault(address.partition("@")[0], []).append(Mail(raw))
        return found

    @contextlib.contextmanager
    def daemon_at(self, hours=None):
        """A daemon that has looked once, so many hours on."""
        daemon = self.start_daemon("--role", "schedule,deliver", roles=ROLES,
                                   now=hours_on(hours) if hours else None)
        self.wait_for_health()
        yield daemon
        wait_for("an empty outbox", lambda: self.waiting() == 0, 30)
        self.end_daemon(daemon)

    def look(self, hours=None):
        with self.daemon_at(hours):
            pass
        return self.told()

    def look_again(self, daemon):
        """Asks a running daemon to begin anew, and so to look."""
        before = self.roles()["schedule"]
        os.kill(daemon.pid, signal.SIGHUP)
        wait_for("another schedule", lambda: self.roles().get("schedule", before) != before)
        self.wait_for_health()

    def subjects(self, told):
        return {who: [mail.subject for mail in mails] for who, mails in told.items()}


class Mailings(Telling):
    def test_a_finished_mailing_is_told_with_its_figures_once(self):
        self.refused = {self.addresses[0]}
        self.assertEqual(self.look(), {})
        with self.daemon_at() as daemon:
            self.queue()
            wait_for("the letter", lambda: query(self.site, "SELECT count(*) FROM mailing WHERE "
                                                 "state = 'sent'")[0][0] == 1, 30)
            self.look_again(daemon)
            wait_for("four mails", lambda: query(self.site, "SELECT count(*) FROM outbox WHERE "
                                                 "address LIKE '%@staff.example' AND "
                                                 "state = 'sent'")[0][0] == 3)
            self.look_again(daemon)
        told = self.told()
        self.assertEqual(self.subjects(told), {"mari": ["Saadetud: Rahastus detsembris"],
                                               "igor": ["Отправлено: Rahastus detsembris"],
                                               "boss": ["Lähetetty: Rahastus detsembris"]})
        facts = told["mari"][0].facts()
        self.assertEqual((facts["Lugejaid"], facts["Kätte toimetatud"], facts["Tagasi lükatud"]),
                         ("20", "19", "1"))
        self.assertIn("Tere, Mari Maasikas!", told["mari"][0].text)
        self.assertIn("teataja report 1", told["mari"][0].html)
        with self.subTest("reports and members know nothing of it"):
            report = self.teataja("--json", "report", "--from", "2026-01-01", "--to", "2100-01-01")
            self.assertNotIn("mailings/1", report.out)
            self.assertNotIn("staff.example", report.out)
            self.assertEqual(query(self.site, "SELECT count(*) FROM v_outcome")[0][0], 20)
        with self.subTest("the message"):
            message = told["mari"][0].message
            self.assertEqual(message["Auto-Submitted"], "auto-generated")
            self.assertIn("office@", message["From"])
            self.assertEqual([name for name in message.keys() if name.startswith("List-")], [])

    def test_who_sends_in_the_foreground_is_not_told(self):
        self.look()
        self.teataja("send", "kiri", "--yes")
        self.assertEqual(self.look(hours=2), {})

    def test_a_halted_mailing_is_told_to_editors_and_admins(self):
        self.refused = set(self.addresses)
        self.look()
        self.queue()
        with self.daemon_at() as daemon:
            wait_for("the halt", lambda: query(self.site, "SELECT count(*) FROM mailing WHERE "
                                               "state = 'held'")[0][0] == 1, 30)
            self.look_again(daemon)
        told = self.told()
        self.assertEqual(self.subjects(told), {"mari": ["Peatatud: Rahastus detsembris"],
                                               "igor": ["Остановлено: Rahastus detsembris"],
                                               "boss": ["Pysäytetty: Rahastus detsembris"],
                                               "ann": ["Halted: Rahastus detsembris"]})
        ann = told["ann"][0]
        self.assertEqual(ann.facts()["Refused"], "20")
        self.assertIn("teataja mailing resume 1", ann.text)
        self.assertRegex(ann.text, r"The message was:\n +\S.*refus")
        self.assertEqual(self.look(hours=2), {})

    def test_a_mailing_that_waits_for_a_person_is_told(self):
        self.look()
        self.queue()
        self.execute("UPDATE outbox SET state = 'unknown'")
        self.execute("UPDATE mailing SET state = 'held', on_unknown = 'hold'")
        told = self.look()
        self.assertEqual(self.subjects(told)["ann"], ["Waiting for a decision: Rahastus detsembris"])
        self.assertEqual(told["ann"][0].facts()["Not known whether it arrived"], "20")
        self.assertIn("teataja mailing resend 1 --unknown", told["ann"][0].text)


class Relays(Telling):
    def test_a_relay_is_told_of_through_the_other(self):
        path = self.site / "teataja.yaml"
        refusing = ["554 5.7.1 not from you"]
        main = self.slow(answers=lambda verb, _: refusing[0] if verb == "MAIL" else None)
        text = path.read_text()
        write(path, re.sub(r"(?m)^relays:.*\n((?:[ -].*\n)*)", "relays:\n"
                           f"  - {{ name: main, url: \"smtp://127.0.0.1:{main.port}\", starttls: \"off\" }}\n"
                           f"  - {{ name: spare, url: \"smtp://127.0.0.1:{self.mail.port}\", "
                           "starttls: \"off\" }\n", text))
        self.look()
        self.queue()
        self.look()
        self.assertEqual(query(self.site, "SELECT relay FROM relay_state"), [("main",)])
        told = self.look(hours=0.2)
        self.assertEqual(told["ann"][0].subject, "The mail server main takes no letters")
        # The letter may have ended before or after that look.
        self.assertIn("Sähköpostipalvelin main ei ota kirjeitä vastaan",
                      self.subjects(told)["boss"])
        self.assertNotIn("The mail server main takes no letters",
                         [m.subject for who in ("mari", "igor") for m in told.get(who, [])])
        self.assertIn("not from you", told["ann"][0].text)
        self.assertIn("teataja doctor", told["ann"][0].text)
        with self.subTest("it is told once, and once when it is back"):
            self.assertEqual(self.look(hours=3), {})
            refusing[0] = None
            self.teataja("send", "kiri", "--test", "x@y.example", "--queue")
            self.mail, self.seen = main, len(main.taken)
            # The look may come before or after that letter went out.
            told = self.look(hours=4) | self.look(hours=4)
            self.assertEqual(self.subjects(told), {
                "ann": ["The mail server main works again"],
                "boss": ["Sähköpostipalvelin main toimii taas"]})
            self.assertEqual(self.look(hours=8), {})


class Calendar(http.server.BaseHTTPRequestHandler):
    good = False

    def log_message(self, *_):
        pass

    def do_GET(self):
        body = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n"
        self.send_response(200 if Calendar.good else 503)
        self.send_header("Content-Type", "text/calendar")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Sources(Telling):
    def test_a_source_is_told_of_and_again_when_it_is_back(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Calendar)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        Calendar.good = False
        self.configure(f"sources:\n  partner: {{ url: \"http://127.0.0.1:{server.server_port}/c.ics\","
                       " allow_http: true, allow_private: true }\n")
        for _ in range(3):
            self.teataja("source", "pull", status=None)
        told = self.tell_sources()
        self.assertEqual(self.subjects(told), {
            "ann": ["The calendar partner cannot be read"],
            "boss": ["Kalenteria partner ei voi lukea"]})
        self.assertIn("503", told["ann"][0].text)
        Calendar.good = True
        self.teataja("source", "pull")
        told = self.tell_sources(hours=2)
        self.assertEqual(self.subjects(told), {
            "ann": ["The calendar partner can be read again"],
            "boss": ["Kalenterin partner voi taas lukea"]})

    def tell_sources(self, hours=None):
        """With sources there is a role for them."""
        daemon = self.start_daemon("--role", "schedule,deliver",
                                   roles=(*ROLES, "sources"),
                                   now=hours_on(hours) if hours else None)
        self.wait_for_health()
        wait_for("an empty outbox", lambda: self.waiting() == 0, 30)
        self.end_daemon(daemon)
        return self.told()


class Verbs(Telling):
    def test_who_is_told_and_what_can_be_seen_and_tried(self):
        out = self.teataja("staff").out
        self.assertRegex(out, r"newsletters/funding +mari@staff\.example +Mari Maasikas +et")
        self.assertIn("There is nothing to tell now.", out)
        self.assertEqual({row["address"] for row in self.teataja("--json", "staff").json()},
                         {f"{who}@staff.example" for who in ("ann", "boss", "mari", "igor")})
        self.teataja("staff", "test")
        told = self.told()
        self.assertEqual(set(told), {"ann", "boss", "mari", "igor"})
        self.assertEqual(self.subjects(told)["ann"], ["A test: Cluster tells its staff"])

    def test_a_wrong_address_is_named_by_check(self):
        path = self.site / "teataja.yaml"
        write(path, path.read_text() + "  - { address: boss@staff.example, roles: owner }\n"
              "  - nobody\n")
        err = self.teataja("check", status=CONTENT).err
        for words in ("boss@staff.example stands here twice", "'owner' is not one of admin, editor",
                      "address 'nobody' has no '@'"):
            self.assertIn(words, err)


class Schedule(Telling):
    def test_a_restored_site_says_that_its_schedule_is_held(self):
        backup = self.folder / "backup.db"
        self.teataja("backup", backup)
        for path in (self.site / "var").glob("teataja.db*"):
            path.unlink()
        self.teataja("restore", backup, "--yes")
        told = self.look()
        self.assertEqual(self.subjects(told), {"ann": ["The schedule is on hold"],
                                               "boss": ["Aikataulu on pysäytetty"]})
        self.assertIn("teataja schedule release", told["ann"][0].text)
        self.assertEqual(self.look(hours=5), {})

    def test_a_run_that_came_too_late_or_found_nothing_is_told(self):
        newsletter = self.site / "newsletters/funding.yaml"
        write(newsletter, newsletter.read_text()
              + "schedule: { rrule: FREQ=DAILY, start: 2026-01-01 09:00 }\ntoo_late_after: 1 h\n")
        self.look()
        later = (datetime.date.today() + datetime.timedelta(days=3)).isoformat()
        daemon = self.start_daemon("--role", "schedule,deliver", roles=ROLES,
                                   now=f"{later}T20:00:00")
        self.wait_for_health()
        wait_for("an empty outbox", lambda: self.waiting() == 0, 30)
        self.end_daemon(daemon)
        told = self.told()
        self.assertEqual(len(told["mari"]), 1)
        self.assertRegex(told["mari"][0].subject, r"^Hiljaks jäänud ja saatmata: ")
        self.assertRegex(told["ann"][0].subject, r"^Too late, so not sent: ")
        self.assertIn("too late", told["ann"][0].text)


class Files(Telling):
    def test_editors_hear_of_a_file_that_stays_wrong(self):
        call = self.site / "calls/halb.md"
        self.look()
        write(call, "---\ntitle: [\n---\nText.\n")
        self.assertEqual(self.subjects(self.look()), {})
        told = self.look(hours=1)
        self.assertEqual(self.subjects(told), {"mari": ["Välja jäetud: calls/halb"],
                                               "igor": ["Не используется: calls/halb"],
                                               "boss": ["Jätetty pois: calls/halb"]})
        self.assertIn("calls/halb.md:", told["mari"][0].text)
        self.assertIn("teataja check", told["mari"][0].text)
        self.assertEqual(self.subjects(self.look(hours=5)), {})
        call.unlink()
        self.assertEqual(self.subjects(self.look(hours=6)), {})


class Drafts(Telling):
    def test_a_draft_is_shown_to_its_editors(self):
        newsletter = self.site / "newsletters/funding.yaml"
        write(newsletter, newsletter.read_text() + "approval: one\n")
        self.look()
        self.queue()
        self.assertEqual(query(self.site, "SELECT state FROM mailing"), [("waiting",)])
        told = self.look()
        self.assertEqual(self.subjects(told), {"mari": ["Mustand: Rahastus detsembris"],
                                               "igor": ["Черновик: Rahastus detsembris"],
                                               "boss": ["Luonnos: Rahastus detsembris"]})
        mari = told["mari"][0]
        with self.subTest("what it would be"):
            self.assertEqual(mari.facts()["Lugejaid"], "20 inimest")
            self.assertIn("Kiri ootab üht heakskiitu", mari.text)
            self.assertIn("Kultuuritoetus (Uus)", mari.text)
            self.assertIn("Mida lugejad saavad (eesti keeles)", mari.text)
            self.assertIn("Siin on uudised.", mari.text)
            self.assertIn("Siin on uudised.", mari.html)
        with self.subTest("a link of one's own"):
            links = {who: re.findall(r"https://letters\.cluster\.example/draft/\S+", m[0].text)
                     for who, m in told.items()}
            self.assertEqual({len(found) for found in links.values()}, {1})
            self.assertEqual(len({found[0] for found in links.values()}), 3)
            self.assertIn(links["mari"][0], mari.html)
        with self.subTest("the letter itself, as a message"):
            (letter,) = mari.attached
            self.assertEqual(str(letter["Subject"]), "Rahastus detsembris")
            self.assertIn("Siin on uudised.", letter.get_body(("html",)).get_content())
            self.assertIn("Siin on uudised.", letter.get_body(("plain",)).get_content())
        with self.subTest("once"):
            self.assertEqual(self.look(hours=2), {})
        with self.subTest("a rejection is told"):
            self.teataja("reject", 1, "--reason", "Üks viga on sees", "--as", "Mari")
            told = self.look(hours=4)
            self.assertEqual(self.subjects(told)["igor"], ["Отклонено: Rahastus detsembris"])
            self.assertIn("Üks viga on sees", told["igor"][0].text)
            self.assertEqual(told["igor"][0].attached, [])
        with self.subTest("a text that changed waits again, with another link"):
            issue = self.site / "issues/kiri.md"
            write(issue, issue.read_text().replace("Siin on uudised.", "Siin on paremad uudised."))
            self.queue()
            told = self.look(hours=6)
            self.assertEqual(self.subjects(told)["mari"], ["Mustand: Rahastus detsembris"])
            self.assertIn("Siin on paremad uudised.", told["mari"][0].html)
            self.assertNotIn(links["mari"][0], told["mari"][0].text)
        with self.subTest("what was approved goes out, and is told"):
            self.teataja("approve", 1, "--as", "Mari", "--queue")
            # The look may come before or after the letters went out.
            told = self.look(hours=8) | self.look(hours=8)
            self.assertEqual(self.subjects(told)["mari"], ["Saadetud: Rahastus detsembris"])
            self.assertEqual(told["mari"][0].facts()["Kätte toimetatud"], "20")


class Judged(Telling):
    """Everything there is to tell, in ten languages, before judges."""

    def prepare_all(self):
        people = "".join(f"  - {{ address: {tag}@staff.example, language: {tag}, name: Mari <b>Õ & Ž, "
                         "roles: [admin, editor] }\n" for tag in LANGUAGES)
        path = self.site / "teataja.yaml"
        write(path, path.read_text().replace(STAFF, "\nstaff:\n" + people))
        newsletter = self.site / "newsletters/funding.yaml"
        write(newsletter, newsletter.read_text().replace(EDITORS, "\napproval: two\n"))
        self.configure("sources:\n  one: https://one.example/a.ics\n  two: https://two.example/a.ics\n")

    def test_every_mail_is_good_html_that_everybody_can_read(self):
        self.prepare_all()
        self.look_with_sources()
        self.queue()
        self.execute("UPDATE source SET failures = 3, error = 'no <such> host & none', "
                     "next_at = 9e17")
        self.execute("INSERT INTO relay_state VALUES ('nowhere', 1, 1, 'x', 1)")
        for number, state, reason in ((51, "held", None), (52, "held", "too many <refusals>")):
            self.execute("INSERT INTO mailing (id, uid, purpose, subject, dedupe, state, priority, "
                         "config, audience, message_date, hash, created_at, reason) VALUES "
                         "(?1, ?1, 'letter', 'issues/kiri', ?1, ?2, 4, '{}', '', 1, '', 1, ?3)",
                         number, state, reason)
        self.execute("INSERT INTO schedule_clock VALUES (1, '', 1, 1, 5, 'the clock jumped') "
                     "ON CONFLICT (one) DO UPDATE SET held_since = 5, reason = 'the clock jumped'")
        told = self.look_with_sources()
        self.assertEqual(set(told), set(LANGUAGES))
        pages = []
        for number, (who, mails) in enumerate(sorted(told.items())):
            self.assertEqual(len(mails), 5, self.subjects(told))
            for kind, mail in enumerate(sorted(mails, key=lambda m: m.html)):
                self.assertLess(len(mail.html.encode()), HTML_MOST)
                self.assertEqual(Links(mail.html).language, who)
                self.assertNotIn("\N{REPLACEMENT CHARACTER}", mail.html)
                pages.append((kind + number, write(self.folder / f"{who}-{kind}.html", mail.html)))
        paths = [path for _, path in pages]
        with self.subTest("vnu"):
            self.assertEqual(html_errors(paths), [])
        with self.subTest("caniemail"):
            lacking = {}
            for found in ask("clients", paths[:5]):
                for text in found["errors"]:
                    feature, program = re.fullmatch(r"`(.*)` is not supported by `(.*)`",
                                                    text).groups()
                    lacking.setdefault(feature, set()).add(program)
            self.assertEqual({feature: programs - CLIENTS_ALLOWED.get(feature, (set(),))[0]
                              for feature, programs in lacking.items()},
                             dict.fromkeys(lacking, set()))
        with self.subTest("axe, and narrow screens"):
            for found in ask("pages", [path for turn, path in pages if turn % 5 == 0]):
                self.assertEqual(found["schemes"], {"light": [], "dark": []}, found["path"])
                self.assertEqual({width for width, needed in found["widths"].items()
                                  if needed > int(width)}, set(), found["path"])

    def look_with_sources(self):
        return Sources.tell_sources(self)


if __name__ == "__main__":
    unittest.main()
