"""The tables behind the site's files, read out of the program's source.

A test that walks them covers a key on the day that it is added. A table that this
cannot read is an error, never left out.
"""

import dataclasses
import re

from support import SOURCE

ROOTS = {  # file -> its table
    "teataja.yaml": "site_schema",
    "newsletters": "newsletter_schema",
    "projects": "project_schema",
    "regions.yaml": "regions_schema",
    "calls": "call_schema",
    "news": "news_schema",
    "issues": "issue_schema",
    "events": "event_schema",
}


@dataclasses.dataclass
class Field:
    key: str
    type: str  # "TEXT" for SCHEMA_TEXT
    flags: frozenset  # {"LIST", "REQUIRED", ...}
    most: int  # bytes of text, or 0
    range: tuple  # (least, most) as written, or None
    schemes: tuple  # of a URL, or ()
    sub: "Schema" = None

    @property
    def is_list(self):
        return "LIST" in self.flags


@dataclasses.dataclass
class Schema:
    name: str
    fields: list
    shorthand: str = ""


def _limits():
    text = (SOURCE / "include/teataja/base/limits.h").read_text()
    return {name: int(value) for name, value in
            re.findall(r"#define (LIMIT_\w+) (\d+)", text)}


LIMITS = _limits()


class _File:
    """One source file with tables."""

    def __init__(self, path):
        # "calls/*.md" in a string begins no comment.
        text = re.sub(r"(?<!\w)/\*.*?\*/", "", path.read_text(), flags=re.S)
        self.path = path
        self.macros = dict(re.findall(r"#define (\w+) \((SCHEMA_[A-Z_| ]+)\)", text))
        self.choices = {name: tuple(re.findall(r'\{\s*"([^"]+)"', body)) for name, body in
                        re.findall(r"schema_choice (\w+)\[\] = \{(.*?)\n?\};", text, re.S)}
        self.fields = dict(re.findall(r"schema_field (\w+)\[\] = \{\n(.*?)\n\};", text, re.S))
        self.schemas = re.findall(
            r"const struct schema (\w+)\s*=\s*SCHEMA(?:_SHORT)?\(\s*([^,]+),\s*struct (\w+),\s*"
            r"(\w+)(?:,\s*\"(\w+)\")?\s*\)", text)


def _number(text):
    text = text.strip()
    if text in LIMITS:
        return LIMITS[text]
    return int(text) if text.isdigit() else 0


def _read_field(file, entry, schema_of):
    found = re.match(r'"([^"]+)"', entry)
    kind = re.search(r"\.type = SCHEMA_(\w+)", entry)
    if not found or not kind:
        raise AssertionError(f"{file.path}: cannot read the table at {entry[:60]!r}")
    flags = re.search(r"\.flags = ([\w| \n]+)", entry)
    words = flags.group(1) if flags else ""
    for name, value in file.macros.items():
        words = re.sub(rf"\b{name}\b", value, words)
    least = re.search(r"\.min = ([^,}]+)", entry)
    most = re.search(r"\.max = ([^,}]+)", entry)
    choices = re.search(r"\.choices = (\w+)", entry)
    sub = re.search(r"\.sub = &(\w+)", entry)
    kind = kind.group(1)
    return Field(key=found.group(1), type=kind,
                 flags=frozenset(re.findall(r"SCHEMA_(\w+)", words)),
                 most=_number(most.group(1)) if most else 0,
                 range=(least.group(1) if least else "0", most.group(1)) if most else None,
                 schemes=file.choices[choices.group(1)] if choices and kind == "URL" else (),
                 sub=schema_of(sub.group(1)) if sub else None)


def _read(file, name, public):
    """A table of the file, or one that another file shows."""
    file = file if any(own == name for own, *_ in file.schemas) else public.get(name)
    if file is None:
        raise AssertionError(f"no table {name} in src/")
    for own, title, _, fields, shorthand in file.schemas:
        if own == name:
            entries = file.fields[fields].split(".key =")[1:]
            return Schema(title.strip('"'),
                          [_read_field(file, entry.strip(), lambda sub: _read(file, sub, public))
                           for entry in entries], shorthand)
    raise AssertionError(f"{file.path}: no table {name}")


def read_schemas():
    """{file or folder: Schema} for every kind of file with keys."""
    files = [_File(path) for path in sorted((SOURCE / "src").rglob("*.c"))
             if "struct schema_field" in path.read_text()]
    public = {own: file for file in files for own, *_ in file.schemas}
    found = {}
    for kind, name in ROOTS.items():
        found[kind] = _read(public.get(name, files[0]), name, public)
    return found


def walk(schema, path=()):
    """Yields (path of keys, field) for every key that a person may write; the keys of a
    mapping that has its own names stand behind the path's `*`."""
    for field in schema.fields:
        if "IS_KEY" in field.flags:
            continue
        yield path + (field.key,), field
        if field.sub:
            yield from walk(field.sub, path + (field.key,) +
                            (("*",) if "KEYED" in field.flags else ()))
