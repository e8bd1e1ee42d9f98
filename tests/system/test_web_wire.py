#!/usr/bin/env python3
"""Raw bytes to the pages: requests that two readers could read differently, slow and many
clients, Unix sockets, and nginx or Caddy in front."""

import concurrent.futures
import contextlib
import re
import signal
import socket
import subprocess
import time
import unittest

from support import (SOURCE, environment, free_port, launch, small_site, stop, wait_for,
                     wait_for_port, write)
from web_site import FORM, WebSite

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /leave/x HTTP/1.1\r\nHost: x\r\nContent-Type: " + FORM.encode() + b"\r\n"
SMUGGLED = b"0\r\n\r\nGET /nix HTTP/1.1\r\nHost: x\r\n\r\n"

CHUNKED = ("-H", "Transfer-Encoding: chunked")

REFUSED = {
    "length and coding": (400, POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                          + SMUGGLED),
    "coding and length": (400, POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
                          + SMUGGLED),
    "a coding": (411, POST + b"Transfer-Encoding: chunked\r\n\r\n" + SMUGGLED),
    "a coding in disguise": (400, POST + b"Transfer-Encoding : chunked\r\n\r\n" + SMUGGLED),
    "two lengths": (400, POST + b"Content-Length: 0\r\nContent-Length: 40\r\n\r\n" + SMUGGLED),
    "the same length twice": (400, POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na"),
    "a length with a sign": (400, POST + b"Content-Length: +1\r\n\r\na"),
    "two hosts": (400, HEAD + b"Host: y\r\n\r\n"),
    "no host": (400, b"GET / HTTP/1.1\r\n\r\n"),
    "bare LF": (400, b"GET / HTTP/1.1\nHost: x\n\n"),
    "one bare LF": (400, HEAD + b"A: b\n\r\n"),
    "bare CR": (400, HEAD + b"A: b\rC: d\r\n\r\n"),
    "a folded line": (400, HEAD + b"A: b\r\n c\r\n\r\n"),
    "NUL": (400, HEAD + b"A: b\0c\r\n\r\n"),
    "a whole address": (400, b"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n"),
    "an escaped NUL": (400, b"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n"),
    "TLS": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "HTTP/2": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "HTTP/3": (505, b"GET / HTTP/3.0\r\nHost: x\r\n\r\n"),
    "a long path": (414, b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"),
    "a long field": (431, HEAD + b"A: " + b"b" * 9000 + b"\r\n\r\n"),
    "many fields": (431, HEAD + b"A: b\r\n" * 100 + b"\r\n"),
    "a large body": (413, POST + b"Content-Length: 999999999\r\n\r\n"),
}


class Wire(WebSite):
    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), 30)

    def send(self, data, connection=None):
        """Everything that comes back until the other side closes."""
        with connection or self.connect() as stream:
            with contextlib.suppress(OSError):
                stream.sendall(data)
            answer = b""
            with contextlib.suppress(ConnectionResetError):
                while part := stream.recv(65536):
                    answer += part
        return answer

    def test_what_can_be_read_in_two_ways_is_refused(self):
        before = self.dump()
        for name, (status, data) in REFUSED.items():
            with self.subTest(name):
                answer = self.send(data)
                self.assertRegex(answer, b"^HTTP/1.1 %d " % status)
                self.assertEqual(answer.count(b"HTTP/1.1"), 1, "one answer")
                self.assertIn(b"Connection: close", answer)
        self.assertEqual(self.dump(), before)

    def test_nothing_behind_a_request_is_a_request(self):
        one = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n"
        self.assertEqual(self.send(one * 3).count(b"HTTP/1.1 200"), 1)
        body = b"List-Unsubscribe=One-Click"
        post = POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
        self.assertEqual(self.send(post + one).count(b"HTTP/1.1 200"), 1)

    def test_a_request_in_single_bytes_is_read(self):
        with self.connect() as stream:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in HEAD + b"\r\n":
                stream.sendall(bytes([byte]))
            self.assertRegex(stream.recv(100), b"^HTTP/1.1 200 ")

    def test_who_is_slow_is_sent_away_and_keeps_nobody_out(self):
        body = POST + b"Content-Length: 100\r\n\r\na"
        with contextlib.ExitStack() as stack:
            slow = [stack.enter_context(self.connect()) for _ in range(100)]
            for number, stream in enumerate(slow):
                stream.sendall(HEAD if number % 2 else body)
            started = time.monotonic()
            times = []
            while time.monotonic() - started < 8:
                before = time.monotonic()
                self.assertEqual(self.ask("/")[0], 200)
                times.append(time.monotonic() - before)
                for stream in slow[1::2]:
                    with contextlib.suppress(OSError):
                        stream.sendall(b"A: b\r\n")  # always a little more
                time.sleep(0.5)
            self.assertLess(max(times), 2)
            for stream in slow:
                stream.settimeout(20)
                with contextlib.suppress(ConnectionResetError):
                    while stream.recv(4096):
                        pass
            self.assertLess(time.monotonic() - started, 25)

    def test_more_idle_connections_than_places(self):
        with contextlib.ExitStack() as stack:
            for _ in range(700):
                stack.enter_context(self.connect())
            self.assertEqual(self.ask("/")[0], 200)
        self.assertEqual(self.ask("/")[0], 200)

    def test_two_hundred_at_a_time(self):
        paths = [self.links[a].path(page) for a in self.addresses[:50]
                 for page in ("leave", "preferences", "answer", "view")]
        with concurrent.futures.ThreadPoolExecutor(200) as pool:
            self.assertEqual({answer[0] for answer in pool.map(self.ask, paths)}, {200})

    def test_everybody_leaves_at_once(self):
        chosen = self.addresses[20:50]
        with concurrent.futures.ThreadPoolExecutor(60) as pool:
            answers = pool.map(
                lambda a: self.ask(self.links[a].path("leave"), "POST",
                                   "List-Unsubscribe=One-Click", Content_Type=FORM)[0],
                chosen * 3)
            self.assertEqual(set(answers), {200})
        self.assertEqual({self.state(a) for a in chosen}, {"left"})

    def test_the_end_comes_within_five_seconds_whatever_is_open(self):
        port = self.serve()
        with contextlib.ExitStack() as stack:
            idle = [stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                    for _ in range(50)]
            for number, stream in enumerate(idle):
                stream.sendall(HEAD if number % 2 else POST + b"Content-Length: 9\r\n\r\na")
            time.sleep(0.3)
            started = time.monotonic()
            self.web.send_signal(signal.SIGTERM)
            self.assertEqual(self.web.wait(10), 0)
            self.assertLess(time.monotonic() - started, 5)
        self.assertIn("event=web_stopped", self.log())

    def test_a_unix_socket(self):
        path = self.folder / "web.sock"
        for end in (signal.SIGKILL, signal.SIGTERM):  # the second finds the first one's file
            self.serve(listen=f"unix:{path}")
            stream = socket.socket(socket.AF_UNIX)
            stream.connect(str(path))
            self.assertRegex(self.send(HEAD + b"\r\n", stream), b"^HTTP/1.1 200 ")
            stop(self.web, end)
        self.assertFalse(path.exists())

    def test_one_client_that_is_no_proxy(self):
        site = small_site(self.folder / "small")
        config = site / "teataja.yaml"
        write(config, config.read_text().replace(
            "web: https://letters.cluster.example/",
            "web: { url: https://letters.cluster.example/, trusted_proxies: 127.0.0.2 }"))
        port = self.serve(site=site)
        with contextlib.ExitStack() as stack:
            for _ in range(32):
                stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            self.assertEqual(self.ask("/", port=port)[0], 503)
        wait_for("a free place", lambda: self.ask("/", port=port)[0] == 200)
        stop(self.web)


class Proxy(WebSite):
    """A web server as contrib's example has it, its names changed for the test's folder."""

    HOST = "letters.cluster.example"

    def prepare_proxy(self, name, make):
        """Starts it in front of 'teataja web'; `make` writes its configuration and returns its
        command line. Returns (folder, port of https, port of http)."""
        folder, https, plain = self.folder / name, free_port(), free_port()
        folder.mkdir(exist_ok=True)
        sock = self.folder / f"{name}.sock"
        self.serve(listen=f"unix:{sock}")
        sock.chmod(0o666)  # the server may be somebody else when root starts it
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", f"/CN={self.HOST}", "-addext", f"subjectAltName=DNS:{self.HOST}",
                        "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
                       check=True, capture_output=True)
        line = make(folder, sock, https, plain)
        with open(folder / "server.log", "ab") as log:
            server = launch(line, stdout=log, stderr=log,
                            env=environment(HOME=str(folder), XDG_DATA_HOME=str(folder),
                                            XDG_CONFIG_HOME=str(folder)))
        self.addCleanup(stop, server)
        try:
            wait_for_port(https)
        except AssertionError:
            self.fail("".join(log.read_text() for log in folder.glob("*.log")))
        return folder, https, plain

    def change(self, text, *changes):
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        return text

    def curl(self, port, path, *more, scheme="https"):
        done = subprocess.run(["curl", "-sk", "-D", "-", "--max-time", "20", "--resolve",
                               f"{self.HOST}:{port}:127.0.0.1", *more,
                               f"{scheme}://{self.HOST}:{port}{path}"],
                              capture_output=True, check=True, timeout=40)
        return done.stdout.decode()

    def check_pages(self, address, https, plain, *more_of_posts):
        """What a reader, a mail program and a crowd get; the path that they asked for."""
        path = self.links[address].path("leave")
        answer = self.curl(https, path)
        self.assertRegex(answer, "^HTTP/2 200")
        self.assertIn("strict-transport-security", answer)
        self.assertEqual(answer.lower().count("content-security-policy"), 1)
        self.assertRegex(self.curl(plain, path, scheme="http"),
                         rf"30[18] (.|\n)*Location: https://{self.HOST}(:{https})?{path}")
        self.assertEqual(self.state(address), "active")
        for more in (["-F", "List-Unsubscribe=One-Click"], ["-d", "List-Unsubscribe=One-Click"]):
            answer = self.curl(https, path, "--http1.1", *more_of_posts, *more)
            self.assertRegex(answer, "HTTP/1.1 200")
        self.assertEqual(self.state(address), "left")
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(self.curl, [https] * 60, [path] * 60))
        self.assertEqual({a.split("\r\n")[0].strip() for a in answers}, {"HTTP/2 200"})
        return path


class Nginx(Proxy):
    def make(self, folder, sock, https, plain):
        text = self.change(
            (SOURCE / "contrib/nginx/teataja.conf").read_text(),
            ("unix:/run/teataja/web.sock", f"unix:{sock}"),
            ("listen 443 ssl http2", f"listen 127.0.0.1:{https} ssl http2"),
            ("listen 80;", f"listen 127.0.0.1:{plain};"),
            (f"/etc/letsencrypt/live/{self.HOST}/fullchain.pem", f"{folder}/cert.pem"),
            (f"/etc/letsencrypt/live/{self.HOST}/privkey.pem", f"{folder}/key.pem"),
            ("/var/log/nginx/teataja.log", f"{folder}/access.log"))
        text = re.sub(r"(?m)^ *listen \[::\].*\n", "", text)
        kinds = "".join(f"{kind}_temp_path {folder}/{kind};\n"
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        conf = write(folder / "nginx.conf", f"daemon off;\npid {folder}/pid;\n"
                     f"error_log {folder}/error.log;\nevents {{}}\nhttp {{\n{kinds}{text}\n}}\n")
        return ["nginx", "-p", str(folder), "-c", str(conf)]

    def test_pages_behind_nginx(self):
        folder, https, plain = self.prepare_proxy("nginx", self.make)
        # nginx counts the bytes for us.
        path = self.check_pages(self.addresses[0], https, plain, *CHUNKED)
        self.assertNotIn(path.rpartition("/")[2], (folder / "access.log").read_text())

    def test_nginx_in_front_of_a_stopped_program(self):
        _, https, _ = self.prepare_proxy("nginx", self.make)
        stop(self.web)
        self.assertRegex(self.curl(https, "/"), "^HTTP/2 502")


class Caddy(Proxy):
    def make(self, folder, sock, https, plain):
        text = self.change(
            (SOURCE / "contrib/caddy/Caddyfile").read_text(),
            ("unix//run/teataja/web.sock", f"unix/{sock}"),
            # No certificate comes from outside, and nothing but the loopback is listened at.
            (f"\n{self.HOST} {{\n", f"\n{self.HOST} {{\n\ttls {folder}/cert.pem {folder}/key.pem\n"
                                    "\tbind 127.0.0.1\n"))
        path = write(folder / "Caddyfile", f"{{\n\tadmin off\n\thttp_port {plain}\n"
                     f"\thttps_port {https}\n\tdefault_bind 127.0.0.1\n}}\n{text}")
        return ["caddy", "run", "--adapter", "caddyfile", "--config", str(path)]

    def test_pages_behind_caddy(self):
        folder, https, plain = self.prepare_proxy("caddy", self.make)
        path = self.check_pages(self.addresses[1], https, plain)
        # Caddy 2.6.2 does not count them, as the example says, and may be late for the answer.
        self.assertRegex(self.curl(https, path, "--http1.1", *CHUNKED, "-d", "do=leave"),
                         "HTTP/1.1 (411|502)")
        self.assertNotIn(path.rpartition("/")[2], (folder / "server.log").read_text())

    def test_caddy_in_front_of_a_stopped_program(self):
        _, https, _ = self.prepare_proxy("caddy", self.make)
        stop(self.web)
        self.assertRegex(self.curl(https, "/"), "^HTTP/2 502")


if __name__ == "__main__":
    unittest.main()
