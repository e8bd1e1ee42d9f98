"""What `teataja doctor` sees: a relay and a DNS server of our own, files, disk and database.

The whole program of tests runs in a network of its own (a namespace of the kernel, which needs
root): port 53 is free there, 198.51.100.7 is ours, and nothing leads out of it.
"""

import contextlib
import ctypes
import os
import pathlib
import random
import socket
import sqlite3
import ssl
import subprocess
import threading
import time
import unittest

from support import (DONE, FAILED, Case, SharedCase, launch, make_folder, remove_folder,
                     small_site, stop, wait_for, write, write_members)

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
PUBLIC = "198.51.100.7"  # RFC 5737; no relay is there but ours
SEED = 20261122
STA_UNSYNC, TIME_ERROR = 0x0040, 5

ZONE = {
    "relay": [f"host-record=relay.example,{PUBLIC}"],
    "relay spf": ['txt-record=_spf.relay.example,"v=spf1 ip4:198.51.100.0/24 ~all"'],
    "ptr": ["ptr-record=7.100.51.198.in-addr.arpa,relay.example"],
    "mx": ["mx-host=cluster.example,mail.cluster.example,10"],
    "bounce mx": ["mx-host=bounce.cluster.example,mail.cluster.example,10"],
    "spf": ['txt-record=bounce.cluster.example,"v=spf1 include:_spf.relay.example -all"'],
    "dmarc": ['txt-record=_dmarc.cluster.example,"v=DMARC1; p=reject; rua=mailto:d@c.example"'],
}


def setUpModule():
    if os.geteuid() != 0:
        raise RuntimeError("these tests need root, for a network of their own")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for line in ("mount --make-rprivate /", "ip link set lo up",
                 f"ip address add {PUBLIC}/32 dev lo"):
        subprocess.run(line.split(), check=True)
    RESOLVER.start()
    unittest.addModuleCleanup(RESOLVER.close)


def txt(name, value):
    """A record in strings of at most 255 bytes, as a zone file would have it."""
    pieces = [value[at:at + 255] for at in range(0, len(value), 255)]
    return f"txt-record={name}," + ",".join(f'"{piece}"' for piece in pieces)


class Resolver:
    """dnsmasq with a zone of ours, and a resolv.conf that leads to it."""

    def __init__(self):
        self.folder = None
        self.process = None

    def start(self):
        self.folder = make_folder()
        conf = write(self.folder / "resolv.conf", "nameserver 127.0.0.1\n")
        subprocess.run(["mount", "--bind", conf, "/etc/resolv.conf"], check=True)

    def serve(self, zone):
        self.stop()
        lines = ["port=53", "listen-address=127.0.0.1", "bind-interfaces", "no-resolv", "no-hosts",
                 "local=/#/", "pid-file=", "no-daemon"]
        lines += [line for part in zone.values() for line in part]
        file = write(self.folder / "dnsmasq.conf", "\n".join(lines) + "\n")
        log = (self.folder / "dnsmasq.log").open("wb")
        with log:
            self.process = launch(["/usr/sbin/dnsmasq", f"--conf-file={file}"], stdout=log,
                                  stderr=log)
        wait_for("dnsmasq", self.answers)

    def answers(self):
        said = (self.folder / "dnsmasq.log").read_text()
        if self.process.poll() is not None:
            raise AssertionError(said)
        return "started" in said

    def stop(self):
        if self.process is not None:
            stop(self.process)
            self.process = None

    def close(self):
        self.stop()
        subprocess.run(["umount", "/etc/resolv.conf"], check=True)
        remove_folder(self.folder)


RESOLVER = Resolver()


class Relay:
    """An SMTP server that greets, encrypts and lets in, and remembers what it was told."""

    def __init__(self, greeting="220 relay.example ESMTP", context=None, implicit=False,
                 password=None, size=10000000, pipelining=True):
        self.greeting, self.context, self.implicit = greeting, context, implicit
        self.password, self.size, self.pipelining = password, size, pipelining
        self.verbs = []
        self.listener = socket.create_server(("", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with contextlib.ExitStack() as opened, contextlib.suppress(OSError, ValueError):
                opened.callback(connection.close)
                self.serve(connection, opened)

    def offers(self, encrypted):
        yield "relay.example"
        if self.pipelining:
            yield "PIPELINING"
        if self.context and not encrypted:
            yield "STARTTLS"
        elif self.password:
            yield "AUTH PLAIN"
        yield f"SIZE {self.size}"

    def encrypt(self, connection, opened):
        connection = self.context.wrap_socket(connection, server_side=True)
        opened.callback(connection.close)
        return connection

    def serve(self, connection, opened):
        encrypted = self.implicit
        if encrypted:
            connection = self.encrypt(connection, opened)
        stream = connection.makefile("rwb", buffering=0)
        stream.write(self.greeting.encode() + b"\r\n")
        while line := stream.readline():
            verb, _, argument = line.decode().strip().partition(" ")
            self.verbs.append(verb.upper())
            if verb.upper() == "EHLO":
                lines = list(self.offers(encrypted))
                marks = ["-"] * (len(lines) - 1) + [" "]
                answer = "\r\n".join(f"250{mark}{line}" for mark, line in zip(marks, lines))
            elif verb.upper() == "AUTH":
                if argument == "PLAIN":
                    stream.write(b"334 \r\n")
                    argument = stream.readline().decode()
                good = argument.split()[-1] == self.password
                answer = "235 2.7.0 welcome" if good else "535 5.7.8 not you"
            else:
                answer = "220 go on" if verb.upper() == "STARTTLS" else "250 2.0.0 ok"
            stream.write(answer.encode() + b"\r\n")
            if verb.upper() == "STARTTLS":
                connection = self.encrypt(connection, opened)
                stream = connection.makefile("rwb", buffering=0)
                encrypted = True
            if verb.upper() == "QUIT":
                return


PLAIN = "AGxldHRlcnMAc2VjcmV0"  # base64 of "\0letters\0secret"


def certificate(folder, name="relay.example", days=200):
    """A certificate that vouches for itself; days may be past."""
    file = pathlib.Path(folder) / f"{name}{days}.pem"
    key = file.with_suffix(".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(days), "-subj",
                    f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", key,
                    "-out", file], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return file, context


def relay_lines(port, starttls="required", host="relay.example", scheme="smtp", **more):
    lines = {"url": f"{scheme}://{host}:{port}", "starttls": f'"{starttls}"', **more}
    if scheme == "smtps":
        del lines["starttls"]
    return ("relays:\n  - name: main\n" +
            "".join(f"    {key}: {value}\n" for key, value in lines.items()))


class Doctor(Case):
    """Asks the doctor of a site that a test has changed."""

    def doctor(self, *options, status=None, **more):
        run = self.teataja("--json", "doctor", *options, status=status, **more)
        found = run.json()
        for level in ("ok", "warning", "bad"):
            self.assertEqual(found[level],
                             sum(f["level"] == level for f in found["findings"]), run)
        self.assertEqual(run.status, FAILED if found["bad"] else DONE, run)
        for finding in found["findings"]:
            if finding["level"] == "bad" and finding["area"] not in ("configuration", "web"):
                self.assertTrue(finding["do"], finding)
        return found["findings"]

    def assert_told(self, findings, area, level, words):
        self.assertTrue(any(f["area"] == area and f["level"] == level and
                            words in f"{f['what']} {f['do']}" for f in findings),
                        f"{area} {level}: {words}\n" + "\n".join(map(str, findings)))


class Healthy(Doctor, SharedCase):
    """A site for which all is in order, in DNS and at the relay, and one thing wrong each time."""

    def prepare(self):
        file, context = certificate(self.folder)
        self.relay = Relay(context=context, password=PLAIN)
        self.addCleanup(self.relay.close)
        self.pages = socket.create_server(("127.0.0.1", 8080))
        self.addCleanup(self.pages.close)
        self.site = small_site(self.folder / "site")
        write(self.folder / "site/var/password", "secret\n").chmod(0o600)
        key = self.teataja("--json", "dkim", "keygen", "cluster.example", "s1").json()
        self.add(relay_lines(self.relay.port, ca_file=file, user="letters",
                             password="file:var/password") +
                 "    limits: [300/hour]\n"
                 f"dkim: {{ domain: cluster.example, selector: s1, key_file: {key['key_file']} }}\n")
        self.zone = dict(ZONE, dkim=[txt(key["name"], key["value"])])
        self.record = key
        write_members(self.folder / "m.csv", [("mari@naide.example", "Mari", "et")])
        self.teataja("member", "import", "m.csv", "--list", "funding", "--source", "test")

    def add(self, lines):
        config = self.site / "teataja.yaml"
        write(config, config.read_text() + lines)

    def ask(self, *options, **parts):
        RESOLVER.serve({**self.zone, **{k.replace("_", " "): v for k, v in parts.items()}})
        return self.doctor(*options)

    def test_all_is_well_and_nothing_is_sent(self):
        self.relay.verbs.clear()
        findings = self.ask()
        # Whether the machine's clock is kept right is not this test's to choose.
        self.assertEqual([f for f in findings if f["level"] != "ok" and f["area"] != "clock"], [])
        self.assertEqual(self.relay.verbs, ["EHLO", "STARTTLS", "EHLO", "AUTH", "EHLO", "QUIT"])
        for area, words in (
                ("relay", f"relay.example:{self.relay.port} answers, and takes the login of letters"),
                ("relay", "good for 199 days"), ("relay", "up to 10000 kB"),
                ("relay", "offers pipelining"), ("relay", "at most 300 an hour"),
                ("MX", "bounces go to mail.cluster.example"), ("SPF", "costs 1 of 10 lookups"),
                ("SPF", "relay main may send for bounce.cluster.example"),
                ("DKIM", "s1._domainkey.cluster.example is our key"), ("DMARC", "asks for p=reject"),
                ("DMARC", "by their signature and by the domain"),
                ("PTR", "its operator's business"), ("database", "it is whole"),
                ("database", "every reference leads somewhere"), ("files", "are their owner's"),
                ("web", "somebody answers at 127.0.0.1:8080"),
                ("clock", "Europe/Tallinn, now UTC+0"), ("disk", "are free for")):
            self.assert_told(findings, area, "ok", words)

    def test_offline_asks_neither_relays_nor_the_dns(self):
        self.relay.verbs.clear()
        areas = {f["area"] for f in self.ask("--offline")}
        self.assertEqual(areas & {"relay", "SPF", "DKIM", "DMARC", "MX", "PTR"}, set())
        self.assertEqual(self.relay.verbs, [])

    def test_people_read_lines_with_what_to_do(self):
        RESOLVER.serve(dict(self.zone, dmarc=[]))
        run = self.teataja("doctor")
        self.assertIn("\nDMARC\n  warning  cluster.example has no DMARC record\n"
                      "           -> publish a TXT record at _dmarc.cluster.example: ", run.out)
        self.assertRegex(run.out, r"\n\d+ ok, \d+ warnings?, 0 bad\n$")

    def test_nothing_is_changed(self):
        def state():
            return {p: (p.stat().st_mtime_ns, p.stat().st_mode) for p in self.site.rglob("*")
                    if not p.name.endswith(("-shm", "-wal")) and p.name != "var"}
        before = state()
        self.ask()
        self.assertEqual(state(), before)

    def test_each_fault_of_the_dns_is_named_with_what_to_do(self):
        name, value = self.record["name"], self.record["value"]
        bounce = "bounce.cluster.example"
        dmarc = "_dmarc.cluster.example"
        many = " ".join(f"include:_{n}.relay.example" for n in range(6))
        nested = [txt(f"_{n}.relay.example", "v=spf1 a:relay.example -all") for n in range(6)]
        cases = [
            ({"spf": []}, "SPF", "bad", "has no SPF record"),
            ({"spf": ZONE["spf"] * 2}, "SPF", "bad", "has 2 SPF records"),
            ({"spf": [txt(bounce, f"v=spf1 {many} -all"), *nested]}, "SPF", "bad",
             "costs 12 lookups"),
            ({"spf": [txt(bounce, f"v=spf1 include:{bounce} -all")]}, "SPF", "bad", "costs"),
            ({"spf": [txt(bounce, "v=spf1 +all")]}, "SPF", "bad", "lets everybody send"),
            ({"spf": [txt(bounce, "v=spf1 a:relay.example ?all")]}, "SPF", "warning",
             "forbids nobody"),
            ({"spf": [txt(bounce, "v=spf1 ipv4:192.0.2.1 -all")]}, "SPF", "bad",
             "no mechanism 'ipv4:192.0.2.1'"),
            ({"spf": [txt(bounce, "v=spf1 ip4:192.0.2.300 -all")]}, "SPF", "bad",
             "no network: '192.0.2.300'"),
            ({"spf": [txt(bounce, "v=spf1 include:nobody.example -all")]}, "SPF", "bad",
             "no SPF record at 'nobody.example'"),
            ({"spf": [txt(bounce, "v=spf1 ip4:192.0.2.0/24 mx -all")]}, "SPF", "warning",
             "does not name the addresses of relay main"),
            ({"spf": [txt(bounce, "v=spf1 -ip4:198.51.100.7 include:_spf.relay.example -all")]},
             "SPF", "warning", "does not name the addresses of relay main"),
            ({"spf": [txt(bounce, "v=spf1 exists:%{i}.x.example -all")]}, "SPF", "ok",
             "cannot be seen from here"),
            ({"spf": [txt(bounce, "v=spf1 redirect=_spf.relay.example")]}, "SPF", "ok",
             "relay main may send"),
            ({"spf": [txt(bounce, "v=spf1 a:relay.example/28 ~all")]}, "SPF", "ok",
             "relay main may send"),
            ({"dkim": []}, "DKIM", "bad", f"publish this TXT record at {name}: {value}"),
            ({"dkim": [txt(name, value.replace("p=M", "p=N"))]}, "DKIM", "bad",
             "holds another key"),
            ({"dkim": [txt(name, "v=DKIM1; p=")]}, "DKIM", "bad", "revoked"),
            ({"dkim": [txt(name, "v=DKIM1; k=rsa")]}, "DKIM", "bad", "no key"),
            ({"dkim": [txt(name, value.replace("k=rsa", "k=ed25519"))]}, "DKIM", "bad",
             "another kind of key"),
            ({"dkim": [txt(name, value + "; h=sha1")]}, "DKIM", "bad", "sha256"),
            ({"dkim": [txt(name, value + "; t=y")]}, "DKIM", "warning", "only being tried"),
            ({"dkim": [txt(name, value), txt(name, "v=DKIM1; p=AAAA")]}, "DKIM", "bad",
             "2 TXT records"),
            ({"dmarc": []}, "DMARC", "warning", "has no DMARC record"),
            ({"dmarc": ZONE["dmarc"] * 2}, "DMARC", "bad", "has 2 records"),
            ({"dmarc": [txt(dmarc, "v=DMARC1; p=rejct")]}, "DMARC", "bad", "no policy"),
            ({"dmarc": [txt(dmarc, "v=DMARC1; p=none; aspf=s")]}, "DMARC", "ok",
             "pass by their signature"),
            ({"mx": []}, "MX", "bad", "answers are lost"),
            ({"mx": ["mx-host=cluster.example,.,0"]}, "MX", "bad", "takes no mail"),
            ({"mx": [f"host-record=cluster.example,{PUBLIC}"]}, "MX", "warning", "no MX record"),
            ({"bounce mx": []}, "MX", "bad", "bounces are lost"),
        ]
        for parts, area, level, words in cases:
            with self.subTest(**parts):
                RESOLVER.serve({**self.zone, **parts})
                self.assert_told(self.doctor(), area, level, words)

    def test_a_resolver_that_is_silent_is_given_up_once(self):
        RESOLVER.stop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 53))
            begun = time.monotonic()
            findings = [f for f in self.doctor() if f["area"] != "relay"]
        self.assertLess(time.monotonic() - begun, 45)
        self.assert_told(findings, "MX", "bad", "nothing more was asked")
        self.assertEqual(len([f for f in findings if f["area"] in ("SPF", "DKIM", "DMARC")]), 0)

    def test_a_resolver_that_is_not_there_says_nothing_of_records(self):
        RESOLVER.stop()
        findings = self.doctor()
        for area in ("SPF", "DKIM", "DMARC"):
            self.assert_told(findings, area, "warning", "resolver")
        self.assertFalse([f for f in findings if "has no" in f["what"]])


def hostile_answers(dice):
    """Bodies of records of any type: names that lead to themselves, lengths beyond the end."""
    for length in (0, 1, 3, 60):
        yield bytes(dice.randrange(256) for _ in range(length))
    yield b"\xff" + b"v=spf1 +all"  # a string that says it is longer than its record
    yield b"\x00\x0a\xc0\x0c" * 8
    yield b"\x00\x0a\x3f" + b"a" * 10
    yield b"\x0bv=spf1 +all" * 30


class Hostile(threading.Thread):
    """A name server whose answers are made to break who reads them."""

    def __init__(self):
        super().__init__(daemon=True)
        self.dice = random.Random(SEED)
        self.bodies = [body for _ in range(20) for body in hostile_answers(self.dice)]
        self.asked = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.start()

    def run(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            if peer is None:
                return  # the socket was shut down
            self.socket.sendto(self.answer(query), peer)

    def answer(self, query):
        end = query.index(b"\0", 12) + 5
        kind = query[end - 4:end - 2]
        body = self.bodies[self.asked % len(self.bodies)]
        self.asked += 1
        count = self.dice.choice((1, 2, 65535))
        record = b"\xc0\x0c" + kind + b"\0\1\0\0\0\x3c" + len(body).to_bytes(2, "big") + body
        return (query[:2] + b"\x81\x80\0\1" + count.to_bytes(2, "big") + b"\0\0\0\0" +
                query[12:end] + record * self.dice.choice((1, 2)))

    def close(self):
        with contextlib.suppress(OSError):  # it wakes the thread, and then is not connected
            self.socket.shutdown(socket.SHUT_RDWR)
        self.join(10)
        self.socket.close()


class Changed(Doctor):
    """A site of its own for each test."""

    def setUp(self):
        super().setUp()
        RESOLVER.serve(ZONE)
        self.site = small_site(self.folder / "site")
        self.text = (self.site / "teataja.yaml").read_text()

    def configure(self, lines, *changes):
        text = self.text
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        write(self.site / "teataja.yaml", text + lines)

    def register(self):
        write_members(self.folder / "m.csv", [("mari@naide.example", "Mari", "et")])
        self.teataja("member", "import", "m.csv", "--list", "funding", "--source", "test")


class Relays(Changed):

    def told(self, server, level, words, **lines):
        relay = Relay(**server)
        try:
            self.configure(relay_lines(relay.port, **lines))
            findings = self.doctor()
        finally:
            relay.close()
        self.assert_told(findings, "relay", level, words)
        self.assertEqual(set(relay.verbs) & {"MAIL", "RCPT", "DATA"}, set())

    def test_each_fault_of_a_relay_is_named(self):
        file, context = certificate(self.folder)
        soon, soon_context = certificate(self.folder, days=5)
        other, other_context = certificate(self.folder, name="other.example")
        write(self.site / "var/password", "wrong").chmod(0o600)
        login = {"user": "letters", "password": "file:var/password"}
        good = {"context": context}
        cases = [
            (good, "ok", "good for 199 days", {"ca_file": file}),
            ({**good, "implicit": True}, "ok", "good for 199 days",
             {"ca_file": file, "scheme": "smtps"}),
            ({"context": soon_context}, "warning", "good for 4 days", {"ca_file": soon}),
            ({"context": other_context}, "bad", "certificate", {"ca_file": other}),
            (good, "bad", "certificate", {}),
            ({}, "bad", "STARTTLS", {"ca_file": file}),
            ({}, "warning", "not encrypted", {"starttls": "off"}),
            ({**good, "password": PLAIN}, "bad", "check 'user', 'password'",
             {"ca_file": file, **login}),
            ({**good, "size": 100000}, "warning", "at most 100 kB", {"ca_file": file}),
            ({**good, "pipelining": False}, "ok", "no pipelining", {"ca_file": file}),
            ({"greeting": "554 5.7.1 go away"}, "bad", "554", {"starttls": "off"}),
            ({"greeting": "421 4.3.2 later"}, "bad", "421", {"starttls": "off"}),
            ({}, "ok", "not encrypted, and on this machine",
             {"starttls": "off", "host": "127.0.0.1"}),
            ({}, "bad", "its password", {"user": "letters", "password": "file:var/nothing"}),
        ]
        for server, level, words, lines in cases:
            with self.subTest(words=words, **{k: str(v) for k, v in {**server, **lines}.items()}):
                self.told(server, level, words, **lines)

    def test_a_relay_that_is_not_there_and_none_at_all(self):
        self.configure(relay_lines(1, starttls="off"))
        self.assert_told(self.doctor(), "relay", "bad", "check 'url', the network")
        self.configure("")
        self.assert_told(self.doctor(), "relay", "warning", "no relay is configured")

    def test_answers_that_make_no_sense_do_no_harm(self):
        RESOLVER.stop()
        server = Hostile()
        try:
            self.configure(relay_lines(1, starttls="off", host="127.0.0.1"))
            for _ in range(20):
                self.doctor()
        finally:
            server.close()
        self.assertGreater(server.asked, 100)

    def test_names_of_this_machine_count_where_the_relay_is_on_it(self):
        relay = Relay()
        self.addCleanup(relay.close)
        self.configure(relay_lines(relay.port, starttls="off", host="127.0.0.1"))
        self.assert_told(self.doctor(), "PTR", "ok", f"{PUBLIC} is relay.example, and back")
        RESOLVER.serve({**ZONE, "ptr": [], "relay": []})
        self.assert_told(self.doctor(), "PTR", "bad", "has no name")
        RESOLVER.serve({**ZONE, "relay": ["host-record=relay.example,192.0.2.9"]})
        self.assert_told(self.doctor(), "PTR", "bad", "does not lead back")


class Alignment(Changed):

    def key(self, domain, selector="s1"):
        made = self.teataja("--json", "dkim", "keygen", domain, selector).json()
        return (f"dkim: {{ domain: {domain}, selector: {selector}, "
                f"key_file: {made['key_file']} }}\n")

    def told(self, record, level, words, lines="", changes=()):
        self.configure(lines, *changes)
        RESOLVER.serve({**ZONE, "dmarc": [txt("_dmarc.cluster.example", record)]})
        self.assert_told(self.doctor(), "DMARC", level, words)

    def test_a_letter_passes_by_its_signature_or_by_spf_or_not(self):
        elsewhere = [("bounce.cluster.example", "bounce.relay.example")]
        key = self.key("cluster.example")
        self.told("v=DMARC1; p=reject", "warning", "pass only by the domain")
        self.told("v=DMARC1; p=reject; aspf=s", "bad", "not the same domain (aspf=s)")
        self.told("v=DMARC1; p=none; aspf=s", "warning", "do not pass")
        self.told("v=DMARC1; p=reject", "bad", "not of the same organisation", changes=elsewhere)
        self.told("v=DMARC1; p=reject; adkim=s", "ok", "pass by their signature", key, elsewhere)

    def test_the_policy_of_the_domain_above_holds(self):
        sender = [("office@cluster.example", "office@news.cluster.example")]
        key = self.key("cluster.example")
        self.told("v=DMARC1; p=none; sp=reject", "ok",
                  "asks for p=reject, for mail from news.cluster.example", key, sender)
        self.told("v=DMARC1; p=reject; adkim=s; aspf=s", "bad",
                  "letters from news.cluster.example do not pass: no key of ours is for it exactly",
                  key, sender)


class Machine(Changed):
    """Clock, disk, files and the database, without relays and DNS."""

    def offline(self, **more):
        return self.doctor("--offline", **more)

    def test_the_clock_is_told_as_the_kernel_has_it(self):
        fields = (ctypes.c_long * 64)()
        state = ctypes.CDLL(None).adjtimex(fields)
        status = ctypes.c_int.from_buffer(fields, 5 * ctypes.sizeof(ctypes.c_long)).value
        loose = state == TIME_ERROR or bool(status & STA_UNSYNC)
        self.assert_told(self.offline(), "clock", "warning" if loose else "ok",
                         "unsynchronised" if loose else "kept right")
        self.assert_told(self.offline(now="2001-01-01T00:00:00"), "clock", "bad", "2001-01-01")

    def test_a_full_disk_is_bad(self):
        (self.site / "var").mkdir()
        for size, level in (("50m", "bad"), ("300m", "warning"), ("800m", "ok")):
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs",
                            self.site / "var"], check=True)
            try:
                self.assert_told(self.offline(), "disk", level, "MB are free")
            finally:
                subprocess.run(["umount", self.site / "var"], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=800m,nr_inodes=100", "tmpfs",
                        self.site / "var"], check=True)
        try:
            self.assert_told(self.offline(), "disk", "bad", "more files")
        finally:
            subprocess.run(["umount", self.site / "var"], check=True)

    def test_files_that_others_can_read_or_change_are_bad(self):
        self.register()
        key = self.teataja("--json", "dkim", "keygen", "cluster.example", "s1").json()
        self.configure("dkim: { domain: cluster.example, selector: s1, "
                       f"key_file: {key['key_file']} }}\n")
        self.assert_told(self.offline(), "files", "ok", "secret files are their owner's alone")
        for name, mode, words in (
                ("var/teataja.db", 0o644, "members and what was sent"),
                ("var/token.key", 0o604, "the key that signs links"),
                (key["key_file"], 0o660, "a key that signs mail"),
                ("teataja.yaml", 0o666, "anybody on this machine can change"),
                ("var", 0o777, "anybody on this machine can change")):
            with self.subTest(name):
                path = self.site / name
                before = path.stat().st_mode & 0o777
                path.chmod(mode)
                self.assert_told(self.offline(), "files", "bad", words)
                path.chmod(before)
        os.chown(self.site / "var/teataja.db", 1234, -1)
        self.assert_told(self.offline(), "files", "warning", "belongs to user 1234")

    def test_a_lost_key_of_links_is_bad(self):
        self.register()
        (self.site / "var/token.key").unlink()
        self.assert_told(self.offline(), "files", "bad", "links in earlier letters are dead")
        self.assertFalse((self.site / "var/token.key").exists())

    def test_a_site_without_a_database_is_told_so_and_gets_none(self):
        self.assert_told(self.offline(), "database", "ok", "there is none yet")
        self.assertFalse((self.site / "var").exists())

    def test_references_that_lead_nowhere_are_bad(self):
        self.register()
        with contextlib.closing(sqlite3.connect(self.site / "var/teataja.db")) as db:
            db.execute("PRAGMA foreign_keys = OFF")
            db.execute("DELETE FROM member")
            db.commit()
        self.assert_told(self.offline(), "database", "bad", "subscription")

    def test_a_damaged_database_is_bad(self):
        self.register()
        path = self.site / "var/teataja.db"
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        data = bytearray(path.read_bytes())
        for page in range(2, len(data) // 4096, 3):
            data[page * 4096:page * 4096 + 100] = b"\xff" * 100
        path.write_bytes(data)
        self.assert_told(self.offline(), "database", "bad", "bring back the last backup")
        path.write_bytes(b"no database at all" * 1000)
        self.assert_told(self.offline(), "database", "bad", "bring back the last backup")

    def test_pages_that_nobody_serves_are_a_warning(self):
        place = self.folder / "web.sock"
        self.configure("", ("web: https://letters.cluster.example/",
                            f'web: {{ url: http://letters.example/, listen: "unix:{place}" }}'))
        findings = self.offline()
        self.assert_told(findings, "web", "warning", "No such file")
        self.assert_told(findings, "web", "warning", "not encrypted")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(place))
            server.listen()
            self.assert_told(self.offline(), "web", "ok", "somebody answers")
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
            port = server.getsockname()[1]
            self.configure("", ("web: https://letters.cluster.example/",
                                f'web: {{ url: https://l.example/, listen: "[::1]:{port}" }}'))
            self.assert_told(self.offline(), "web", "ok", f"[::1]:{port}")
        self.assert_told(self.offline(), "web", "warning", f"[::1]:{port} (Connection refused)")

    def test_a_wrong_configuration_is_told_and_nothing_else_is_judged(self):
        self.configure("relais: []\n")
        findings = self.doctor()
        self.assert_told(findings, "configuration", "bad", "teataja.yaml:")
        self.assert_told(findings, "configuration", "warning", "were not looked at")
        self.assertLessEqual({f["area"] for f in findings},
                             {"configuration", "clock", "disk", "templates"})

    def test_a_folder_that_is_no_site_is_refused(self):
        run = self.teataja("doctor", site=self.folder, status=FAILED)
        self.assertIn("is not a site", run.err)


if __name__ == "__main__":
    unittest.main()
