"""2027, as ten newsletters in three time zones live through it: people join, leave and change,
calls come, move and come again, files are edited, the machine is down for hours or days,
schedulers are killed. Every letter that is due goes out once, to those whom it should
reach, and nobody is told of a round twice; a model that shares no line with the program
says which, when and to whom."""

import collections
import contextlib
import dataclasses
import datetime
import os
import random
import re
import unittest
import zoneinfo

from dateutil.relativedelta import FR, MO, TH, relativedelta

from support import PARTLY, Case, SlowServer, query, write

LONG = bool(os.environ.get("TEATAJA_LONG"))
MEMBERS = 2000 if LONG else 60
EDITS = 400 if LONG else 45  # of members and calls
UTC = datetime.timezone.utc
BEGIN = datetime.datetime(2027, 1, 1, 12, tzinfo=UTC)
END = datetime.datetime(2028, 1, 1, 12, tzinfo=UTC)
DAY = datetime.timedelta(days=1)
SECTORS = ("music", "design", "film")
ZONES = ("Europe/Tallinn", "Europe/London", "America/St_Johns")

SITE = """\
name: Cluster
postal_address: Keskväljak 1, Narva
languages: [en]
timezone: Europe/Tallinn
country: EE
office: office@cluster.example
lists:
{lists}
addresses: {{ mode: catchall, domain: bounce.cluster.example }}
web: https://letters.cluster.example/
vocabularies: {{ sectors: [music, design, film] }}
relays:
  - {{ name: main, url: "smtp://127.0.0.1:{port}", starttls: "off", connections: 4 }}
"""
NEWSLETTER = """\
name: Letter {slug}
list: {slug}
from: {{ name: Cluster, address: letters@cluster.example }}
languages: [en]
timezone: {zone}
schedule: {words}
"""
AUTOMATIC = "compose: auto\nblocks: [calls]\n"
CALL = """\
---
title: Grant Q{number}Q
summary: Support.
funder: Fund
url: https://fund.example/{slug}
{when}
sectors: [{sectors}]
---
The fund supports.
"""
ISSUE = """\
---
newsletter: {letter}
subject: News {slug}
send: next
---
Dear {{{{member.name}}}}, this is {slug}.
"""


def month_days(*days):
    return lambda month: [month + relativedelta(day=day) for day in days]


def weekday(which):
    return lambda month: [month + relativedelta(day=1, weekday=which)]


def last_friday(month):
    return [month + relativedelta(day=31, weekday=FR(-1))] if month.month % 3 == 0 else []


# slug: (words, hour, minute, the days of a month, automatic)
PLANS = {
    "a": ("first Monday 09:00", 9, 0, weekday(MO(1)), True),
    "b": ("1st and 15th 08:30", 8, 30, month_days(1, 15), True),
    "c": ("last Friday of the quarter 12:00", 12, 0, last_friday, True),
    "d": ("second Thursday 16:45", 16, 45, weekday(TH(2)), True),
    "e": ("20th 00:30", 0, 30, month_days(20), True),
    "f": ("5th 23:30", 23, 30, month_days(5), True),
    "g": ("10th and 25th 10:00", 10, 0, month_days(10, 25), False),
    "h": ("third Monday 07:15", 7, 15, weekday(MO(3)), False),
    "i": ("last Friday of the quarter 15:00", 15, 0, last_friday, False),
    "j": ("28th 18:00", 18, 0, month_days(28), False),
}
# From the summer on two of them have other times.
CHANGED = {
    "d": ("7th 06:00", 6, 0, month_days(7), True),
    "j": ("12th and 26th 11:00", 11, 0, month_days(12, 26), False),
}


class Letter:
    """A newsletter, and when it is due."""

    def __init__(self, slug, number):
        self.slug = slug
        self.zone = ZONES[number % len(ZONES)]
        self.audience = "music" if slug in ("b", "g") else None
        self.plan(PLANS[slug], BEGIN)

    def plan(self, plan, since):
        """It counts from when it was first seen."""
        self.words, hour, minute, days, self.automatic = plan
        self.dues = []
        month = datetime.datetime(2026, 12, 1)
        while month < datetime.datetime(2028, 2, 1):
            for day in days(month):
                local = day.replace(hour=hour, minute=minute, tzinfo=zoneinfo.ZoneInfo(self.zone))
                if since < local.astimezone(UTC):
                    self.dues.append(local.astimezone(UTC))
            month += relativedelta(months=1)

    def text(self):
        return (NEWSLETTER.format(slug=self.slug, zone=self.zone, words=self.words)
                + (AUTOMATIC if self.automatic else "")
                + (f"audience: sector = {self.audience}\n" if self.audience else ""))


@dataclasses.dataclass
class Member:
    sectors: set
    lists: set
    told: set = dataclasses.field(default_factory=set)


@dataclasses.dataclass
class Call:
    """Open from `opens` until the deadline of each of its rounds."""
    number: int
    sectors: set
    rounds: list  # of (opens, deadline)

    def open_round(self, now):
        for opens, deadline in self.rounds:
            if now < deadline:
                return (self.number, deadline) if opens <= now else None
        return None


class Reader(SlowServer):
    """Keeps of each letter only whose it is and which calls it names, as new and as known."""

    def __init__(self):
        self.read = []  # (name of the message, address, (new calls, calls that are still open))
        super().__init__()

    def _note(self, recipients):
        _, message = self.taken.pop()
        name = re.search(rb"(?mi)^Message-ID: <([^@>]+)@", message).group(1).decode()
        text = message.partition(b"Content-Type: text/html")[0].replace(b"=\r\n", b"")
        new, _, known = text.partition(b"Still open")
        self.read.append((name, recipients[0], (calls_of(new), calls_of(known))))


class Year(Case):
    def setUp(self):
        super().setUp()
        self.server = Reader()
        self.addCleanup(self.server.close)
        self.site = self.folder / "site"
        self.seed = int(os.environ.get("TEATAJA_SEED") or random.randrange(2 ** 32))
        print(f"seed {self.seed}", flush=True)
        self.dice = random.Random(self.seed)
        self.letters = [Letter(slug, n) for n, slug in enumerate(PLANS)]
        self.members, self.calls, self.waiting = {}, {}, collections.defaultdict(list)
        self.expected = []  # (target, {address: numbers of calls})
        self.counts = collections.Counter()
        self.numbers = iter(range(10 ** 6))

    # ---- the office ----

    def call_when(self, call, rule):
        if rule:
            return ('rounds:\n  rrule: FREQ=MONTHLY;BYMONTHDAY=-1\n  at: "23:59 Etc/UTC"\n'
                    "  opens_before: 20 days")
        return f"deadline: {call.rounds[0][1]:%Y-%m-%d %H:%M} Etc/UTC"

    def write_call(self, call, rule=False):
        write(self.site / f"calls/c{call.number}.md",
              CALL.format(number=call.number, slug=f"c{call.number}",
                          when=self.call_when(call, rule), sectors=", ".join(sorted(call.sectors))))
        self.calls[call.number] = call

    def new_call(self, now):
        deadline = (now + self.dice.uniform(10, 80) * DAY).replace(second=0, microsecond=0)
        self.write_call(Call(next(self.numbers), set(self.dice.sample(SECTORS, self.dice.randint(1, 2))),
                             [(now - 400 * DAY, deadline)]))

    def repeating_call(self):
        rounds = []
        for month in range(-1, 26):
            day = datetime.datetime(2026, 12, 1, 23, 59, tzinfo=UTC) + relativedelta(
                months=month, day=31)
            rounds.append((day.replace(hour=0, minute=0) - 20 * DAY, day))
        self.write_call(Call(next(self.numbers), set(SECTORS[:2]), rounds), rule=True)

    def move_deadline(self, now):
        coming = [c for c in self.calls.values() if len(c.rounds) == 1 and c.open_round(now)]
        if coming:
            call = self.dice.choice(coming)
            opens, deadline = call.rounds[0]
            call.rounds = [(opens, deadline + self.dice.randint(5, 30) * DAY)]
            self.write_call(call)

    def join(self, now):
        address = f"new{next(self.numbers)}@naide.example"
        sector = self.dice.choice(SECTORS)
        on = self.dice.choice(self.letters).slug
        self.teataja("member", "add", address, "language=en", "name=New", f"sector={sector}",
                     "--list", on, "--basis", "membership", "--source", "office", now=text_of(now))
        self.members[address] = Member({sector}, {on})

    def leave(self, now):
        address = self.dice.choice(sorted(a for a, m in self.members.items() if m.lists))
        on = self.dice.choice(sorted(self.members[address].lists))
        self.teataja("member", "leave", address, "--list", on, now=text_of(now))
        self.members[address].lists.remove(on)

    def change(self, now):
        address, sector = self.dice.choice(sorted(self.members)), self.dice.choice(SECTORS)
        self.teataja("member", "set", address, f"sector={sector}", now=text_of(now))
        self.members[address].sectors = {sector}

    def write_issue(self, _now):
        letter = self.dice.choice([x for x in self.letters if not x.automatic])
        slug = f"{letter.slug}-{next(self.numbers):06}"
        write(self.site / f"issues/{slug}.md", ISSUE.format(letter=letter.slug, slug=slug))
        self.waiting[letter.slug].append(slug)

    def change_schedules(self, now):
        for letter in self.letters:
            if letter.slug in CHANGED:
                letter.plan(CHANGED[letter.slug], now)
                write(self.site / f"newsletters/{letter.slug}.yaml", letter.text())

    # ---- what the program does ----

    def tick(self, now):
        """`schedule run-due`, now and then killed on its way; then everything goes out."""
        if self.dice.random() < 0.1:
            process = self.start("schedule", "run-due", now=text_of(now))
            with contextlib.suppress(Exception):
                process.wait(self.dice.uniform(0.01, 0.2))
            self.counts["killed"] += process.poll() is None
            process.kill()
            process.communicate()
        told = self.teataja("--json", "schedule", "run-due", now=text_of(now)).json()
        for mailing, in query(self.site, "SELECT id FROM mailing WHERE state = 'queued' "
                                         "ORDER BY id"):
            run = self.teataja("mailing", "resume", str(mailing), now=text_of(now), timeout=900,
                               status=None)
            self.assertLess(run.status, PARTLY, run)
        return told["next"]

    # ---- what should come of it ----

    def due_at(self, before, now):
        """Newsletters that go out now: the latest time of each since `before`, at most a day old."""
        due = []
        for letter in self.letters:
            times = [time for time in letter.dues if before < time <= now]
            self.counts["missed"] += max(0, len(times) - 1)
            if times and now - times[-1] <= DAY:
                due.append((times[-1], letter))
            elif times:
                self.counts["too late"] += 1
        return due

    def readers_of(self, letter):
        return {address: member for address, member in self.members.items()
                if letter.slug in member.lists
                and (letter.audience is None or letter.audience in member.sectors)}

    def expect(self, letter, now):
        """What the letter brings to whom; nothing if there is nothing."""
        if not letter.automatic:
            if not self.waiting[letter.slug]:
                self.counts["no issue"] += 1
                return
            target = f"issues/{self.waiting[letter.slug].pop(0)}"
            nothing = (frozenset(), frozenset())
            self.expected.append((target, dict.fromkeys(self.readers_of(letter), nothing)))
            return
        open_now = [(round_, call) for call in self.calls.values()
                    if (round_ := call.open_round(now))]
        rows = {}
        for address, member in self.readers_of(letter).items():
            his = {round_ for round_, call in open_now if call.sectors & member.sectors}
            if his - member.told:
                rows[address] = tuple(frozenset(number for number, _ in rounds)
                                      for rounds in (his - member.told, his & member.told))
                member.told |= his
        if rows:
            self.expected.append((f"newsletters/{letter.slug}", rows))
        else:
            self.counts["nothing new"] += 1

    def order_of(self, due, mailings_before):
        """Several at once may go in any order: the ledger says in which they did."""
        made = [subject for (subject,) in query(
            self.site, "SELECT subject FROM mailing WHERE id > ? ORDER BY id", mailings_before)]

        def place(pair):
            return next((n for n, subject in enumerate(made)
                         if re.match(rf"(newsletters/{pair[1].slug}|issues/{pair[1].slug}-)", subject)),
                        len(made))
        return sorted(due, key=place)

    # ---- the year ----

    def make_site(self):
        lists = "".join(f"  {x.slug}: {{ name: List {x.slug}, basis: membership }}\n"
                        for x in self.letters)
        write(self.site / "teataja.yaml", SITE.format(lists=lists, port=self.server.port))
        for letter in self.letters:
            write(self.site / f"newsletters/{letter.slug}.yaml", letter.text())
        for kind in ("calls", "issues"):
            (self.site / kind).mkdir()
        rows = collections.defaultdict(list)
        for n in range(MEMBERS):
            address = f"m{n}@naide.example"
            member = Member({SECTORS[n % 3], SECTORS[n * 7 % 3]},
                            set(self.dice.sample(sorted(PLANS), self.dice.randint(2, 6))))
            self.members[address] = member
            for on in member.lists:
                rows[on].append(f"{address};Member {n};en;{','.join(sorted(member.sectors))}\n")
        for on, lines in sorted(rows.items()):
            write(self.folder / "m.csv", "email;name;language;sector\n" + "".join(lines))
            self.teataja("member", "import", "m.csv", "--list", on, "--source", "register",
                         now=text_of(BEGIN))
        self.repeating_call()
        self.new_call(BEGIN)

    def plan_edits(self):
        acts = [self.new_call] * 4 + [self.move_deadline, self.join, self.leave, self.change]
        edits = [(self.moment(), self.dice.choice(acts)) for _ in range(EDITS)]
        edits += [(self.moment(), self.write_issue) for _ in range(40)]
        edits.append((datetime.datetime(2027, 6, 16, 9, tzinfo=UTC), self.change_schedules))
        return sorted(edits, key=lambda edit: edit[0])

    def moment(self):
        found = BEGIN + self.dice.random() * (END - BEGIN)
        return found.replace(second=self.dice.randrange(60), microsecond=0)

    def plan_downtimes(self):
        """(from, until), apart from each other: hours, a day, four days."""
        times = sorted(self.moment() for _ in range(14))
        down = []
        for begin in times:
            end = begin + self.dice.choice([3, 9, 20, 30, 100, 400]) * datetime.timedelta(hours=1)
            if end < END and (not down or down[-1][1] < begin):
                down.append((begin, end))
        return down

    def wake(self, now):
        """Now, or the end of the time that nobody is there."""
        return next((end for begin, end in self.down if begin <= now < end), now)

    def live(self):
        edits = self.plan_edits()
        self.down = self.plan_downtimes()
        before, following = BEGIN, self.tick(BEGIN)
        while True:
            due = min(x for letter in self.letters for x in letter.dues if x > before)
            self.assertEqual(following, f"{due:%Y-%m-%d %H:%M}", f"next, at {before}")
            now = self.wake(min(due, edits[0][0]) if edits else due)
            if now >= END:
                return
            if now >= due:
                last = query(self.site, "SELECT coalesce(max(id), 0) FROM mailing")[0][0]
                following = self.tick(now)
                for _, letter in self.order_of(self.due_at(before, now), last):
                    self.expect(letter, now)
                before = now
            while edits and edits[0][0] <= now:
                _, act = edits.pop(0)
                act(now)
                self.counts[act.__name__] += 1
                if act == self.change_schedules:
                    following = self.tick(now)
                    before = now

    def test_every_letter_goes_once_to_the_right_members(self):
        self.make_site()
        self.live()
        uids = dict(query(self.site, "SELECT uid, id FROM mailing"))
        subjects = dict(query(self.site, "SELECT id, subject FROM mailing"))
        came = collections.defaultdict(dict)
        for name, address, calls in self.server.read:
            mailing = next(uids[part] for part in name.split(".") if part in uids)
            self.assertNotIn(address, came[mailing], f"{subjects[mailing]} twice to {address}")
            came[mailing][address] = calls
        self.assertEqual([subjects[m] for m in sorted(subjects)],
                         [target for target, rows in self.expected])
        for mailing, (target, rows) in zip(sorted(subjects), self.expected):
            self.assertEqual(came[mailing], rows, f"mailing {mailing}, {target}")
        self.assertEqual(query(self.site, "SELECT state, count(*) FROM mailing GROUP BY state"),
                         [("sent", len(subjects))])
        # To 2,000 there is always something new to tell.
        for reason in ("no issue", "killed", "change_schedules") + ("nothing new",) * (not LONG):
            self.assertGreater(self.counts[reason], 0, reason)
        self.assertGreater(len(subjects), 40)
        print(f"{len(subjects)} letters to {len(self.members)} members, {len(self.server.read)} "
              f"messages, {len(self.down)} times down, {dict(self.counts)}", flush=True)


def calls_of(text):
    return frozenset(map(int, re.findall(rb"Grant Q(\d+)Q", text)))


def text_of(time):
    return f"{time:%Y-%m-%dT%H:%M:%S}"


if __name__ == "__main__":
    unittest.main()
