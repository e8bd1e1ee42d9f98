"""A site whose letters wait for editors, with 'teataja web', and links such as mails bring."""

import base64
import hashlib
import re

from support import NEWSLETTER, query, small_site, wait_for, write, write_members
from web_site import LANGUAGES, WebSite

TOKEN_LEAVE, TOKEN_DRAFT = 1, 6
TEXTS = {"et": "Tere, siin on uudised", "ru": "Здравствуйте, вот новости", "en": "The news",
         "lv": "Sveiki, te ir jaunumi", "lt": "Sveiki, štai naujienos", "pl": "Oto aktualności",
         "cs": "Dobrý den, tady jsou novinky", "de": "Grüße, hier sind Nachrichten",
         "sv": "Hej, här är nyheterna", "fi": "Hei, tässä ovat uutiset"}
EDITORS = {language: f"{language}.editor@cluster.example" for language in LANGUAGES}
KATI, JAAN = "kati@cluster.example", "jaan@cluster.example"


def first_bits(digest):
    return int(digest.hex()[:15], 16)


def editors(people):
    return "editors:\n" + "".join(f"  - {{ address: {address}, name: {name}, language: {language} }}\n"
                                  for address, name, language in people)


class DraftSite(WebSite):
    """Newsletters `funding` (one approval, an editor of each language) and `pair` (two, of Kati
    and Jaan); nothing was sent."""

    def prepare(self):
        self.site = self.folder / "site"
        self.boxes = self.folder / "boxes"
        small_site(self.site, self.sink(self.boxes))
        config = self.site / "teataja.yaml"
        write(config, config.read_text().replace("languages: [et, ru, en]", "languages: [" +
                                                 ", ".join(LANGUAGES) + "]"))
        for name, needed, people in (
                ("funding", "one", [(EDITORS[tag], f"Toimetaja {tag}", tag) for tag in LANGUAGES]),
                ("pair", "two", [(KATI, "Kati Kask", "en"), (JAAN, "Jaan Jõgi", "et")])):
            text = NEWSLETTER.replace("[et, ru, en]", "[" + ", ".join(LANGUAGES) + "]")
            write(self.site / f"newsletters/{name}.yaml",
                  text.replace("name: Funding letter", f"name: The {name} letter")
                  + f"approval: {needed}\n" + editors(people))
        write_members(self.folder / "m.csv", [(f"m{number}@member.example", f"Mari {tag}", tag)
                                              for number, tag in enumerate(LANGUAGES * 2)])
        for path in self.site.glob("issues/*"):
            path.unlink()
        self.teataja("member", "import", self.folder / "m.csv", "--list", "funding", "--source",
                     "register")
        self.key = bytes.fromhex(re.search(r"[0-9a-f]{64}",
                                           (self.site / "var/token.key").read_text()).group())
        self.port = self.serve()

    def write_issue(self, name, newsletter="funding", more=""):
        for tag in LANGUAGES:
            head = f"newsletter: {newsletter}\n" if tag == "et" else ""
            place = f"issues/{name}.md" if tag == "et" else f"issues/{name}.{tag}.md"
            write(self.site / place, f"---\n{head}subject: {TEXTS[tag]} ({name})\n"
                  f"preheader: {TEXTS[tag]}\n---\n{TEXTS[tag]}.\n\n{more}\n\n{{{{> calls}}}}\n")

    def draft(self, name, newsletter="funding", more=""):
        """Writes an issue and asks for it to be sent; the mailing that waits."""
        self.write_issue(name, newsletter, more)
        self.teataja("send", name, "--yes", status=None)
        return self.one("SELECT id FROM mailing WHERE subject = ?", f"issues/{name}")

    def one(self, sql, *values):
        return query(self.site, sql, *values)[-1][0]

    def state_of(self, mailing):
        return self.one("SELECT state FROM mailing WHERE id = ?", mailing)

    def trail(self, mailing):
        return query(self.site, "SELECT who, address, how, what, remark FROM approval_trail "
                     "WHERE mailing = ? ORDER BY id", mailing)

    def digest(self, mailing):
        return self.one("SELECT digest FROM approval_snapshot WHERE mailing = ? "
                        "ORDER BY revision", mailing)

    def token(self, purpose, ids, key=None):
        """As base/token.h describes it."""
        data = bytearray([purpose, 1])
        for number in ids:
            while number >= 128:
                data.append(number & 127 | 128)
                number >>= 7
            data.append(number)
        data += hashlib.blake2b(bytes(data), key=key or self.key, digest_size=32).digest()[:10]
        return base64.b32encode(bytes(data)).decode().rstrip("=").lower()

    def person(self, address):
        return first_bits(hashlib.blake2b(f"draft\n{address}".encode(), key=self.key,
                                          digest_size=16).digest())

    def link(self, mailing, address, digest=None):
        """As the mail about the draft in its newest text brings it, or in that of a digest."""
        text = digest or self.digest(mailing)
        revision = first_bits(hashlib.blake2b(text.encode(), digest_size=16).digest())
        return "/draft/" + self.token(TOKEN_DRAFT, [mailing, self.person(address), revision])

    def wait_for_reload(self):
        """The pages look at their files every two seconds."""
        times = self.log().count("event=site_reloaded")

        def is_read():
            self.ask("/")
            return self.log().count("event=site_reloaded") > times
        wait_for("the changed files", is_read)
