"""Signed mail before two independent verifiers: mailauth (npm) and Debian's python3-dkim."""

import json
import pathlib
import random
import re
import shutil
import subprocess
import time
import unittest

import dkim

from demo_site import Demo
from judges import ask
from support import (CONTENT, FAILED, USAGE, Case, SharedCase, mailbox_messages, small_site, write,
                     write_members)
from words import WORDS, make_name, make_text

SEED = 20261122
A_LANGUAGE = 50  # members: with ten languages and two messages for each, 1,000 messages
BOTH = ["ed25519-sha256", "rsa-sha256"]
OVERSIGNED = ("from", "subject", "to", "date", "list-unsubscribe", "list-unsubscribe-post")

EVENT = """\
---
title: Koolitus
list: events
start: {year}-05-20 10:00 Europe/Tallinn
end: {year}-05-20 16:00
---
Tere tulemast!
"""


class Keys(Case):
    """Makes keys and reads their records."""

    def make_key(self, domain, selector, kind):
        return self.teataja("--json", "dkim", "keygen", domain, selector, "--type", kind).json()

    def configure(self, *domains):
        """An RSA and an Ed25519 key for each domain, in the site's configuration."""
        keys = [self.make_key(domain, kind[0] + "2026", kind)
                for domain in domains for kind in ("rsa", "ed25519")]
        lines = "".join(f"  - {{ domain: {k['domain']}, selector: {k['selector']}, "
                        f"key_file: {k['key_file']} }}\n" for k in keys)
        config = self.site / "teataja.yaml"
        write(config, f"{config.read_text()}dkim:\n{lines}")
        self.teataja("check", "--quiet")
        self.records = {r["name"]: r["value"]
                        for r in self.teataja("--json", "dkim", "record").json()}
        self.assertEqual(self.records, {k["name"]: k["value"] for k in keys})


def by_mailauth(folder, records, messages):
    """What mailauth says of the signatures of each message, in their order."""
    names = [write(pathlib.Path(folder) / f"signed/{n}.eml", message)
             for n, message in enumerate(messages)]
    where = write(pathlib.Path(folder) / "records.json", json.dumps(records))
    return [found["signatures"] for found in ask("signatures", names, where)]


def by_dkimpy(records, message):
    """What python3-dkim says of them: [True or False, ...]."""
    def answer(name, timeout=5):
        return records[name.decode().rstrip(".")]
    verifier = dkim.DKIM(message)
    count = sum(name.lower() == b"dkim-signature" for name, _ in verifier.headers)
    verdicts = []
    for index in range(count):
        try:
            verdicts.append(verifier.verify(index, dnsfunc=answer))
        except dkim.DKIMException:
            verdicts.append(False)
    return verdicts


def signed_names(message):
    """The names in h= of the first signature, in lower case."""
    field = re.match(rb"DKIM-Signature:.*?\r\n(?![ \t])", message, re.S).group().decode()
    return re.search(r"\bh=([^;]*);", re.sub(r"\s", "", field)).group(1).lower().split(":")


class TenLanguages(SharedCase, Keys):
    """Letters and invitations from two domains, one of them below the domain that signs."""

    def prepare(self):
        self.dice = random.Random(SEED)
        self.boxes = self.folder / "boxes"
        self.port = self.sink(self.boxes)
        self.site = small_site(self.folder / "site", self.port, connections=4)
        self.write_editions()
        self.configure("kiri.example", "cluster.example")
        rows = [(f"{language}{n}@naide.example", make_name(self.dice), language)
                for language in WORDS for n in range(A_LANGUAGE)]
        write_members(self.folder / "m.csv", rows)
        for name in ("funding", "events"):
            self.teataja("member", "import", "m.csv", "--list", name, "--source", "test")
        self.teataja("send", "kiri")
        self.teataja("event", "invite", "koolitus")
        self.messages = [message.split(b"\r\n", 2)[2]
                         for messages in mailbox_messages(self.boxes).values()
                         for message in messages]

    def write_editions(self):
        changes = {"teataja.yaml": [("[et, ru, en]", f"[{', '.join(WORDS)}]"),
                                    ("office@cluster.example", "office@buroo.cluster.example")],
                   "newsletters/funding.yaml": [("[et, ru, en]", f"[{', '.join(WORDS)}]"),
                                                ("letters@cluster.example",
                                                 "letters@kiri.example")]}
        for name, pairs in changes.items():
            text = (self.site / name).read_text()
            for old, new in pairs:
                text = text.replace(old, new)
            write(self.site / name, text)
        for language in WORDS:
            head = "newsletter: funding\n" if language == "et" else ""
            suffix = "" if language == "et" else f".{language}"
            write(self.site / f"issues/kiri{suffix}.md",
                  f"---\n{head}subject: {make_text(self.dice, language, 9)}\npreheader: x\n---\n"
                  f"{{{{member.name}}}}: {make_text(self.dice, language, 80)}\n\n{{{{> calls}}}}\n")
        write(self.site / "events/koolitus.md", EVENT.format(year=time.gmtime().tm_year + 1))

    def letter(self):
        return next(m for m in self.messages if b"\r\nFrom: Cluster <letters@" in m)

    def test_mailauth_verifies_every_signature(self):
        self.assertEqual(len(self.messages), 20 * A_LANGUAGE)
        domains = set()
        for found in by_mailauth(self.folder, self.records, self.messages):
            self.assertEqual([s["result"] for s in found], ["pass", "pass"], found)
            self.assertEqual(sorted(s["algorithm"] for s in found), BOTH)
            self.assertEqual({s["format"] for s in found}, {"relaxed/relaxed"})
            self.assertEqual({s["aligned"] for s in found}, {found[0]["domain"]})
            domains.add(found[0]["domain"])
        self.assertEqual(domains, {"kiri.example", "cluster.example"})

    def test_dkimpy_verifies_every_signature(self):
        for message in self.messages:
            self.assertEqual(by_dkimpy(self.records, message), [True, True], message[:800])

    def test_what_must_not_be_added_is_named_once_more_than_it_stands_there(self):
        for message in self.messages:
            names = signed_names(message)
            head = message.partition(b"\r\n\r\n")[0].lower()
            for name in OVERSIGNED:
                stands = len(re.findall(rb"(?m)^%s:" % name.encode(), head))
                self.assertEqual(names.count(name), stands + 1, name)
            for line in head.split(b"\r\n"):
                self.assertLessEqual(len(line), 998)
            self.assertNotIn(b" l=", head)

    def test_relays_may_fold_and_touch_white_space_at_the_end(self):
        touched = []
        for message in self.messages[::50]:
            head, _, body = message.partition(b"\r\n\r\n")
            head = head.replace(b"\r\nSubject: ", b"\r\nsubject:\t  ")
            head = re.sub(rb"(?m)^(Date:.*),", rb"\1,\r\n\t", head)
            touched.append(b"Received: by relay.example; now\r\n" + head + b"\r\n\r\n" +
                           body.replace(b"\r\n", b" \t\r\n") + b"\r\n\r\n")
        self.assertGreaterEqual(len(touched), 20)
        for found in by_mailauth(self.folder, self.records, touched):
            self.assertEqual([s["result"] for s in found], ["pass", "pass"], found)
        for message in touched:
            self.assertEqual(by_dkimpy(self.records, message), [True, True])

    def test_what_nobody_may_change_breaks_every_signature(self):
        letter = self.letter()
        first = letter.index(b"\r\nFrom:")
        changes = {
            "the body": letter.replace(b"letters.cluster.example", b"letters.clustre.example"),
            "the subject": re.sub(rb"\r\nSubject: ", b"\r\nSubject: Re", letter),
            "the way to leave": letter.replace(b"List-Unsubscribe: <https:",
                                               b"List-Unsubscribe: <http:"),
            "the calendar's type": re.sub(rb"\r\nContent-Type: multipart/alternative",
                                          b"\r\nContent-Type: multipart/mixed", letter),
        }
        for added in (b"From: a@evil.example", b"To: a@evil.example", b"Subject: x",
                      b"Date: Thu, 01 Jan 1970 00:00:00 +0000", b"Reply-To: a@evil.example",
                      b"Cc: a@evil.example", b"List-Unsubscribe: <https://evil.example/>",
                      b"List-Unsubscribe-Post: List-Unsubscribe=One-Click"):
            changes[added.decode()] = letter[:first] + b"\r\n" + added + letter[first:]
        for what, changed in changes.items():
            self.assertNotEqual(changed, letter, what)
        verdicts = by_mailauth(self.folder, self.records, list(changes.values()))
        for (what, changed), found in zip(changes.items(), verdicts, strict=True):
            self.assertEqual(len(found), 2)
            self.assertNotIn("pass", [s["result"] for s in found], what)
            self.assertEqual(by_dkimpy(self.records, changed), [False, False], what)

    def test_the_same_row_is_signed_with_the_same_bytes(self):
        copies = [self.folder / "one", self.folder / "two"]
        self.teataja("send", "kiri", "--test", "mari@naide.example", "--queue")
        mailing = self.mailings()[0]["id"]
        for copy in copies:
            shutil.copytree(self.site, copy)
            self.teataja("mailing", "resume", mailing, site=copy)
            time.sleep(1.1)  # another second of the clock
        one, two = mailbox_messages(self.boxes, "mari@naide.example")
        self.assertEqual(one, two)
        self.assertEqual(by_dkimpy(self.records, one.split(b"\r\n", 2)[2]), [True, True])


class DemoSite(Demo, Keys):
    """The demo: pictures inside, calendars, an edition for each member."""

    def prepare(self):
        super().prepare()
        self.configure("merevaigutee.example")
        for other in ("events", "network"):
            self.teataja("member", "import", self.site / "members.csv", "--list", other,
                         "--source", "demo")
        self.teataja("send", self.issue)
        for event in ("forum", "strategy-seminars", "closing-congress"):
            self.teataja("event", "invite", event)
        self.messages = [message for messages in self.received().values() for message in messages]

    def test_both_judges_verify_every_signature(self):
        self.assertGreater(len(self.messages), 100)
        for message, found in zip(self.messages,
                                  by_mailauth(self.folder, self.records, self.messages),
                                  strict=True):
            self.assertEqual([(s["result"], s["aligned"]) for s in found],
                             [("pass", "merevaigutee.example")] * 2, found)
            self.assertEqual(by_dkimpy(self.records, message), [True, True])


class Keygen(Keys):
    def setUp(self):
        super().setUp()
        self.boxes = self.folder / "boxes"
        self.site = small_site(self.folder / "site", self.sink(self.boxes))

    def openssl(self, *arguments):
        done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=True)
        return done.stdout

    def test_openssl_reads_the_key_and_finds_the_same_public_one(self):
        for kind, words in (("rsa", "2048 bit"), ("ed25519", "ED25519")):
            made = self.make_key("cluster.example", kind[0], kind)
            file = self.site / made["key_file"]
            self.assertEqual(file.stat().st_mode & 0o777, 0o600)
            self.assertIn(words, self.openssl("pkey", "-in", file, "-noout", "-text").decode())
            public = self.openssl("pkey", "-in", file, "-pubout", "-outform", "DER")
            public = public if kind == "rsa" else public[-32:]
            encoded = subprocess.run(["base64", "-w0"], input=public, capture_output=True,
                                     check=True).stdout.decode()
            self.assertEqual(made["value"], f"v=DKIM1; k={kind}; p={encoded}")
            self.assertEqual("".join(made["strings"]), made["value"])
            self.assertEqual(re.findall('"(.*)"', made["zone"]), made["strings"])
            self.assertLessEqual(max(map(len, made["strings"])), 255)

    def test_keys_of_openssl_can_be_used(self):
        for name, line in (("pkcs1", ("genrsa", "-traditional")), ("pkcs8", ("genrsa",)),
                           ("ed", ("genpkey", "-algorithm", "ed25519"))):
            file = self.site / f"{name}.pem"
            write(file, self.openssl(*line))
            file.chmod(0o600)
        config = self.site / "teataja.yaml"
        write(config, config.read_text() + "dkim:\n" + "".join(
            f"  - {{ domain: {name}.example, selector: s, key_file: {name}.pem }}\n"
            for name in ("pkcs1", "pkcs8", "ed")))
        self.assertEqual([(r["type"], r["bits"]) for r in
                          self.teataja("--json", "dkim", "record").json()],
                         [("rsa", 2048), ("rsa", 2048), ("ed25519", 256)])

    def test_a_key_is_never_overwritten(self):
        made = self.make_key("cluster.example", "s1", "ed25519")
        before = (self.site / made["key_file"]).read_bytes()
        run = self.teataja("dkim", "keygen", "cluster.example", "s1", status=FAILED)
        self.assertIn("is there already", run.err)
        self.assertEqual((self.site / made["key_file"]).read_bytes(), before)

    def test_what_it_prints_can_be_put_into_the_configuration(self):
        for file in (None, self.folder / "keys of ours" / "a.pem", self.site / "k-1.pem"):
            if file is not None:
                file.parent.mkdir(exist_ok=True)
            run = self.teataja("dkim", "keygen", "cluster.example", "s1", "--type", "ed25519",
                               *(("-o", file) if file else ()))
            told = run.out[run.out.index("\ndkim:\n"):]
            site = self.folder / f"copy {len(told)}"
            shutil.copytree(self.site, site)
            config = site / "teataja.yaml"
            write(config, config.read_text() + told)
            run = self.teataja("check", site=site)
            self.assertNotIn("warning", run.err)
            self.assertEqual(len(self.teataja("--json", "dkim", "record", site=site).json()), 1)

    def test_slips_are_told_and_make_no_file(self):
        for status, words, *line in (
                (USAGE, "--type is rsa or ed25519, not 'dsa'", "cluster.example", "s", "--type",
                 "dsa"),
                (USAGE, "from 2048 to 4096", "cluster.example", "s", "--bits", "1024"),
                (USAGE, "--bits goes with --type rsa", "cluster.example", "s", "--type", "ed25519",
                 "--bits", "2048"),
                (USAGE, "'cluster' is not a domain", "cluster", "s"),
                (USAGE, "'s_1' is not a selector", "cluster.example", "s_1"),
                (FAILED, "No such file or directory", "cluster.example", "s", "-o",
                 "no/such/folder.pem")):
            self.assertIn(words, self.teataja("dkim", "keygen", *line, status=status).err)
        self.assertFalse((self.site / "var").exists() and any((self.site / "var").glob("*.pem")))
        self.assertIn("names no key", self.teataja("dkim", "record", status=FAILED).err)
        self.assertIn("is not a site: say with -o FILE",
                      self.teataja("dkim", "keygen", "cluster.example", "s", status=FAILED,
                                   site="").err)

    def send(self, **more):
        write_members(self.folder / "m.csv", [("mari@naide.example", "Mari", "et")])
        self.teataja("member", "import", "m.csv", "--list", "funding", "--source", "test")
        return self.teataja("send", "kiri", **more)

    def test_a_key_that_cannot_be_used_stops_a_letter_before_it_is_queued(self):
        made = self.make_key("cluster.example", "s1", "ed25519")
        config = self.site / "teataja.yaml"
        write(config, config.read_text() + "dkim: { domain: cluster.example, selector: s1, "
                                           f"key_file: {made['key_file']} }}\n")
        (self.site / made["key_file"]).chmod(0o644)
        run = self.teataja("check", status=CONTENT)
        self.assertRegex(run.err, r"teataja\.yaml:\d+:\d+: key_file: others can read or change")
        run = self.send(status=FAILED)
        self.assertIn("the DKIM key of cluster.example: others can read or change", run.err)
        self.assertEqual(self.mailings(), [])
        (self.site / made["key_file"]).chmod(0o640)
        self.assertIn("1 of 1 sent", self.teataja("send", "kiri").out)

    def test_a_sender_without_a_key_is_warned_of_and_sends_unsigned(self):
        made = self.make_key("other.example", "s1", "ed25519")
        config = self.site / "teataja.yaml"
        write(config, config.read_text() + "dkim: { domain: other.example, selector: s1, "
                                           f"key_file: {made['key_file']} }}\n")
        told = self.teataja("check").err
        self.assertIn("no letter comes from other.example", told)
        self.assertEqual(told.count("no key of 'dkim' signs mail from cluster.example"), 2)
        self.send()
        self.assertNotIn(b"DKIM-Signature",
                         mailbox_messages(self.boxes, "mari@naide.example")[0])


if __name__ == "__main__":
    unittest.main()
