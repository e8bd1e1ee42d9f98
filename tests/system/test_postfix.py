"""A real Postfix takes the letters, a real Dovecot keeps them, IMAP reads them back."""

import collections
import email
import email.policy
import re
import unittest

from demo_site import Demo, letter_language, parse
from mail_servers import PASSWORD, Dovecot, Postfix, make_certificate
from support import (DONE, PARTLY, Case, make_folder, query, remove_folder, small_site,
                     write, write_members)

LANGUAGES = ("et", "ru", "en")
BODIES = {"et": "Tere, {}!", "ru": "Здравствуйте, {}!", "en": "Dear {},"}


class Servers(Case):
    """Both servers are started once for all tests; each test has members of its own."""

    @classmethod
    def setUpClass(cls):
        cls.servers = make_folder()
        cls.addClassCleanup(remove_folder, cls.servers)
        cls.dovecot = Dovecot(cls.servers)
        cls.addClassCleanup(cls.dovecot.close)
        boxes = [f"{test}{n}@naide.example" for n in range(60)
                 for test in ("kiri", "tls", "login", "vale", "vanem", "pikk", "paras", "rahutu")]
        cls.postfix = Postfix(cls.servers, boxes)
        cls.addClassCleanup(cls.postfix.close)

    def setUp(self):
        super().setUp()
        self.site = self.folder / "site"

    def make_site(self, prefix, members, relay):
        small_site(self.site)
        config = self.site / "teataja.yaml"
        config.write_text(config.read_text() + "relays:\n" + relay)
        self.people = {f"{prefix}{n}@naide.example": (f"Mari {n}. Õun", LANGUAGES[n % 3])
                       for n in range(members)}
        write_members(self.folder / "m.csv", [(a, *rest) for a, rest in self.people.items()])
        self.teataja("member", "import", "m.csv", "--list", "funding", "--source", "test")

    def plain(self, port, connections=2):
        return (f"  - url: smtp://127.0.0.1:{self.postfix.ports[port]}\n    name: main\n"
                f"    starttls: \"off\"\n    connections: {connections}\n")

    def secured(self, port, authority=None, login="", host="localhost"):
        authority = authority or self.postfix.authority
        return (f"  - url: smtp://{host}:{self.postfix.ports[port]}\n    name: main\n"
                f"    ca_file: {authority}\n{login}")

    def compare_with_ledger(self, mailing=1):
        """Each mailbox over IMAP against the row that the ledger keeps of it."""
        self.postfix.wait_until_empty()
        rows = {row["address"]: row for row in self.rows(mailing)}
        self.assertEqual(set(rows), set(self.people))
        for address, row in rows.items():
            letters = self.dovecot.mailbox(address)
            self.assertEqual(len(letters), 1 if row["state"] == "sent" else 0, (address, row))
            if row["state"] == "sent":
                self.compare_letter(address, row, letters[0])
        return collections.Counter(row["state"] for row in rows.values())

    def compare_letter(self, address, row, raw):
        name, language = self.people[address]
        letter = email.message_from_bytes(raw, policy=email.policy.default)
        self.assertEqual(row["language"], language)
        self.assertEqual(letter["Content-Language"], language)
        self.assertEqual(letter["To"].addresses[0].addr_spec, address)
        text = letter.get_body(("plain",)).get_content()
        self.assertIn(BODIES[language].format(name), text)
        self.assertRegex(letter["Return-Path"], r"^<b-[a-z0-9]+@bounce\.cluster\.example>$")


class Delivery(Servers):
    def test_every_mailbox_holds_what_the_ledger_says(self):
        self.make_site("kiri", 60, self.plain("plain"))
        run = self.teataja("send", "kiri")
        self.assertIn("60 of 60 sent.", run.out)
        self.assertEqual(self.compare_with_ledger(), {"sent": 60})
        paths = {letter["Return-Path"] for letter in
                 (email.message_from_bytes(self.dovecot.mailbox(a)[0]) for a in self.people)}
        self.assertEqual(len(paths), 60, "two letters share an envelope sender")

    def test_starttls_with_a_certificate_that_we_trust(self):
        self.make_site("tls", 9, self.secured("starttls"))
        self.teataja("send", "kiri")
        self.assertEqual(self.compare_with_ledger(), {"sent": 9})
        for raw in (self.dovecot.mailbox(address)[0] for address in self.people):
            self.assertRegex(raw, rb"with ESMTPS|with ESMTPSA")

    def test_login_over_tls(self):
        login = "    user: teataja\n    password: file:secret\n"
        self.make_site("login", 9, self.secured("login", login=login))
        write(self.site / "secret", PASSWORD + "\n").chmod(0o600)
        self.teataja("send", "kiri")
        self.assertEqual(self.compare_with_ledger(), {"sent": 9})
        for raw in (self.dovecot.mailbox(address)[0] for address in self.people):
            self.assertIn(b"with ESMTPSA", raw)

    def test_a_login_that_is_refused(self):
        login = "    user: teataja\n    password: env:TEATAJA_TEST_PASSWORD\n"
        self.make_site("vale", 3, self.secured("login", login=login))
        run = self.teataja("send", "kiri", status=None, TEATAJA_TEST_PASSWORD="guessed-it")
        self.assertNotEqual(run.status, DONE, run)
        self.assertRegex(run.err, "535")
        self.assertNotIn("guessed-it", run.err + run.out)
        self.assertEqual(self.compare_with_ledger(), {"queued": 3})

    def test_without_login_the_relay_refuses_and_nobody_is_blamed(self):
        self.make_site("vale", 3, self.secured("login"))
        self.teataja("send", "kiri", status=PARTLY)
        states = self.compare_with_ledger()
        self.assertEqual(states["sent"], 0)
        self.assertEqual(query(self.site, "SELECT count(*) FROM suppression"), [(0,)])

    def test_no_tls_no_mail_when_starttls_is_taken_away(self):
        self.make_site("vale", 3, self.secured("plain"))
        run = self.teataja("send", "kiri", status=None)
        self.assertNotEqual(run.status, DONE, run)
        self.assertRegex(run.err, "STARTTLS|TLS")
        self.assertEqual(self.compare_with_ledger()["sent"], 0)

    def test_a_certificate_for_another_host_is_refused(self):
        self.make_site("vale", 3, self.secured("elsewhere", host="127.0.0.2"))
        run = self.teataja("send", "kiri", status=None)
        self.assertNotEqual(run.status, DONE, run)
        self.assertRegex(run.err, "(?i)certificate")
        self.assertEqual(self.compare_with_ledger()["sent"], 0)

    def test_a_certificate_that_nobody_vouches_for_is_refused(self):
        other = make_certificate(self.folder, "other")
        self.make_site("vale", 3, self.secured("starttls", other))
        run = self.teataja("send", "kiri", status=None)
        self.assertNotEqual(run.status, DONE, run)
        self.assertRegex(run.err, "(?i)certificate")
        self.assertEqual(self.compare_with_ledger()["sent"], 0)

    def test_unknown_recipients_fail_and_are_not_written_to_again(self):
        self.make_site("vanem", 6, self.plain("plain"))
        for n, ghost in enumerate(("kadunud", "teine")):
            self.teataja("member", "add", f"{ghost}@naide.example", f"name=Kadunud {n}",
                         "language=et", "--list", "funding", "--source", "test")
            self.people[f"{ghost}@naide.example"] = (f"Kadunud {n}", "et")
        run = self.teataja("send", "kiri", status=PARTLY)
        self.assertIn("6 of 8 sent, 2 failed.", run.out)
        self.assertEqual(self.compare_with_ledger(), {"sent": 6, "failed": 2})
        failed = self.rows(1, "failed")
        for row in failed:
            self.assertRegex(row["answer"], r"^550 5\.1\.1 .*User unknown")
        shown = self.teataja("--json", "member", "show", "kadunud@naide.example").json()
        self.assertEqual(shown["status"], "suppressed")
        for ending in (".md", ".ru.md", ".en.md"):
            text = (self.site / f"issues/kiri{ending}").read_text()
            (self.site / f"issues/teine{ending}").write_text(text)
        told = self.teataja("--json", "send", "teine", "--dry-run").json()
        self.assertEqual((told["recipients"], told["others"]["suppressed"]), (6, 2))

    def test_a_refused_sender_counts_against_nobody(self):
        self.make_site("vale", 3, self.plain("strict"))
        run = self.teataja("send", "kiri", status=None)
        self.assertNotEqual(run.status, DONE, run)
        self.assertRegex(run.out + run.err, r"5\.7\.1|Access denied")
        self.assertEqual(self.compare_with_ledger()["sent"], 0)
        self.assertEqual(query(self.site, "SELECT count(*) FROM suppression"), [(0,)])
        shown = self.teataja("--json", "member", "show", "vale0@naide.example").json()
        self.assertEqual(shown["status"], "active")

    def test_a_relay_that_takes_one_connection_gets_them_all_over_it(self):
        self.make_site("pikk", 30, self.plain("few", connections=3))
        self.teataja("send", "kiri")
        self.assertEqual(self.compare_with_ledger(), {"sent": 30})

    def add_ghosts(self, count):
        for n in range(count):
            self.teataja("member", "add", f"kadunud{n}@naide.example", f"name=Kadunud {n}",
                         "language=et", "--list", "funding", "--source", "test")
            self.people[f"kadunud{n}@naide.example"] = (f"Kadunud {n}", "et")

    def assert_tried_once(self):
        self.assertEqual(query(self.site, "SELECT DISTINCT attempts FROM outbox"), [(1,)])

    def test_a_sender_refused_by_rate_waits_and_nobody_is_blamed(self):
        self.make_site("paras", 30, self.plain("paced", connections=1))
        self.add_ghosts(2)
        run = self.teataja("send", "kiri", status=PARTLY)
        self.assertIn("30 of 32 sent, 2 failed.", run.out)
        self.assertTrue("rate limit exceeded" in self.postfix.log())
        self.assertEqual(self.compare_with_ledger(), {"sent": 30, "failed": 2})
        self.assert_tried_once()

    def test_a_relay_that_hangs_up_after_refusals_gets_the_rest_over_new_connections(self):
        self.make_site("rahutu", 12, self.plain("nervous"))
        self.add_ghosts(7)  # of 20 answers such a share would halt the mailing
        run = self.teataja("send", "kiri", status=PARTLY)
        self.assertIn("12 of 19 sent, 7 failed.", run.out)
        self.assertTrue("too many errors" in self.postfix.log())
        self.assertEqual(self.compare_with_ledger(), {"sent": 12, "failed": 7})
        self.assert_tried_once()


class TheDemo(Demo):
    """The demo's letter and its invitation to the forum by way of real servers."""

    def prepare(self):
        super().prepare()
        self.teataja("member", "import", self.site / "members.csv", "--list", "events",
                     "--source", "demo")
        self.dovecot = Dovecot(self.folder)
        self.addCleanup(self.dovecot.close)
        self.postfix = Postfix(self.folder, list(self.members))
        self.addCleanup(self.postfix.close)
        config = self.site / "teataja.yaml"
        write(config, re.sub(r"smtp://127\.0\.0\.1:\d+",
                             f"smtp://127.0.0.1:{self.postfix.ports['plain']}",
                             config.read_text()))
        self.teataja("send", self.issue)
        self.teataja("event", "invite", self.event)
        self.postfix.wait_until_empty()
        self.boxes_read = {address: [parse(raw) for raw in self.dovecot.mailbox(address)]
                           for address in self.members}

    def by_member(self, mailing):
        """What came of a mailing: {address: [message]}."""
        (uid,), = query(self.site, "SELECT uid FROM mailing WHERE id = ?", mailing)
        return {address: [m for m in found if uid in m["Message-ID"]]
                for address, found in self.boxes_read.items()}

    def test_each_mailbox_holds_what_the_ledger_says(self):
        for mailing in (1, 2):
            rows = {row["address"]: row for row in self.rows(mailing)}
            self.assertEqual({row["state"] for row in rows.values()}, {"sent"})
            for address, messages in self.by_member(mailing).items():
                self.assertEqual(len(messages), 1 if address in rows else 0, address)
                for message in messages:
                    self.assertEqual(message["Content-Language"], rows[address]["language"])
        self.assertEqual(sum(len(found) for found in self.boxes_read.values()),
                         len(self.rows(1)) + len(self.rows(2)))

    def test_letters_are_in_the_members_languages(self):
        for address, messages in self.by_member(1).items():
            for message in messages:
                self.assertEqual(message["Content-Language"],
                                 letter_language(self.members[address]["languages"]))

    def test_invitations_are_for_one_person_each(self):
        invited = 0
        for address, messages in self.by_member(2).items():
            for message in messages:
                calendar = next(part.get_payload(decode=True).decode()
                                for part in message.walk()
                                if part.get_content_type() == "text/calendar")
                unfolded = calendar.replace("\r\n ", "")
                self.assertEqual(re.findall(r"(?m)^ATTENDEE.*:mailto:(.*)\r$", unfolded),
                                 [address])
                invited += 1
        self.assertGreater(invited, 40)


if __name__ == "__main__":
    unittest.main()
