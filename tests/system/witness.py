"""A server that remembers when it took what, and a site whose ledger it is held against."""

import collections
import shutil
import time

from support import Case, SlowServer, query, small_site, wait_for, write_members


class Witness(SlowServer):
    """Notes the time of every final dot, and how many connections are open."""

    def __init__(self, pause=0.0, answers=None):
        self.open = 0
        self.times = collections.defaultdict(list)  # address -> microseconds
        super().__init__(pause, answers)

    def forget(self):
        """Begins anew, for the next round of a test."""
        with self.lock:
            self.taken = []
            self.reached = 0
            self.times.clear()

    def settle(self):
        """Waits until nobody is connected: all that is going to be taken is."""
        wait_for("the end of all connections", lambda: self.open == 0)

    def _serve(self, connection):
        with self.lock:
            self.open += 1
        try:
            super()._serve(connection)
        finally:
            with self.lock:
                self.open -= 1

    def _note(self, recipients):
        for address in recipients:
            self.times[address].append(time.time_ns() // 1000)


class Ledger:
    """What a site's database says about one mailing."""

    def __init__(self, site, mailing=1):
        self.rows = query(site, "SELECT address, state, resends FROM outbox WHERE mailing = ?",
                          mailing)
        self.doubts = collections.defaultdict(list)  # address -> microseconds
        for address, at in query(
                site, "SELECT o.address, a.at FROM attempt a JOIN outbox o ON o.id = a.outbox "
                      "WHERE o.mailing = ? AND a.stage IN ('recovery', 'dot', 'connection')",
                mailing):
            self.doubts[address].append(at)
        self.mailing = query(site, "SELECT state FROM mailing WHERE id = ?", mailing)

    def state(self):
        return self.mailing[0][0] if self.mailing else None

    def addresses(self, *states):
        return {address for address, state, _ in self.rows if not states or state in states}


class Fixture:
    """One imported site, copied as often as a sweep needs it."""

    def __init__(self, case, members, connections, server):
        self.case = case
        self.server = server
        self.everyone = {f"liige{n}@naide.example" for n in range(members)}
        self.master = small_site(case.folder / "master", server.port, connections)
        self.site = case.folder / "site"
        write_members(case.folder / "m.csv",
                      [(address, f"Liige {address}", ("et", "ru", "en")[n % 3])
                       for n, address in enumerate(sorted(self.everyone))])
        case.teataja("member", "import", "m.csv", "--list", "funding", "--source", "test",
                     site=self.master)

    def fresh(self):
        shutil.rmtree(self.site, ignore_errors=True)
        shutil.copytree(self.master, self.site)
        self.server.forget()
        return self.site


class WitnessCase(Case):
    """Compares what the server took with what the ledger says."""

    def make_fixture(self, members, connections, pause=0.0):
        self.server = Witness(pause)
        self.addCleanup(self.server.close)
        self.fixture = Fixture(self, members, connections, self.server)
        self.everyone = self.fixture.everyone

    def assert_doubles_were_named(self, ledger):
        """Nobody got it twice without a note of doubt from before; returns the doubles."""
        doubles = 0
        for address, times in self.server.times.items():
            doubts = sorted(ledger.doubts.get(address, []))
            doubles += len(times) - 1
            for n, again in enumerate(times[1:]):
                self.assertGreater(len(doubts), n, f"{address}: a double nobody was told of")
                self.assertLess(doubts[n], again, f"{address}: named after it was sent again")
        return doubles

    def assert_everybody_has_it(self, ledger):
        self.assertEqual(set(self.server.addresses()), self.everyone)
        self.assertEqual(ledger.addresses("sent"), self.everyone)
