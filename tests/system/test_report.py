"""Figures for people and funders, against what the test itself knows of who got what."""

import csv
import html.parser
import io
import json
import re
import unittest

from support import FAILED, PARTLY, SOURCE, USAGE, Case, SlowServer, small_site, write

HEADER = "email,name,language,region,kind,sector,organisation\n"


class Texts(html.parser.HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.texts = []
        self.feed(page)

    def handle_data(self, data):
        if data.strip():
            self.texts.append(data.strip())


class Report(Case):
    def setUp(self):
        super().setUp()
        self.server = SlowServer()
        self.addCleanup(self.server.close)
        self.site = small_site(self.folder / "site", self.server.port)
        rows = [f"liige{n}@naide.example,Liige {n},{'et' if n < 6 else 'en'},,"
                f"{'nonprofit' if n % 2 else 'individual'},,{'Ühing' if n < 4 else ''}\n"
                for n in range(10)]
        write(self.folder / "m.csv", HEADER + "".join(rows))
        self.teataja("member", "import", "m.csv", "--list", "funding", "--source", "test",
                     now="2026-11-01T08:00:00")

    def send(self, **when):
        def answers(stage, argument):
            if stage == "RCPT" and "liige7@" in argument:
                return "550 5.1.1 no such user"
            if stage == "RCPT" and "liige8@" in argument:
                return "550 5.7.1 we do not like you"
            if stage == "RCPT" and "liige9@" in argument:
                return "451 4.7.1 later"
            return None
        self.server.answers = answers
        self.teataja("send", "kiri", status=PARTLY, **when)

    def report(self, *arguments, **more):
        return self.teataja("--json", "report", *arguments, **more).json()

    def test_a_mailing_is_counted(self):
        self.send()
        told = self.report("1")
        expected = {"mailings": 1, "recipients": 10, "delivered": 7, "deferred": 1,
                    "bounced_hard": 1, "bounced_soft": 0, "bounced_policy": 1, "suppressed": 0,
                    "unknown": 0, "left": 0, "members": 7, "organisations": 1}
        self.assertEqual({key: told[key] for key in expected}, expected)
        def lines(section):
            return {line["key"]: (line["recipients"], line["delivered"], line["people"])
                    for line in told[section]}
        self.assertEqual(lines("language"), {"et": (6, 6, 6), "en": (4, 1, 1)})
        self.assertEqual(lines("kind"), {"nonprofit": (5, 3, 3), "individual": (5, 4, 4)})
        self.assertEqual(lines("mailing"), {"1": (10, 7, 7)})

    def test_who_left_afterwards_is_counted_and_who_was_erased_stays_in_the_totals(self):
        self.send()
        self.teataja("--yes", "member", "leave", "liige1@naide.example", "--list", "funding")
        self.teataja("--yes", "member", "erase", "liige2@naide.example")
        told = self.report("1")
        self.assertEqual((told["left"], told["delivered"], told["members"]), (1, 7, 7))
        self.assertEqual(self.report()["left"], 1)
        self.assertEqual(sum(line["delivered"] for line in told["kind"]), 6)

    def test_a_period_is_days_of_the_site(self):
        self.send(now="2026-11-20T21:59:00")  # 23:59 in Tallinn
        day = self.report("--from", "2026-11-20", "--to", "2026-11-20")
        self.assertEqual(day["delivered"], 7)
        for first, last in (("2026-11-21", "2026-11-30"), ("2026-11-01", "2026-11-19")):
            self.assertEqual(self.report("--from", first, "--to", last)["delivered"], 0)
        self.assertEqual(self.report()["delivered"], 7)

    def test_every_form_says_the_same(self):
        self.send()
        told = self.report("1")
        plain = self.teataja("report", "1", "--lang", "en").out
        self.assertRegex(plain, r"Delivered +7\n")
        table = list(csv.DictReader(io.StringIO(
            self.teataja("report", "1", "--format", "csv").out)))
        totals = {row["key"]: int(row["recipients"]) for row in table if row["section"] == "total"}
        self.assertEqual(totals, {key: told[key] for key in totals})
        self.assertEqual({(row["section"], row["key"]): int(row["delivered"])
                          for row in table if row["section"] != "total"},
                         {(name, line["key"]): line["delivered"]
                          for name in ("mailing", "language", "region", "kind", "sector")
                          for line in told[name]})
        self.teataja("report", "1", "--format", "html", "--lang", "en", "-o", "r.html")
        texts = Texts((self.folder / "r.html").read_text()).texts
        self.assertEqual(texts[texts.index("Delivered") + 1], "7")
        self.assertEqual(texts[texts.index("Different people reached") + 1], "7")

    def test_it_speaks_the_language_that_is_asked_for(self):
        self.send()
        self.assertRegex(self.teataja("report", "1").out, r"Kohale toimetatud +7\n")
        seen = set()
        for language in ("et", "ru", "en", "lv", "lt", "pl", "cs", "de", "sv", "fi"):
            self.teataja("report", "1", "--lang", language, "--format", "html", "-o", "r.html")
            page = (self.folder / "r.html").read_text()
            self.assertIn(f'<html lang="{language}">', page)
            texts = Texts(page).texts
            seen.add((texts[texts.index("7") - 1], texts[2].partition(". ")[2]))
            plain = self.teataja("report", "1", "--lang", language).out
            self.assertRegex(plain, rf"{re.escape(texts[texts.index('7') - 1])} +7\n")
            (self.folder / "r.html").unlink()
        self.assertEqual(len(seen), 10)
        told = self.teataja("--json", "report", "1", "--lang", "fi").json()
        self.assertEqual({line["key"]: line["name"] for line in told["language"]},
                         {"et": "viro", "en": "englanti"})
        self.assertEqual({line["key"]: line["name"] for line in told["kind"]},
                         {"nonprofit": "yhdistykset", "individual": "yksityishenkilöt"})

    def test_what_is_not_asked_well_is_said(self):
        for arguments, status, words in (
                (("9",), FAILED, "no mailing 9"),
                (("x",), USAGE, "'x' is no number of a mailing"),
                (("1", "--from", "2026-01-01"), USAGE, "leave out --from and --to"),
                (("--from", "2026-02-30"), USAGE, "--from"),
                (("--from", "2026-03-01", "--to", "2026-01-01"), USAGE, "--from is after --to"),
                (("--format", "pdf"), USAGE, "not 'pdf'"),
                (("--lang", "xx"), USAGE, "no language 'xx'"),
                (("-o", "x"), USAGE, "-o goes with")):
            run = self.teataja("report", *arguments, status=status)
            self.assertIn(words, run.err)
            self.assertNotEqual(run.status, 0)

    def test_evidence_holds_letters_pictures_dates_and_figures_and_nobodys_name(self):
        (self.site / "assets").mkdir()
        logo = (SOURCE / "templates/site/demo/assets/eu-emblem.png").read_bytes()
        (self.site / "assets/logo.png").write_bytes(logo)
        with open(self.site / "newsletters/funding.yaml", "a", encoding="utf-8") as file:
            file.write("brand: { logo: assets/logo.png, logo_alt: Cluster }\n")
        self.send()
        self.teataja("mailing", "evidence", "1", "-o", "evidence")
        folder = self.folder / "evidence"
        names = {path.name for path in folder.iterdir()}
        self.assertLessEqual({"letter.et.html", "letter.en.html", "mailing.json", "report.html",
                              "report.csv", "report.json"}, names)
        letter = (folder / "letter.et.html").read_text()
        self.assertIn("Siin on uudised.", letter)
        pictures = re.findall(r'src="(pictures/[^"]+)"', letter)
        self.assertEqual([path[-4:] for path in pictures], [".png"])
        self.assertEqual((folder / pictures[0]).read_bytes(), logo)
        self.assertNotIn("/picture/", letter)
        for path in folder.rglob("*"):
            if path.is_file():
                self.assertNotIn(b"naide.example", path.read_bytes(), path.name)
                self.assertNotIn(b"Liige 1", path.read_bytes(), path.name)
        kept = json.loads((folder / "mailing.json").read_text())
        self.assertEqual((kept["mailing"], kept["what"], kept["state"]), (1, "issues/kiri",
                                                                          "sending"))
        self.teataja("mailing", "evidence", "1", status=USAGE)
        run = self.teataja("mailing", "evidence", "x", "-o", self.folder / "x", status=USAGE)
        self.assertIn("'x' is no number of a mailing", run.err)


if __name__ == "__main__":
    unittest.main()
