"""Several relays, what they allow, and what is done with a mailing on its way."""

import collections
import contextlib
import json
import os
import random
import signal
import socket
import sqlite3
import time
import unittest

from support import DONE, FAILED, PARTLY, Case, SlowServer, query, small_site, wait_for, \
    write, write_members
from witness import Ledger, WitnessCase

LONG = bool(os.environ.get("TEATAJA_LONG"))


def free_port():
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def configure(site, *lines):
    """Adds lines to teataja.yaml: it ends with the last relay's keys."""
    path = site / "teataja.yaml"
    write(path, path.read_text() + "".join(line + "\n" for line in lines))


def execute(site, sql, *values):
    with contextlib.closing(sqlite3.connect(site / "var/teataja.db", timeout=30)) as db, db:
        return db.execute(sql, values).rowcount


class Limits(WitnessCase):
    """The server's clock decides whether a limit was kept."""

    def setUp(self):
        super().setUp()
        self.dots = []

    def open_site(self, members, *lines, connections=2):
        self.make_fixture(members, connections)
        self.server.answers = self.note
        self.site = self.fixture.fresh()
        configure(self.site, *lines)

    def note(self, stage, _):
        """The instant at which a whole message has come, before it is answered."""
        if stage == "DOT":
            self.dots.append(time.time_ns())

    def assert_limit(self, count, seconds):
        dots = sorted(self.dots)
        shortest = min((after - before for before, after in zip(dots, dots[count:])),
                       default=seconds * 10**9)
        self.assertGreaterEqual(shortest, seconds * 10**9,
                                f"{count + 1} messages in {shortest / 1e9:.3f} s")

    def test_no_window_has_more_with_two_processes_and_across_kills(self):
        members = 1200 if LONG else 240
        self.open_site(members, "    limits: [{ rate: 40/s, reserve: 5 }, 100000/day]")
        self.server.pause = 0.005
        self.teataja("send", "kiri", "--queue")
        chance = random.Random(4)
        processes = [None, None]
        kills = 0
        ends = time.time() + 300
        while Ledger(self.site).state() != "sent" and time.time() < ends:
            for n in range(2):
                if processes[n] is None or processes[n].poll() is not None:
                    if processes[n] is not None:
                        processes[n].communicate()
                    processes[n] = self.start("mailing", "resume", "1")
            time.sleep(chance.uniform(0.2, 0.9))
            if kills < members // 20:
                victim = processes[chance.randrange(2)]
                if victim.poll() is None:
                    victim.send_signal(signal.SIGKILL)
                    kills += 1
        for process in processes:
            process.communicate(timeout=60)
        self.server.settle()
        self.assertGreater(kills, 4)
        self.assert_limit(35, 1)
        ledger = Ledger(self.site)
        self.assert_everybody_has_it(ledger)
        self.assert_doubles_were_named(ledger)
        # Slow because of the limit, not because of what it costs to keep it.
        self.assertEqual(query(self.site, "SELECT count(*), coalesce(sum(held), 0) FROM worker"),
                         [(0, 0)])

    def test_a_letter_waits_for_its_limit_and_says_when_the_rest_goes(self):
        self.open_site(20, "    limits: [8/min]", connections=1)
        process = self.start("send", "kiri")
        self.addCleanup(process.communicate)
        wait_for("the first of them", lambda: len(self.server.taken) == 8)
        time.sleep(0.5)
        self.assertEqual(len(self.server.taken), 8)
        process.send_signal(signal.SIGINT)
        out, _ = (text.decode() for text in process.communicate(timeout=30))
        self.assertEqual(process.returncode, PARTLY)
        self.assertRegex(out, r"8 sent; the relay's limits let the rest go from \d{4}-\d\d-\d\d "
                              r"\d\d:\d\d UTC, the last at")
        self.assertIn("Stopped between messages.", out)
        # Another process finds them used up as well.
        other = self.start("mailing", "resume", "1")
        time.sleep(1)
        other.send_signal(signal.SIGINT)
        other.communicate(timeout=30)
        self.assertEqual(len(self.server.taken), 8)

    def test_a_dry_run_tells_when_the_last_letter_goes_and_which_deadline_is_over(self):
        self.open_site(20, "    limits: [5/day]", connections=1)
        soon = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 2 * 86400))
        path = self.site / "calls/kultuur.md"
        later = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 40 * 86400))
        write(path, path.read_text().replace(later, soon))
        run = self.teataja("send", "kiri", "--dry-run")
        self.assertIn("The limits of relay 'main' let 5 go now, the rest from", run.out)
        self.assertIn("before the last one is out", run.out)
        told = self.teataja("--json", "send", "kiri", "--dry-run").json()["forecast"]
        self.assertEqual(told["first"], 5)
        self.assertAlmostEqual(told["last_at"] / 1e6, time.time() + 3 * 86400, delta=3600)
        self.assertEqual(len(told["late"]), 1)

    def test_wrong_limits_are_told_by_check(self):
        self.open_site(1, "    limits: [{ rate: 60/hour, reserve: 60 }, 10/min, 20/min]")
        run = self.teataja("check", status=3)
        self.assertIn("reserve: 60 of 60 leaves nothing for letters", run.out + run.err)
        self.assertIn("two limits of the same length of time", run.out + run.err)


class Small(Case):
    """Members, a letter, and two servers of which the first may be away."""

    members = 30

    def setUp(self):
        super().setUp()
        self.server = SlowServer()
        self.addCleanup(self.server.close)
        self.everyone = [f"liige{n:02}@naide.example" for n in range(self.members)]
        write_members(self.folder / "m.csv", [(a, "Liige", "et") for a in self.everyone])

    def open_site(self, port, *lines):
        self.site = small_site(self.folder / "site", port)
        configure(self.site, *lines)
        self.teataja("member", "import", "m.csv", "--list", "funding", "--source", "test")

    def second(self):
        return ["  - name: second", f"    url: smtp://127.0.0.1:{self.server.port}",
                '    starttls: "off"']


class Failover(Small):
    def test_the_next_relay_takes_over_when_the_first_is_down(self):
        self.open_site(free_port(), *self.second())
        self.teataja("send", "kiri")
        self.assertEqual(sorted(self.server.addresses()), self.everyone)
        self.assertEqual(query(self.site, "SELECT DISTINCT relay FROM outbox"), [("second",)])
        ((relay, failures),) = query(self.site, "SELECT relay, failures FROM relay_state")
        self.assertEqual((relay, failures), ("main", 1))

    def test_the_next_relay_takes_over_when_the_first_refuses_the_sender(self):
        first = SlowServer(answers=lambda stage, _: "550 5.7.1 not you" if stage == "MAIL" else None)
        self.addCleanup(first.close)
        self.open_site(first.port, *self.second())
        self.teataja("send", "kiri")
        self.assertEqual(sorted(self.server.addresses()), self.everyone)

    def test_the_next_relay_takes_what_the_first_one_s_limit_leaves(self):
        first = SlowServer()
        self.addCleanup(first.close)
        self.open_site(first.port, "    limits: [10/hour]", *self.second())
        self.teataja("send", "kiri")
        self.assertEqual((len(first.taken), len(self.server.taken)), (10, 20))

    def test_a_relay_that_was_asked_for_stands_alone(self):
        self.open_site(free_port(), *self.second())
        self.teataja("send", "kiri", "--relay", "main", status=FAILED)
        self.assertEqual(self.server.taken, [])
        self.teataja("mailing", "resume", "1", "--relay", "second")
        self.assertEqual(sorted(self.server.addresses()), self.everyone)


class Halting(Small):
    members = 60

    def refuse_every(self, nth):
        count = collections.Counter()

        def answer(stage, argument):
            count[stage] += 1
            return ("550 5.7.1 we do not like it"
                    if stage == "RCPT" and count[stage] % nth == 0 else None)
        self.server.answers = answer

    def test_a_mailing_that_is_refused_too_often_is_held_until_somebody_looks(self):
        self.open_site(self.server.port)
        self.refuse_every(4)
        run = self.teataja("send", "kiri", status=PARTLY)
        self.assertRegex(run.out, r"It was halted: \d+ of \d+ were refused for good")
        self.assertLess(len(self.server.taken), 45)
        told = self.teataja("--json", "mailing", "resume", "1", "--connections", "1", status=None)
        del told
        states = dict(query(self.site, "SELECT state, count(*) FROM outbox GROUP BY state"))
        self.assertEqual(sum(states.values()), self.members)

    def test_a_threshold_that_is_not_passed_halts_nothing(self):
        self.open_site(self.server.port, "delivery: { halt_after: 40% }")
        self.refuse_every(4)
        run = self.teataja("send", "kiri", status=PARTLY)
        self.assertIn("45 of 60 sent, 15 failed", run.out)
        self.assertEqual(query(self.site, "SELECT state FROM mailing"), [("sent",)])


class PuttingOff(Small):
    members = 40

    def test_a_domain_that_puts_three_off_is_left_alone(self):
        self.open_site(self.server.port)
        asked = []

        def answer(stage, argument):
            if stage == "RCPT":
                asked.append(argument)
                return "451 4.4.1 no route to host"
            return None
        self.server.answers = answer
        self.teataja("send", "kiri", status=PARTLY)
        self.assertLess(len(asked), 8)
        self.assertEqual(query(self.site, "SELECT state, count(*) FROM outbox GROUP BY state"),
                         [("deferred", 40)])
        ((failures, until),) = query(self.site, "SELECT failures, paused_until FROM domain_state")
        self.assertAlmostEqual(until / 1e6, time.time() + 300, delta=30)
        # The first to be tried again decides for the others, and the pause grows.
        execute(self.site, "UPDATE outbox SET next_at = 0")
        execute(self.site, "UPDATE domain_state SET paused_until = 0")
        asked.clear()
        self.teataja("mailing", "resume", "1", status=PARTLY)
        self.assertLess(len(asked), 5)
        ((again, until),) = query(self.site, "SELECT failures, paused_until FROM domain_state")
        self.assertEqual(again, failures + 1)
        self.assertAlmostEqual(until / 1e6, time.time() + 900, delta=30)
        # Once it takes letters again nothing is left of it.
        self.server.answers = lambda *_: None
        execute(self.site, "UPDATE outbox SET next_at = 0")
        execute(self.site, "UPDATE domain_state SET paused_until = 0")
        self.teataja("mailing", "resume", "1")
        self.assertEqual(sorted(self.server.addresses()), self.everyone)
        self.assertEqual(query(self.site, "SELECT * FROM domain_state"), [])

    def test_who_was_put_off_for_too_long_fails_with_the_last_answer(self):
        self.open_site(self.server.port, "delivery: { max_age: 1 hour }")
        self.server.answers = lambda stage, argument: (
            "452 4.2.2 over quota" if stage == "RCPT" and "liige07@" in argument else None)
        self.teataja("send", "kiri", status=PARTLY)
        execute(self.site, "UPDATE outbox SET next_at = 0 WHERE state = 'deferred'")
        execute(self.site, "UPDATE attempt SET at = at - 3600 * 1000000")
        self.teataja("mailing", "resume", "1", status=PARTLY)
        self.assertEqual(query(self.site, "SELECT address, reply FROM outbox WHERE state = 'failed'"),
                         [("liige07@naide.example", "over quota")])


class Verbs(Small):
    members = 20

    def test_a_mailing_is_paused_and_goes_on(self):
        self.open_site(self.server.port)
        self.teataja("send", "kiri", "--queue")
        self.assertIn("is paused", self.teataja("mailing", "pause", "1").out)
        self.assertIn("cannot become paused", self.teataja("mailing", "pause", "1",
                                                           status=FAILED).err)
        self.teataja("mailing", "resume", "1")
        self.assertEqual(sorted(self.server.addresses()), self.everyone)

    def test_a_pause_ends_a_send_that_waits_for_its_limit(self):
        self.open_site(self.server.port, "    limits: [8/min]")
        for verb, state, status in (("pause", "paused", PARTLY), ("cancel", "cancelled", DONE)):
            with self.subTest(verb=verb):
                process = self.start("send", "kiri")
                wait_for("the first of them", lambda: len(self.server.taken) == 8)
                time.sleep(0.5)
                self.teataja("mailing", verb, "1", "--yes")
                begun = time.monotonic()
                out, _ = process.communicate(timeout=30)
                self.assertLess(time.monotonic() - begun, 2)
                self.assertEqual(process.returncode, status)
                self.assertIn(f"Mailing 1 (issues/kiri) is {state}: 8 of 20 sent", out.decode())
            self.server.taken.clear()
            self.open_site(self.server.port, "    limits: [8/min]")
            (self.site / "var/teataja.db").unlink()
            self.teataja("member", "import", "m.csv", "--list", "funding", "--source", "test")

    def test_a_mailing_is_cancelled_only_after_yes(self):
        self.open_site(self.server.port)
        self.teataja("send", "kiri", "--queue")
        run = self.teataja("mailing", "cancel", "1", "--dry-run")
        self.assertIn("0 of 20 have it; 20 would not get it", run.out)
        self.teataja("mailing", "cancel", "1", status=FAILED)
        told = self.teataja("--yes", "--json", "mailing", "cancel", "1").json()
        self.assertEqual((told["state"], told["suppressed"]), ("cancelled", 20))
        self.teataja("mailing", "resume", "1", status=FAILED)
        self.assertEqual(self.server.taken, [])

    def test_resend_tells_first_how_many(self):
        self.open_site(self.server.port)
        self.server.answers = lambda stage, argument: (
            "554 5.7.1 no" if stage == "RCPT" and "liige03@" in argument else None)
        self.teataja("send", "kiri", status=PARTLY)
        self.assertIn("1 would be sent again",
                      self.teataja("mailing", "resend", "1", "--failed", "--dry-run").out)
        told = self.teataja("--json", "mailing", "resend", "1", "--unknown", "--dry-run").out
        self.assertEqual(json.loads(told), {"mailing": 1, "again": 0})


if __name__ == "__main__":
    unittest.main()
