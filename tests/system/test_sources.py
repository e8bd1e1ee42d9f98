#!/usr/bin/env python3
"""Calendars of others: what comes of them, and what servers may not do.

nginx serves the well-behaved ones over TLS; a small server of our own does what no
real one should. Both are on this machine, which sources must be allowed to reach:
127.0.0.1/32 and nothing else, so that what is refused is seen to be.
"""

import contextlib
import gzip
import http.server
import json
import re
import socketserver
import subprocess
import threading
import time
import unittest
import urllib.request

from mail_servers import make_certificate, need
from support import (CONTENT, DONE, FAILED, PARTLY, Case, free_port, launch, query, small_site,
                     stop, wait_for_port, write)

HERE = "127.0.0.1/32"


def event(uid, title, start="DTSTART;TZID=Europe/Warsaw:20270303T100000", *more):
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20261101T000000Z", start,
                        f"SUMMARY:{title}", *more, "END:VEVENT", ""])


def todo(uid, title, due="DUE:20270201T150000Z", *more):
    return "\r\n".join(["BEGIN:VTODO", f"UID:{uid}", "DTSTAMP:20261101T000000Z", due,
                        f"SUMMARY:{title}", *more, "END:VTODO", ""])


def calendar(*components):
    return ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//partner//feed//EN\r\n"
            + "".join(components) + "END:VCALENDAR\r\n").encode()


FEED = calendar(event("day@partner", "Open day"), event("trip@partner", "Study trip"))


class Sources(Case):
    def setUp(self):
        super().setUp()
        self.site = small_site(self.folder / "site")
        self.plain = (self.site / "teataja.yaml").read_text()

    def teataja(self, *arguments, **options):
        return super().teataja(*arguments, site=self.site, **options)

    def configure(self, url, **more):
        """One source, 'partner', that may reach 127.0.0.1."""
        keys = {"url": url, "allow_http": "true", "allow": f"[{HERE}]", **more}
        lines = "".join(f"    {key}: {value}\n" for key, value in keys.items() if value)
        write(self.site / "teataja.yaml", f"{self.plain}sources:\n  partner:\n{lines}")

    def pull(self, *arguments, status=DONE, **options):
        run = super().teataja("--json", "source", "pull", *arguments, site=self.site,
                              status=status, **options)
        return run.json()[0]

    def changes(self, **options):
        return {item["title"]: item["change"] for item in self.pull(**options)["items"]}

    def state(self):
        return self.teataja("--json", "source", "list").json()[0]

    def titles(self):
        return {row["title"] for row in self.teataja("--json", "event", "list").json()}


class Nginx(Sources):
    """A real web server, its own authority, files that change under it."""

    def setUp(self):
        super().setUp()
        need("nginx", "openssl")
        self.certificate = make_certificate(self.folder)
        self.files = self.folder / "www"
        self.port = free_port()
        write(self.files / "feed.ics", FEED)
        folder = self.folder
        kinds = "".join(f"{kind}_temp_path {folder}/{kind};\n"
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        conf = write(folder / "nginx.conf", f"""
user root;
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
  {kinds}
  access_log {folder}/access.log;
  types {{ text/calendar ics; text/html html; }}
  gzip on; gzip_types text/calendar; gzip_min_length 1;
  server {{
    listen 127.0.0.1:{self.port} ssl;
    ssl_certificate {self.certificate};
    ssl_certificate_key {folder}/server.key;
    root {self.files};
    location = /moved {{ return 301 /feed.ics; }}
    location = /far {{ return 302 https://127.0.0.2:{self.port}/feed.ics; }}
    location = /v6 {{ return 302 https://[::1]:{self.port}/feed.ics; }}
    location = /decimal {{ return 302 https://2130706434:{self.port}/feed.ics; }}
    location = /metadata {{ return 302 http://169.254.169.254/latest/; }}
    location = /plain {{ return 302 http://127.0.0.1:{self.port}/feed.ics; }}
    location = /file {{ return 302 file:///etc/passwd; }}
    location = /loop {{ return 302 /loop; }}
    location ~ ^/down(?<n>[1-9]) {{ rewrite ^/down6 /down5 redirect; rewrite ^/down5 /down4 redirect;
      rewrite ^/down4 /down3 redirect; rewrite ^/down3 /down2 redirect;
      rewrite ^/down2 /down1 redirect; rewrite ^/down1 /feed.ics redirect; }}
    location = /private.ics {{ auth_basic "x"; auth_basic_user_file {folder}/users; }}
  }}
}}
""")
        write(folder / "users", "cluster:{PLAIN}secret\n")
        write(self.files / "private.ics", FEED)
        server = launch(["nginx", "-p", str(folder), "-c", str(conf)], stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL)
        self.addCleanup(stop, server)
        wait_for_port(self.port)
        self.use("feed.ics")

    def use(self, path, **more):
        self.configure(f"https://localhost:{self.port}/{path}",
                       **{"ca_file": self.certificate, "allow_http": "", **more})

    def requests(self):
        lines = (self.folder / "access.log").read_text().splitlines()
        return [line.split('"')[2].split()[0] for line in lines]

    def test_events_come_stay_and_go(self):
        dry = self.pull("--dry-run")
        self.assertEqual({item["change"] for item in dry["items"]}, {"new"})
        self.assertFalse((self.site / "var/sources").exists())
        self.assertEqual(self.state()["state"], "never polled")
        self.assertEqual(self.changes(), {"Open day": "new", "Study trip": "new"})
        self.assertLessEqual({"Open day", "Study trip"}, self.titles())
        # Nothing changed: the server says so by the copy's ETag.
        again = self.pull()
        self.assertTrue(again["unchanged"])
        self.assertEqual(self.requests()[-1], "304")
        # Changed, vanished, new. What vanished is told on, and is not cancelled.
        write(self.files / "feed.ics", calendar(event("day@partner", "Open days"),
                                                event("walk@partner", "A walk")))
        self.assertEqual(self.changes(), {"Open days": "changed", "A walk": "new",
                                          "Study trip": "gone"})
        self.assertEqual(self.state()["gone"], 1)
        self.assertLessEqual({"Open days", "A walk", "Study trip"}, self.titles())
        (trip,) = [row for row in self.teataja("--json", "event", "list").json()
                   if row["title"] == "Study trip"]
        self.assertEqual(trip["status"], "confirmed")
        # Back again; and with a status that says so, cancelled.
        write(self.files / "feed.ics", calendar(
            event("day@partner", "Open days", "DTSTART:20270303T100000Z", "STATUS:CANCELLED"),
            event("walk@partner", "A walk"), event("trip@partner", "Study trip")))
        self.assertEqual(self.changes(), {"Open days": "changed", "A walk": "same",
                                          "Study trip": "changed"})
        self.assertEqual(self.state()["gone"], 0)
        (day,) = [row for row in self.teataja("--json", "event", "list").json()
                  if row["title"] == "Open days"]
        self.assertEqual(day["status"], "cancelled")

    def test_slugs_stay_when_titles_change(self):
        before = {item["uid"]: item["slug"] for item in self.pull()["items"]}
        write(self.files / "feed.ics", calendar(event("day@partner", "Quite another name")))
        after = {item["uid"]: item["slug"] for item in self.pull()["items"]}
        self.assertEqual(before["day@partner"], after["day@partner"])

    def test_a_lost_copy_is_fetched_whole(self):
        self.pull()
        (self.site / "var/sources/partner.json").unlink()
        self.assertEqual(self.changes(), {"Open day": "new", "Study trip": "new"})
        self.assertEqual(self.requests()[-1], "200")
        write(self.site / "var/sources/partner.json", "{ not json")
        self.assertIn("the next poll makes it anew", self.teataja("check").err)
        self.assertEqual(self.changes(), {"Open day": "new", "Study trip": "new"})

    def test_redirects(self):
        for path, words in (("far", "leads to 127.0.0.2, which is not on the public internet"),
                            ("v6", "leads to ::1, which is not on the public internet"),
                            ("decimal", "leads to 127.0.0.2, which is not"),
                            ("metadata", "a redirect leads from https to http"),
                            ("plain", "a redirect leads from https to http"),
                            ("file", "only https is fetched, not file"),
                            ("loop", "more than 5 redirects"), ("down6", "more than 5 redirects")):
            with self.subTest(path):
                self.use(path, allow_http="true" if path in ("metadata", "plain") else "")
                self.assertIn(words, self.pull(status=FAILED)["error"])
        for path in ("moved", "down4"):
            with self.subTest(path):
                self.use(path)
                self.assertEqual(set(self.changes().values()) - {"same"} or {"new"}, {"new"})

    def test_the_certificate_must_be_right(self):
        self.use("feed.ics", ca_file="")
        self.assertIn("is not valid or not trusted", self.pull(status=FAILED)["error"])
        self.configure(f"https://127.0.0.1:{self.port}/feed.ics", ca_file=self.certificate)
        self.pull()
        self.configure(f"https://ip6-localhost:{self.port}/feed.ics", ca_file=self.certificate)
        self.assertIsNotNone(self.pull(status=FAILED)["error"])

    def test_a_name_that_leads_to_this_machine_is_refused(self):
        self.use("feed.ics", allow="")
        error = self.pull(status=FAILED)["error"]
        self.assertRegex(error, r"localhost:\d+ leads to (127\.0\.0\.1|::1), which is not on the")
        self.assertEqual(self.requests(), [])
        self.use("feed.ics", allow="", allow_private="true")
        self.pull()

    def test_a_login_goes_to_its_host_only(self):
        self.use("private.ics")
        self.assertIn("401: it wants another login", self.pull(status=FAILED)["error"])
        self.use("private.ics", user="cluster", password="env:PARTNER")
        self.pull(PARTNER="secret")
        run = self.teataja("source", "pull", status=FAILED, PARTNER="wrong")
        self.assertNotIn("wrong", run.out + run.err)


class Bad(http.server.BaseHTTPRequestHandler):
    """What no server should do, by path."""

    protocol_version = "HTTP/1.1"
    seen = []  # (path, headers) of every request
    more = {}  # path -> (status, headers, body) that a test adds

    def log_message(self, *_):
        pass

    def do_GET(self):
        Bad.seen.append((self.path, dict(self.headers)))
        name = self.path.strip("/").split("?")[0]
        if name in Bad.more:
            self.answer(*Bad.more[name])
        else:
            getattr(self, "do_" + name.replace("-", "_"))()

    def answer(self, status, headers, body):
        self.send_response(status)
        for key, value in {"Content-Type": "text/calendar", "Content-Length": len(body),
                           **headers}.items():
            if value is not None:
                self.send_header(key, str(value))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def do_drip(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/calendar")
        self.send_header("Content-Length", "100000")
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(600):
                self.wfile.write(b"B")
                time.sleep(0.1)

    def do_silent(self):
        time.sleep(30)

    def do_cut(self):
        self.answer(200, {"Content-Length": len(FEED) + 500}, FEED)
        self.close_connection = True

    def do_cut_chunk(self):
        self.answer(200, {"Content-Length": None, "Transfer-Encoding": "chunked"},
                    b"%x\r\n%s\r\n" % (len(FEED), FEED))
        self.close_connection = True

    def do_bomb(self):
        body = gzip.compress(b"BEGIN:VCALENDAR\r\n" + b" " * 300_000_000)
        self.answer(200, {"Content-Encoding": "gzip"}, body)

    def do_bombs(self):
        body = gzip.compress(gzip.compress(b"\0" * 300_000_000))
        self.answer(200, {"Content-Encoding": "gzip, gzip"}, body)

    def do_endless(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/calendar")
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b"X" * 65536)

    def do_headers(self):
        self.send_response(200)
        for i in range(5000):
            self.send_header(f"X-{i}", "y" * 100)
        self.end_headers()

    def do_chatty(self):
        self.answer(404, {"Content-Type": "text/html"}, b"x" * 1_000_000)

    def do_nonsense(self):
        self.wfile.write(b"HELLO\r\n\r\n")
        self.close_connection = True

    def do_far(self):
        self.answer(302, {"Location": f"http://127.0.0.2:{self.server.server_port}/good"}, b"")

    def do_nowhere(self):
        self.answer(302, {}, b"")

    def do_login(self):
        self.answer(302, {"Location": "http://u:p@127.0.0.1/"}, b"")


class Threads(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


class Misbehaving(Sources):
    def setUp(self):
        super().setUp()
        Bad.seen, Bad.more = [], {"good": (200, {"ETag": '"1"'}, FEED)}
        self.server = Threads(("127.0.0.1", 0), Bad)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        self.configure(f"{self.base}/good")

    def serve(self, name, body=FEED, status=200, **headers):
        Bad.more[name] = (status, {k.replace("_", "-"): v for k, v in headers.items()}, body)

    def fails(self, name, words, **more):
        self.configure(f"{self.base}/{name}", **more)
        began = time.monotonic()
        error = self.pull(status=FAILED)["error"]
        self.assertRegex(error, words, name)
        return time.monotonic() - began

    def test_whatever_a_server_does_the_last_good_copy_stays(self):
        self.pull()
        copy = (self.site / "var/sources/partner.json").read_bytes()
        self.serve("html", b"<html>Please log in", Content_Type="text/html; charset=utf-8")
        self.serve("image", Content_Type="image/png")
        self.serve("page", b"<html>but called a calendar")
        self.serve("empty", b"")
        self.serve("torn", FEED[:len(FEED) // 2])
        self.serve("big", calendar(*(event(f"{i}@x", "x" * 1000) for i in range(1500))))
        self.serve("many", calendar(*(event(f"{i}@x", "x") for i in range(2100))))
        self.serve("deep", b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\n" * 50000)
        self.serve("line", calendar("X-A:" + "a" * 200_000 + "\r\n"))
        self.serve("latin", calendar(event("a", "x")).replace(b"SUMMARY:x", b"SUMMARY:\xff\xfe"))
        self.serve("gone", status=410)
        self.serve("forbidden", status=403)
        self.serve("broken", status=500)
        self.serve("teapot", status=418)
        self.serve("304", b"", status=304)
        self.serve("brotli", Content_Encoding="br")
        for name, words in (
                ("html", "answers with text/html, not with text/calendar"),
                ("image", "answers with image/png, not with text/calendar"),
                ("page", "."), ("empty", "BEGIN:VCALENDAR"), ("torn", "."),
                ("big", "sends more than 1048576 bytes"), ("many", "more than 2000 events"),
                ("deep", "."), ("line", "."), ("latin", "."),
                ("bomb", "sends more than 1048576 bytes"),
                ("bombs", "sends more than 1048576 bytes|cannot be fetched"),
                ("endless", "sends more than 1048576 bytes"),
                ("cut", "ended in the middle"), ("cut-chunk", "ended in the middle"),
                ("headers", "more than 65536 bytes of head|Too large response headers"),
                ("chatty", "more than 65536 bytes of head or error page"),
                ("nonsense", "."), ("nowhere", "does not say where"),
                ("login", "a login stands in it"),
                ("far", "leads to 127.0.0.2, which is not on the public internet"),
                ("gone", "410: there is no such file"), ("forbidden", "403: it wants"),
                ("broken", "answers 500"), ("teapot", "answers 418"), ("brotli", ".")):
            with self.subTest(name):
                took = self.fails(name, words, max_size="1 MiB")
                self.assertLess(took, 20)
                self.assertEqual((self.site / "var/sources/partner.json").read_bytes(), copy)
        self.assertLessEqual({"Open day", "Study trip"}, self.titles())
        self.assertEqual(self.state()["state"], "failing")

    def test_waiting_has_an_end(self):
        for name in ("drip", "silent"):
            with self.subTest(name):
                took = self.fails(name, "is too slow or does not answer", timeout="3 s")
                self.assertLess(took, 10)

    def test_one_bad_event_costs_no_other(self):
        self.serve("good", calendar(
            event("day@partner", "Open day"), event("bad@partner", "Never", "DTSTART:2027"),
            "BEGIN:VEVENT\r\nDTSTART:20270101T000000Z\r\nSUMMARY:No UID\r\nEND:VEVENT\r\n",
            event("double@x", "Double"), event("double@x", "Double again"),
            event("rule@x", "Rule", "DTSTART:20270101T000000Z", "RRULE:FREQ=SECONDLY"),
            event("old@x", "Long ago", "DTSTART:20200101T000000Z")))
        pulled = self.pull()
        self.assertEqual([item["title"] for item in pulled["items"]], ["Open day"])
        self.assertEqual(len(pulled["left_out"]), 4, pulled["left_out"])
        # One that was good and now is not stays as it was; it is not gone.
        self.serve("good", calendar(event("day@partner", "Open day", "DTSTART:2027")))
        pulled = self.pull()
        self.assertEqual([(i["title"], i["change"]) for i in pulled["items"]],
                         [("Open day", "same")])

    def test_what_is_over_is_not_gone(self):
        self.serve("good", calendar(event("a@x", "Soon", "DTSTART:20261201T100000Z")))
        self.pull(now="2026-11-22T00:00:00")
        self.serve("good", calendar())
        self.assertEqual(self.changes(now="2026-11-23T00:00:00"), {"Soon": "gone"})
        self.assertEqual(self.changes(now="2027-02-01T00:00:00"), {})
        self.assertEqual(self.state()["gone"], 0)

    def test_pauses_grow_and_what_the_server_asks_for_counts(self):
        self.serve("bad", status=500)
        self.serve("busy", status=503, Retry_After="7200")
        self.serve("never", status=429, Retry_After="99999999")
        self.configure(f"{self.base}/bad", every="30 min")
        now = 1_796_000_000
        waits = []
        for _ in range(11):
            at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
            self.pull(status=FAILED, now=at)
            ((polled, following, failures),) = query(
                self.site, "SELECT polled_at, next_at, failures FROM v_source")
            waits.append((following - polled) // 60_000_000)
            now = following // 1_000_000 + 1
        self.assertEqual(waits[:9], [5, 10, 20, 40, 80, 160, 320, 640, 1280])
        self.assertEqual(waits[9:], [1440, 1440])
        self.assertEqual(failures, 11)
        # Another address is tried at once, and success forgets the failures.
        self.configure(f"{self.base}/good", every="30 min")
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now - 3600))
        self.pull("--due", now=at)
        self.assertEqual(query(self.site, "SELECT failures, error, (next_at - polled_at) / 60000000"
                               " FROM v_source"), [(0, None, 30)])
        for name, minutes in (("busy", 120), ("never", 1440)):
            self.configure(f"{self.base}/{name}")
            self.pull(status=FAILED)
            ((wait, failures),) = query(self.site, "SELECT (next_at - polled_at) / 60000000, "
                                        "failures FROM v_source")
            self.assertEqual(wait, minutes)

    def test_a_rule_says_when(self):
        self.configure(f"{self.base}/good", rrule='"FREQ=DAILY;BYHOUR=6,18"')
        for at, due in (("2026-11-22T03:00:00", "2026-11-22 04:00"),  # 06:00 in Tallinn
                        ("2026-11-22T04:00:00", "2026-11-22 16:00"),
                        ("2027-03-27T17:00:00", "2027-03-28 03:00")):  # summer time
            self.pull(now=at)
            self.assertEqual(self.teataja("--json", "source", "list", now=at).json()[0]["next"],
                             due)

    def test_several_sources_fail_by_themselves(self):
        self.serve("bad", status=500)
        write(self.site / "teataja.yaml", self.plain + "".join(
            f"{head}  {name}: {{ url: \"{self.base}/{path}\", allow_http: true, "
            f"allow: {HERE} }}\n"
            for head, name, path in (("sources:\n", "one", "bad"), ("", "two", "good"))))
        run = self.teataja("source", "pull", status=PARTLY)
        self.assertIn("one: 127.0.0.1", run.err)
        self.assertIn("two: 2 new", run.out)
        self.assertLessEqual({"Open day", "Study trip"}, self.titles())
        # The same event from two sources counts once; a source's name can be misspelt.
        self.serve("bad")
        run = self.teataja("source", "pull", "one")
        self.assertRegex(run.err, r"sources/two: warning: 'Open day' \(two-\w+\) is in sources/one "
                         "already; that one counts")
        self.assertIn("no source 'tow'; did you mean 'two'?",
                      self.teataja("source", "pull", "tow", status=FAILED).err)

    def test_a_file_goes_before_a_source(self):
        write(self.site / "events/day.ics", calendar(event("day@partner", "Our own open day")))
        run = self.teataja("source", "pull")
        self.assertRegex(run.err, r"sources/partner: warning: 'Open day' \(partner-\w+\) is in "
                         r"events/day\.ics already; that one counts")
        self.assertIn("Our own open day", self.titles())
        self.assertNotIn("Open day", self.titles())

    def page(self, path):
        """What the pages answer to a GET."""
        web = self.start("web", "--listen", "127.0.0.1:0", site=self.site)
        port = int(re.search(rb":(\d+);", web.stdout.readline()).group(1))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            self.assertEqual(answer.status, 200)
            return answer.read().decode()

    def test_deadlines_are_calls(self):
        self.serve("good", calendar(
            todo("a@f", "Grants for music", "DUE:20270201T150000Z", "URL:https://f.example/a",
                 "DESCRIPTION:For {{member.name}} & <all>\\nwho play"),
            todo("b@f", "Whole day", "DUE;VALUE=DATE:20270301"),
            todo("c@f", "Done", "DUE:20270201T150000Z", "STATUS:COMPLETED"),
            todo("d@f", "Rounds", "DUE;TZID=Europe/Tallinn:20270115T170000",
                 "RRULE:FREQ=MONTHLY;COUNT=3"),
            event("e@f", "An event")))
        self.configure(f"{self.base}/good", holds="both", funder="The Fund", language="en")
        kinds = {item["title"]: item["kind"] for item in self.pull()["items"]}
        self.assertEqual(kinds.pop("An event"), "event")
        self.assertEqual(set(kinds.values()), {"deadline"})
        self.teataja("check")
        calls = {call["title"]: call for call in self.teataja("--json", "call", "list").json()}
        self.assertEqual(calls["Grants for music"]["deadline"], "2027-02-01 17:00 Europe/Tallinn")
        self.assertEqual(calls["Whole day"]["deadline"], "2027-03-01")
        self.assertEqual(calls["Done"]["state"], "closed")
        self.assertEqual(calls["Rounds"]["deadline"], "2027-01-15 17:00 Europe/Tallinn")
        # Feeds have them too.
        slug = calls["Grants for music"]["call"]
        feeds = (self.teataja("call", "list", "--ics", "--lang", "en").out,
                 self.page(f"/c/{slug}.en.ics"))
        for feed in feeds:
            self.assertIn("Grants for music", feed)
            self.assertIn("DTSTART;TZID=Europe/Tallinn:20270201T170000", feed)
        self.assertIn("Whole day", feeds[0])
        self.teataja("preview", "kiri", "--lang", "ru", "-o", self.folder / "out")
        letter = "".join(path.read_text() for path in (self.folder / "out").glob("*.txt"))
        self.assertIn("Grants for music", letter)
        self.assertIn("The Fund", letter)
        # An event's start is the deadline where the source holds nothing else.
        self.configure(f"{self.base}/good", holds="deadlines")
        self.assertIn("An event", {i["title"] for i in self.pull()["items"]
                                   if i["kind"] == "deadline" and i["change"] == "new"})

    def test_what_the_configuration_may_not_say(self):
        for more, words in (({"allow_http": ""}, "write https, or 'allow_http: true'"),
                            ({"allow": "[10.0.0.0/40]"}, "'10.0.0.0/40' is not a network"),
                            ({"allow": "localhost"}, "'localhost' is not a network"),
                            ({"every": "1 min"}, "every"),
                            ({"rrule": "FREQ=SECONDLY"}, "rrule"),
                            ({"every": "1 h", "rrule": "FREQ=DAILY"}, "not both"),
                            ({"user": "x"}, "needs both 'user' and 'password'"),
                            ({"user": "x", "password": "env:X"}, "over TLS only"),
                            ({"list": "evnts"}, "no list 'evnts'; did you mean 'events'?"),
                            ({"language": "lv"}, "Latvian is not a language of this site"),
                            ({"max_size": "1 GB"}, "max_size"), ({"colour": "red"}, "colour")):
            with self.subTest(more):
                self.configure(f"{self.base}/good", **more)
                self.assertIn(words, self.teataja("check", status=CONTENT).err)

    def test_a_copy_that_was_tampered_with_makes_no_link(self):
        self.pull()
        path = self.site / "var/sources/partner.json"
        copy = json.loads(path.read_text())
        copy["items"][0]["components"][0]["url"] = "javascript:alert(1)"
        copy["items"][1]["components"][0]["start"] = "2027-03-03T10:00:00 ../../etc/passwd"
        write(path, json.dumps(copy))
        self.assertIn("a time is none", self.teataja("check").err)
        copy["items"].pop()
        write(path, json.dumps(copy))
        self.assertEqual(len(self.titles()), 1)

    def test_what_is_sent_to_servers(self):
        self.pull()
        self.serve("good", b"", status=304)
        self.pull(http_proxy="http://127.0.0.1:1", HTTP_PROXY="http://127.0.0.1:1")
        (_, first), (_, second) = Bad.seen
        self.assertNotIn("If-None-Match", first)
        self.assertEqual(second["If-None-Match"], '"1"')
        for seen in (first, second):
            self.assertNotIn("Cookie", seen)
            self.assertNotIn("Authorization", seen)
            self.assertEqual(seen["User-Agent"], "teataja")


if __name__ == "__main__":
    unittest.main()
