"""The unit under a systemd that is process 1: in namespaces of its own, so root is needed.

Run by contrib/check --long with a program without sanitizers, which the unit's limits would
not let run."""

import pathlib
import re
import shutil
import subprocess
import unittest

from support import Case, PROGRAM, SOURCE, small_site, write

TRY = """
show() { systemctl show teataja -p ActiveState,Result,StatusText,NRestarts | sort | tr '\\n' ' '; }
systemctl start teataja; echo "start $? $(show)"
curl -s --unix-socket /run/teataja/web.sock http://x/ -o /dev/null -w 'page %{http_code}\\n'
for second in 1 2 3 4 5; do  # the metrics hear of the others once a second
  health=$(curl -s http://127.0.0.1:9727/healthz); [ "$health" = ok ] && break; sleep 1
done
echo "health $health"
for pid in $(cat /sys/fs/cgroup/system.slice/teataja.service/cgroup.procs); do
  echo "process $(awk '/^(NoNewPrivs|CapEff|Seccomp):/ { printf "%s%s ", $1, $2 }' /proc/$pid/status)"
done
systemctl reload teataja; echo "reload $?"; sleep 1; show; echo
systemctl kill --kill-whom=main --signal=KILL teataja; sleep 7; echo "killed $(show)"
systemctl stop teataja; echo "stop $? $(show)"
stat -c 'owner %U %a' /var/lib/teataja/var
"""


class Live(Case):
    def setUp(self):
        super().setUp()
        self.groups = self.folder / "cgroup"
        self.groups.mkdir()
        subprocess.run(["mount", "-t", "cgroup2", "none", self.groups], check=True)
        self.addCleanup(subprocess.run, ["umount", self.groups], check=True)
        self.group = self.groups / self.folder.name
        self.group.mkdir()
        self.addCleanup(self.remove_group)

    def remove_group(self):
        for folder in sorted(self.group.rglob("*/"), reverse=True):
            folder.rmdir()
        self.group.rmdir()

    def prepare(self):
        unit = (SOURCE / "contrib/systemd/teataja.service.in").read_text()
        write(self.folder / "teataja.service",
              unit.replace("@CMAKE_INSTALL_FULL_BINDIR@/teataja", "/opt/teataja"))
        shutil.copy(SOURCE / "contrib/systemd/teataja.sysusers.conf", self.folder / "sysusers.conf")
        shutil.copy(PROGRAM, self.folder / "teataja")
        shutil.copytree(SOURCE / "templates", self.folder / "templates")
        site = self.folder / "site"
        small_site(site)
        file = site / "teataja.yaml"
        write(file, re.sub(r"(?m)^web: .*$", 'web: { url: "https://letters.cluster.example", '
                           'listen: "unix:/run/teataja/web.sock" }\n'
                           'serve: { metrics: "127.0.0.1:9727" }', file.read_text()))
        write(self.folder / "try.sh", TRY)

    def test_the_unit_starts_reloads_comes_back_and_stops(self):
        self.prepare()
        line = ["unshare", "-m", "-p", "-f", "-C", "-u", "-i", "-n", "--mount-proc",
                pathlib.Path(__file__).with_name("systemd_root.sh"), self.folder]
        # In a group of its own, which the new namespace has for its root.
        done = subprocess.run(["sh", "-c", f"echo $$ > {self.group}/cgroup.procs; exec \"$@\"",
                               "sh", *line], capture_output=True, text=True, timeout=120,
                              check=False)
        said = self.folder / "said"
        told = said.read_text() if said.exists() else done.stdout + done.stderr
        active = r"ActiveState=active NRestarts=%d Result=success StatusText=schedule runs, .*"
        self.assertRegex(told, "start 0 " + active % 0)
        self.assertIn("page 200\nhealth ok\n", told)
        processes = re.findall(r"process (.*) \n", told)
        self.assertGreaterEqual(len(processes), 5, told)
        self.assertEqual(set(processes), {"CapEff:0000000000000000 NoNewPrivs:1 Seccomp:2"}, told)
        self.assertRegex(told, "reload 0\n" + active % 0)
        self.assertRegex(told, "killed " + active % 1)
        self.assertRegex(told, "stop 0 ActiveState=inactive NRestarts=0 Result=success ")
        self.assertIn("owner teataja 750\n", told)
        self.assertIn("config_taken", (self.folder / "log").read_text())


if __name__ == "__main__":
    unittest.main()
