"""Whatever kills a send: nobody is lost, and every double was named before."""

import collections
import contextlib
import signal
import sqlite3
import unittest

from support import (DONE, FAILED, PARTLY, Case, SlowServer, query, small_site, stop, wait_for,
                     write_members)

MEMBERS = 240
CONNECTIONS = 3


class Kill(Case):
    def setUp(self):
        super().setUp()
        self.server = SlowServer(pause=0.01)
        self.addCleanup(self.server.close)
        self.site = small_site(self.folder / "site", self.server.port, CONNECTIONS)
        self.everyone = {f"liige{n}@naide.example" for n in range(MEMBERS)}
        write_members(self.folder / "m.csv",
                      [(address, f"Liige {address}", ("et", "ru", "en")[n % 3])
                       for n, address in enumerate(sorted(self.everyone))])
        self.teataja("member", "import", "m.csv", "--list", "funding", "--source", "test")

    def interrupt(self, number, after, *verb):
        """Starts the verb and signals it after so many more messages; its exit status."""
        goal = len(self.server.taken) + after
        process = self.start(*verb)
        wait_for(f"{goal} messages", lambda: len(self.server.taken) >= goal
                 or process.poll() is not None)
        self.assertIsNone(process.poll(), "it ended before it was interrupted")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        self.wait_for_server()
        return process.returncode, out.decode(), err.decode()

    def wait_for_server(self):
        """Until the server has answered every final dot that had reached it."""
        wait_for("the server", lambda: len(self.server.taken) == self.server.reached)

    def by_state(self, mailing=1):
        states = collections.defaultdict(set)
        for row in self.rows(mailing):
            states[row["state"]].add(row["address"])
        self.assertEqual(set().union(*states.values()), self.everyone)
        return states

    def recovered(self):
        """Addresses whose fate was in doubt once, by the ledger's record."""
        return {address for (address,) in query(
            self.site, "SELECT o.address FROM attempt a JOIN outbox o ON o.id = a.outbox "
                       "WHERE a.stage = 'recovery'")}

    def assert_doubles_were_named(self, named):
        counts = collections.Counter(self.server.addresses())
        self.assertEqual(set(counts), self.everyone, "somebody is lost")
        doubles = {address for address, count in counts.items() if count > 1}
        self.assertLessEqual(doubles, named, "a double that nobody was told of")
        messages = collections.defaultdict(set)
        for (address,), message in self.server.taken:
            messages[address].add(message)
        for address in doubles:
            self.assertEqual(len(messages[address]), 1, "a double differs from the first")

    def test_killed_four_times_then_resumed_everybody_has_it(self):
        doubtful = set()
        verb = ("send", "kiri")
        for _ in range(4):
            status, _, _ = self.interrupt(signal.SIGKILL, 25, *verb)
            self.assertEqual(status, -signal.SIGKILL)
            acknowledged = set(self.server.addresses())
            states = self.by_state()
            doubtful = self.recovered()
            # The ledger's word against the server's: 'sent' was taken, and what was
            # taken is either 'sent' or was named as doubtful.
            self.assertLessEqual(states["sent"], acknowledged)
            self.assertLessEqual(acknowledged - states["sent"], doubtful)
            verb = ("mailing", "resume", "1")
        self.assertLessEqual(len(doubtful), 4 * CONNECTIONS)
        run = self.teataja("mailing", "resume", "1")
        self.assertIn(f"{MEMBERS} of {MEMBERS} sent.", run.out)
        self.assertEqual(self.by_state()["sent"], self.everyone)
        self.assert_doubles_were_named(self.recovered())

    def test_killed_and_held_the_unknown_wait_for_a_decision(self):
        self.interrupt(signal.SIGKILL, 60, "send", "kiri", "--hold")
        states = self.by_state()
        unknown = set(states["unknown"])
        self.assertLessEqual(len(unknown), CONNECTIONS)
        self.assertLessEqual(set(self.server.addresses()) - states["sent"], unknown)
        told = self.teataja("mailing", "show", "1", "--state", "unknown")
        for address in unknown:
            self.assertIn(address, told.out)
        self.teataja("mailing", "resume", "1", status=PARTLY if unknown else DONE)
        states = self.by_state()
        self.assertEqual(states["unknown"], unknown)
        self.assertEqual(states["sent"], self.everyone - unknown)
        self.teataja("mailing", "resend", "1", "--unknown")
        self.assertEqual(self.by_state()["sent"], self.everyone)
        self.assert_doubles_were_named(unknown)

    def test_ctrl_c_stops_between_messages_and_says_how_to_go_on(self):
        status, out, err = self.interrupt(signal.SIGINT, 40, "send", "kiri")
        self.assertEqual(status, PARTLY, out + err)
        self.assertIn("Stopped between messages.", out)
        self.assertIn("Go on with: teataja mailing resume 1", out)
        states = self.by_state()
        self.assertEqual(states["sent"], set(self.server.addresses()))
        self.assertEqual(states["unknown"], set())
        self.assertEqual(states["queued"], self.everyone - states["sent"])
        run = self.teataja("mailing", "resume", "1")
        self.assertIn(f"{MEMBERS} of {MEMBERS} sent.", run.out)
        self.assertEqual(sorted(self.server.addresses()), sorted(self.everyone))
        self.assertEqual(self.recovered(), set())

    def test_a_relay_that_dies_and_comes_back_loses_nobody(self):
        gone = iter(range(10_000))

        def dies(stage, _):
            # Every 50th message finds the server shutting down at its sender.
            return ("421 4.3.2 shutting down" if stage == "MAIL" and next(gone) % 50 == 49
                    else None)
        self.server.answers = dies
        for _ in range(20):
            run = self.teataja("mailing", "resume", "1", status=None) if self.mailings() else \
                self.teataja("send", "kiri", status=None)
            self.assertIn(run.status, (DONE, PARTLY), run)
            if run.status == DONE:
                break
            self.make_due()
        self.assertEqual(run.status, DONE, run)
        self.assertEqual(sorted(self.server.addresses()), sorted(self.everyone))

    def make_due(self):
        """What was deferred may be tried again at once: nobody waits for minutes here."""
        with contextlib.closing(sqlite3.connect(self.site / "var/teataja.db")) as db, db:
            db.execute("UPDATE outbox SET next_at = 0")
            db.execute("UPDATE relay_state SET parked_until = 0")

    def test_two_sends_at_once_one_is_refused(self):
        first = self.start("send", "kiri")
        second = self.start("send", "kiri")
        ended = [(process.communicate(timeout=60), process.returncode)
                 for process in (first, second)]
        self.assertEqual(sorted(status for _, status in ended), [DONE, FAILED], ended)
        refused = next(out[1].decode() for out, status in ended if status == FAILED)
        self.assertRegex(refused, "^teataja: .*kiri.*already|being sent|busy")
        self.assertEqual(sorted(self.server.addresses()), sorted(self.everyone))

    def test_a_second_send_while_the_first_runs_is_refused(self):
        first = self.start("send", "kiri")
        wait_for("the first messages", lambda: len(self.server.taken) > 10)
        run = self.teataja("send", "kiri", status=FAILED)
        self.assertRegex(run.err, "kiri.*already")
        first.communicate(timeout=60)
        self.assertEqual(stop(first), DONE)
        self.assertEqual(sorted(self.server.addresses()), sorted(self.everyone))


if __name__ == "__main__":
    unittest.main()
