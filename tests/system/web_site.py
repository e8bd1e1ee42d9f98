"""A site whose letters went out, with 'teataja web' serving what their links lead to."""

import contextlib
import http.client
import re
import sqlite3
import subprocess
import urllib.parse

from demo_site import Demo, parse
from support import environment, launch, mailbox_messages, query, stop, wait_for

WEB = "https://teataja.example"  # web.url of the demo
LANGUAGES = ("et", "ru", "en", "lv", "lt", "pl", "cs", "de", "sv", "fi")
FORM = "application/x-www-form-urlencoded"


class Links:
    """Where one member's letters lead."""

    def __init__(self, messages):
        self.all = []
        for message in map(parse, messages):
            text = message.get_body(("html",)).get_content()
            found = re.findall(rf'href="{WEB}(/[^"]*)"', text)
            for field in ("List-Unsubscribe", "List-Archive", "List-Help"):
                found += re.findall(rf"<{WEB}(/[^>]*)>", str(message[field] or ""))
            self.all += [path.replace("&amp;", "&") for path in found]

    def path(self, page, number=0):
        found = [p for p in dict.fromkeys(self.all) if p.startswith(f"/{page}/")]
        return found[number]


class WebSite(Demo):
    """The demo: a letter to the list 'funding', an invitation to its event, and the pages."""

    def prepare(self):
        super().prepare()
        self.teataja("member", "import", self.site / "members.csv", "--list", "events",
                     "--source", "demo")
        self.teataja("send", self.issue, "--yes")
        self.teataja("event", "invite", self.event, "--yes")
        self.links = {address: Links(m.split(b"\r\n", 2)[2] for m in messages)
                      for address, messages in mailbox_messages(self.boxes).items()}
        self.addresses = sorted(self.links)
        self.port = self.serve()

    def serve(self, *arguments, listen="127.0.0.1:0", site=None):
        """Starts the pages; returns the port, or where they are."""
        log = open(self.folder / "web.log", "ab")  # closed below; a pipe would fill
        with log:
            self.web = launch(self.command("web", "--listen", listen, *arguments,
                                           site=site or self.site),
                              stdout=subprocess.PIPE, stderr=log, env=environment(),
                              cwd=self.folder)
        self.addCleanup(stop, self.web)
        line = self.web.stdout.readline().decode()
        where = re.fullmatch(r"Pages of \S+ on (\S+); Ctrl-C ends it\.\n", line)
        assert where, (line, self.log()[-2000:])
        return (where.group(1) if listen.startswith("unix:")
                else int(where.group(1).rpartition(":")[2]))

    def log(self):
        return (self.folder / "web.log").read_text()

    def ask(self, path, method="GET", body=None, port=None, **headers):
        """One request; (status, headers, text)."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, body=body,
                               headers={k.replace("_", "-"): v for k, v in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode("utf-8", "replace")

    def post(self, path, fields, port=None, **headers):
        return self.ask(path, "POST", urllib.parse.urlencode(fields), port, Content_Type=FORM,
                        **headers)

    def member(self, address):
        return self.members[address]["id"]

    def state(self, address, list_slug="funding"):
        """How a member stands to a list, and how the last act came about."""
        (state,), = query(self.site, "SELECT state FROM v_subscription WHERE member = ? AND "
                          "list_slug = ?", self.member(address), list_slug)
        return state

    def last_act(self, address):
        return query(self.site, "SELECT list.slug, act, how, source FROM consent "
                     "JOIN list ON list.id = consent.list WHERE member = ? "
                     "ORDER BY consent.id DESC LIMIT 1", self.member(address))[0]

    def dump(self):
        """Everything that the database holds."""
        with contextlib.closing(sqlite3.connect(self.site / "var/teataja.db")) as db:
            return list(db.iterdump())

    def wait_for_log(self, text):
        wait_for(text, lambda: text in self.log())
