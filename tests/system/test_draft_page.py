#!/usr/bin/env python3
"""An editor decides about a draft in a browser: nothing else is needed, and nobody else can."""

import concurrent.futures
import contextlib
import email
import email.policy
import html
import http.client
import json
import os
import re
import signal
import sqlite3
import time
import unittest
import urllib.parse

import yaml

from draft_site import (EDITORS, JAAN, KATI, TEXTS, TOKEN_DRAFT, TOKEN_LEAVE, DraftSite,
                        editors)
from judges import html_errors
from serve_site import Serving
from support import SOURCE, query, wait_for, write
from test_injection import TEXTS as PAYLOADS, Shape, squeeze
from test_web_pages import browse
from web_site import FORM, LANGUAGES

WORDS = {tag: yaml.safe_load((SOURCE / f"templates/locale/{tag}.yaml").read_text())["review"]
         for tag in LANGUAGES}


def text_of(page):
    """What a person reads."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def links_of(page):
    return [html.unescape(path) for path in
            re.findall(r'(?:href|src)="(/[^"]+)"', page)]


class Life(DraftSite):
    def follow(self, answer):
        """Where a form that was taken leads."""
        status, headers, body = answer
        self.assertEqual((status, body), (303, ""))
        self.assertEqual(headers["Cache-Control"], "no-store")
        return self.ask(headers["Location"])[2]

    def test_what_may_be_wrong_with_a_draft_is_told(self):
        day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 3 * 86400))
        write(self.site / "calls/gone.md", f"title: Gone\nurl: https://fund.example/gone\n"
              f"deadline: {day} 17:00\nsummary: Gone.\n")
        write(self.site / "calls/gone.en.md", "title: Gone\nsummary: Gone.\n")
        page = self.ask(self.link(self.draft("warned"), EDITORS["de"]))[2]
        self.assertIn(WORDS["de"]["warnings"], text_of(page))
        self.assertRegex(text_of(page), f"call 'gone' closed on {day}")

    def test_a_letter_is_rejected_made_anew_and_approved_in_every_language(self):
        for tag in LANGUAGES:
            with self.subTest(tag):
                words, mine = WORDS[tag], EDITORS[tag]
                mailing = self.draft(f"life-{tag}")
                path = self.link(mailing, mine)
                status, headers, page = self.ask(path, Accept_Language="xx")
                self.assertEqual((status, headers["Content-Language"]), (200, tag))
                for name, value in (("Cache-Control", "no-store"),
                                    ("Referrer-Policy", "no-referrer"),
                                    ("X-Robots-Tag", "noindex, nofollow"),
                                    ("X-Frame-Options", "DENY")):
                    self.assertEqual(headers[name], value)
                self.assertIsNone(headers["Set-Cookie"])
                for key in ("draft", "letter", "history", "decide", "exactly", "approve",
                            "reject", "at_once", "step_drafted"):
                    self.assertIn(words[key], text_of(page), key)
                self.assertNotIn("<script", page)
                self.assertEqual(page.count("<details class=\"edition\""), len(LANGUAGES))

                noted = self.follow(self.post(path, {"do": "note", "note": "See <b> & \r\nmore"}))
                self.assertIn(words["you_noted"], text_of(noted))
                self.assertIn("See &lt;b&gt; &amp; \nmore", noted)
                status, _, page = self.post(path, {"do": "reject", "reason": " \r\n "})
                self.assertEqual(status, 422)
                self.assertIn(words["why_missing"], text_of(page))
                self.assertEqual(self.state_of(mailing), "waiting")
                page = self.follow(self.post(path, {"do": "reject", "reason": f"No: {tag}"}))
                self.assertEqual(self.state_of(mailing), "rejected")
                self.assertIn(words["rejected"], text_of(page))
                self.assertIn(f"No: {tag}", page)
                self.assertNotIn('value="approve"', page)

                self.assertEqual(self.draft(f"life-{tag}", more="A newer text."), mailing)
                before = self.dump()
                old = self.ask(path)[2]
                self.assertIn(words["outdated"], text_of(old))
                self.assertNotIn("<form", old)
                for fields in ({"do": "approve"}, {"do": "reject", "reason": "x"},
                               {"do": "note", "note": "x"}):
                    status, _, page = self.post(path, fields)
                    self.assertEqual(status, 409)
                    self.assertIn(words["overtaken"], text_of(page))
                self.assertEqual(self.dump(), before)

                path = self.link(mailing, mine)
                self.assertIn("<ins>+ A newer text.</ins>", self.ask(path)[2])
                page = self.follow(self.post(path, {"do": "approve"}))
                self.assertEqual(self.state_of(mailing), "approved")
                self.assertIn(words["approved_soon"], text_of(page))
                self.assertIn(words["you_approved"].partition(":")[0], text_of(page))
                before = self.dump()
                self.follow(self.post(path, {"do": "approve"}))
                self.assertEqual(self.dump(), before, "pressed twice")
                self.assertEqual([step[1:4] for step in self.trail(mailing) if step[2] == "web"],
                                 [(mine, "web", what) for what in ("noted", "rejected",
                                                                   "approved")])
                self.assertIn(f"Toimetaja {tag}", page)

                self.teataja("send", f"life-{tag}", "--yes")
                self.assertEqual(self.state_of(mailing), "sent")
                page = self.ask(path)[2]
                self.assertIn(words["sent"], text_of(page))
                self.assertNotIn("<form", page)
                before = self.dump()
                self.follow(self.post(path, {"do": "approve"}))
                self.assertEqual(self.post(path, {"do": "reject", "reason": "late"})[0], 409)
                self.assertEqual(self.dump(), before)

    def test_each_edition_is_shown_as_it_would_be_read_and_can_do_nothing(self):
        mailing = self.draft("shown")
        path = self.link(mailing, EDITORS["en"])
        page = self.ask(path)[2]
        self.assertEqual(len(re.findall(r'<iframe [^>]*sandbox="allow-popups '
                                        r'allow-popups-to-escape-sandbox"', page)), len(LANGUAGES))
        for tag in LANGUAGES:
            status, headers, letter = self.ask(f"{path}/{tag}")
            self.assertEqual((status, headers["Content-Language"]), (200, tag))
            self.assertIn(TEXTS[tag], html.unescape(letter))
            policy = dict(part.strip().partition(" ")[::2] for part in
                          headers["Content-Security-Policy"].split(";"))
            self.assertEqual(policy["default-src"], "'none'")
            self.assertEqual(policy["img-src"], "data:")
            self.assertNotIn("allow-scripts", policy["sandbox"])
            self.assertNotIn("allow-same-origin", policy["sandbox"])
            self.assertEqual(headers["X-Frame-Options"], "SAMEORIGIN")
            self.assertIn('<base target="_blank">', letter)
            status, headers, text = self.ask(f"{path}/{tag}.txt")
            self.assertEqual((status, headers["Content-Type"]),
                             (200, "text/plain; charset=utf-8"))
            self.assertIn(TEXTS[tag], text)
        for wrong in ("xx", "en-2", "en-0", "en-", "en.pdf", "en-99999999999999999999", "en.txt.txt",
                      "-1", "en-1x"):
            self.assertEqual(self.ask(f"{path}/{wrong}")[0], 404, wrong)
        self.assertEqual(self.ask(f"{path}/en-1")[0], 200)

    def test_other_versions_of_a_language_have_links_and_too_large_ones_say_so(self):
        mailing = self.draft("versions")
        with contextlib.closing(sqlite3.connect(self.site / "var/teataja.db", timeout=30)) as db:
            with db:
                for key, body in (("x", "'<!DOCTYPE html><title>x</title>second', 'second'"),
                                  ("y", "NULL, NULL")):
                    db.execute("INSERT INTO approval_edition (mailing, revision, lang, key, "
                               "recipients, digest, words, subject, html, text) SELECT mailing, "
                               f"revision, lang, '{key}', 1, digest, words, '<{key}> & more', "
                               f"{body} FROM approval_edition WHERE mailing = ? AND lang = 'en' "
                               "AND html NOT LIKE '%second%' LIMIT 1",
                               (mailing,))
        path = self.link(mailing, EDITORS["en"])
        page = self.ask(path)[2]
        for number, key in ((2, "x"), (3, "y")):
            self.assertRegex(page, rf'<li><a href="{path}/en-{number}"[^>]*>'
                             f'&lt;{key}&gt; &amp; more</a> <span class="count">1 person</span>')
        self.assertIn("4 people", page)
        self.assertIn("second", self.ask(f"{path}/en-2")[2])
        self.assertEqual(self.ask(f"{path}/en-2.txt")[2], "second")
        for ending in ("", ".txt"):
            status, _, page = self.ask(f"{path}/en-3{ending}")
            self.assertEqual(status, 404)
            self.assertIn(WORDS["en"]["not_kept"], page)
        self.assertEqual(self.ask(f"{path}/en-4")[0], 404)

    def test_pictures_show_in_the_letter(self):
        (self.site / "assets").mkdir(exist_ok=True)
        newsletter = self.site / "newsletters/pair.yaml"
        (self.site / "assets/a.png").write_bytes(
            (SOURCE / "templates/site/demo/assets/eu-emblem.png").read_bytes())
        before = newsletter.read_text()
        write(newsletter, before + "brand: { logo: assets/a.png, logo_alt: Cluster }\n")
        try:
            mailing = self.draft("pictures", "pair")
        finally:
            write(newsletter, before)
        letter = self.ask(self.link(mailing, KATI) + "/en")[2]
        self.assertRegex(letter, r'<img [^>]*src="data:image/png;base64,')
        self.assertNotIn("cid:", letter)


class Deciding(DraftSite):
    def test_two_editors_at_once(self):
        for attempt in range(6):
            mailing = self.draft(f"both-{attempt}", "pair")
            paths = [self.link(mailing, KATI), self.link(mailing, JAAN)] * 3
            with concurrent.futures.ThreadPoolExecutor(6) as pool:
                answers = list(pool.map(lambda p: self.post(p, {"do": "approve"})[0], paths))
            self.assertEqual(set(answers), {303})
            self.assertEqual(self.state_of(mailing), "approved")
            self.assertEqual(sorted(step[1] for step in self.trail(mailing)
                                    if step[3] == "approved"), [JAAN, KATI])

    def test_one_of_two_is_not_enough_and_nobody_counts_twice(self):
        mailing = self.draft("half", "pair")
        path = self.link(mailing, KATI)
        for _ in range(3):
            self.assertEqual(self.post(path, {"do": "approve"})[0], 303)
        self.assertEqual(self.state_of(mailing), "waiting")
        page = self.ask(path)[2]
        self.assertIn(WORDS["en"]["waits_second"], text_of(page))
        self.assertIn("1 / 2", page)
        self.assertNotIn('value="approve"', page)
        self.assertIn('value="reject"', page)
        self.assertIn('value="approve"', self.ask(self.link(mailing, JAAN))[2])

    def test_one_approves_while_the_other_rejects(self):
        for attempt in range(6):
            mailing = self.draft(f"quarrel-{attempt}", "pair")
            acts = [(KATI, {"do": "approve"}), (JAAN, {"do": "reject", "reason": "wrong date"})]
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                answers = [done[0] for done in pool.map(
                    lambda act: self.post(self.link(mailing, act[0]), act[1]),
                    acts if attempt % 2 else acts[::-1])]
            self.assertEqual(self.state_of(mailing), "rejected")
            self.assertLessEqual(set(answers), {303, 409})
            done = [step[3] for step in self.trail(mailing) if step[2] == "web"]
            self.assertIn(done, (["approved", "rejected"], ["rejected"]))

    def test_what_was_written_is_kept_when_it_is_not_taken(self):
        mailing = self.draft("long")
        path = self.link(mailing, EDITORS["en"])
        before = self.dump()
        for name in ("reason", "note"):
            what = "reject" if name == "reason" else "note"
            for words in ("õ" * 1001, "<b>" + "x" * 1000):
                status, _, page = self.post(path, {"do": what, name: words})
                self.assertEqual(status, 422)
                self.assertIn(html.escape(words), page)
                self.assertRegex(page, rf'<textarea id="{name}"[^>]* aria-invalid="true">')
                self.assertIn(f'<p class="wrong" id="{name}-problem">', page)
                self.assertIn(f'<p class="problem" role="alert"><a href="#{name}">', page)
        self.assertEqual(self.dump(), before)
        words = "🎨" * 999 + "\r\n"
        self.assertEqual(self.post(path, {"do": "note", "note": words + "x"})[0], 422)
        self.assertEqual(self.post(path, {"do": "note", "note": words})[0], 303)
        self.assertEqual(self.trail(mailing)[-1][4], "🎨" * 999)
        notes = len(self.trail(mailing))
        self.assertEqual(self.post(path, {"do": "note", "note": words})[0], 303)
        self.assertEqual(len(self.trail(mailing)), notes, "the same note is kept once")

    def test_forms_that_make_no_sense_do_nothing(self):
        mailing = self.draft("nonsense")
        path = self.link(mailing, EDITORS["en"])
        before = self.dump()
        multipart = "multipart/form-data; boundary=----x1"
        file = ('------x1\r\nContent-Disposition: form-data; name="do"; filename="approve"\r\n\r\n'
                "approve\r\n------x1--\r\n")
        for body, kind, expected in (
                ("", FORM, 400), ("do=", FORM, 400), ("do=APPROVE", FORM, 400),
                ("do=approve+", FORM, 400), ("do=%ff", FORM, 400), ("do=%zz", FORM, 400),
                ('{"do":"approve"}', "application/json", 400), ("do=approve", "text/plain", 400),
                (file, multipart, 400), (file, "multipart/form-data", 400),
                ("reason=x&note=y", FORM, 400), ("do=undo", FORM, 400),
                ("do=note&note=" + "x" * 5000, FORM, 413), ("do=note&x=" + "x" * 20000, FORM, 413),
                ("&".join(f"a{n}=1" for n in range(100)), FORM, 413)):
            status = self.ask(path, "POST", body, Content_Type=kind)[0]
            self.assertEqual(status, expected, (body[:40], kind))
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
            self.assertIn(self.ask(path, method, "do=approve", Content_Type=FORM)[0], (405, 501))
        self.assertEqual(self.ask(f"{path}/en", "POST", "do=approve", Content_Type=FORM)[0], 413)
        self.assertEqual(self.ask(f"{path}?do=approve")[0], 200)
        self.assertEqual(self.dump(), before)


class Links(DraftSite):
    def test_whoever_has_no_right_gets_one_and_the_same_answer(self):
        mailing = self.draft("rights")
        other = self.draft("other", "pair")
        good = self.link(mailing, EDITORS["en"])
        token = good.rpartition("/")[2]
        self.teataja("send", "rights", "--test", "probe@cluster.example", "--yes", status=None)
        person = self.person(EDITORS["en"])
        paths = ["/draft/x", "/draft/" + "a" * 90, good[:-1], good[1:], good + "a", "/draft/" + token[1:],
                 good[:-1] + ("a" if good[-1] != "a" else "b"),
                 self.link(other, EDITORS["en"]),  # of another newsletter
                 self.link(mailing, KATI), self.link(mailing, "m1@member.example"),
                 self.link(999, EDITORS["en"], self.digest(mailing)),
                 "/draft/" + self.token(TOKEN_LEAVE, [mailing, person, 1]),
                 "/draft/" + self.token(TOKEN_DRAFT, [mailing, person]),
                 "/draft/" + self.token(TOKEN_DRAFT, [mailing, person, 1, 1]),
                 "/draft/" + self.token(TOKEN_DRAFT, [mailing]),
                 "/draft/" + self.token(TOKEN_DRAFT, []),
                 "/draft/" + self.token(TOKEN_DRAFT, [2 ** 63, person, 1]),
                 "/draft/" + self.token(TOKEN_DRAFT, [mailing, 0, 0]),
                 "/draft/" + self.token(TOKEN_DRAFT, [mailing, person, 1], bytes(32))]
        before = self.dump()
        answers = set()
        for path in paths:
            if not path.startswith("/draft/"):
                continue
            for more in ("", "/en", "/en.txt"):
                status, headers, page = self.ask(path + more, Accept_Language="en")
                answers.add((status, page))
                self.assertEqual(headers["Cache-Control"], "no-store")
            for fields in ({"do": "approve"}, {"do": "reject", "reason": "x"},
                           {"do": "note", "note": "x"}):
                status, _, page = self.post(path, fields, Accept_Language="en")
                answers.add((status, page))
        self.assertEqual(len(answers), 1, "one answer")
        (status, page), = answers
        self.assertEqual(status, 404)
        self.assertIn("This link does not work", page)
        self.assertEqual(self.dump(), before)
        for page in ("leave", "preferences", "answer", "view"):
            self.assertEqual(self.ask(f"/{page}/{token}")[0], 404, page)
        self.assertEqual(self.ask("/draft/" + token.upper())[0], 200, "read in any case")

    def test_a_link_ends_when_its_owner_is_no_editor_any_more(self):
        mailing = self.draft("leaver", "pair")
        path = self.link(mailing, JAAN)
        self.assertEqual(self.ask(path)[0], 200)
        newsletter = self.site / "newsletters/pair.yaml"
        kept = newsletter.read_text()
        write(newsletter, re.sub(r"(?m)^  - \{ address: jaan.*\n", "", kept))
        try:
            self.wait_for_reload()
            status, _, page = self.ask(path, Accept_Language="en")
            self.assertEqual((status, page), self.ask("/draft/x", Accept_Language="en")[::2])
            self.assertEqual(self.post(path, {"do": "approve"})[0], 404)
            self.assertEqual(self.state_of(mailing), "waiting")
            self.assertEqual(self.ask(self.link(mailing, KATI))[0], 200)
        finally:
            write(newsletter, kept)
            self.wait_for_reload()
        self.assertEqual(self.ask(path)[0], 200)



class States(DraftSite):
    def execute(self, sql, *values):
        with contextlib.closing(sqlite3.connect(self.site / "var/teataja.db", timeout=30)) as db:
            with db:
                db.execute(sql, values)

    def test_the_page_says_how_it_stands_and_offers_what_can_be_done(self):
        mailing = self.draft("states")
        path = self.link(mailing, EDITORS["en"])
        words = WORDS["en"]
        later = (int(time.time()) + 90000) * 1000000
        for state, needed, due, text, buttons in (
                ("waiting", 1, None, "It waits for one approval.", ["approve", "reject", "note"]),
                ("waiting", 2, None, "It waits for 2 approvals.", ["approve", "reject", "note"]),
                ("waiting", 0, later, words["waits_nobody"], ["reject", "note"]),
                ("approved", 1, later, words["approved"], ["reject", "note"]),
                ("approved", 1, None, words["approved_soon"], ["reject", "note"]),
                ("approved", 1, 1000000, words["approved_soon"], ["reject", "note"]),
                ("rejected", 1, None, words["rejected"], ["note"]),
                ("cancelled", 1, None, words["cancelled"], []),
                ("expanding", 1, None, words["on_its_way"], []),
                ("queued", 1, None, words["on_its_way"], []),
                ("sending", 1, None, words["on_its_way"], []),
                ("paused", 1, None, words["on_its_way"], []),
                ("held", 1, None, words["on_its_way"], []),
                ("sent", 1, None, words["sent"], [])):
            with self.subTest(state, needed=needed, due=due):
                self.execute("UPDATE mailing SET state = ? WHERE id = ?", state, mailing)
                self.execute("UPDATE approval SET needed = ?, due_at = ? WHERE mailing = ?",
                             needed, due, mailing)
                page = self.ask(path)[2]
                self.assertIn(text, text_of(page))
                self.assertEqual(re.findall(r'name="do" value="(\w+)"', page), buttons)
                self.assertEqual(words["at_once"] in page, due is None)
                self.assertEqual("0 / " in page, needed > 0)
                if not buttons:
                    for fields in ({"do": "approve"}, {"do": "reject", "reason": "x"},
                                   {"do": "note", "note": "x"}):
                        self.assertEqual(self.post(path, fields)[0], 409)
        self.assertEqual([step[3] for step in self.trail(mailing)], ["drafted"])

    def test_an_invitation_goes_the_same_way(self):
        day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 100 * 86400))
        write(self.site / "events/seminar.md", "---\ntitle: Seminar\nlist: funding\n"
              f"start: {day} 10:00\nend: {day} 12:00\nlocation: {{ name: Narva }}\n"
              "approval: one\n---\nTere tulemast.\n")
        self.teataja("event", "invite", "seminar", "--yes", status=None)
        mailing = self.one("SELECT id FROM mailing WHERE purpose = 'invitation'")
        self.assertEqual(self.state_of(mailing), "waiting")
        newsletter = self.one("SELECT newsletter FROM approval WHERE mailing = ?", mailing)
        who = EDITORS["fi"] if newsletter else "office@cluster.example"
        path = self.link(mailing, who)
        page = self.ask(path, Accept_Language="fi")[2]
        self.assertIn(WORDS["fi" if newsletter else "et"]["invitation"], text_of(page))
        self.assertIn("Seminar", page)
        self.assertIn("Tere tulemast.", self.ask(f"{path}/et")[2])
        self.assertEqual(self.post(path, {"do": "approve"})[0], 303)
        self.assertEqual(self.state_of(mailing), "approved")


class Hostile(DraftSite):
    def write_subject(self, name, subject):
        for path in self.site.glob(f"issues/{name}*.md"):
            write(path, re.sub("(?m)^subject: .*$",
                               lambda _: f"subject: {json.dumps(subject, ensure_ascii=False)}",
                               path.read_text()))

    def life(self, name, who, payload):
        """The pages of a draft that holds the payload wherever somebody can write."""
        self.write_issue(name, "hostile")
        self.teataja("send", name, "--yes", status=None)
        self.write_subject(name, payload)
        self.teataja("send", name, "--yes", status=None)
        mailing = self.one("SELECT id FROM mailing WHERE subject = ?", f"issues/{name}")
        path = self.link(mailing, who)
        self.assertEqual(self.post(path, {"do": "note", "note": payload})[0], 303)
        pages = [self.ask(path)[2],
                 self.post(path, {"do": "reject", "reason": payload + "x" * 1000})[2],
                 self.post(path, {"do": "note", "note": payload + "x" * 1000})[2]]
        self.assertEqual(self.post(path, {"do": "reject", "reason": payload})[0], 303)
        return [*pages, self.ask(path)[2]]

    def test_nothing_that_somebody_writes_becomes_markup(self):
        payloads = ["Plain words", *PAYLOADS]
        people = [(f"e{number}@cluster.example", json.dumps(payload, ensure_ascii=False), "en")
                  for number, payload in enumerate(payloads)]
        funding = (self.site / "newsletters/funding.yaml").read_text().partition("editors:")[0]
        write(self.site / "newsletters/hostile.yaml",
              funding.replace("name: The funding letter", f"name: {people[1][1]}")
              + editors(people))
        self.wait_for_reload()
        plain = None
        for number, payload in enumerate(payloads):
            with self.subTest(payload):
                pages = self.life(f"hostile-{number}", people[number][0], payload)
                shapes = [Shape(page) for page in pages]
                plain = plain or shapes
                for shape, was in zip(shapes, plain, strict=True):
                    self.assertEqual(shape.shape, was.shape)
                    self.assertEqual([each.partition("/draft/")[:2] for each in shape.addresses],
                                     [each.partition("/draft/")[:2] for each in was.addresses])
                    self.assertIn(squeeze(payload), squeeze(" ".join(shape.texts)))


class NoTerminal(Serving):
    def answer(self, path, fields=None):
        """One request to the daemon's pages; (status, text)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.web_port, timeout=20)
        with contextlib.closing(connection):
            connection.request("POST" if fields else "GET", path,
                               urllib.parse.urlencode(fields) if fields else None,
                               {"Content-Type": FORM} if fields else {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def test_the_mail_leads_to_the_page_and_the_press_sends_the_letter(self):
        mail = self.slow()
        self.make_site(mail.port)
        newsletter = self.site / "newsletters/funding.yaml"
        write(newsletter, newsletter.read_text() + "approval: one\n"
              + editors([(KATI, "Kati Kask", "en")]))
        daemon = self.start_daemon()
        self.wait_for_health()
        self.teataja("send", "kiri", "--yes", status=None)
        os.kill(daemon.pid, signal.SIGHUP)  # it looks at once, and not within a minute

        def link():
            with mail.lock:
                taken = list(mail.taken)
            for recipients, message in taken:
                raw = message if isinstance(message, bytes) else message.encode()
                if recipients == [KATI]:
                    part = email.message_from_bytes(raw, policy=email.policy.default)
                    text = part.get_body(("plain",)).get_content()
                    found = re.search(r"https://letters\.cluster\.example(/draft/[a-z2-7]+)", text)
                    if found:
                        return found.group(1)
            return None
        path = wait_for("the mail to the editor", link, 90)
        status, page = self.answer(path)
        self.assertEqual(status, 200)
        self.assertIn(WORDS["en"]["approve"], text_of(page))
        self.assertEqual(self.states().get("sent", 0), 1, "the mail to the editor alone")
        self.assertEqual(self.answer(path, {"do": "approve"})[0], 303)
        wait_for("the letters", lambda: query(
            self.site, "SELECT count(*) FROM outbox WHERE address LIKE '%.example' AND "
            "state = 'sent' AND member IS NOT NULL")[0][0] == self.members, 120)
        wait_for("the page to know", lambda: WORDS["en"]["sent"] in text_of(self.answer(path)[1]))


class Looks(DraftSite):
    def every_page(self):
        """{name: address} of what an editor may see, in the ten languages."""
        found = {}
        for tag in LANGUAGES:
            mailing = self.draft(f"look-{tag}", more="A first text.")
            self.post(self.link(mailing, EDITORS["et"]), {"do": "note", "note": "Two\n\nlines <&>"})
            self.post(self.link(mailing, EDITORS["et"]), {"do": "approve"})
            old = self.link(mailing, EDITORS[tag])
            self.draft(f"look-{tag}", more="A second text.")
            found[f"waiting-{tag}"] = self.link(mailing, EDITORS[tag])
            found[f"old-{tag}"] = old
        rejected = self.draft("look-rejected")
        found["rejected"] = self.link(rejected, EDITORS["de"])
        self.post(found["rejected"], {"do": "reject", "reason": "Ei"})
        half = self.draft("look-half", "pair")
        found["half"] = self.link(half, JAAN)
        self.post(found["half"], {"do": "approve"})
        return found

    def test_pages_are_right_for_every_judge_and_a_crawler_changes_nothing(self):
        pages = self.every_page()
        folder = self.folder / "pages"
        files = [write(folder / f"{name}.html", self.ask(path)[2])
                 for name, path in pages.items()]
        for tag in LANGUAGES:
            for name, fields in (("reason", {"do": "reject", "reason": ""}),
                                 ("note", {"do": "note", "note": "x" * 1001})):
                files.append(write(folder / f"{name}-{tag}.html",
                                   self.post(pages[f"waiting-{tag}"], fields)[2]))
        self.assertEqual(html_errors(files), [])

        before = self.dump()
        paths = sorted({link for path in pages.values() for link in links_of(self.ask(path)[2])
                        if not link.startswith(("/style", "/image"))} | set(pages.values()))
        self.assertGreater(len(paths), 200)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for method in ("GET", "HEAD"):
                answers = set(pool.map(lambda path, how=method: self.ask(path, how)[0], paths))
                self.assertEqual(answers, {200})
        some = [path for path in paths if not path.endswith(".txt")][::7] + list(pages.values())[:4]
        visited = browse([f"http://127.0.0.1:{self.port}{path}" for path in some], "--visit")
        self.assertEqual({found["status"] for found in visited}, {200})
        self.assertEqual(self.dump(), before)

        shown = [pages[name] for name in ("waiting-de", "waiting-ru", "old-fi", "rejected", "half")]
        for found in browse([f"http://127.0.0.1:{self.port}{path}" for path in shown]):
            with self.subTest(found["path"]):
                self.assertEqual(found["schemes"], {"light": [], "dark": []})
                self.assertEqual([w for w, wide in found["widths"].items() if wide > int(w)], [])
                self.assertEqual((found["status"], found["console"]), (200, []))


if __name__ == "__main__":
    unittest.main()
