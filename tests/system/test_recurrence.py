"""Recurrence rules by an independent judge: python-dateutil."""

import datetime
import random
import unittest

from dateutil.rrule import rrulestr

from support import Case, small_site, write

RULES = 160
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
NOW = datetime.datetime(2026, 11, 21, 12)
START = datetime.datetime(2026, 12, 1, 9)
# 'event show' looks 732 days ahead; zones move the last day.
UNTIL = NOW + datetime.timedelta(days=730)


def some(rng, values, most):
    return ",".join(str(value) for value in rng.sample(values, rng.randint(1, most)))


def make_rule(rng):
    """A rule as people write them, of every kind that has an end in sight."""
    nth = rng.choice([1, 2, 3, 4, -1, -2])
    months = some(rng, range(1, 13), 4)
    rule = rng.choice([
        lambda: f"FREQ=DAILY;INTERVAL={rng.randint(1, 20)}",
        lambda: f"FREQ=DAILY;BYDAY={some(rng, DAYS, 4)}",
        lambda: f"FREQ=WEEKLY;INTERVAL={rng.randint(1, 5)};BYDAY={some(rng, DAYS, 4)}",
        lambda: f"FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY={some(rng, DAYS, 3)}",
        lambda: f"FREQ=MONTHLY;BYMONTHDAY={some(rng, [*range(1, 32), -1, -2], 4)}",
        lambda: f"FREQ=MONTHLY;INTERVAL={rng.randint(1, 4)};BYDAY={nth}{rng.choice(DAYS)}",
        lambda: f"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS={nth}",
        lambda: f"FREQ=MONTHLY;BYMONTH={months};BYDAY={some(rng, DAYS, 2)}",
        lambda: f"FREQ=YEARLY;BYMONTH={months};BYMONTHDAY={some(rng, range(1, 29), 3)}",
        lambda: f"FREQ=YEARLY;BYMONTH={months};BYDAY={nth}{rng.choice(DAYS)}",
        lambda: f"FREQ=YEARLY;BYYEARDAY={some(rng, [*range(1, 366), -1, -100], 4)}",
    ])()
    end = rng.choice(["", "", f";COUNT={rng.randint(1, 30)}",
                      f";UNTIL={rng.randint(2026, 2028)}0{rng.randint(1, 9)}15T090000"])
    return rule + end


class Recurrence(Case):
    def test_rules_come_out_as_dateutil_has_them(self):
        rng = random.Random(2026)
        rules = [make_rule(rng) for _ in range(RULES)]
        self.site = small_site(self.folder / "site")
        kept = {}
        for number, rule in enumerate(rules):
            start = rrulestr("RRULE:" + rule, dtstart=START).after(START, inc=True)
            if start is None or start > UNTIL:
                continue
            dates = rrulestr("RRULE:" + rule, dtstart=start).between(start, UNTIL, inc=True)
            text = (f"---\ntitle: Series\nlist: events\nstart: {start:%Y-%m-%d %H:%M}\n"
                    f"rrule: \"{rule}\"\n---\nText.\n")
            kept[f"r{number}"] = (rule, text, [str(date)[:16] for date in dates])
        self.assertGreater(len(kept), RULES // 2)
        for slug, (rule, text, expected) in kept.items():
            # Alone in its site: every run reads all that there is.
            file = write(self.site / f"events/{slug}.md", text)
            shown = self.teataja("--json", "event", "show", slug, site=self.site,
                                 now=f"{NOW:%Y-%m-%dT%H:%M:%S}")
            starts = [row["starts"] for row in shown.json()]
            starts = [start for start in starts if start <= f"{UNTIL:%Y-%m-%d %H:%M}"]
            self.assertEqual(starts, expected, rule)
            file.unlink()


if __name__ == "__main__":
    unittest.main()
