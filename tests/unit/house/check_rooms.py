#!/usr/bin/env python3
"""Holds the sources against the house rules of src/README.md.

- An #include "teataja/<room>/..." or "sql/<room>/..." names the room itself or
  one that src/CMakeLists.txt lets it use, directly or through others.
- A third party's header appears only in its adapter files.
- Every public header compiles alone.

Usage: check_rooms.py SOURCE_DIR C_COMPILER
"""
import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(sys.argv[1])
COMPILER = sys.argv[2]

ADAPTERS = {
    r"sqlite3\.h": r"src/db/sqlite[a-z_]*\.[ch]",
    r"curl/.*": r"src/net/[a-z_]+\.[ch]",
    r"libetpan/.*": r"(src/inbound|tests)/.*",
    r"libical/.*": r"(src/calendar/(ical_[a-z_]+|recurrence|zone)\.c|src/events/ical_[a-z_]+\.[ch]|tests/.*)",
    r"cmark\.h": r"src/render/markdown[a-z_]*\.[ch]",
    r"yaml\.h": r"src/base/yaml\.c",
    r"gnutls/.*": r"(src/delivery/dkim_key\.c|tests/.*)",
    r"idn2\.h": r"src/base/address\.c",
    r"sodium\.h": r"src/base/token\.c",
    r"microhttpd\.h": r"src/web/server\.c",
    r"unicode/.*": r"(src/(base|calendar|render|members)|tests/unit/render)/[a-z0-9_]+\.[ch]",
}


def rooms():
    """room -> all rooms it may use."""
    text = (SOURCE / "src/CMakeLists.txt").read_text()
    uses = {}
    for name, rest in re.findall(r"^teataja_room\((\w+)([^)]*)\)", text, re.M):
        below = re.search(r"USES ((?:(?!LIBS)\w+ ?)+)", rest)
        reach = {name}
        for other in (below.group(1).split() if below else []):
            if other not in uses:
                sys.exit(f"src/CMakeLists.txt: room {name} uses {other}, which stands above it")
            reach |= uses[other]
        uses[name] = reach
    uses["cli"] = set(uses) | {"cli"}
    return uses


def files(*folders):
    for folder in folders:
        for path in sorted((SOURCE / folder).rglob("*.[ch]")):
            yield path, path.relative_to(SOURCE).as_posix()


def main():
    reach = rooms()
    wrong = []
    for path, name in files("src", "include"):
        match = re.match(r"(?:src|include/teataja)/(\w+)/", name)
        room = match.group(1) if match else None
        if room not in reach:
            wrong.append(f"{name}: '{room}' is no room of src/CMakeLists.txt")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            include = re.match(r'\s*#\s*include\s+[<"](?:teataja|sql)/(\w+)/', line)
            if include and include.group(1) not in reach[room]:
                wrong.append(f"{name}:{number}: room {room} may not use room {include.group(1)}")
    for path, name in files("src", "include", "tests"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            include = re.match(r'\s*#\s*include\s+[<"]([^>"]+)[>"]', line)
            if not include:
                continue
            for header, adapter in ADAPTERS.items():
                if re.fullmatch(header, include.group(1)) and not re.fullmatch(adapter, name):
                    wrong.append(f"{name}:{number}: {include.group(1)} belongs in {adapter}")
    headers = [name for _, name in files("include")]
    if not headers:
        wrong.append("include: no public headers were found")
    for name in headers:
        result = subprocess.run(
            [COMPILER, "-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
             "-x", "c", "-I", str(SOURCE / "include"), "-include", str(SOURCE / name), "/dev/null"],
            capture_output=True, text=True, check=False)
        if result.returncode != 0:
            wrong.append(f"{name} does not compile alone:\n{result.stderr}")
    print("\n".join(wrong) if wrong else f"{len(headers)} headers, {len(reach)} rooms in order")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
