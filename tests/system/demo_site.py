"""The demo site, as 'teataja init --demo' makes it, and what went out from it."""

import csv
import email
import email.header
import email.policy
import email.utils
import re

from support import SharedCase, mailbox_messages, write

NEWSLETTER_LANGUAGES = ("en", "et", "ru", "lt", "pl", "cs")
FALLBACK = "en"


def letter_language(languages):
    """The edition of the demo's letter that a member must get."""
    return next((tag for tag in languages.split() if tag in NEWSLETTER_LANGUAGES), FALLBACK)


class Demo(SharedCase):
    """A demo site with its members, a sink on a free port, and nothing sent yet."""

    def prepare(self):
        self.make_demo(self.folder / "demo")

    def make_demo(self, site):
        self.site = ""
        self.teataja("init", site, "--demo")
        self.site = site
        self.boxes = self.folder / "boxes"
        port = self.sink(self.boxes)
        config = site / "teataja.yaml"
        write(config, config.read_text().replace("smtp://127.0.0.1:2525",
                                                 f"smtp://127.0.0.1:{port}"))
        self.issue = next(p.stem for p in sorted((site / "issues").glob("*.md"))
                          if "." not in p.stem)
        self.event = "forum"
        with open(site / "members.csv", encoding="utf-8-sig", newline="") as file:
            self.csv = list(csv.DictReader(file, delimiter=";"))
        self.teataja("member", "import", site / "members.csv", "--list", "funding",
                     "--source", "demo")
        self.members = {m["email"]: m for m in self.teataja("--json", "member", "list").json()}

    def received(self):
        """What the sink holds: {address: [message without the sink's two lines, ...]}."""
        return {address: [message.split(b"\r\n", 2)[2] for message in messages]
                for address, messages in mailbox_messages(self.boxes).items()}


def mailbox(message, field):
    """The one name and address of a field. Python's own reading of phrases keeps the
    space between encoded words, which RFC 2047, section 6.2, takes away."""
    raw = re.sub(r"\r?\n", "", email.message_from_bytes(message)[field])
    name, address = email.utils.parseaddr(raw)
    return {"name": str(email.header.make_header(email.header.decode_header(name))),
            "address": address}


def parse(message):
    return email.message_from_bytes(message, policy=email.policy.default)
