"""A site's data goes into one file while it is in use, and comes back without a letter
going out by itself."""

import contextlib
import fcntl
import pathlib
import re
import sqlite3
import threading
import unittest

from support import DONE, FAILED, Case, SlowServer, query, small_site, write_members

MIGRATIONS = pathlib.Path(__file__).parents[2] / "src/db/migrations"


class Backup(Case):
    def setUp(self):
        super().setUp()
        self.server = SlowServer()
        self.addCleanup(self.server.close)
        self.site = small_site(self.folder / "site", self.server.port)
        self.everyone = [f"liige{n}@naide.example" for n in range(30)]
        write_members(self.folder / "m.csv", [(a, f"Liige {a}", "et") for a in self.everyone])
        self.teataja("member", "import", "m.csv", "--list", "funding", "--source", "test")
        self.file = self.folder / "b.teataja"

    def members(self):
        return self.teataja("--json", "member", "list").json()

    def var(self):
        return sorted(p.name for p in (self.site / "var").iterdir())

    def test_what_was_there_comes_back(self):
        key = (self.site / "var/token.key").read_text()
        run = self.teataja("backup", self.file)
        self.assertIn("with the key of its links", run.out)
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        self.teataja("--yes", "member", "erase", self.everyone[0])
        before = self.members()
        self.teataja("member", "set", self.everyone[1], "name=Another")
        (self.site / "var/token.key").write_text("0" * 64 + "\n")
        run = self.teataja("--yes", "restore", self.file)
        self.assertIn("Nothing was on its way", run.out)
        self.assertIn("1 of its members had been erased since", run.out)
        self.assertEqual(self.members(), before)
        # The key that is back knows the address, which stays away.
        run = self.teataja("member", "add", self.everyone[0], status=FAILED)
        self.assertIn("asked to be forgotten", run.err)
        self.assertEqual((self.site / "var/token.key").read_text(), key)
        # What was replaced is there still, as a database of its own.
        aside, = (self.site / "var").glob("teataja.db.before-*")
        with contextlib.closing(sqlite3.connect(aside)) as db:
            dump = "\n".join(db.iterdump())
        self.assertIn(self.everyone[1], dump)
        self.assertNotIn(self.everyone[0], dump)
        self.assertEqual(query(self.site, "SELECT count(*) FROM backup"), [(0,)])

    def test_a_new_machine_has_only_the_files_and_the_backup(self):
        before = self.members()
        self.teataja("backup", self.file)
        fresh = small_site(self.folder / "fresh", self.server.port)
        run = self.teataja("--yes", "restore", self.file, site=fresh)
        self.assertNotIn("before", run.out)
        self.assertEqual(self.teataja("--json", "member", "list", site=fresh).json(), before)

    def test_what_was_on_its_way_is_held_and_sent_only_when_asked(self):
        self.teataja("send", "kiri", "--queue")
        self.teataja("backup", self.file)
        self.teataja("mailing", "resume", "1")
        self.assertEqual(len(self.server.taken), 30)
        run = self.teataja("--yes", "restore", self.file)
        self.assertIn("1 mailing was on its way", run.out)
        self.assertIn("30 recipients may have been served since", run.out)
        self.teataja("mailing", "resume", "1", status=None)
        self.assertEqual(len(self.server.taken), 30)
        self.assertIn("a backup was restored", self.teataja("schedule", status=None).err)
        self.teataja("--yes", "schedule", "release")
        self.assertNotIn("a backup was restored", self.teataja("schedule").err)
        self.assertEqual({row["state"] for row in self.rows(1)}, {"unknown"})
        self.teataja("--yes", "mailing", "resend", "1", "--unknown")
        self.assertEqual(len(self.server.taken), 60)
        self.assertEqual(sorted(set(self.server.addresses())), sorted(self.everyone))

    def test_a_backup_in_the_middle_of_a_send_is_whole(self):
        self.server.pause = 0.02
        sender = threading.Thread(target=lambda: self.teataja("send", "kiri"))
        sender.start()
        try:
            for n in range(5):
                self.teataja("backup", self.folder / f"{n}.teataja")
        finally:
            sender.join()
        for n in range(5):
            fresh = small_site(self.folder / f"fresh{n}", self.server.port)
            self.teataja("--yes", "restore", self.folder / f"{n}.teataja", site=fresh)
            self.assertEqual(query(fresh, "PRAGMA integrity_check"), [("ok",)])
            self.assertEqual(query(fresh, "SELECT count(*) FROM outbox"
                                          " WHERE state NOT IN ('sent', 'unknown')"), [(0,)])

    def test_it_is_refused_while_somebody_works(self):
        self.teataja("backup", self.file)
        lock = self.site / "var/worker-9.lock"
        with open(lock, "w", encoding="utf-8") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            run = self.teataja("--yes", "restore", self.file, status=FAILED)
        self.assertIn("the site is in use", run.err)
        self.assertIn("worker-9.lock", run.err)

    def test_what_cannot_be_restored_changes_nothing(self):
        self.teataja("backup", self.file)
        before = self.members()
        damaged = bytearray(self.file.read_bytes())
        for at in range(8192, len(damaged), 4096):
            damaged[at:at + 64] = bytes(range(64))
        newer = self.folder / "newer.teataja"
        newer.write_bytes(self.file.read_bytes())
        with contextlib.closing(sqlite3.connect(newer)) as db, db:
            db.execute("INSERT INTO schema_migration VALUES (9999, 'x', 'y', 1)")
        (self.folder / "damaged.teataja").write_bytes(damaged)
        (self.folder / "text.teataja").write_text("not a database at all\n" * 1000)
        for name, words in (("damaged", "damaged"), ("newer", "newer teataja"),
                            ("text", ": it is not a database that"), ("missing", "No such file")):
            run = self.teataja("--yes", "restore", self.folder / f"{name}.teataja", status=FAILED)
            self.assertIn(words, run.err)
            self.assertIn("cannot be restored", run.err)
        self.assertEqual(self.members(), before)
        self.assertEqual([n for n in self.var() if "incoming" in n or "before" in n], [])
        run = self.teataja("restore", self.file, status=FAILED)
        self.assertIn("nothing was changed", run.err)
        self.assertEqual(self.members(), before)

    def test_a_file_that_is_there_is_never_overwritten(self):
        self.file.write_text("precious")
        run = self.teataja("backup", self.file, status=FAILED)
        self.assertIn("is there already", run.err)
        self.assertEqual(self.file.read_text(), "precious")
        run = self.teataja("backup", self.folder / "no/such/folder/b", status=FAILED)
        self.assertIn("No such file or directory", run.err)
        self.assertEqual(sorted(p.name for p in pathlib.Path(self.folder).glob("*.part*")), [])

    def test_migrate_says_that_there_is_nothing_to_do(self):
        self.assertIn("there is nothing to do", self.teataja("migrate").out)
        self.assertIn("there is nothing to do", self.teataja("migrate", "--dry-run").out)
        last = max(MIGRATIONS.glob("*.sql")).read_text(encoding="utf-8")
        made = re.findall(r"^CREATE (TABLE|VIEW|TRIGGER) (\w+)", last, re.MULTILINE)
        with contextlib.closing(sqlite3.connect(self.site / "var/teataja.db")) as db, db:
            for kind, name in reversed(made):
                db.execute(f"DROP {kind} {name}")
            db.execute("DELETE FROM schema_migration WHERE number = "
                       "(SELECT max(number) FROM schema_migration)")
        self.assertIn("would be brought to schema", self.teataja("migrate", "--dry-run").out)
        self.assertIn("is at schema", self.teataja("migrate", status=DONE).out)
        self.assertIn("there is nothing to do", self.teataja("migrate").out)


if __name__ == "__main__":
    unittest.main()
