"""Independent readers of what the program writes; the npm ones are in tests/judges."""

import json
import subprocess

from support import JUDGES

# What vnu calls an error and Outlook on Windows, which renders with Word, needs:
# properties of its own, for padding and for what it must not show.
VNU_ALLOWED = ("CSS: “mso-",)


def ask(judge, paths, *arguments):
    """Runs tests/judges/<judge>.mjs over the paths; what it found, in their order."""
    if not (JUDGES / "node_modules").is_dir():
        raise AssertionError(f"run 'npm ci --prefix {JUDGES}' first")
    done = subprocess.run(["node", str(JUDGES / f"{judge}.mjs"), *map(str, arguments)],
                          input="".join(f"{path}\n" for path in paths).encode(),
                          capture_output=True, check=False, timeout=240)
    if done.returncode:
        raise AssertionError(f"{judge}: {done.stderr.decode()}")
    found = json.loads(done.stdout)
    assert [f["path"] for f in found] == [str(path) for path in paths]
    return found


def html_errors(paths):
    """What vnu finds wrong, outside the allow-list: [(file, line, message)]."""
    jar = JUDGES / "node_modules/vnu-jar/build/dist/vnu.jar"
    # It lives for seconds: compiling thoroughly would take longer than it saves.
    done = subprocess.run(["java", "-Xss2m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar",
                           str(jar), "--format", "json", "--stdout", "--errors-only",
                           "--exit-zero-always", *map(str, paths)],
                          capture_output=True, check=False, timeout=240)
    if not done.stdout.strip():
        raise AssertionError(f"vnu: {done.stderr.decode()}")
    return [(m["url"].rpartition("/")[2], m.get("lastLine"), m["message"])
            for m in json.loads(done.stdout)["messages"]
            if m["type"] in ("error", "non-document-error")
            and not m["message"].startswith(VNU_ALLOWED)]
