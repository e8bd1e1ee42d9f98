"""The manual pages against the program and two formatters; completion in three shells."""

import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import time
import unittest

from support import PROGRAM, SOURCE, Case, environment, small_site, wait_for, write

MAN = SOURCE / "contrib/man"
COMPLETIONS = SOURCE / "contrib/completions"


def run(*line, **options):
    return subprocess.run([str(part) for part in line], capture_output=True, text=True,
                          check=False, **options)


def options_of(text):
    """The options in a help text: {"--list", "-o"}."""
    part = text.partition("\nOptions:\n")[2]
    return set(re.findall(r"(?m)^  (-[a-zA-Z]|--[a-z-]+)\b", part))


class Help(Case):

    def verbs(self):
        text = self.teataja("--help").out
        part = text.partition("Verbs:\n")[2].partition("\n\nOptions:")[0]
        return re.findall(r"(?m)^  ([a-z-]+(?: [a-z-]+)?)  ", part)


class Pages(Help):
    """teataja(1), and those whose keys come from the program."""

    def written(self):
        """Every page as it is installed."""
        pages = [MAN / "man1/teataja.1"]
        for source in sorted((MAN / "man5").glob("*.5.in")):
            page = self.folder / source.name.removesuffix(".in")
            done = run("cmake", f"-DINPUT={source}", f"-DOUTPUT={page}", f"-DPROGRAM={PROGRAM}",
                       "-DVERSION=0.1.0", "-P", SOURCE / "contrib/cmake/manual.cmake",
                       env=environment())
            self.assertEqual(done.returncode, 0, done.stderr)
            pages.append(page)
        self.assertEqual([page.name for page in pages],
                         ["teataja.1", "content.5", "newsletter.5", "teataja.yaml.5"])
        return pages

    def test_two_formatters_find_nothing_to_say(self):
        for page in self.written():
            done = run("mandoc", "-T", "lint", "-W", "warning", page)
            self.assertEqual((done.stdout, done.returncode), ("", 0))
            done = run("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page,
                       env=environment(MANWIDTH="80"))
            self.assertEqual((done.stderr, done.returncode), ("", 0), page)

    def test_keys_of_every_file_are_in_a_page(self):
        pages = "\n".join(page.read_text() for page in self.written())
        self.assertNotIn("keys:", pages)
        self.assertNotIn("@VERSION@", pages)
        for file in ("teataja.yaml", "newsletters", "projects", "regions.yaml", "calls", "events",
                     "news", "issues"):
            keys = re.findall(r"(?m)^([a-z_\[\]A-Z.]+)$",
                              self.teataja("config", "manual", file).out)
            self.assertGreater(len(keys), 4, file)
            for key in keys:
                self.assertIn(f"\\fB{key}\\fR", pages, file)

    def test_a_file_that_there_is_not_is_named_with_the_nearest(self):
        done = self.teataja("config", "manual", "evnts", status=1)
        self.assertEqual(done.err, "teataja: no kind of file 'evnts'; did you mean 'events'?\n")

    def test_every_verb_and_option_is_in_the_manual(self):
        manual = (MAN / "man1/teataja.1").read_text().replace("\\-", "-")
        plain = re.sub(r'\\f[BIRP]|"', "", manual)
        missing = []
        for verb in self.verbs():
            if not re.search(rf"(?m)^\.(B|BI|BR|RB) {re.escape(verb)}(?![a-z-])", plain):
                missing.append(verb)
        for option in options_of(self.teataja("--help").out):
            if option not in plain:
                missing.append(option)
        self.assertEqual(missing, [])

    def test_examples_of_content_are_accepted(self):
        page = (MAN / "man5/content.5.in").read_text()
        examples = re.findall(r"(?s)\.EX\n# (\S+)\n(.*?)\.EE", page)
        self.assertEqual(len(examples), 3)
        site = small_site(self.folder / "site")
        for folder in ("issues", "calls"):
            shutil.rmtree(site / folder)
        letter = (site / "newsletters/funding.yaml").read_text()
        write(site / "newsletters/funding.yaml",
              letter.replace("[et, ru, en]", "[et]").replace("fallback: en\n", ""))
        for name, text in examples:
            write(site / name.replace("\\-", "-"), text.replace("\\-", "-"))
        self.teataja("check", "--quiet", site=site)


class Completion(Help):
    """What the shells ask the program for."""

    def setUp(self):
        super().setUp()
        self.site = small_site(self.folder / "site")
        write(self.site / "events/forum-2027.md", "title: Forum\nlist: events\n"
              "start: 2027-05-20 10:00\nend: 2027-05-20 11:00\n---\nTere!\n")
        # The shells find it by its name.
        (self.folder / "bin").mkdir()
        (self.folder / "bin/teataja").symlink_to(PROGRAM)
        path = f"{self.folder}/bin:{environment()['PATH']}"
        self.env = environment(PATH=path, HOME=str(self.folder), TERM="dumb")

    def complete(self, *words):
        done = run(PROGRAM, "__complete", *words, cwd=self.site, env=self.env)
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)
        return [line.partition("\t")[0] for line in done.stdout.splitlines()]

    def test_every_verb_can_be_reached(self):
        for verb in self.verbs():
            first, _, second = verb.partition(" ")
            self.assertEqual(self.complete("").count(first), 1, verb)
            if second:
                self.assertIn(second, self.complete(first, ""))
                self.assertIn(second, self.complete(first, second[:2]))

    def test_every_option_of_every_verb_is_offered(self):
        everywhere = options_of(self.teataja("--help").out)
        for verb in self.verbs():
            words = verb.split()
            of_verb = options_of(self.teataja(*words, "--help").out)
            self.assertEqual(set(self.complete(*words, "-")), of_verb | everywhere, verb)

    def test_names_of_the_site_are_offered_where_they_fit(self):
        cases = [
            (("send", ""), ["kiri", "funding"]),
            (("preview", ""), ["kiri", "funding", "events/forum-2027"]),
            (("event", "invite", "f"), ["forum-2027"]),
            (("event", "answer", "forum-2027", "1", ""), ["yes", "no", "maybe"]),
            (("event", "answer", "forum-2027", "1", "yes", ""), []),
            (("preview", "kiri", "--lang", ""), ["et", "ru", "en"]),
            (("member", "add", "a@b.example", "--list", "e"), ["events"]),
            (("member", "add", "a@b.example", "--list", "=", "e"), ["events"]),
            (("member", "show", ""), []),
            (("member", "import", ""), [":files"]),
            (("-C", ""), [":folders"]),
            (("dkim", "keygen", "--type", ""), ["rsa", "ed25519"]),
            (("mailing", "show", "1", "--state", "su"), ["suppressed"]),
            (("config", "manual", "c"), ["calls"]),
            (("nonsense", ""), []),
            (("send", "kiri", ""), []),
            ((), []),
        ]
        for words, expected in cases:
            with self.subTest(words):
                found = self.complete(*words) if words else []
                self.assertEqual(found, expected)

    def test_another_site_and_no_site(self):
        self.assertEqual(run(PROGRAM, "__complete", "-C", self.site, "send", "k", cwd="/",
                             env=self.env).stdout, "kiri\tissues\n")
        self.assertEqual(run(PROGRAM, "__complete", "send", "", cwd="/", env=self.env).stdout, "")
        write(self.site / "teataja.yaml", "lists: [")
        self.assertEqual(self.complete("member", "add", "x", "--list", ""), [])

    def test_bash(self):
        def ask(line):
            words = line.split(" ")
            script = (f"source {COMPLETIONS}/teataja.bash; complete -p teataja >/dev/null || exit 1; "
                      f"COMP_WORDS=({' '.join(repr(w) for w in words)}); "
                      f"COMP_CWORD={len(words) - 1}; COMP_LINE='{line}'; COMP_POINT={len(line)}; "
                      "compopt() { :; }; _teataja; printf '%s\\n' \"${COMPREPLY[@]}\"")
            done = run("bash", "--norc", "-c", script, cwd=self.site, env=self.env)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            return done.stdout.split()
        self.assertEqual(ask("teataja dkim k"), ["keygen"])
        self.assertEqual(ask("teataja send "), ["kiri", "funding"])
        self.assertIn("--dry-run", ask("teataja send kiri --d"))
        self.assertEqual(ask("teataja backup tea"), ["teataja.yaml"])
        self.assertIn("events", ask("teataja -C "))
        self.assertNotIn("teataja.yaml", ask("teataja -C "))

    def typed(self, line, setup, *shell):
        """What an interactive shell makes of a line and the tab key."""
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(self.site)
            os.execvpe(shell[0], shell, self.env)
        said = b""

        def read(seconds):
            nonlocal said
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                if select.select([fd], [], [], 0.1)[0]:
                    said += os.read(fd, 4096)
        try:
            os.write(fd, setup.encode() + b"; echo rea''dy\n")

            def ready():
                read(0.1)
                return b"ready\r\n" in said
            wait_for("the shell", ready, 30)
            said = b""
            os.write(fd, line.encode() + b"\t")

            def done():
                read(0.2)
                return len(said) > len(line)
            wait_for("a completion", done, 30)
            read(0.5)
        finally:
            os.close(fd)
            os.waitpid(pid, 0)
        return re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]|[\x07\x08]|\r", b"", said).decode()

    def test_bash_at_a_terminal(self):
        self.assertIn("teataja dkim keygen ", self.typed(
            "teataja dkim k", f"source {COMPLETIONS}/teataja.bash", "bash", "--norc", "-i"))

    def test_zsh_at_a_terminal(self):
        self.assertIn("teataja dkim keygen", self.typed(
            "teataja dkim k", f"fpath=({COMPLETIONS} $fpath); autoload -Uz compinit; compinit -u -D",
            "zsh", "-f", "-i"))

    def test_fish(self):
        def ask(line):
            done = run("fish", "--no-config", "-c",
                       f"source {COMPLETIONS}/teataja.fish; complete -C '{line}'", cwd=self.site,
                       env=self.env)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            return [found.partition("\t")[0] for found in done.stdout.splitlines()]
        self.assertEqual(ask("teataja dkim k"), ["keygen"])
        self.assertEqual(sorted(ask("teataja send ")), ["funding", "kiri"])
        self.assertEqual(ask("teataja send kiri --dry"), ["--dry-run"])
        self.assertEqual(ask("teataja backup tea"), ["teataja.yaml"])


if __name__ == "__main__":
    unittest.main()
