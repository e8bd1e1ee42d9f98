#!/usr/bin/env python3
"""The pages as a browser sees them: axe, vnu, narrow screens, and a link scanner that opens
every link of every letter with scripts on."""

import concurrent.futures
import json
import subprocess
import unittest

from judges import html_errors
from support import JUDGES, write
from web_site import LANGUAGES, WebSite


def browse(urls, *options):
    """tests/judges/web.mjs over the addresses."""
    done = subprocess.run(["node", str(JUDGES / "web.mjs"), *options],
                          input="".join(f"{url}\n" for url in urls).encode(),
                          capture_output=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


class Pages(WebSite):
    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def pages(self):
        """Every kind of page, each in its languages: {name: text}."""
        found = {}
        for number, language in enumerate(LANGUAGES):
            address = self.addresses[number]
            links = self.links[address]
            self.teataja("member", "set", address, f"language={language}")
            for page in ("leave", "preferences", "answer", "archive"):
                found[f"{page}-{language}"] = self.ask(links.path(page),
                                                       Accept_Language=language)[2]
            found[f"answered-{language}"] = self.post(links.path("answer"),
                                                      {"answer": "yes", "comment": "<&>"})[2]
            found[f"saved-{language}"] = self.post(
                links.path("preferences"), [("do", "save"), ("shown", "funding"),
                                            ("list", "funding")])[2]
            found[f"left-{language}"] = self.post(links.path("leave"),
                                                  {"do": "leave", "all": "yes"})[2]
            found[f"back-{language}"] = self.post(
                links.path("leave"), [("do", "undo"), ("list", "funding"),
                                      ("list", "events")])[2]
            for path in ("/", "/nix", "/leave/x", "/leave"):
                found[f"told{path.replace('/', '-')}-{language}"] = self.ask(
                    path, Accept_Language=language)[2]
        return found

    def test_html_and_style_are_right(self):
        folder = self.folder / "pages"
        paths = [write(folder / f"{name}.html", text) for name, text in self.pages().items()]
        self.assertEqual(len(paths), 12 * len(LANGUAGES))
        style = self.ask("/")[2].partition('href="')[2].partition('"')[0]
        paths.append(write(folder / "style.html", "<!DOCTYPE html><html lang=en><title>x</title>"
                           f"<style>{self.ask(style)[2]}</style>"))
        self.assertEqual(html_errors(paths), [])

    def test_axe_finds_nothing_and_pages_fit_every_screen(self):
        paths = ["/", "/nix", "/leave"]
        for number, language in enumerate(("ru", "de")):
            address = self.addresses[20 + number]
            self.teataja("member", "set", address, f"language={language}")
            links = self.links[address]
            paths += [links.path(page) for page in ("leave", "preferences", "answer")]
        paths.append(links.path("view"))
        left = self.links[self.addresses[30]].path("leave")
        self.post(left, {"do": "leave"})
        paths += [left, self.links[reader_of(self)].path("archive")]
        for found in browse([self.url(path) for path in paths]):
            with self.subTest(found["path"]):
                self.assertEqual(found["schemes"], {"light": [], "dark": []})
                self.assertEqual([w for w, wide in found["widths"].items() if wide > int(w)], [])
                said = [text for text in found["console"] if "404 (Not Found)" not in text]
                self.assertEqual(said, [])
                self.assertEqual(found["status"], 404 if found["path"].endswith("/nix") else 200)
                if found["status"] == 200:
                    self.assertEqual(found["console"], [])

    def test_a_crawler_changes_nothing(self):
        paths = sorted({path for links in self.links.values() for path in links.all})
        self.assertGreater(len(paths), 400)
        before = self.dump()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for method in ("GET", "HEAD"):
                answers = list(pool.map(lambda path, how=method: self.ask(path, how)[0], paths))
                self.assertEqual(set(answers), {200})
        visited = browse([self.url(path) for path in paths], "--visit")
        self.assertEqual({found["status"] for found in visited}, {200})
        self.assertEqual(self.dump(), before)


def reader_of(test):
    """Anybody whose letter names an archive."""
    return next(a for a in test.addresses if any(p.startswith("/archive/")
                                                 for p in test.links[a].all))


if __name__ == "__main__":
    unittest.main()
