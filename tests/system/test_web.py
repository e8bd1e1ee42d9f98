#!/usr/bin/env python3
"""The pages that links in letters lead to: what they say, and what they do.

Everybody has an own member of the demo, so that no test sees another's acts.
"""

import contextlib
import html
import re
import shutil
import sqlite3
import time
import unittest

from support import DONE, query, small_site, stop, wait_for, write
from web_site import FORM, LANGUAGES, WebSite

MULTIPART = "multipart/form-data; boundary=----x1"
ONE_CLICK = "List-Unsubscribe=One-Click"
ONE_CLICK_PARTS = ('------x1\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
                   "One-Click\r\n------x1--\r\n")


def heading(page):
    return html.unescape(re.search(r"<h1>(.*?)</h1>", page, re.S).group(1))


class Leaving(WebSite):
    def test_a_look_changes_nothing_and_a_press_leaves(self):
        address = self.addresses[0]
        path = self.links[address].path("leave")
        before = self.dump()
        for method in ("GET", "HEAD", "GET"):
            status, _, page = self.ask(path, method)
            self.assertEqual(status, 200)
        self.assertEqual(self.dump(), before)
        self.assertIn('name="do" value="leave"', page)
        self.assertNotIn(address, page)
        self.assertIn(f"{address[0]}…\u2060@{address.partition('@')[2]}", page)
        status, _, page = self.post(path, {"do": "leave"})
        self.assertEqual(status, 200)
        self.assertEqual(self.state(address), "left")
        self.assertEqual(self.last_act(address), ("funding", "left", "web", "leave page"))
        acts = query(self.site, "SELECT count(*) FROM consent")
        again = self.post(path, {"do": "leave"})[2]
        self.assertEqual(heading(again), heading(page))
        self.assertEqual(query(self.site, "SELECT count(*) FROM consent"), acts)

    def test_the_way_back_is_recorded_as_consent(self):
        address = self.addresses[1]
        path = self.links[address].path("leave")
        page = self.post(path, {"do": "leave"})[2]
        self.assertIn('name="list" value="funding"', page)
        status, _, page = self.post(path, {"do": "undo", "list": "funding"})
        self.assertEqual(status, 200)
        self.assertEqual(self.state(address), "active")
        self.assertEqual(self.last_act(address), ("funding", "given", "web", "leave page"))
        (wording,), = query(self.site, "SELECT text FROM wording JOIN consent ON "
                            "consent.wording = wording.id WHERE member = ? "
                            "ORDER BY consent.id DESC LIMIT 1", self.member(address))
        self.assertGreater(len(wording), 10)
        # A page that was left open does not subscribe somebody to a list never left.
        self.post(path, {"do": "undo", "list": "network"})
        self.assertEqual(query(self.site, "SELECT count(*) FROM v_subscription WHERE member = ? "
                               "AND list_slug = 'network'", self.member(address)), [(0,)])

    def test_whom_the_office_took_off_a_closed_list_stays_off(self):
        address = self.addresses[20]
        path = self.links[address].path("leave")
        self.teataja("member", "subscribe", address, "--list", "network", "--basis", "membership",
                     "--source", "register")
        self.post(path, {"do": "leave", "all": "yes"})
        self.post(path, {"do": "undo", "list": "network"})
        self.assertEqual(self.state(address, "network"), "active")
        self.teataja("member", "leave", address, "--list", "network")
        self.post(path, {"do": "undo", "list": "network"})
        self.assertEqual(self.state(address, "network"), "left")
        self.teataja("member", "leave", address, "--list", "funding")
        page = self.ask(path)[2]
        self.assertIn('name="list" value="funding"', page)  # offered to anybody

    def test_leaving_everything_and_back(self):
        address = self.addresses[2]
        path = self.links[address].path("leave")
        self.assertIn('name="all"', self.ask(path)[2])
        page = self.post(path, {"do": "leave", "all": "yes"})[2]
        self.assertEqual([self.state(address, each) for each in ("funding", "events")],
                         ["left", "left"])
        shown = re.findall(r'name="list" value="(\w+)"', page)
        self.assertEqual(sorted(shown), ["events", "funding"])
        self.post(path, [("do", "undo")] + [("list", each) for each in shown])
        self.assertEqual([self.state(address, each) for each in ("funding", "events")],
                         ["active", "active"])

    def test_reasons_are_kept_without_the_member(self):
        address = self.addresses[3]
        path = self.links[address].path("leave")
        words = "Liiga palju kirju 🙂 " + "õ" * 600
        self.post(path, {"do": "leave", "reason": "too_many", "text": words})
        self.post(path, {"do": "leave", "reason": "too_many", "text": "twice"})
        self.assertEqual(query(self.site, "SELECT list.slug, reason, text FROM leave_reason "
                               "JOIN list ON list.id = leave_reason.list WHERE reason = "
                               "'too_many'"), [("funding", "too_many", words[:500])])
        columns = [row[1] for row in query(self.site, "PRAGMA table_info(leave_reason)")]
        self.assertNotIn("member", columns)

    def test_a_strange_reason_does_not_keep_anybody(self):
        address = self.addresses[4]
        self.post(self.links[address].path("leave"), {"do": "leave", "reason": "<script>"})
        self.assertEqual(self.state(address), "left")

    def test_one_click_in_both_encodings_for_anyone(self):
        answers = set()
        for address, body, kind in ((self.addresses[5], ONE_CLICK, FORM),
                                    (self.addresses[6], ONE_CLICK_PARTS, MULTIPART)):
            path = self.links[address].path("leave")
            for _ in range(3):
                status, headers, page = self.ask(path, "POST", body, Content_Type=kind)
                self.assertEqual(status, 200)
                self.assertIsNone(headers["Location"])
                self.assertIsNone(headers["Set-Cookie"])
                answers.add(page)
            self.assertEqual(self.state(address), "left")
            self.assertEqual(self.last_act(address), ("funding", "left", "web", "one click"))
        before = self.dump()
        good = self.links[self.addresses[7]].path("leave")
        for path in ("/leave/nonsense", good[:-1], "/leave/" + "a" * 90,
                     good[:-1] + ("a" if good[-1] != "a" else "b"),
                     self.links[self.addresses[7]].path("preferences").replace("preferences",
                                                                               "leave")):
            status, _, page = self.ask(path, "POST", ONE_CLICK, Content_Type=FORM)
            self.assertEqual(status, 200, path)
            answers.add(page)
        self.assertEqual(self.dump(), before)
        status, _, page = self.ask(self.links[self.addresses[16]].path("leave"), "POST",
                                   ONE_CLICK + "\r\n", Content_Type=FORM + "; charset=UTF-8")
        answers.add(page)
        self.assertEqual(self.state(self.addresses[16]), "left")
        self.assertEqual(len(answers), 1, "the same for anyone")

    def test_tokens_are_read_in_any_case_and_at_any_age(self):
        address = self.addresses[8]
        path = self.links[address].path("leave")
        upper = "/leave/" + path.rpartition("/")[2].upper()
        self.assertEqual(self.ask(upper)[0], 200)
        with contextlib.closing(sqlite3.connect(self.site / "var/teataja.db")) as db, db:
            db.execute("DELETE FROM attempt")
            db.execute("DELETE FROM outbox WHERE member = ?", (self.member(address),))
        self.ask(upper, "POST", ONE_CLICK, Content_Type=FORM)
        self.assertEqual(self.state(address), "left")

    def test_revoked_links_and_broken_ones_help_people(self):
        address = self.addresses[9]
        paths = [self.links[address].path(page) for page in ("leave", "preferences", "answer")]
        self.teataja("member", "revoke-links", address)
        for path in paths + ["/leave/x", "/preferences/x", "/answer/x", "/view/x"]:
            status, _, page = self.ask(path, Accept_Language="en")
            self.assertEqual((status, heading(page)), (404, "This link does not work"), path)
            if not path.startswith("/view"):
                self.assertEqual(self.post(path, {"do": "leave"})[0], 404, path)
        self.assertEqual(self.state(address), "active")

    def test_links_of_a_test_letter_work_and_change_nothing(self):
        port_box = self.folder / "boxes" / "probe@merevaigutee.example" / "new"
        self.teataja("send", self.issue, "--test", "probe@merevaigutee.example", "--yes")
        self.teataja("event", "invite", self.event, "--test", "probe@merevaigutee.example",
                     "--yes")
        text = b"".join(f.read_bytes() for f in port_box.iterdir()).replace(b"=\r\n", b"")
        paths = set(re.findall(rb"https://teataja\.example(/(?:leave|preferences|answer|view)"
                               rb"/[a-z0-9]+(?:/[a-z]+)?)", text))
        self.assertGreaterEqual(len(paths), 6)
        before = self.dump()
        for path in sorted(p.decode() for p in paths):
            self.assertEqual(self.ask(path)[0], 200, path)
            if not path.startswith("/view"):
                self.assertEqual(self.post(path, {"do": "leave", "answer": "yes"})[0], 200, path)
        self.assertEqual(self.dump(), before)


class Preferences(WebSite):
    def test_lists_and_language(self):
        address = self.addresses[10]
        path = self.links[address].path("preferences")
        page = self.ask(path)[2]
        self.assertIn('value="events" checked', page)
        self.assertNotIn("network", page)  # not public
        fields = [("do", "save"), ("shown", "funding"), ("shown", "events"), ("list", "funding"),
                  ("language", "pl")]
        status, _, page = self.post(path, fields)
        self.assertEqual(status, 200)
        self.assertIn('<html lang="pl"', page)
        self.assertEqual(self.state(address, "events"), "left")
        self.assertEqual(self.state(address, "funding"), "active")
        self.assertEqual(self.last_act(address), ("events", "left", "web", "preferences page"))
        (languages,), = query(self.site, "SELECT languages FROM v_member WHERE id = ?",
                              self.member(address))
        self.assertEqual(languages.split()[0], "pl")
        self.post(path, fields + [("list", "events")])
        self.assertEqual(self.state(address, "events"), "active")
        self.assertEqual(self.last_act(address), ("events", "given", "web", "preferences page"))
        before = self.dump()
        self.post(path, fields + [("list", "events")])  # the same once more
        self.assertEqual(self.dump(), before)

    def test_only_what_was_shown_is_changed(self):
        address = self.addresses[11]
        path = self.links[address].path("preferences")
        before = self.dump()
        self.assertEqual(self.post(path, [("do", "save"), ("shown", "network"),
                                          ("list", "network"), ("language", "xx")])[0], 200)
        self.assertEqual(self.post(path, {"list": "funding"})[0], 400)
        self.assertEqual(self.dump(), before)


class Answers(WebSite):
    def answer(self, address):
        return query(self.site, "SELECT answer.state, guests, comment, via FROM answer "
                     "JOIN invitation ON invitation.id = answer.invitation WHERE member = ?",
                     self.member(address))

    def test_the_link_preselects_and_the_button_answers(self):
        address = self.addresses[12]
        path = next(p for p in self.links[address].all if p.endswith("/maybe"))
        before = self.dump()
        page = self.ask(path)[2]
        self.assertRegex(page, r'value="maybe" required checked')
        self.assertEqual(self.dump(), before)
        status, _, page = self.post(path, {"do": "answer", "answer": "yes", "guests": "1",
                                           "comment": "Tulen rongiga <b>"})
        self.assertEqual(status, 200)
        self.assertIn("&lt;b&gt;", page)
        self.assertEqual(self.answer(address), [("yes", 1, "Tulen rongiga <b>", "web")])
        self.post(path, {"do": "answer", "answer": "no", "guests": "1"})
        self.assertEqual(self.answer(address), [("no", 0, None, "web")])
        self.assertRegex(self.ask(path.rpartition("/")[0])[2], r'value="no" required checked')

    def test_nonsense_is_refused(self):
        address = self.addresses[13]
        path = self.links[address].path("answer")
        for fields in ({"answer": "perhaps"}, {}, {"answer": "yes", "guests": "99999"},
                       {"answer": "yes", "guests": "-1"}, {"answer": "yes", "guests": "2"}):
            self.assertEqual(self.post(path, fields)[0], 400, fields)
        self.assertEqual(self.answer(address), [])

    def test_full_and_over(self):
        address, other = self.addresses[14], self.addresses[15]
        file = self.site / "events" / f"{self.event}.md"
        text = file.read_text()
        self.addCleanup(self.edit, file, text)
        self.edit(file, re.sub(r"capacity: *\d+", "capacity: 1", text))
        self.post(self.links[address].path("answer"), {"answer": "yes"})
        status, _, page = self.post(self.links[other].path("answer"), {"answer": "yes"},
                                    Accept_Language="en")
        self.assertEqual(status, 409)
        self.assertIn('role="alert"', page)
        self.assertEqual(self.answer(other), [])
        self.edit(file, re.sub(r"(?m)^status: .*\n", "", text).replace(
            "---\n", "---\nstatus: cancelled\n", 1))
        page = self.ask(self.links[other].path("answer"))[2]
        self.assertNotIn("<form", page)
        self.assertEqual(self.post(self.links[other].path("answer"), {"answer": "no"})[0], 409)

    def edit(self, file, text):
        """Files that change are read again within some seconds."""
        count = self.log().count("site_reloaded")
        write(file, text)
        end = time.monotonic() + 15
        while self.log().count("site_reloaded") == count and time.monotonic() < end:
            self.ask("/")
            time.sleep(0.2)
        self.assertGreater(self.log().count("site_reloaded"), count)

    def test_a_site_that_becomes_wrong_keeps_its_pages(self):
        config = self.site / "teataja.yaml"
        text = config.read_text()
        write(config, text.replace("postal_address:", "postal_adress:"))
        try:
            end = time.monotonic() + 15
            while "site_not_reloaded" not in self.log() and time.monotonic() < end:
                self.assertEqual(self.ask("/")[0], 200)
                time.sleep(0.2)
            told = [line for line in self.log().splitlines() if "site_not_reloaded" in line]
            self.assertRegex(told[0], r"teataja\.yaml:\d+:\d+: .*postal_address")
            self.assertEqual(self.ask(self.links[self.addresses[16]].path("leave"))[0], 200)
        finally:
            self.edit(config, text)


    def test_lists_that_come_and_go(self):
        site = self.folder / "lists"
        shutil.copytree(self.site, site)
        config = site / "teataja.yaml"
        text = config.read_text()
        port = self.serve(site=site)
        self.addCleanup(stop, self.web)
        path = self.links[self.addresses[42]].path("preferences")
        self.assertNotIn("tips", self.ask(path, port=port)[2])
        write(config, text.replace("lists:\n", "lists:\n  tips: { name: Tips }\n", 1))
        wait_for("the list", lambda: 'value="tips"><span>Tips' in self.ask(path, port=port)[2])
        fields = [("do", "save"), ("shown", "tips"), ("list", "tips")]
        self.assertIn('value="tips" checked', self.post(path, fields, port=port)[2])
        # A list that is taken away although it has members keeps nobody from leaving others.
        write(config, text)
        wait_for("no list", lambda: "tips" not in self.ask(path, port=port)[2])
        leave = self.links[self.addresses[42]].path("leave")
        self.assertEqual(self.post(leave, {"do": "leave", "all": "yes"}, port=port)[0], 200)
        self.assertEqual(query(site, "SELECT list_slug, state FROM v_subscription WHERE member = ? "
                               "ORDER BY 1", self.member(self.addresses[42])),
                         [("events", "left"), ("funding", "left"), ("tips", "active")])

    def test_a_database_that_was_replaced(self):
        address = self.addresses[43]
        path = self.links[address].path("leave")
        self.assertEqual(self.ask(path)[0], 200)
        file = self.site / "var/teataja.db"
        with contextlib.closing(sqlite3.connect(file)) as db, \
                contextlib.closing(sqlite3.connect(f"{file}.new")) as copy:
            db.backup(copy)
        for other in ("-wal", "-shm", ""):
            file.with_name(file.name + other).rename(f"{file}.old{other}")
        self.assertEqual(self.post(path, {"do": "leave"})[0], 503)
        file.with_name(file.name + ".new").rename(file)
        self.assertEqual(self.post(path, {"do": "leave"})[0], 200)
        self.assertEqual(self.state(address), "left")


class Letters(WebSite):
    def test_a_letter_in_a_browser_holds_nothing_of_a_member(self):
        secrets = set()
        for links in self.links.values():
            secrets |= {p.split("/")[2] for p in links.all
                        if p.startswith(("/leave/", "/preferences/", "/answer/"))}
        for address in self.addresses[30:42]:
            for number in range(2):
                path = self.links[address].path("view", number)
                status, _, page = self.ask(path)
                self.assertEqual(status, 200)
                name = html.escape(self.members[address]["name"])
                self.assertNotIn(name, page)
                self.assertNotIn(address, page)
                self.assertNotRegex(page, "[\ue000-\uf8ff]|cid:")
                self.assertEqual([s for s in secrets if s in page], [])
                for src in set(re.findall(r'src="([^"]*)"', page)):
                    status, headers, _ = self.ask(src)
                    self.assertEqual((status, headers["Content-Type"]), (200, "image/png"), src)
                    self.assertIn("immutable", headers["Cache-Control"])
                for own in ("/leave", "/preferences"):
                    self.assertIn(f'href="{own}"', page)
                    self.assertEqual(self.ask(own)[0], 200)

    def test_the_archive_has_every_letter_in_the_readers_language(self):
        path = next(p for p in self.links[self.addresses[0]].all if p.startswith("/archive/"))
        subjects = set()
        for language in ("et", "ru", "lt", "pl", "cs", "en"):
            status, headers, page = self.ask(path, Accept_Language=f"{language};q=0.9, de;q=0.1")
            self.assertEqual((status, headers["X-Robots-Tag"]), (200, None))
            letter, subject = re.search(r'<a href="([^"]*)" hreflang="\w+" lang="\w+">([^<]*)',
                                        page).groups()
            subjects.add(subject)
            status, headers, page = self.ask(letter, Accept_Language=language)
            self.assertEqual((status, headers["Content-Language"]), (200, language))
        self.assertEqual(len(subjects), 6)
        self.assertEqual(self.ask(path + "/nonsense")[0], 404)
        self.assertEqual(self.ask("/archive/nonsense")[0], 404)

    def test_pictures_are_only_those_of_mailings(self):
        for path in ("/picture/1/x", "/picture/x/x", "/picture/99999999999999999999/x",
                     "/picture/-1/x", "/image/x", "/style/x.css", "/image/../teataja.yaml",
                     "/picture/1/..%2f..%2fteataja.yaml"):
            self.assertEqual(self.ask(path)[0], 404, path)


class Answering(WebSite):
    """What holds for every page."""

    def test_ten_languages(self):
        paths = {"leave": [], "preferences": [], "answer": []}
        for number, language in enumerate(LANGUAGES):
            address = self.addresses[20 + number]
            self.teataja("member", "set", address, f"language={language}")
            for page, titles in paths.items():
                status, headers, text = self.ask(self.links[address].path(page),
                                                 Accept_Language="xx")
                self.assertEqual((status, headers["Content-Language"]), (200, language))
                self.assertIn(f'<html lang="{language}"', text)
                self.assertNotRegex(text, r"\{|\}")
                titles.append(re.search(r"<button[^>]*>([^<]*)", text).group(1))
        for titles in paths.values():
            self.assertGreaterEqual(len(set(titles)), 9, titles)

    def test_told_pages_in_ten_languages(self):
        for path, status in (("/", 200), ("/leave", 200), ("/leave/x", 404), ("/nix", 404)):
            titles = set()
            for language in LANGUAGES:
                found, headers, page = self.ask(path, Accept_Language=f"xx, {language}-XX;q=0.7")
                self.assertEqual((found, headers["Content-Language"]), (status, language))
                titles.add(re.search(r'<p class="lead">(.*?)</p>', page, re.S).group(1))
            self.assertEqual(len(titles), 10, path)

    def test_headers(self):
        links = self.links[self.addresses[17]]
        for path in (links.path("leave"), links.path("preferences"), links.path("answer"), "/",
                     "/nix"):
            headers = self.ask(path)[1]
            policy = headers["Content-Security-Policy"]
            self.assertIn("default-src 'none'", policy)
            self.assertNotIn("unsafe", policy)
            self.assertNotIn("script", policy)
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(headers["Referrer-Policy"], "no-referrer")
            self.assertIsNone(headers["Set-Cookie"])
            self.assertEqual(headers["Connection"], "close")
            if path != "/":
                self.assertEqual(headers["Cache-Control"], "no-store")
                self.assertIn("noindex", headers["X-Robots-Tag"])
        page = self.ask("/")[2]
        style = re.search(r'href="(/style/[^"]*)"', page).group(1)
        status, headers, text = self.ask(style)
        self.assertEqual((status, headers["Content-Type"]), (200, "text/css; charset=utf-8"))
        self.assertIn("immutable", headers["Cache-Control"])
        self.assertNotIn("{{", text)

    def test_head_is_get_without_a_body(self):
        links = self.links[self.addresses[18]]
        for path in [links.path(p) for p in ("leave", "preferences", "answer", "view",
                                             "archive")] + ["/", "/nix", "/favicon.ico"]:
            got, told = self.ask(path), self.ask(path, "HEAD")
            self.assertEqual((told[0], told[2]), (got[0], ""), path)
            self.assertEqual({k: v for k, v in told[1].items() if k != "Date"},
                             {k: v for k, v in got[1].items() if k != "Date"}, path)

    def test_methods_that_a_page_has_not(self):
        links = self.links[self.addresses[18]]
        before = self.dump()
        for path, allowed in ((links.path("leave"), "GET, HEAD, POST"),
                              (links.path("view"), "GET, HEAD"), ("/", "GET, HEAD")):
            methods = ["PUT", "DELETE", "PATCH", "OPTIONS", "BREW"]
            methods += ["POST"] if "POST" not in allowed else []
            for method in methods:
                status, headers, _ = self.ask(path, method)
                self.assertEqual((status, headers["Allow"]), (405, allowed), (method, path))
        self.assertEqual(self.dump(), before)

    def test_bodies_that_are_no_form(self):
        path = self.links[self.addresses[18]].path("leave")
        before = self.dump()
        for body, kind, status in (("x" * 20000, FORM, 413), ("a=%zz", FORM, 400),
                                   ("{}", "application/json", 400), ("", FORM, 400),
                                   ("do=nothing", FORM, 400),
                                   ("&".join(f"a{n}=1" for n in range(100)), FORM, 413)):
            self.assertEqual(self.ask(path, "POST", body, Content_Type=kind)[0], status, body[:20])
        self.assertEqual(self.dump(), before)

    def test_a_locked_database_is_a_reason_to_try_again(self):
        address = self.addresses[19]
        path = self.links[address].path("leave")
        db = sqlite3.connect(self.site / "var/teataja.db", isolation_level=None)
        with contextlib.closing(db):
            db.execute("BEGIN IMMEDIATE")
            self.assertEqual(self.ask(path)[0], 200)
            for fields in ({"do": "leave"}, {"List-Unsubscribe": "One-Click"}):
                status, headers, page = self.post(path, fields)
                self.assertEqual(status, 503)
                self.assertGreater(int(headers["Retry-After"]), 0)
                self.assertIn("<h1>", page)
            db.execute("ROLLBACK")
        self.assertEqual(self.state(address), "active")
        self.assertEqual(self.post(path, {"do": "leave"})[0], 200)
        self.assertEqual(self.state(address), "left")

    def test_the_log_has_no_secrets(self):
        for links in list(self.links.values())[:5]:
            for path in links.all:
                self.ask(path)
        log = self.log()
        self.assertIn("event=request page=leave method=GET status=200", log)
        tokens = {path.split("/")[2] for links in self.links.values() for path in links.all
                  if not path.startswith("/archive/")}
        self.assertEqual([token for token in tokens if token in log], [])
        self.assertNotIn("@", log)


class Starting(WebSite):
    def test_it_stops_at_once_and_starts_again(self):
        port = self.serve()
        started = time.monotonic()
        self.assertEqual(stop(self.web), DONE)
        self.assertLess(time.monotonic() - started, 5)
        with self.assertRaises(OSError):
            self.ask("/", port=port)
        self.serve(listen=f"127.0.0.1:{port}")
        self.assertEqual(self.ask("/", port=port)[0], 200)
        stop(self.web)

    def test_what_keeps_it_from_starting_is_said(self):
        for listen, words in (("0.0.0.0:0", "plain HTTP"), ("nowhere", "no place to listen"),
                              (f"127.0.0.1:{self.port}", "cannot listen")):
            run = self.teataja("web", "--listen", listen, status=None)
            self.assertIn(run.status, (1, 3))
            self.assertIn(words, run.err)
        own = write(self.site / "templates/web/leave.html.mustache", "{{#open}}")
        try:
            self.assertIn("templates/web/leave.html.mustache:1: ",
                          str(self.teataja("check", status=3)))
            run = self.teataja("web", "--listen", "127.0.0.1:0", status=3)
            self.assertIn("web/leave.html.mustache:1", run.err)
        finally:
            own.unlink()

    def test_check_names_what_is_wrong_with_the_settings(self):
        site = small_site(self.folder / "settings")
        self.set_web(site, "{ url: https://a.example, listen: nowhere, trusted_proxies: [x] }")
        run = self.teataja("check", site=site, status=3)
        self.assertRegex(run.out + run.err, r"teataja\.yaml:\d+:\d+: listen: 'nowhere' is no place")
        self.assertRegex(run.out + run.err, r"trusted_proxies: 'x' is no IP address")

    def test_pages_below_a_path(self):
        site = small_site(self.folder / "below")
        self.set_web(site, "https://cluster.example/kirjad/")
        port = self.serve(site=site)
        for path in ("/kirjad/", "/kirjad", "/"):  # a proxy may take it off
            status, _, page = self.ask(path, port=port)
            self.assertEqual(status, 200, path)
        style = re.search(r'href="(/kirjad/style/[^"]*)"', page).group(1)
        self.assertEqual(self.ask(style, port=port)[0], 200)
        self.assertEqual(self.ask("/kirjade", port=port)[0], 404)
        stop(self.web)

    @staticmethod
    def set_web(site, value):
        config = site / "teataja.yaml"
        write(config, re.sub(r"(?m)^web: .*$", f"web: {value}", config.read_text()))


if __name__ == "__main__":
    unittest.main()
