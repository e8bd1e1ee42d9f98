"""Any role of the daemon, and the daemon itself, is killed at random while three letters go
out: nobody is lost, each letter is made once, and every double was named before."""

import collections
import contextlib
import os
import random
import re
import signal
import time
import unittest

from serve_site import ROLES, Serving, is_alive
from support import query, wait_for, write
from witness import Ledger, Witness

LONG = bool(os.environ.get("TEATAJA_LONG"))
KILLS = 500 if LONG else 50
CONNECTIONS = 2
LETTERS = ("first", "second", "third")


class Gate(Witness):
    """Takes so many messages a kill and not more, so that the letters last as long as the
    kills do; notes each by the row that its Message-ID names."""

    def __init__(self, share):
        self.share = share
        self.kills = 0
        self.open_for_all = False
        super().__init__(pause=0.03, answers=self.wait)

    def wait(self, stage, _):
        while (stage == "DOT" and not self.open_for_all
               and len(self.taken) >= self.share * (self.kills + 1)):
            time.sleep(0.01)

    def _note(self, recipients):
        name = re.search(rb"(?mi)^Message-ID: <([^@>]+)@", self.taken[-1][1]).group(1).decode()
        self.times[name].append(time.time_ns() // 1000)


class RoleKills(Serving):
    members = 30 * KILLS // 10

    def setUp(self):
        super().setUp()
        self.relay = Gate(3 * self.members / KILLS)
        self.addCleanup(self.relay.close)
        self.addCleanup(setattr, self.relay, "open_for_all", True)
        self.deaths = collections.Counter()

    def make_letters(self):
        """Two letters in the queue; the third is made by its date, while roles die."""
        self.make_site(self.relay.port, CONNECTIONS)
        first, *rest = sorted((self.site / "issues").glob("kiri.*"))
        texts = {path.name.removeprefix("kiri"): path.read_text() for path in (first, *rest)}
        for path in (first, *rest):
            path.unlink()
        due = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 8))
        for name in LETTERS:
            for ending, text in texts.items():
                own = f"send: {due} Etc/UTC\n" if name == LETTERS[2] and ending == ".md" else ""
                write(self.site / f"issues/{name}{ending}",
                      text.replace("subject: ", f"{own}subject: {name} "))
        for name in LETTERS[:2]:
            self.teataja("send", name, "--queue", "--yes")

    def kill(self, name):
        """SIGKILL to a role, or to the daemon with all that it has; False if it is not there."""
        if name == "daemon":
            orphans = list(self.roles().values())
            self.daemon.kill()
            self.daemon.wait()
            wait_for("the end of the roles", lambda: not any(map(is_alive, orphans)))
            self.start_daemon()
        else:
            pid = self.roles().get(name)
            if pid is None:
                return False
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.deaths[name] += 1
        self.relay.kills += 1
        return True

    def test_three_letters_survive_the_death_of_any_role_at_any_time(self):
        seed = random.randrange(2 ** 32)
        dice = random.Random(seed)
        print(f"seed {seed}", flush=True)
        self.make_letters()
        self.start_daemon()
        since = collections.Counter()
        while sum(self.deaths.values()) < KILLS:
            time.sleep(dice.uniform(0.02, 0.5))
            name = dice.choice(2 * ROLES + ("deliver", "deliver", "schedule", "daemon"))
            since[name] += self.kill(name)
            if name == "daemon":
                since.clear()
            elif since[name] >= 2:
                # The pauses before a role's next start grow; a reload forgives them.
                os.kill(self.daemon.pid, signal.SIGHUP)
                since.clear()
        self.relay.open_for_all = True
        self.wait_for_the_end()
        self.end_daemon(self.daemon)
        self.relay.settle()
        doubles, doubts = self.compare()
        bound = CONNECTIONS * (self.deaths["deliver"] + self.deaths["daemon"])
        self.assertLessEqual(doubts, bound)
        self.assertLessEqual(doubles, doubts)
        for name in ROLES:
            self.assertGreater(self.deaths[name], KILLS // 25, name)
        print(f"{dict(self.deaths)}: {3 * self.members} letters, 0 lost, {doubts} in doubt of at "
              f"most {bound}, {doubles} doubles", flush=True)

    def wait_for_the_end(self):
        """Until all three were sent; a job that failed or a relay that was left alone for a
        while, which is as it should be, waits for minutes."""
        def state():
            return (query(self.site, "SELECT id, state, subject FROM mailing"),
                    query(self.site, "SELECT mailing, state, count(*), min(next_at) FROM outbox "
                                     "GROUP BY 1, 2"),
                    query(self.site, "SELECT job, state, reason, attempts FROM schedule_run"))
        try:
            wait_for("all letters", lambda: query(
                self.site, "SELECT count(*) FROM mailing WHERE subject LIKE 'issues/%' "
                           "AND state = 'sent'") == [(3,)], 240)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{state()}\n{self.log()[-3000:]}") from error

    def compare(self):
        """Holds what the server took against the ledger; how many doubles, and doubts."""
        self.assertEqual(
            sorted(name for (name,) in query(
                self.site, "SELECT subject FROM mailing WHERE purpose = 'letter'")),
            [f"issues/{name}" for name in LETTERS])
        doubles = doubts = 0
        expected = set()
        # Besides, the office is told that a letter is out.
        for mailing, uid, purpose in query(self.site, "SELECT id, uid, purpose FROM mailing"):
            if purpose != "letter":
                expected |= {name for name in self.relay.times if uid in name}
                continue
            ledger = Ledger(self.site, mailing)
            self.assertEqual(sorted(address for address, _, _ in ledger.rows),
                             sorted(self.addresses))
            self.assertEqual(ledger.addresses("sent"), set(self.addresses))
            doubts += sum(map(len, ledger.doubts.values()))
            for row, address in query(
                    self.site, "SELECT id, address FROM outbox WHERE mailing = ?", mailing):
                name = self.name_of(uid, row)
                expected.add(name)
                times = self.relay.times.get(name, [])
                self.assertTrue(times, f"{address} has not got letter {mailing}")
                named = sorted(ledger.doubts.get(address, []))
                for n, again in enumerate(times[1:]):
                    self.assertGreater(len(named), n, f"{address}: a double nobody was told of")
                    self.assertLess(named[n], again, f"{address}: named after it was sent again")
                doubles += len(times) - 1
        self.assertEqual(set(self.relay.times), expected, "a letter that the ledger lacks")
        return doubles, doubts

    def name_of(self, uid, row):
        """The left side of a row's Message-ID, whichever way round it is."""
        return next((name for name in (f"{uid}.{row}", f"{row}.{uid}")
                     if name in self.relay.times), f"{uid}.{row}")


if __name__ == "__main__":
    unittest.main()
