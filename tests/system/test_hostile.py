"""Nothing that somebody can write into a site, a table or a command line does harm: it is
refused in a second, within 64 MB, with its place, and keeps no other letter from going.

Where only the message counts, many bad files stand in one site. Where resources count,
each has a run of its own (class Killers); CPU time is measured, so that a busy machine
makes no difference. Under ASan memory and time are the sanitizer's: a program built
without it is held to the figures, by contrib/check --long.
"""

import os
import pathlib
import shutil
import socket
import subprocess
import unittest

import hostile
from hostile import quoted
from schemas import read_schemas, walk
from support import (CONTENT, DONE, FAILED, PROGRAM, Case, Run, SlowServer, environment, write,
                     write_members)
from test_bad_input import CALL, EVENT, ISSUE, NEWSLETTER, REGIONS, SITE

SANITIZED = b"__asan_init" in PROGRAM.read_bytes()
SECONDS, MEGABYTES = (5, 640) if SANITIZED else (1, 64)
A_SITE = 120  # files that are checked in one run: 1,000 problems are kept

# What every file of a kind must have besides the key that is wrong, line by line.
BASES = {
    "teataja.yaml": [line for line in SITE.splitlines() if not line.startswith("vocab")],
    "newsletters": NEWSLETTER.splitlines(),
    "projects": ["name: P", "from: 2026-01-01", "to: 2027-01-01", "notice: N"],
    "regions.yaml": ["regions: { EE00A: { name: Ida-Viru } }"],
    "calls": ["title: T", "deadline: none"],
    "news": ["title: T"],
    "issues": ["newsletter: funding", "subject: S"],
    "events": ["title: T", "list: events", "start: 2027-05-20 10:00"],
}
FRONT_MATTER = ("calls", "news", "issues", "events")
OWN_NAMES = {"overrides": '"2027-05-20 10:00"', "columns": "email"}  # others are free


class Site(Case):
    """A site of one letter, to which bad files are added."""

    def setUp(self):
        super().setUp()
        self.site = self.folder / "site"

    def make_site(self, files, relay=""):
        shutil.rmtree(self.site, ignore_errors=True)
        for name, text in {"teataja.yaml": SITE + relay, "regions.yaml": REGIONS,
                           "newsletters/funding.yaml": NEWSLETTER,
                           "issues/kiri.md": ISSUE.format("", "Tere."), **files}.items():
            write(self.site / name, text)

    def check(self, status=CONTENT):
        """The problems that 'check' names."""
        return self.teataja("check", "--quiet", status=status).err.splitlines()

    def assert_named(self, lines, file, place, piece):
        start = f"{file}:{place}: " if place else f"{file}: "
        self.assertTrue(any(line.startswith(start) and piece in line for line in lines),
                        f"not named: {start}...{piece}\n" + "\n".join(
                            line for line in lines if line.startswith(file))[:2000])

    def assert_all_named(self, cases):
        """cases: (name, file, text, place, piece), of files that one site may have."""
        for start in range(0, len(cases), A_SITE):
            part = cases[start:start + A_SITE]
            self.make_site({file: text for _, file, text, _, _ in part})
            lines = self.check()
            self.assertFalse(any("not shown" in line for line in lines))
            for name, file, _, place, piece in part:
                with self.subTest(name):
                    self.assert_named(lines, file, place, piece)

    def assert_each_named(self, cases):
        """The same of files that a site has once."""
        for name, file, text, place, piece in cases:
            with self.subTest(name):
                self.make_site({file: text})
                self.assert_named(self.check(), file, place, piece)


def nest(schema, path, value, whole):
    """The line that gives the key at `path` the value, and where the value begins."""
    line, closing = "", ""
    fields = schema.fields
    for key in path[:-1]:
        if key == "*":
            name = OWN_NAMES.get(above, "x1")
            line += f"{name}: {{ "
            closing = " }" + closing
            continue
        field = next(field for field in fields if field.key == key)
        fields, above = field.sub.fields, key
        bracket = "[" if field.is_list else ""
        line += f"{key}: {bracket}{{ "
        closing = " }" + ("]" if field.is_list else "") + closing
    field = next(field for field in fields if field.key == path[-1])
    line += f"{path[-1]}: "
    if field.is_list and not whole:
        line, closing = line + "[", "]" + closing
    if "KEYED" in field.flags and not whole:
        line, closing = line + "{ " + OWN_NAMES.get(field.key, "x1") + ": ", " }" + closing
    return line + value + closing, len(line) + 1


def field_cases(kind, schema):
    """(key, name, line of the file, column, piece) for every key and every bad value."""
    for path, field in walk(schema):
        for value, whole, offset, piece in hostile.bad_values(field):
            line, column = nest(schema, path, value, whole)
            yield path[0], f"{kind} {'.'.join(path)}: {value[:40]}", line, column + offset, piece


class Fields(Site):
    """Every key of every kind of file, with every bad value of its type."""

    def test_every_key_refuses_what_its_type_cannot_be(self):
        count = 0
        for kind, schema in read_schemas().items():
            cases = list(field_cases(kind, schema))
            self.assertGreater(len(cases), 20, kind)
            count += len(cases)
            if kind.endswith(".yaml"):
                self.refuse_in_rounds(kind, cases)
            else:
                self.assert_all_named([self.as_file(kind, n, case) for n, case in
                                       enumerate(cases)])
        self.assertGreater(count, 700)

    def as_file(self, kind, number, case):
        key, name, line, column, piece = case
        rest = [base for base in BASES[kind] if not base.startswith(f"{key}:")]
        if kind in FRONT_MATTER:
            text = "\n".join(["---", line] + rest + ["---", "Tekst.", ""])
            return name, f"{kind}/c{number}.md", text, f"2:{column}", piece
        return name, f"{kind}/c{number}.yaml", "\n".join([line] + rest) + "\n", f"1:{column}", piece

    def refuse_in_rounds(self, file, cases):
        """A file of which there is one: as many mistakes as it has keys, then the next."""
        while cases:
            chosen = {}
            for case in cases:
                chosen.setdefault(case[0], case)
            cases = [case for case in cases if case is not chosen[case[0]]]
            rest = [base for base in BASES[file] if base.partition(":")[0] not in chosen]
            lines = [line for _, _, line, _, _ in chosen.values()] + rest
            self.make_site({file: "\n".join(lines) + "\n"})
            found = self.check()
            for number, (_, name, _, column, piece) in enumerate(chosen.values(), 1):
                with self.subTest(name):
                    self.assert_named(found, file, f"{number}:{column}", piece)


class Texts(Site):
    """Bytes, YAML, Markdown, calendars and the little languages in front matter."""

    def test_bytes_that_are_no_text_are_named_in_every_kind_of_file(self):
        sequences = {**hostile.NOT_UTF8, "NUL": b"\0"}
        many, single = [], []
        for kind in list(BASES) + ["body", "calendar"]:
            for number, (name, sequence) in enumerate(sequences.items()):
                piece = "NUL byte" if name == "NUL" else "broken UTF-8; save the file as UTF-8"
                file, text, place = self.spoil(kind, number, sequence)
                if kind == "calendar":
                    piece = ("a control character (0x00)" if name == "NUL" else
                             "broken UTF-8 behind 'X-NOTE:'")
                (single if kind.endswith(".yaml") else many).append(
                    (f"{kind}: {name}", file, text, place, piece))
        self.assert_all_named(many)
        self.assert_each_named(single)

    @staticmethod
    def spoil(kind, number, sequence):
        """A right file with the sequence in a comment; its name, text and the place."""
        if kind == "calendar":
            whole = hostile.calendar("X-NOTE:%").encode().replace(b"%", sequence)
            return f"events/i{number}.ics", whole, "9:1"
        if kind == "body":
            whole = CALL.format("deadline: none\n", "Te@kst").encode().replace(b"@", sequence)
            return f"calls/b{number}.md", whole, "7:3"
        base = "\n".join(BASES[kind]).encode()
        if kind in FRONT_MATTER:
            return (f"{kind}/n{number}.md", b"---\n# " + sequence + b"\n" + base + b"\n---\nT.\n",
                    "2:3")
        name = kind if kind.endswith(".yaml") else f"{kind}/n{number}.yaml"
        return name, b"# " + sequence + b"\n" + base + b"\n", "1:3"

    def test_utf16_is_named_in_every_kind_of_file(self):
        many, single = [], []
        for kind in BASES:
            for number, (charset, mark) in enumerate((("utf-16-le", b"\xff\xfe"),
                                                      ("utf-16-be", b"\xfe\xff"))):
                file, text, _ = self.spoil(kind, number, b"x")
                case = (f"{kind}: {charset}", file, mark + text.decode().encode(charset), "1:1",
                        "broken UTF-8")
                (single if kind.endswith(".yaml") else many).append(case)
        self.assert_all_named(many)
        self.assert_each_named(single)

    def test_yaml_that_is_broken_or_too_clever(self):
        self.assert_all_named([(f"YAML: {name}", f"newsletters/y{n}.yaml", text, place, piece)
                               for n, (name, text, place, piece) in enumerate(hostile.YAML)])
        self.assert_each_named([(f"YAML: {name}", "teataja.yaml", text, place, piece)
                                for name, text, place, piece in hostile.YAML
                                if "'list'" not in piece and not name.startswith("DEL")])

    def test_markdown_that_would_do_something(self):
        self.assert_all_named([
            (f"Markdown: {name}", f"issues/m{n}.md", ISSUE.format("", text), place, piece)
            for n, (name, text, place, piece) in enumerate(hostile.MARKDOWN)])

    def test_segments(self):
        self.assert_all_named([
            (f"segment: {text[:40]}", f"issues/s{n}.md",
             ISSUE.format(f"audience: {quoted(text)}\n", "Tere."), "4:11", piece)
            for n, (text, piece) in enumerate(hostile.SEGMENTS)])

    def test_deadlines_and_rules(self):
        call = "---\ntitle: T\n{}\n---\nTekst.\n"
        cases = [(f"deadline: {text}", f"calls/d{n}.md", call.format(f'deadline: "{text}"'),
                  "3:11", piece) for n, (text, piece) in enumerate(hostile.DEADLINES)]
        cases += [(f"rule: {text}", f"calls/r{n}.md", call.format(f'rounds: {{ rrule: "{text}" }}'),
                   "3:18", piece) for n, (text, piece) in enumerate(hostile.RULES)]
        self.assert_all_named(cases)

    def test_calendars(self):
        cases = [(f"property: {line[:40]}", f"events/p{n}.ics", hostile.calendar(line), place,
                  piece) for n, (line, place, piece) in enumerate(hostile.PROPERTIES)]
        cases += [(f"calendar: {name}", f"events/w{n}.ics", text, place, piece)
                  for n, (name, text, place, piece) in enumerate(hostile.CALENDARS)]
        self.assert_all_named(cases)

    def test_templates_and_texts_of_the_site(self):
        self.assert_each_named([(f"template: {text[:20]!r}", "templates/mail/footer.txt.mustache",
                                 text, place, piece) for text, place, piece in hostile.TEMPLATES])
        for text, place, piece in hostile.LOCALES:
            with self.subTest(f"texts: {text[:40]!r}"):
                self.make_site({"templates/locale/et.yaml": text})
                line = self.check()[-1].removeprefix("teataja: ")
                self.assert_named([line], "templates/locale/et.yaml", place, piece)


class Things(Site):
    """What stands where a file is expected."""

    FILES = ("teataja.yaml", "regions.yaml", "newsletters/x.yaml", "projects/x.yaml", "calls/x.md",
             "news/x.md", "issues/x.md", "events/x.md", "events/x.ics")

    def put(self, path, thing):
        if path.exists():
            path.unlink()
        path.parent.mkdir(exist_ok=True)
        if thing == "folder":
            path.mkdir()
        elif thing == "pipe":
            os.mkfifo(path)
        elif thing == "socket":
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(os.path.relpath(path))
        elif thing == "4 MB and one byte":
            path.write_bytes(b"# \n" * 1398102)
        else:
            path.symlink_to({"endless device": "/dev/zero", "full device": "/dev/full",
                             "link to itself": path.name, "link to nothing": "nowhere",
                             "terminal": "/dev/tty"}[thing])

    def test_no_kind_of_file_hangs_or_ends_it(self):
        pieces = {"folder": "the file cannot be read: it is a folder",
                  "pipe": "the file cannot be read: it is not a regular file",
                  "socket": "the file cannot be read: No such device or address",
                  "endless device": "the file cannot be read: it is not a regular file",
                  "full device": "the file cannot be read: it is not a regular file",
                  "link to itself": "the file cannot be read: Too many levels of symbolic links",
                  "link to nothing": "the file cannot be read: No such file or directory",
                  "4 MB and one byte": "the file is larger than 4194304 bytes"}
        for thing, piece in pieces.items():
            # A socket cannot be opened at all, and only the system says so.
            status = FAILED if thing == "socket" else CONTENT
            for file in self.FILES:
                if file.endswith(".yaml") and "/" not in file:
                    self.make_site({})
                    self.put(self.site / file, thing)
                    if thing in ("link to itself", "link to nothing"):
                        continue  # the site has no such file
                    with self.subTest(f"{file}: {thing}"):
                        self.assert_named(self.check(status), file, "", piece)
            self.make_site({})
            for file in self.FILES[2:8]:
                self.put(self.site / file, thing)
            self.put(self.site / "events/y.ics", thing)
            lines = self.check(status)
            for file in self.FILES[2:8] + ("events/y.ics",):
                with self.subTest(f"{file}: {thing}"):
                    self.assert_named(lines, file, "", piece)

    def test_a_disk_that_fails_is_not_called_bad_content(self):
        self.make_site({"calls/x.md": CALL.format("deadline: none\n", "T."),
                        "events/x.md": EVENT.format("2027-05-20", "2027-05-20"),
                        "events/y.ics": hostile.calendar()})
        for file in ("teataja.yaml", "regions.yaml", "newsletters/funding.yaml", "calls/x.md",
                     "issues/kiri.md", "events/x.md", "events/y.ics"):
            for call, error, words in (("read", "EIO", "Input/output error"),
                                       ("openat", "EACCES", "Permission denied")):
                with self.subTest(f"{file}: {error}"):
                    run = self.teataja(
                        "check", "--quiet", status=FAILED, ASAN_OPTIONS="detect_leaks=0",
                        prefix=("strace", "-qq", "-o", "/dev/null", "-P", str(self.site / file),
                                "-e", f"trace={call}", "-e", f"inject={call}:error={error}"))
                    self.assert_named(run.err.splitlines(), file, "",
                                      f"the file cannot be read: {words}")

    def test_names_of_files_that_are_no_slugs(self):
        names = ["Ä.md", "a b.md", "-a.md", "a.xx.md", "a.et.en.md", ".md", "x" * 65 + ".md",
                 "a'.md", 'a".md', "a\nb.md", "a\x1b[31m.md", "$(id).md", "%s%n.md"]
        self.make_site({f"calls/{name}": "x" for name in names if name != ".md"})
        (self.site / "calls").mkdir(exist_ok=True)
        with open(os.path.join(os.fsencode(self.site), b"calls", b"\xff.md"), "wb"):
            pass
        run = self.teataja("check", "--quiet", status=CONTENT)
        lines = run.err.splitlines()
        self.assertEqual(len(lines), len(names), run.err)
        self.assertTrue(all(line.startswith("calls/") for line in lines), run.err)
        self.assertNotIn("\x1b", run.err)


class Members(Site):
    def load(self, data):
        write(self.folder / "m.csv", data)
        run = self.teataja("member", "import", "m.csv", "--list", "funding", "--source", "t",
                           status=CONTENT)
        self.assertTrue(run.err.endswith("teataja: nothing was imported\n"))
        return run.err.splitlines()

    def test_every_bad_row_is_named(self):
        self.make_site({})
        rows, expected, line = [";".join(hostile.COLUMNS)], [], 2
        for number, (column, value, piece) in enumerate(hostile.ROWS):
            cells = {"email": f"x{number}@naide.example", "name": "X", "consent_source": "t"}
            cells[column] = value
            row = [cells.get(name, "") for name in hostile.COLUMNS]
            at = len(";".join(row[:hostile.COLUMNS.index(column)]))
            expected.append((f"{column}: {value[:40]!r}", f"{line}:{at + 2 if at else 1}", piece))
            rows.append(";".join(row))
            line += 1 + value.count("\n")
        lines = self.load("\n".join(rows) + "\n")
        for name, place, piece in expected:
            with self.subTest(name):
                self.assert_named(lines, "m.csv", place, piece)

    def test_every_bad_table_is_named(self):
        self.make_site({})
        for name, data, place, piece in hostile.TABLES:
            with self.subTest(name):
                self.assert_named(self.load(data), "m.csv", place, piece)


class Commands(Site):
    def test_arguments(self):
        self.make_site({"events/f.md": EVENT.format("2027-05-20 10:00", "2027-05-20 12:00")})
        self.teataja("member", "add", hostile.MARI, "name=Mari")
        os.mkfifo(self.site / "fifo")
        (self.site / "loop").symlink_to("loop")
        for arguments, status, piece in hostile.COMMANDS:
            line = [os.fsencode(PROGRAM), b"-C", os.fsencode(self.site)]
            line += [a if isinstance(a, bytes) else
                     a.replace("SITE", str(self.site)).encode() for a in arguments]
            with self.subTest(" ".join(map(str, arguments))[:100]):
                done = subprocess.run(line, capture_output=True, stdin=subprocess.DEVNULL,
                                      check=False, env=environment(), timeout=60, cwd=self.folder)
                said = done.stderr.decode(errors="replace")
                self.assertEqual(done.returncode, status, said)
                self.assertIn(piece, said)
                message = [line for line in said.splitlines() if not line.startswith("Try '")][-1]
                self.assertTrue(message.startswith("teataja: "), said)
                self.assertFalse(any(ord(c) < 32 for c in message), said)


# ---- resources ----

# What a process has used at most includes what its parent had when it forked: so the
# program's parent is a small one.
MEASURE = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(process, 0)
print(f"\\n{os.waitstatus_to_exitcode(status)} {used.ru_utime + used.ru_stime} {used.ru_maxrss}",
      end="")
"""

def lines_of(count, line):
    return "".join(line.format(n) for n in range(count))


def bomb_of_rules(count):
    return hostile.calendar(*["RRULE:FREQ=DAILY;COUNT=2000"] * count)


BIG = 1_000_000
# What could eat time or memory: name -> (file, text, status of 'check', piece or None).
KILLERS = {
    # Issues.
    "Markdown of facts.md, lists": ("issues/k.md", "- " * 30000 + "x" + "\n" * 30000, CONTENT,
                                    "are nested more than 40 deep"),
    "Markdown of facts.md, quotes": ("issues/k.md", ">" * 60000 + "a*" * 2000, CONTENT,
                                     "are nested more than 40 deep"),
    "quotes and stars on many lines": ("issues/k.md", (">" * 30 + "a*" * 2000 + "\n") * 200,
                                       CONTENT, "too many marks"),
    "thousands of lists": ("issues/k.md", "- a\n" * 50000, DONE, None),
    "lists 40 deep": ("issues/k.md", ("> " * 39 + "a " * 500 + "\n\n") * 400, None, None),
    "a quoted line that wraps": ("issues/k.md", "> " * 35 + "ab " * 15000, DONE, None),
    "emphasis runs": ("issues/k.md", "*" * 60000, None, None),
    "underscores": ("issues/k.md", ("_a " * 1000 + "\n\n") * 100, None, None),
    "links": ("issues/k.md", lines_of(10000, "[a](https://x.example/{})\n\n"), None, None),
    "definitions": ("issues/k.md", lines_of(20000, "[a{0}]: https://x.example/{0}\n") +
                    lines_of(2000, "[a{}]\n\n"), None, None),
    "definitions of one name": ("issues/k.md", "[a]: https://x.example/\n" * 30000, CONTENT,
                                "too many marks"),
    "long definition names": ("issues/k.md", ("[" + "a" * 900 + "]\n") * 1000, None, None),
    "tables": ("issues/k.md", "|a" * 10000 + "|\n" + "|-" * 10000 + "|\n", None, None),
    "backslashes": ("issues/k.md", "\\" * 60000, DONE, None),
    "entities": ("issues/k.md", ("&amp;" * 10000 + "\n") * 15, None, None),
    "autolinks": ("issues/k.md", ("<https://x.example/>\n\n") * 20000, None, None),
    "code fences": ("issues/k.md", "```\n" * 50000, CONTENT, "too many marks"),
    "code fences apart": ("issues/k.md", "```\n\n" * 50000, None, None),
    "growing code spans": ("issues/k.md", "".join("e" + "`" * n for n in range(300)), None, None),
    "headings": ("issues/k.md", "# a\n" * 50000, DONE, None),
    "rules": ("issues/k.md", "- " * 30000, DONE, None),
    "blank lines": ("issues/k.md", "\n" * 900000, None, None),
    "carriage returns": ("issues/k.md", "\r" * 900000, None, None),
    "trailing spaces": ("issues/k.md", (" " * 60000 + "\n") * 17, None, None),
    "tokens": ("issues/k.md", ("{{member.name}} " * 4000 + "\n") * 16, None, None),
    "blocks": ("issues/k.md", "{{> calls}}\n\n" * 20000, None, None),
    "combining marks": ("issues/k.md", ("e" + "\u0301" * 30000 + "\n") * 17, None, None),
    "emoji joined": ("issues/k.md", "\U0001f469\u200d" * 9000, DONE, None),
    "direction marks": ("issues/k.md", "\u202e\u2067" * 10000, DONE, None),
    "a word of 64 KB": ("issues/k.md", "a" * 65000, DONE, None),
    # YAML.
    "aliases": ("newsletters/k.yaml", "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n"
        for n in range(9)), CONTENT, "anchors are not allowed"),
    "brackets": ("newsletters/k.yaml", "name: " + "[" * 60000, CONTENT, "nested more than 16"),
    "braces on lines": ("newsletters/k.yaml", "{a:\n" * 100000, CONTENT, "nested more than 16"),
    "values": ("newsletters/k.yaml", "name: [" + "a,\n" * 200001 + "]\n", CONTENT,
               "the file has more than 200000 values"),
    "keys": ("newsletters/k.yaml", lines_of(90000, "k{}: a\n"), CONTENT, "unknown key 'k0'"),
    "one key": ("newsletters/k.yaml", "name: a\n" * 90000, CONTENT, "stands twice"),
    "unknown projects": ("newsletters/k.yaml", NEWSLETTER + "funded_by: [" + lines_of(
        10000, "p{},\n") + "]\n", CONTENT, "no project 'p0'"),
    "anchors": ("newsletters/k.yaml", lines_of(100000, "- &a{0} x\n"), CONTENT, "anchors are not"),
    "quotes": ("newsletters/k.yaml", 'name: "' + "\n" * 900000 + '"\n', CONTENT, "'list' is mis"),
    "comments": ("newsletters/k.yaml", "#\n" * 2_000_000, CONTENT, "'name' is missing"),
    "folded text": ("newsletters/k.yaml", "name: >\n" + " a\n" * 500000, CONTENT, "bytes; at most"),
    "indents": ("newsletters/k.yaml", "".join(" " * n + "a:\n" for n in range(1400)), CONTENT,
                "nested more than 16"),
    "head without end": ("calls/k.md", "---\n" + "a: b\n" * 200000, CONTENT, "'---' at its end"),
    "sectors": ("calls/k.md", "---\ntitle: T\ndeadline: none\nsectors: [" +
                ",".join(f"s{n}" for n in range(9000)) + "]\n---\nx\n", CONTENT, "no sector 's0'"),
    "regions": ("calls/k.md", "---\ntitle: T\ndeadline: none\nregions: [" +
                ",".join(f"r{n}" for n in range(9000)) + "]\n---\nx\n", CONTENT, "no region 'r0'"),
    "dates": ("calls/k.md", "---\ntitle: T\nrounds: [" + ",".join(
        f"{2000 + n // 300}-{n % 12 + 1:02}-{n % 25 + 1:02}" for n in range(5000)) +
        "]\n---\nx\n", None, None),
    "chain of regions": ("regions.yaml", "regions:\n  R0: { name: N0 }\n" + "".join(
        f"  R{n}: {{ name: N{n}, parent: R{n - 1} }}\n" for n in range(1, 10000)), None, None),
    "ring of regions": ("regions.yaml", "regions:\n" + "".join(
        f"  R{n}: {{ name: N{n}, parent: R{(n + 1) % 5000} }}\n" for n in range(5000)), CONTENT,
        "is inside itself"),
    "regions of one name": ("regions.yaml", "regions:\n" + lines_of(5000, "  R{}: {{ name: N }}\n"),
                            CONTENT, "is a name of region"),
    "lists": ("teataja.yaml", SITE.replace("lists: {", "lists: {" + "".join(
        f" l{n}: L," for n in range(5000))), DONE, None),
    "relays": ("teataja.yaml", SITE + "relays:\n" + "".join(
        f"  - smtp://h{n}.example:25\n" for n in range(2000)), DONE, None),
    # Calendars.
    "nested components": ("events/k.ics", "BEGIN:VCALENDAR\r\n" + "BEGIN:VEVENT\r\n" * 100000,
                          CONTENT, "nested more than 8 deep"),
    "a line of 3 MB": ("events/k.ics", hostile.calendar("X-A:" + "a" * 3 * BIG), CONTENT,
                       "the line is longer than 65536 bytes"),
    "a folded line of 3 MB": ("events/k.ics", hostile.calendar("X-A:a" + "\r\n a" * 700000),
                              CONTENT, "the line is longer than 65536 bytes"),
    "80,000 bad starts": ("events/k.ics", hostile.calendar(*["DTSTART:x"] * 80000), CONTENT,
                          "a second DTSTART"),
    "20,001 components": ("events/k.ics", "BEGIN:VCALENDAR\r\n" + "BEGIN:VTODO\r\nEND:VTODO\r\n" *
                          20001 + "END:VCALENDAR\r\n", CONTENT, "more than"),
    "a rule that never ends": ("events/k.ics", hostile.calendar(
        "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"), CONTENT, "nothing here recurs faster"),
    "a rule that seldom comes": ("events/k.ics", hostile.calendar(
        "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=TH;INTERVAL=1000"), None, None),
    "a hundred thousand days": ("events/k.ics", hostile.calendar(
        "RRULE:FREQ=DAILY;COUNT=100000"), None, None),
    "a thousand rules": ("events/k.ics", bomb_of_rules(1000), CONTENT, "more than"),
    "exceptions": ("events/k.ics", hostile.calendar("RRULE:FREQ=DAILY", *[
        "EXDATE:" + ",".join(f"20270{n % 9 + 1}01T100000Z" for n in range(3000))] * 20), None,
        None),
    "parameters": ("events/k.ics", hostile.calendar("X-A" + ";B=c" * 15000 + ":d"), None, None),
    "a zone of 5,000 rules": ("events/k.ics", "BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:X\r\n" +
                              "BEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0200\r\n"
                              "TZOFFSETTO:+0200\r\nRRULE:FREQ=YEARLY\r\nEND:STANDARD\r\n" * 5000 +
                              "END:VTIMEZONE\r\n" + hostile.calendar()[17:].replace(
                                  "DTSTART:20270520T100000Z", "DTSTART;TZID=X:20270520T100000"),
                              None, None),
    "alarms": ("events/k.ics", hostile.calendar(*["BEGIN:VALARM", "END:VALARM"] * 9000), None,
               None),
    # Rules and segments in Markdown events.
    "a rule every day for 200 years": ("events/k.md", "---\ntitle: T\nlist: events\nstart: "
                                       "1990-05-20 10:00\nrrule: FREQ=DAILY\n---\nx\n", None, None),
    "overrides": ("events/k.md", "---\ntitle: T\nlist: events\nstart: 2027-01-01 10:00\nrrule: "
                  "FREQ=DAILY\noverrides:\n" + "".join(
                      f"  20{n // 336 + 27}-{n // 28 % 12 + 1:02}-{n % 28 + 1:02}: "
                      "{ status: cancelled }\n" for n in range(1500)) + "---\nx\n", None, None),
    "a segment of 8 KB": ("issues/k.md", ("name = a or " * 680 + "name = b", "x"), DONE, None),
    # Templates.
    "sections": ("templates/mail/footer.txt.mustache", "{{#a}}\n" * 9000 + "{{/a}}\n" * 9000,
                 CONTENT, "sections nest deeper than 32"),
    "tags": ("templates/mail/footer.txt.mustache", ("{{a}}" * 10000 + "\n") * 20, None, None),
    "delimiters": ("templates/mail/footer.txt.mustache", ("{{=" + "<" * 60000 + " >=}}\n"), None,
                   None),
    "texts": ("templates/locale/et.yaml", 'event: { seats: "' + "{count, plural, other {" * 2000 +
              '" }\n', CONTENT, "event.seats"),
}


def killer_file(file, text):
    if not file.startswith("issues/"):
        return text
    audience, body = text if isinstance(text, tuple) else ("", text)
    return ISSUE.format(f"audience: {quoted(audience)}\n" if audience else "", body)


class Killers(Site):
    """Each in a process of its own, which is measured."""

    def measure(self, *arguments):
        """Runs the program; what it said, its CPU seconds and its megabytes."""
        line = ["/usr/bin/python3", "-ISc", MEASURE] + self.command(*arguments, site=self.site)
        done = subprocess.run(line, capture_output=True, stdin=subprocess.DEVNULL, check=True,
                              env=environment(), cwd=self.folder)
        status, seconds, kilobytes = done.stdout.decode().rsplit("\n", 1)[1].split()
        return (Run(int(status), "", done.stderr.decode(errors="replace")), float(seconds),
                int(kilobytes) / 1024)

    def assert_bounded(self, *arguments, statuses):
        run, seconds, megabytes = self.measure(*arguments)
        self.assertIn(run.status, statuses, f"{run}"[:3000])
        self.assertLessEqual(seconds, SECONDS, f"CPU seconds of {arguments[0]}")
        self.assertLessEqual(megabytes, MEGABYTES, f"MB of {arguments[0]}")
        return run

    def test_each_is_done_within_a_second_and_64_megabytes(self):
        for name, (file, text, status, piece) in KILLERS.items():
            with self.subTest(name):
                self.make_site({file: killer_file(file, text)})
                run = self.assert_bounded("check", "--quiet", statuses=(DONE, CONTENT) if status
                                          is None else (status,))
                if piece:
                    self.assertIn(piece, run.err)
                    self.assertRegex(run.err, rf"{file}:\d+")
                if run.status == DONE:
                    shown = {"issues": "k", "events": "events/k"}.get(file.split("/")[0], "kiri")
                    self.assert_bounded("preview", shown, "-o", self.folder / "out",
                                        statuses=(DONE, FAILED, CONTENT))

    def test_suggestions_for_thousands_of_words_among_thousands(self):
        words = ", ".join(f"word-{n}" for n in range(5000))
        others = ", ".join(f"wrod-{n}x" for n in range(5000))
        self.make_site({"teataja.yaml": SITE.replace("sectors: [", f"sectors: [{words}, "),
                        "calls/k.md": CALL.format(f"deadline: none\nsectors: [{others}]\n", "x")})
        run = self.assert_bounded("check", "--quiet", statuses=(CONTENT,))
        self.assertIn("no sector 'wrod-0x'", run.err)

    def test_big_and_odd_tables_of_members(self):
        self.make_site({})
        tables = {
            "a field without end": b"email;name\na@b.example;\"" + b"x\n" * 2 * BIG,
            "a row of 4 MB": b"email;name\n" + b"a;" * 2 * BIG,
            "100,000 bad rows": b"email\n" + b"nobody\n" * 100_000,
            "50,000 columns": b";".join(b"c%d" % n for n in range(50_000)) + b"\n",
            "2 MB of quotes": b"email\n" + b'"' * 2 * BIG,
            "2 million rows": b"email\n" + b"\n" * 2 * BIG,
        }
        for name, data in tables.items():
            with self.subTest(name):
                write(self.folder / "m.csv", data)
                self.assert_bounded("member", "import", "m.csv", "--list", "funding", "--source",
                                    "t", "--dry-run", statuses=(DONE, CONTENT))

    def test_twenty_thousand_files_and_one(self):
        self.make_site({})
        folder = self.site / "newsletters"
        for number in range(20_001):
            os.link(folder / "funding.yaml", folder / f"n{number}.yaml")
        run = self.assert_bounded("check", "--quiet", statuses=(CONTENT,))
        self.assertIn("newsletters: the folder has more than 20000 files", run.err)


class Letters(Site):
    """One hostile file cannot stop a letter that does not use it."""

    def test_what_is_within_bounds_stops_no_letter(self):
        server = SlowServer()
        self.addCleanup(server.close)
        relay = f'relays: {{ url: "smtp://127.0.0.1:{server.port}", starttls: "off" }}\n'
        files = {}
        for number, (file, text, _, piece) in enumerate(KILLERS.values()):
            kind, _, _ = file.partition("/")
            if piece is None and kind in ("issues", "calls", "events"):
                files[f"{kind}/k{number}{pathlib.Path(file).suffix}"] = killer_file(file, text)
        self.make_site(files)
        for line in self.teataja("check", "--quiet", status=None).err.splitlines():
            if "warning: " not in line:
                files.pop(line.split(":")[0], None)
        self.assertGreater(len(files), 20)
        self.make_site(files, relay)
        people = [(f"m{n}@naide.example", f"Mari {n}", "et") for n in range(5)]
        write_members(self.folder / "m.csv", people)
        self.teataja("member", "import", "m.csv", "--list", "funding", "--source", "t", "--basis",
                     "membership")
        self.teataja("send", "kiri")
        self.assertEqual(sorted(server.addresses()), [address for address, _, _ in people])


if __name__ == "__main__":
    unittest.main()
