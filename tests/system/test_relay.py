"""What the ledger makes of a relay's answers, and what is frozen when it is queued."""

import contextlib
import os
import pty
import sqlite3
import subprocess
import unittest

from demo_site import parse
from support import (DONE, FAILED, PARTLY, Case, SlowServer, environment, query, small_site, write,
                     write_members)


class Small(Case):
    """Six members, a letter, and a server that says what the test wants."""

    def setUp(self):
        super().setUp()
        self.server = SlowServer()
        self.addCleanup(self.server.close)
        self.site = small_site(self.folder / "site", self.server.port)
        self.everyone = [f"liige{n}@naide.example" for n in range(6)]
        write_members(self.folder / "m.csv", [(a, f"Liige {a[5]}", "et") for a in self.everyone])
        self.teataja("member", "import", "m.csv", "--list", "funding", "--source", "test")

    def refuse(self, stage, address, reply):
        """The server says so at this stage to this recipient; other words to others."""
        self.server.answers = lambda at, argument: (
            reply if at == stage and address in argument else None)

    def row(self, address):
        return next(row for row in self.rows(1) if row["address"] == address)


class Answers(Small):
    def test_a_temporary_refusal_is_tried_again_later_and_not_before(self):
        self.refuse("RCPT", "liige2@", "451 4.7.1 greylisted, come back")
        run = self.teataja("send", "kiri", status=PARTLY)
        self.assertIn("5 of 6 sent, 1 deferred.", run.out)
        self.assertIn("may be tried again at", run.out)
        self.assertEqual(self.row("liige2@naide.example")["state"], "deferred")
        self.assertIn("451 4.7.1 greylisted", self.row("liige2@naide.example")["answer"])
        self.server.answers = lambda *_: None
        self.teataja("mailing", "resume", "1", status=PARTLY)
        self.assertEqual(len(self.server.taken), 5)
        with contextlib.closing(sqlite3.connect(self.site / "var/teataja.db")) as db, db:
            db.execute("UPDATE outbox SET next_at = 0 WHERE state = 'deferred'")
        self.teataja("mailing", "resume", "1", status=DONE)
        self.assertEqual(sorted(self.server.addresses()), self.everyone)

    def test_a_refusal_for_policy_is_our_fault_and_can_be_sent_again(self):
        self.refuse("RCPT", "liige3@", "554 5.7.1 we do not like your letters")
        run = self.teataja("send", "kiri", status=PARTLY)
        self.assertIn("1 failed", run.out)
        self.assertIn("teataja mailing show 1 --state failed", run.out)
        shown = self.teataja("--json", "member", "show", "liige3@naide.example").json()
        self.assertEqual(shown["status"], "active")
        self.server.answers = lambda *_: None
        self.teataja("mailing", "resend", "1", "--failed", status=DONE)
        self.assertEqual(sorted(self.server.addresses()), self.everyone)

    def test_a_mailbox_that_is_gone_gets_nothing_any_more(self):
        self.refuse("RCPT", "liige4@", "550 5.1.1 no such user")
        self.teataja("send", "kiri", status=PARTLY)
        shown = self.teataja("--json", "member", "show", "liige4@naide.example").json()
        self.assertEqual(shown["status"], "suppressed")
        self.teataja("mailing", "resend", "1", "--failed", status=None)
        self.assertNotIn("liige4@naide.example", self.server.addresses())

    def test_a_refusal_of_the_letter_names_the_answer(self):
        self.refuse("DOT", "liige1@", "552 5.3.4 too big for us")
        self.teataja("send", "kiri", status=PARTLY)
        row = self.row("liige1@naide.example")
        self.assertEqual(row["state"], "failed")
        self.assertIn("552 5.3.4 too big for us", row["answer"])
        self.assertEqual(query(self.site, "SELECT count(*) FROM suppression"), [(0,)])

    def test_what_is_queued_is_frozen(self):
        run = self.teataja("send", "kiri", "--queue")
        self.assertIn("Queued 6 messages as mailing 1.", run.out)
        self.assertEqual(self.server.taken, [])
        path = self.site / "issues/kiri.md"
        write(path, path.read_text().replace("Rahastus detsembris", "Hoopis muu")
              .replace("Siin on uudised", "Siin on midagi muud"))
        self.teataja("mailing", "resume", "1")
        for _, message in self.server.taken:
            letter = parse(message)
            self.assertEqual(letter["Subject"], "Rahastus detsembris")
            self.assertIn("Siin on uudised", letter.get_body(("plain",)).get_content())

    def test_who_is_erased_while_the_letter_waits_gets_nothing(self):
        self.teataja("send", "kiri", "--queue")
        self.teataja("--yes", "member", "erase", "liige5@naide.example")
        self.teataja("mailing", "resume", "1")
        self.assertEqual(sorted(self.server.addresses()), self.everyone[:5])

    def test_a_member_who_moves_gets_the_next_letter_at_the_new_address(self):
        self.teataja("member", "change-address", "liige0@naide.example", "uus@naide.example")
        self.teataja("send", "kiri")
        self.assertIn("uus@naide.example", self.server.addresses())
        self.assertNotIn("liige0@naide.example", self.server.addresses())

    def test_each_message_goes_to_one_recipient_with_a_sender_of_its_own(self):
        senders = []
        self.server.answers = lambda at, argument: (
            senders.append(argument) if at == "MAIL" else None)
        self.teataja("send", "kiri")
        self.assertEqual([len(recipients) for recipients, _ in self.server.taken], [1] * 6)
        tokens = {sender.partition("<")[2].partition(">")[0] for sender in senders}
        self.assertEqual(len(tokens), 6)
        for token in tokens:
            self.assertRegex(token, r"^b-[a-z0-9]{1,62}@bounce\.cluster\.example$")

    def test_several_connections_send_everything_once(self):
        many = [(f"palju{n}@naide.example", f"Liige {n}", "et") for n in range(100)]
        write_members(self.folder / "many.csv", many)
        self.teataja("member", "import", "many.csv", "--list", "funding", "--source", "test")
        self.teataja("send", "kiri", "--connections", "4")
        self.assertEqual(sorted(self.server.addresses()),
                         sorted(self.everyone + [address for address, *_ in many]))

    def test_a_pipe_gets_no_progress_bar_and_json_nothing_else(self):
        run = self.teataja("--json", "send", "kiri")
        self.assertEqual(run.err, "")
        told = run.json()
        self.assertEqual((told["mailing"], told["total"], told["sent"]), (1, 6, 6))
        self.teataja("send", "kiri", status=FAILED)


class Terminal(Small):
    """At a terminal there is a bar, and colour unless NO_COLOR says no."""

    def at_terminal(self, *arguments, **env):
        """What the program shows on a terminal of its own."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(self.command(*arguments, site=self.site), stdin=theirs,
                                   stdout=theirs, stderr=theirs, cwd=self.folder,
                                   env=environment(TERM="xterm", **env))
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):
            while chunk := os.read(ours, 65536):
                shown += chunk
        os.close(ours)
        process.wait(60)
        return shown.decode()

    def test_progress_is_shown(self):
        self.server.pause = 0.1
        shown = self.at_terminal("send", "kiri")
        self.assertRegex(shown, r"\r\[#+ *\] \d/6  \d+/s")
        self.assertIn("6 of 6 sent.", shown)

    def test_colour_is_for_terminals_and_can_be_refused(self):
        self.assertIn("\033[31m", self.at_terminal("send", "puudub"))
        self.assertNotIn("\033[", self.at_terminal("send", "puudub", NO_COLOR="1"))
        self.assertNotIn("\033[", self.teataja("send", "puudub", status=FAILED).err)


if __name__ == "__main__":
    unittest.main()
