"""SIGKILL at any system call, at any time, before another boot, beside a stopped
process, and power cuts: nobody is lost, and every double was named before."""

import collections
import contextlib
import email
import os
import random
import re
import shutil
import signal
import sqlite3
import threading
import time
import unittest

import power
import syscalls
from support import (DONE, PARTLY, environment, mailbox_messages, query, small_site, stop,
                     wait_for, write, write_members)
from witness import Ledger, WitnessCase

LONG = bool(os.environ.get("TEATAJA_LONG"))
CLAIM = 16  # rows of one claim: what a power cut puts in doubt for each connection
ANOTHER_BOOT = "00000000-0000-4000-8000-000000000000"


def boot_anew(site):
    """What the ledger's workers look like once the machine has been started again."""
    with contextlib.closing(sqlite3.connect(site / "var/teataja.db")) as db, db:
        db.execute("UPDATE worker SET boot = ?", (ANOTHER_BOOT,))


def integrity(site):
    return query(site, "PRAGMA integrity_check")


class EverySyscall(WitnessCase):
    MEMBERS = 20

    def setUp(self):
        super().setUp()
        self.make_fixture(self.MEMBERS, 1)
        self.doubles = 0

    def send(self, number, *options):
        """Sends, and is killed at the syscall of that number; the number of calls made."""
        self.site = self.fixture.fresh()
        _, entered = syscalls.kill_at(self.command("send", "kiri", *options, site=self.site),
                                      number, environment(ASAN_OPTIONS="detect_leaks=0"),
                                      self.folder)
        self.server.settle()
        return entered

    def go_on(self, *options):
        """What a person does after a crash."""
        state = Ledger(self.site).state() if self.database_has_tables() else None
        if state in (None, "expanding"):
            self.teataja("send", "kiri", *options)
        else:
            self.teataja("mailing", "resume", "1", status=None)
        self.server.settle()

    def database_has_tables(self):
        return bool(query(self.site, "SELECT 1 FROM sqlite_schema WHERE name = 'mailing'"))

    def sweep(self, check, *options):
        total = self.send(0, *options)
        self.assertEqual(len(self.server.taken), self.MEMBERS)
        # The early calls only load the program and read the site: the sample begins where
        # the first write is due.
        numbers = range(1, total + 1) if LONG else spread(total // 4, total, 30)
        for number in numbers:
            with self.subTest(syscall=number, of=total):
                self.send(number, *options)
                before = collections.Counter(self.server.addresses())
                self.go_on(*options)
                check(before)
        print(f"{len(numbers)} kills in {total} syscalls {options}: {self.doubles} doubles",
              flush=True)

    def test_a_kill_at_a_syscall_loses_nobody(self):
        def check(_):
            ledger = Ledger(self.site)
            self.assert_everybody_has_it(ledger)
            doubles = self.assert_doubles_were_named(ledger)
            self.assertLessEqual(doubles, 1)
            self.assertLessEqual(len(ledger.doubts), 1)
            self.doubles += doubles
        self.sweep(check)

    def test_a_kill_at_a_syscall_with_hold_doubles_nobody(self):
        def check(before):
            ledger = Ledger(self.site)
            counts = collections.Counter(self.server.addresses())
            unknown = ledger.addresses("unknown")
            self.assertLessEqual(len(unknown), 1)
            self.assertEqual(set(counts.values()), {1}, "a double in spite of --hold")
            self.assertEqual(ledger.addresses("sent"), self.everyone - unknown)
            self.assertLessEqual(set(ledger.addresses("sent")), set(counts))
            self.assertLessEqual(self.everyone - set(counts), unknown, "lost and not named")
            self.assertEqual(set(ledger.doubts), unknown)
            self.assertEqual(ledger.state(), "held" if unknown else "sent")
            self.assertLessEqual(set(before), set(counts))
        self.sweep(check, "--hold")


def spread(first, last, count):
    """So many numbers from first to last, evenly."""
    count = min(count, last - first + 1)
    return sorted({first + round(n * (last - first) / (count - 1)) for n in range(count)})


class RandomKills(WitnessCase):
    KILLS = 2000 if LONG else 100
    MEMBERS = 20_000 if LONG else 1500
    CONNECTIONS = 4

    def setUp(self):
        super().setUp()
        self.maildir = self.folder / "post"
        self.site = small_site(self.folder / "site", self.sink(self.maildir), self.CONNECTIONS)
        self.everyone = {f"liige{n}@naide.example" for n in range(self.MEMBERS)}
        write_members(self.folder / "m.csv", [(address, "Liige", "et")
                                              for address in sorted(self.everyone)])
        self.teataja("member", "import", "m.csv", "--list", "funding", "--source", "test")

    def kill_after(self, seconds, *verb):
        """Starts the verb and kills it; False if it had ended by then."""
        process = self.start(*verb)
        with contextlib.suppress(Exception):
            process.wait(seconds)
        killed = process.poll() is None
        if killed:
            process.kill()
        process.communicate(timeout=60)
        return killed

    def test_random_kills_lose_nobody(self):
        seed = random.randrange(2 ** 32)
        dice = random.Random(seed)
        kills = mailings = doubts = doubles = 0
        print(f"seed {seed}", flush=True)
        while kills < self.KILLS:
            mailings += 1
            self.new_issue(mailings)
            self.teataja("send", f"kiri{mailings}", "--queue")
            known = 0
            while kills < self.KILLS and self.kill_after(
                    dice.uniform(0.01, 0.3), "mailing", "resume", str(mailings)):
                kills += 1
                known = self.assert_bounded(mailings, known)
            self.teataja("mailing", "resume", str(mailings), status=None)
            if Ledger(self.site, mailings).addresses("unknown"):
                self.teataja("mailing", "resend", str(mailings), "--unknown")
            told, twice = self.compare(mailings)
            shutil.rmtree(self.maildir)
            self.maildir.mkdir()
            doubts += told
            doubles += twice
        print(f"{kills} kills of {mailings} sends to {self.MEMBERS}: 0 lost, {doubts} in doubt, "
              f"{doubles} doubles", flush=True)

    def new_issue(self, number):
        for path in sorted((self.site / "issues").glob("kiri.*")):
            text = path.read_text().replace("subject: ", f"subject: {number} ", 1)
            write(path.with_name(path.name.replace("kiri.", f"kiri{number}.")), text)

    def assert_bounded(self, mailing, known):
        """A kill puts at most one row of each connection in doubt."""
        in_doubt = query(self.site, "SELECT count(*) FROM outbox WHERE mailing = ? "
                                    "AND state = 'committing'", mailing)[0][0]
        self.assertLessEqual(in_doubt, self.CONNECTIONS)
        noted = query(self.site, "SELECT count(*) FROM attempt a JOIN outbox o ON o.id = a.outbox "
                                 "WHERE o.mailing = ? AND a.stage = 'recovery'", mailing)[0][0]
        # What this run recovered is the doubt of the one before.
        self.assertLessEqual(noted - known, self.CONNECTIONS)
        return noted

    def compare(self, mailing):
        """Holds the Maildirs against the ledger; how many were in doubt, and doubled."""
        ledger = Ledger(self.site, mailing)
        self.assertEqual(ledger.addresses("sent"), self.everyone)
        rows = dict(query(self.site, "SELECT id, address FROM outbox WHERE mailing = ?", mailing))
        uid = query(self.site, "SELECT uid FROM mailing WHERE id = ?", mailing)[0][0]
        copies = collections.Counter()
        bytes_of = {}
        for address, messages in mailbox_messages(self.maildir).items():
            for message in messages:
                head = email.message_from_bytes(message.partition(b"\r\n\r\n")[0])
                if uid not in head["Message-ID"]:
                    continue
                row = row_of(head["Message-ID"], uid)
                self.assertEqual(rows[row], address, "a message of another row")
                self.assertEqual(bytes_of.setdefault(row, message), message, "a copy differs")
                copies[address] += 1
        self.assertEqual(set(copies), self.everyone, "somebody is lost")
        doubles = {address for address, count in copies.items() if count > 1}
        for address in doubles:
            self.assertLessEqual(copies[address] - 1, len(ledger.doubts.get(address, [])),
                                 f"{address}: a double that nobody was told of")
        return len(ledger.doubts), sum(copies[address] - 1 for address in doubles)


def row_of(message_id, uid):
    """The row's number, which the Message-ID holds."""
    found = re.search(rf"<(?:{uid}\.(\d+)|(\d+)\.{uid})", message_id)
    return int(found.group(1) or found.group(2))


class OtherBoot(WitnessCase):
    MEMBERS = 120
    CONNECTIONS = 3

    def setUp(self):
        super().setUp()
        self.make_fixture(self.MEMBERS, self.CONNECTIONS, pause=0.01)
        self.site = self.fixture.fresh()

    def kill_after_messages(self, count, *verb):
        process = self.start(*verb)
        wait_for(f"{count} messages", lambda: len(self.server.taken) >= count)
        process.kill()
        process.communicate(timeout=60)
        self.server.settle()

    def test_after_another_boot_whole_claims_are_in_doubt(self):
        self.kill_after_messages(30, "send", "kiri", "--hold")
        held = Ledger(self.site).addresses("claimed", "committing")
        boot_anew(self.site)
        self.teataja("mailing", "list")
        ledger = Ledger(self.site)
        self.assertEqual(ledger.addresses("unknown"), held)
        self.assertEqual(set(ledger.doubts), held)
        self.assertLessEqual(len(held), CLAIM * self.CONNECTIONS)
        self.assertGreater(len(held), self.CONNECTIONS)
        self.teataja("mailing", "resume", "1", status=PARTLY)
        self.assertEqual(Ledger(self.site).addresses("sent"), self.everyone - held)
        self.assertEqual(set(collections.Counter(self.server.addresses()).values()), {1})
        self.teataja("mailing", "resend", "1", "--unknown")
        ledger = Ledger(self.site)
        self.assert_everybody_has_it(ledger)
        self.assert_doubles_were_named(ledger)

    def test_after_another_boot_the_doubtful_are_named_and_sent_again(self):
        self.kill_after_messages(30, "send", "kiri")
        boot_anew(self.site)
        self.teataja("mailing", "resume", "1")
        ledger = Ledger(self.site)
        self.assert_everybody_has_it(ledger)
        self.assertLessEqual(self.assert_doubles_were_named(ledger), CLAIM * self.CONNECTIONS)


class Stopped(WitnessCase):
    MEMBERS = 120
    CONNECTIONS = 2

    def setUp(self):
        super().setUp()
        self.make_fixture(self.MEMBERS, self.CONNECTIONS)
        self.site = self.fixture.fresh()
        self.gate = threading.Event()
        self.addCleanup(self.gate.set)
        self.server.answers = self.answer
        self.waiting = 0

    def answer(self, stage, _):
        """The first two connections wait at their tenth final dot."""
        if stage == "DOT" and len(self.server.taken) >= 10 and self.waiting < self.CONNECTIONS:
            self.waiting += 1
            self.gate.wait(60)

    def test_a_stopped_worker_is_never_overtaken(self):
        process = self.start("send", "kiri")
        wait_for("two that wait", lambda: self.waiting == self.CONNECTIONS)
        time.sleep(0.1)  # the ledger's thread has nothing to do any more
        process.send_signal(signal.SIGSTOP)
        held = Ledger(self.site).addresses("claimed", "committing")
        self.assertGreaterEqual(len(held), self.CONNECTIONS)
        run = self.teataja("mailing", "resume", "1", status=PARTLY)
        self.assertIn("waiting", run.out)
        ledger = Ledger(self.site)
        self.assertEqual(ledger.addresses("claimed", "committing"), held, "a row was taken away")
        self.assertEqual(ledger.addresses("sent"), self.everyone - held)
        self.assertEqual(ledger.state(), "sending")
        self.gate.set()
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, DONE, out + err)
        ledger = Ledger(self.site)
        self.assert_everybody_has_it(ledger)
        self.assertEqual(len(self.server.taken), self.MEMBERS, "a double")
        self.assertFalse(ledger.doubts)
        self.assertEqual(ledger.state(), "sent")


class PowerCut(WitnessCase):
    MEMBERS = 60
    CONNECTIONS = 2
    CUTS = 200 if LONG else 40

    def setUp(self):
        super().setUp()
        self.make_fixture(self.MEMBERS, self.CONNECTIONS)

    def record(self, *verb):
        """The verb's writes, in order, and what it put on the wire between them."""
        trace = self.folder / "trace"
        self.teataja(*verb, prefix=power.prefix(trace), ASAN_OPTIONS="detect_leaks=0")
        self.server.settle()
        return power.read(trace, self.site / "var")

    def test_a_power_cut_loses_nobody(self):
        seed = random.randrange(2 ** 32)
        dice = random.Random(seed)
        print(f"seed {seed}", flush=True)
        self.site = self.fixture.fresh()
        # As it was queued: from here on the letter has to reach everybody.
        self.teataja("send", "kiri", "--queue")
        start = self.folder / "start"
        shutil.copytree(self.site, start)
        self.sound = integrity(start)
        events = self.record("mailing", "resume", "1")
        self.assertEqual(len(self.server.taken), self.MEMBERS)
        doubles = doubts = 0
        for at in spread(1, len(events), self.CUTS):
            with self.subTest(seed=seed, cut=at, of=len(events)):
                shutil.rmtree(self.site)
                shutil.copytree(start, self.site)
                delivered = power.cut(events[:at], self.site / "var", dice)
                told, twice = self.go_on(delivered)
                doubts += told
                doubles += twice
        print(f"{self.CUTS} power cuts in {len(events)} events: {doubts} in doubt, {doubles} "
              "doubles", flush=True)

    def go_on(self, delivered):
        self.assertEqual(len(self.teataja("--json", "member", "list").json()), self.MEMBERS)
        boot_anew(self.site)
        before = Ledger(self.site)
        self.assertEqual(before.addresses(), self.everyone, "a recipient's row is gone")
        self.assertLessEqual(before.addresses("sent"), delivered, "sent, says the ledger alone")
        self.server.forget()
        self.teataja("mailing", "resume", "1")
        self.server.settle()
        ledger = Ledger(self.site)
        again = set(self.server.addresses())
        self.assertEqual(ledger.addresses("sent"), self.everyone)
        self.assertEqual(delivered | again, self.everyone, "somebody is lost")
        self.assertEqual(len(again), len(self.server.taken), "twice in one run")
        self.assertLessEqual(delivered & again, set(ledger.doubts),
                             "a double that nobody was told of")
        self.assertLessEqual(len(ledger.doubts), CLAIM * self.CONNECTIONS)
        # SQLite 3.40 complains of WITHOUT ROWID tables that are as they should be.
        self.assertEqual(integrity(self.site), self.sound)
        return len(ledger.doubts), len(delivered & again)


if __name__ == "__main__":
    unittest.main()
