"""The register: what an office's spreadsheet becomes, and how people leave it."""

import csv
import io
import os
import unittest

from support import CONTENT, FAILED, Case, SlowServer, small_site, write

SHEET = ("id;E-post;Nimi;Keel;Maakond;consent_at;consent_source\n"
         "7;mari@naide.example;=HYPERLINK(1);et ru;Ida-Virumaa;2026-01-05;veeb\n"
         "8;peeter@naide.example;Peeter Õun;et;EE007;;\n")


class Register(Case):
    def setUp(self):
        super().setUp()
        self.server = SlowServer()
        self.addCleanup(self.server.close)
        self.site = small_site(self.folder / "site", self.server.port)

    def load(self, text, *options, **expected):
        write(self.folder / "sheet.csv", text)
        run = self.teataja("--json", "member", "import", "sheet.csv", *options)
        told = run.json()[0]
        self.assertEqual({key: told[key] for key in expected}, expected, run)

    def load_sheet(self, *options, **expected):
        self.load(SHEET, "--list", "funding", "--source", "tabel", "--basis", "consent", *options,
                  **expected)

    def exported(self, *options):
        return list(csv.DictReader(io.StringIO(self.teataja("member", "export", *options).out)))

    def test_a_dry_run_says_what_would_be_and_changes_nothing(self):
        self.load_sheet("--dry-run", rows=2, added=2, active=1, unconfirmed=1)
        self.assertEqual(self.exported(), [])

    def test_without_evidence_of_consent_nobody_gets_anything(self):
        self.load_sheet(rows=2, added=2, active=1, unconfirmed=1)
        told = self.teataja("--json", "send", "kiri", "--dry-run").json()
        self.assertEqual((told["recipients"], told["others"]["unconfirmed"]), (1, 1))
        self.teataja("send", "kiri")
        self.assertEqual(self.server.addresses(), ["mari@naide.example"])
        self.assertIn("unconfirmed",
                      self.teataja("member", "show", "peeter@naide.example").out)

    def test_a_row_is_known_by_the_offices_id_when_its_address_changes(self):
        self.load_sheet(added=2)
        self.load(SHEET.replace("peeter@naide", "peeter.oun@naide"), added=0, updated=1,
                  unchanged=1)
        self.assertEqual({row["email"] for row in self.exported()},
                         {"mari@naide.example", "peeter.oun@naide.example"})
        # Who answers from the old address is still the same person.
        old = self.teataja("--json", "member", "show", "peeter@naide.example").json()
        self.assertEqual(old["email"], "peeter.oun@naide.example")

    def test_old_and_new_codes_and_names_of_a_region_are_one(self):
        self.load_sheet(added=2)
        self.assertEqual({row["region"] for row in self.exported()}, {"EE00A"})
        count = self.teataja("--json", "segment", "count", 'region = "Ida-Viru"').json()
        self.assertEqual(count["count"], 2)

    def test_charsets_marks_separators_and_headers_are_read(self):
        self.load("\ufeffemail,name\nzanna@naide.example,Жанна\n", rows=1, added=1)
        self.load("email;name\njanis@naide.example;Jānis Ķirsis\n".encode("windows-1257"),
                  "--charset", "windows-1257", added=1)
        self.load("e-mail;name\r\nx@naide.example;X\r\n", added=1)
        self.load("Postiaadress,Kes\r\ny@naide.example,\"Y, \"\"Ü\"\"\"\r\n", "--map",
                  "Postiaadress=email", "--map", "Kes=name", added=1)
        names = {row["email"]: row["name"] for row in self.exported()}
        self.assertEqual(names, {"zanna@naide.example": "Жанна",
                                 "janis@naide.example": "Jānis Ķirsis",
                                 "x@naide.example": "X", "y@naide.example": 'Y, "Ü"'})

    def test_an_export_runs_no_formula_in_a_spreadsheet(self):
        self.load_sheet(added=2)
        raw = self.teataja("member", "export", "--bom", "--separator", ";").out
        self.assertTrue(raw.startswith("\ufeffid;"))
        self.assertIn(";'=HYPERLINK(1);", raw)
        write(self.folder / "again.csv", raw)
        told = self.teataja("--json", "member", "import", "again.csv").json()[0]
        self.assertEqual((told["added"], told["updated"], told["unchanged"]), (0, 0, 2))

    def test_an_export_overwrites_no_file(self):
        write(self.folder / "there.csv", "mine")
        self.teataja("member", "export", "-o", self.folder / "there.csv", status=FAILED)
        self.assertEqual((self.folder / "there.csv").read_text(), "mine")

    def test_an_export_is_for_its_owner_only(self):
        self.load_sheet(added=2)
        old = os.umask(0)
        self.addCleanup(os.umask, old)
        self.teataja("member", "export", "-o", self.folder / "all.csv")
        self.assertEqual((self.folder / "all.csv").stat().st_mode & 0o777, 0o600)

    def test_a_segment_names_events_and_issues_that_the_site_has(self):
        write(self.site / "events/foorum.ics", "not read for this")
        for expression in ("invited(foorum)", "rsvp(foorum) = none", "not received(kiri)"):
            self.teataja("segment", "count", expression)
        for expression, message in (
                ("invited(forum)", "column 9: no event 'forum'; did you mean 'foorum'?"),
                ("rsvp(x) = yes", "column 6: no event 'x'"),
                ("received(kirri)", "column 10: no issue 'kirri'; did you mean 'kiri'?")):
            for verb in (("segment", "count"), ("segment", "show"), ("segment", "explain"),
                         ("member", "export")):
                run = self.teataja(*verb, expression, status=CONTENT)
                self.assertEqual(run.err.splitlines()[-1], f"teataja: {message}")

    def test_a_domain_in_other_letters_is_the_same_address(self):
        self.load("email;name\nolga@näide.example;Olga\n", added=1)
        self.load("email;name\nolga@xn--nide-loa.example;Olga\n", added=0, unchanged=1)
        self.load("email;name\nOLGA@NÄIDE.EXAMPLE;Olga\n", added=0)

    def test_who_left_stays_away_until_they_ask_anew(self):
        self.load_sheet(active=1)
        self.teataja("member", "leave", "mari@naide.example", "--list", "funding")
        self.load_sheet(left=1, active=0)
        self.teataja("send", "kiri", status=FAILED)
        self.assertEqual(self.server.taken, [])

    def test_who_has_left_is_not_put_back_in_silence(self):
        self.teataja("member", "add", "mari@naide.example", "--list", "funding", "--source", "form",
                     "--consent-at", "2026-01-05")
        self.teataja("member", "leave", "mari@naide.example", "--list", "funding")
        run = self.teataja("member", "subscribe", "mari@naide.example", "--list", "funding")
        self.assertIn(": left.\nWho has left comes back with --again", run.out)

    def test_who_was_erased_gets_nothing_after_the_next_import(self):
        self.load_sheet(added=2)
        run = self.teataja("member", "erase", "mari@naide.example", status=FAILED)
        self.assertIn("--yes", run.err)
        self.teataja("--yes", "member", "erase", "mari@naide.example")
        self.assertNotIn(b"mari", (self.site / "var/erasure.log").read_bytes())
        self.load_sheet(rows=2, kept_out=1)
        run = self.teataja("member", "list")
        self.assertNotIn("mari", run.out)
        run = self.teataja("member", "add", "mari@naide.example", status=FAILED)
        self.assertIn("asked to be forgotten", run.err)
        self.teataja("member", "add", "--again", "mari@naide.example")
        run = self.teataja("send", "kiri", status=FAILED)
        self.assertRegex(run.err, "^teataja: nobody would get issues/kiri")
        self.assertEqual(self.server.taken, [])

    def test_fields_set_by_hand_name_every_mistake(self):
        self.load_sheet(added=2)
        run = self.teataja("member", "set", "id:8", "sector=musik", "regin=EE00A", "kind=x",
                           status=CONTENT)
        self.assertEqual(len(run.err.splitlines()), 3)
        self.assertIn("did you mean 'music'?", run.err)
        self.assertIn("did you mean 'region'?", run.err)
        told = self.teataja("--json", "member", "set", "id:8", "sector=music").json()
        self.assertTrue(told["changed"])
        told = self.teataja("--json", "member", "set", "id:8", "sector=music").json()
        self.assertFalse(told["changed"])


if __name__ == "__main__":
    unittest.main()
