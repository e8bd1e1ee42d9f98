"""A small site with a daemon on it, and what one asks of a daemon."""

import contextlib
import http.client
import os
import pathlib
import re
import signal
import socket

from prometheus_client.parser import text_string_to_metric_families

from support import (Case, DONE, SlowServer, environment, free_port, launch, query, small_site,
                     stop, wait_for, write, write_members)

ROLES = ("schedule", "deliver", "web", "metrics", "schedule-2")


def children(pid):
    """The roles of a daemon: {name: pid}."""
    found = {}
    with contextlib.suppress(OSError):
        for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with contextlib.suppress(OSError):
                name = pathlib.Path(f"/proc/{child}/comm").read_text().strip()
                if name.startswith("tea:"):
                    found[name.removeprefix("tea:")] = int(child)
    return found


def is_alive(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Listener:
    """What systemd would hear: a datagram socket."""

    def __init__(self, name):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name)
        self.socket.setblocking(False)
        self.heard = []

    def hear(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                self.heard.append(self.socket.recv(4096).decode())
        return self.heard

    def count(self, text):
        return sum(text in message.split("\n") for message in self.hear())


class Serving(Case):
    """A site of `members` members, and a daemon on it once start_daemon was called."""

    members = 20

    def setUp(self):
        super().setUp()
        self.site = self.folder / "site"
        self.web_port, self.metrics_port = free_port(), free_port()
        self.log_file = self.folder / "serve.log"
        self.daemon = None

    def make_site(self, port, connections=1):
        small_site(self.site, port, connections)
        text = (self.site / "teataja.yaml").read_text()
        text = re.sub("(?m)^web: .*$", 'web: { url: "https://letters.cluster.example", '
                      f'listen: "127.0.0.1:{self.web_port}" }}\n'
                      f"serve: {{ metrics: 127.0.0.1:{self.metrics_port} }}", text)
        write(self.site / "teataja.yaml", text)
        self.addresses = [f"m{i}@member{i % 7}.example" for i in range(self.members)]
        write_members(self.folder / "m.csv",
                      [(address, f"Mari {i}", "et") for i, address in enumerate(self.addresses)])
        self.teataja("member", "import", self.folder / "m.csv", "--list", "funding", "--source",
                     "register")

    def slow(self, **behaviour):
        relay = SlowServer(**behaviour)
        self.addCleanup(relay.close)
        return relay

    def start_daemon(self, *arguments, roles=ROLES, prefix=(), now=None, **env):
        begun = self.log().count("event=serving")
        line = [*map(str, prefix), *self.command("serve", *arguments, site=self.site, now=now)]
        with open(self.log_file, "ab") as log:
            self.daemon = launch(line, stdout=log, stderr=log, env=environment(**env),
                                 cwd=self.folder)
        self.addCleanup(self.end_daemon, self.daemon)
        wait_for("the daemon", lambda: self.log().count("event=serving") > begun
                 or self.daemon.poll() is not None)
        self.assertIsNone(self.daemon.poll(), self.log())
        self.supervisor = self.daemon.pid
        if prefix:
            (only,) = pathlib.Path(f"/proc/{self.daemon.pid}/task/{self.daemon.pid}/children"
                                   ).read_text().split()
            self.supervisor = int(only)
        self.assertEqual(set(self.roles()), set(roles))
        return self.daemon

    def end_daemon(self, daemon):
        stop(daemon)
        for finding in ("Sanitizer", "runtime error:"):
            self.assertNotIn(finding, self.log())

    def roles(self):
        return children(self.supervisor)

    def log(self):
        return self.log_file.read_text() if self.log_file.exists() else ""

    def wait_for_log(self, text, times=1, seconds=20):
        wait_for(f"{times} x {text} in\n{self.log()[-3000:]}",
                 lambda: self.log().count(text) >= times, seconds)

    def kill_role(self, name, number=signal.SIGKILL):
        """Kills a role's process and waits for the next one; returns its pid."""
        pid = self.roles()[name]
        os.kill(pid, number)
        return wait_for(f"another {name}",
                        lambda: self.roles().get(name, pid) != pid and self.roles()[name], 60)

    def get(self, path, port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.metrics_port, timeout=20)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def wait_for_health(self):
        def healthy():
            with contextlib.suppress(OSError):
                return self.get("/healthz") == (200, "ok\n")
            return False
        wait_for("all roles", healthy)

    def metrics(self):
        """{(name, label, ...): value}, as a real parser reads it."""
        found = {}
        for family in text_string_to_metric_families(self.get("/metrics")[1]):
            self.assertTrue(family.documentation, family.name)
            for sample in family.samples:
                key = (sample.name, *sample.labels.values())
                self.assertNotIn(key, found)
                found[key] = sample.value
        return found

    def queue(self, status=DONE):
        self.teataja("send", "kiri", "--queue", "--yes", status=status)

    def states(self):
        return dict(query(self.site, "SELECT state, count(*) FROM outbox GROUP BY state"))

    def mailing_state(self):
        return query(self.site, "SELECT state FROM mailing")[0][0]

    def wait_until_sent(self, seconds=60):
        wait_for("all letters", lambda: self.states() == {"sent": self.members}
                 and self.mailing_state() == "sent", seconds)
