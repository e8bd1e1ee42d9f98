"""What every system test needs: a folder of its own, the real program, servers by pid.

The program is the one that TEATAJA names (ctest sets it). Nothing here speaks to
anything but 127.0.0.1.
"""

import contextlib
import ctypes
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
JUDGES = SOURCE / "tests" / "judges"
PROGRAM = pathlib.Path(os.environ.get("TEATAJA", SOURCE / "build/asan/src/cli/teataja"))

DONE, FAILED, USAGE, CONTENT, PARTLY = range(5)
PR_SET_PDEATHSIG = 1  # prctl(2)
SANITIZER = 99  # no status of the program, so that a finding is never taken for one


def environment(**more):
    """The environment that every run of the program gets."""
    env = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/nonexistent",
        "USER": "tester",
        "LANG": "C.UTF-8",
        "TEATAJA_TEMPLATES": str(SOURCE / "templates"),
        "ASAN_OPTIONS": f"exitcode={SANITIZER}:detect_leaks=1",
        "UBSAN_OPTIONS": f"halt_on_error=1:exitcode={SANITIZER}:print_stacktrace=1",
        "LSAN_OPTIONS": f"exitcode={SANITIZER}",
    }
    env.update(more)
    return env


@dataclasses.dataclass
class Run:
    status: int
    out: str
    err: str

    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return f"status {self.status}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Case(unittest.TestCase):
    """A test with a folder of its own; what it starts is stopped with it."""

    maxDiff = None

    def setUp(self):
        self.folder = make_folder()
        self.addCleanup(remove_folder, self.folder)

    def command(self, *arguments, site=None, now=None):
        """The program's whole command line."""
        line = [str(PROGRAM)]
        if site is not None:
            line += ["-C", str(site)]
        if now is not None:
            line += ["--now", now]
        return line + [str(argument) for argument in arguments]

    def teataja(self, *arguments, status=DONE, site=None, now=None, timeout=120, prefix=(), **env):
        """Runs the program to its end and checks its exit status."""
        site = getattr(self, "site", None) if site is None else site
        line = list(prefix) + self.command(*arguments, site=site or None, now=now)
        done = subprocess.run(line, capture_output=True, stdin=subprocess.DEVNULL, check=False,
                              env=environment(**env), cwd=self.folder, timeout=timeout)
        run = Run(done.returncode, done.stdout.decode(), done.stderr.decode())
        if "Sanitizer" in run.err or "runtime error:" in run.err:
            self.fail(f"{' '.join(line)}\n{run}")
        if status is not None:
            self.assertEqual(run.status, status, f"{' '.join(line)}\n{run}")
        return run

    def start(self, *arguments, site=None, now=None, **env):
        """Starts the program and leaves it running; ends with the test at the latest."""
        site = getattr(self, "site", None) if site is None else site
        process = launch(self.command(*arguments, site=site or None, now=now),
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(**env),
                         cwd=self.folder)
        self.addCleanup(stop, process)
        return process

    def sink(self, maildir):
        """A rehearsal mailbox on a free port; returns the port."""
        process = self.start("sink", "--listen", "127.0.0.1:0", "--maildir", maildir, site="")
        line = process.stdout.readline().decode()
        self.assertRegex(line, r"^Listening on 127\.0\.0\.1:\d+;")
        return int(line.split(":")[1].split(";")[0])

    def rows(self, mailing, state=None):
        """The ledger's rows of a mailing, as 'mailing show' tells them."""
        more = ["--state", state] if state else []
        return self.teataja("--json", "mailing", "show", mailing, *more).json()["rows"]

    def mailings(self):
        return self.teataja("--json", "mailing", "list").json()


class SharedCase(Case):
    """Tests that look at one and the same site, which prepare() makes once for all
    classes that share it. Whatever it puts into self is there in every test."""

    @classmethod
    def setUpClass(cls):
        owner = next(c for c in cls.__mro__ if "prepare" in vars(c))
        if "folder" in vars(owner):
            return
        maker = owner("prepare")
        maker.folder = make_folder()
        unittest.addModuleCleanup(remove_folder, maker.folder)
        unittest.addModuleCleanup(maker.doCleanups)
        maker.prepare()
        for name, value in vars(maker).items():
            if not name.startswith("_"):
                setattr(owner, name, value)

    def setUp(self):
        pass

    def prepare(self):
        raise NotImplementedError


def make_folder():
    # Short, because names of Unix sockets have 107 bytes; open to the servers' users.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tea-", dir="/tmp"))
    folder.chmod(0o755)
    return folder


def remove_folder(folder):
    shutil.rmtree(folder, ignore_errors=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, check, seconds=20):
    """Polls until check() is true; the wait is bounded, and says what did not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


def wait_for_port(port, greeting=b""):
    def answers():
        with contextlib.suppress(OSError), \
                socket.create_connection(("127.0.0.1", port), 2) as probe:
            probe.settimeout(5)
            return not greeting or probe.recv(200).startswith(greeting)
        return False
    wait_for(f"port {port}", answers)


def launch(line, **options):
    """Starts a server in a session of its own, which ends when the test is killed."""
    libc = ctypes.CDLL(None)
    return subprocess.Popen(line, stdin=subprocess.DEVNULL, start_new_session=True,
                            preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM),
                            **options)


def stop(process, number=signal.SIGTERM, seconds=10):
    """Ends a process that we started; returns its exit status."""
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    return process.returncode


def write(path, text):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# ---- a small site ----

SITE = """\
name: Cluster
postal_address: Keskväljak 1, Narva
languages: [et, ru, en]
timezone: Europe/Tallinn
country: EE
office: office@cluster.example
lists:
  funding: { name: { et: Rahastus, en: Funding }, basis: membership }
  events: { name: { et: Sündmused, en: Events }, basis: membership }
addresses: { mode: catchall, domain: bounce.cluster.example }
web: https://letters.cluster.example/
vocabularies: { sectors: [music, design, film] }
"""

RELAY = """\
relays:
  - name: main
    url: smtp://127.0.0.1:{port}
    starttls: "off"
    connections: {connections}
"""

REGIONS = """\
regions:
  EE00A: { name: Ida-Viru, aliases: [EE007, Ida-Virumaa] }
  PL621: { name: Elbląski }
groups: { south-baltic: { name: South Baltic, members: [PL621] } }
"""

NEWSLETTER = """\
name: Funding letter
list: funding
from: { name: Cluster, address: letters@cluster.example }
languages: [et, ru, en]
fallback: en
"""

CALL = """\
---
title: Kultuuritoetus
summary: Toetus väikestele kultuuriprojektidele.
funder: Kultuurifond
url: https://fond.example/toetus
deadline: {deadline} 17:00 Europe/Tallinn
---
Fond toetab väikesi projekte.
"""

ISSUE = """\
---
newsletter: funding
subject: {subject}
preheader: {preheader}
---
Tere, {{{{member.name}}}}!

{body}

{{{{> calls}}}}
"""


def small_site(folder, port=None, connections=1, body="Siin on uudised."):
    """A site of one newsletter, one call and one issue in three languages."""
    folder = pathlib.Path(folder)
    relay = RELAY.format(port=port, connections=connections) if port else ""
    write(folder / "teataja.yaml", SITE + relay)
    write(folder / "regions.yaml", REGIONS)
    write(folder / "newsletters/funding.yaml", NEWSLETTER)
    later = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 40 * 86400))
    write(folder / "calls/kultuur.md", CALL.format(deadline=later))
    write(folder / "calls/kultuur.ru.md", "---\ntitle: Поддержка культуры\n"
          "summary: Поддержка небольших проектов.\n---\nФонд поддерживает.\n")
    write(folder / "calls/kultuur.en.md", "---\ntitle: Grants for culture\n"
          "summary: Support for small projects.\n---\nThe fund supports.\n")
    write(folder / "issues/kiri.md", ISSUE.format(subject="Rahastus detsembris",
                                                  preheader="Mis on avatud", body=body))
    write(folder / "issues/kiri.ru.md", "---\nsubject: Финансирование\npreheader: Что открыто\n"
          "---\nЗдравствуйте, {{member.name}}!\n\n{{> calls}}\n")
    write(folder / "issues/kiri.en.md", "---\nsubject: Funding in December\n"
          "preheader: What is open\n---\nDear {{member.name}},\n\n{{> calls}}\n")
    return folder


def write_members(path, members):
    """Writes rows of (address, name, languages) as the CSV that 'member import' reads."""
    lines = ["email;name;language\n"]
    for address, name, languages in members:
        quoted = name.replace('"', '""')
        lines.append(f'{address};"{quoted}";{languages}\n')
    return write(path, "".join(lines))


def query(site, sql, *values):
    """Reads from a site's database beside the program."""
    with contextlib.closing(sqlite3.connect(f"file:{site}/var/teataja.db?mode=ro",
                                            uri=True)) as db:
        return db.execute(sql, values).fetchall()


# ---- what came ----

def mailbox_messages(maildir, address=None):
    """The messages of the sink: {address: [bytes, ...]}, or one address's list."""
    found = {}
    for box in sorted(pathlib.Path(maildir).iterdir()):
        files = sorted((box / "new").iterdir())
        found[box.name.replace("%2F", "/").replace("%25", "%")] = [f.read_bytes() for f in files]
    return found if address is None else found.get(address, [])


class SlowServer:
    """An SMTP server in a thread that takes its time at the final dot.

    `taken` holds (recipients, message) of every message that it has acknowledged;
    `answers` may give a reply of its own: answers(stage, argument) -> text or None.
    """

    def __init__(self, pause=0.0, answers=None):
        self.pause = pause
        self.answers = answers or (lambda stage, argument: None)
        self.taken = []
        self.reached = 0  # final dots that came in, answered or not
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.acceptor = threading.Thread(target=self._accept, daemon=True)
        self.acceptor.start()

    def close(self):
        # A thread left waiting would take connections of the next server's socket, which
        # gets the same number.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.acceptor.join()
        self.listener.close()

    def addresses(self):
        with self.lock:
            return [address for recipients, _ in self.taken for address in recipients]

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        # Each reply at once: Nagle's algorithm would hold the second back for 40 ms.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError, ValueError), connection, \
                connection.makefile("rwb") as stream:
            self._say(stream, "220 slow.example ESMTP")
            self._dialogue(stream)

    @staticmethod
    def _say(stream, text):
        stream.write(text.encode() + b"\r\n")
        stream.flush()

    def _dialogue(self, stream):
        recipients = []
        while line := stream.readline():
            verb, _, argument = line.decode().strip().partition(" ")
            own = self.answers(verb.upper(), argument)
            if own is not None:
                self._say(stream, own)
            elif verb.upper() == "EHLO":
                self._say(stream, "250-slow.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
                                  "250-ENHANCEDSTATUSCODES\r\n250 SIZE 10000000")
            elif verb.upper() == "RCPT":
                recipients.append(argument.partition("<")[2].partition(">")[0])
                self._say(stream, "250 2.1.5 recipient ok")
            elif verb.upper() == "DATA" and not recipients:
                self._say(stream, "554 5.5.1 no valid recipients")
            elif verb.upper() == "DATA":
                self._say(stream, "354 go on")
                self._take(stream, recipients)
                recipients = []
            elif verb.upper() == "QUIT":
                self._say(stream, "221 2.0.0 bye")
                return
            else:
                recipients = [] if verb.upper() in ("MAIL", "RSET") else recipients
                self._say(stream, "250 2.0.0 ok")

    def _note(self, recipients):
        """A message was taken for them; under the lock."""

    def _take(self, stream, recipients):
        lines = []
        while (line := stream.readline()) != b".\r\n":
            if not line:
                return
            lines.append(line[1:] if line.startswith(b".") else line)
        with self.lock:
            self.reached += 1
        time.sleep(self.pause)
        own = self.answers("DOT", " ".join(recipients))
        if own is None:
            with self.lock:
                self.taken.append((recipients, b"".join(lines)))
                self._note(recipients)
        self._say(stream, own or "250 2.0.0 taken")
