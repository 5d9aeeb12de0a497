"""Manual pages and completion as `make install` puts them in place: the pages are clean for those who check pages, each
program and each setting has its place, and a shell completes what the program knows. Needs no stack."""

import json
import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CTL = os.path.join(ROOT, "build", "release", "bin", "usherctl")
PLAIN = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}


def run(*words, **more):
    return subprocess.run(words, capture_output=True, text=True, check=False, env=PLAIN, **more)


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
        subprocess.run(["make", "-s", "install-manuals", "DESTDIR=" + cls.folder.name, "PREFIX=/usr"], cwd=ROOT, check=True, env=env)
        cls.share = os.path.join(cls.folder.name, "usr", "share")
        cls.table = json.loads(run(CTL, "help", "--json").stdout)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def read(self, *path):
        with open(os.path.join(self.share, *path), encoding="utf-8") as f:
            return f.read()


class Manuals(Installed):
    def pages(self):
        return sorted(os.path.join(folder, name) for folder, _, names in os.walk(os.path.join(self.share, "man")) for name in names)

    def test_each_program_has_one(self):
        names = [os.path.relpath(p, self.share) for p in self.pages()]
        self.assertEqual(names, ["man/man1/usherctl.1", "man/man5/usher.conf.5", "man/man8/usher-broker.8", "man/man8/usher-ingest.8",
                                 "man/man8/usher-livekit.8", "man/man8/usher-worker.8"])

    def test_they_are_clean(self):
        for page in self.pages():
            for check in (["groff", "-man", "-ww", "-z", "-Kutf8", "-Tutf8", page], ["mandoc", "-T", "lint", "-W", "warning", page]):
                done = run(*check)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""), page)

    def test_a_broken_page_is_found(self):
        with tempfile.NamedTemporaryFile("w", suffix=".8") as f:
            f.write(self.read("man", "man8", "usher-ingest.8").replace(".SH SIGNALS", ".SH SIGNALS\n.XX\n\\fB\\[nonsense]"))
            f.flush()
            self.assertNotEqual(run("mandoc", "-T", "lint", "-W", "warning", f.name).returncode, 0)
            self.assertNotEqual(run("groff", "-man", "-ww", "-z", "-Kutf8", "-Tutf8", f.name).stderr, "")

    def test_what_people_read(self):
        text = run("mandoc", "-T", "utf8", "-O", "width=200", os.path.join(self.share, "man", "man1", "usherctl.1")).stdout
        text = re.sub(r".\x08", "", text)
        for command in self.table["commands"]:
            self.assertIn("usherctl " + " ".join(command["usage"].split()).replace("…", "...")[:60], " ".join(text.split()))


class Completion(Installed):
    def bash(self, *words):
        """What is offered for the last of the words."""
        script = os.path.join(self.share, "bash-completion", "completions", "usherctl")
        code = '. "$1"; shift; COMP_WORDS=(usherctl "$@"); COMP_CWORD=$#; _usherctl; printf "%s\\n" "${COMPREPLY[@]}"'
        done = run("bash", "-c", code, "bash", script, *words)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split()

    def zsh(self, *words):
        """What may follow the words, as the function of the shell's own completion asks it."""
        script = os.path.join(self.share, "zsh", "vendor-completions", "_usherctl")
        code = ('compadd() { shift; print -l -- ${(P)1}; }; words=(usherctl "${@:2}" ""); CURRENT=$#words;'
                ' . "$1"; _usherctl')
        done = run("zsh", "-f", "-c", code, "zsh", script, *words)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split()

    def everywhere(self, shell, script, lines):
        """What may follow each of the lines: one shell for all of them, because starting one takes its time."""
        code = '. "$1"; shift; for line; do set -- %s; echo "=" $(_usherctl_next "$@"); done'
        done = run(*shell, code % ("${=line}" if shell[0] == "zsh" else "$line"), shell[0], script, *lines)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return dict(zip(lines, (set(part.split()) for part in done.stdout.split("=")[1:])))

    def test_commands_and_flags(self):
        lines, due = [], {}
        for c in self.table["commands"]:
            line = " ".join(w for w in (c["noun"], c["name"]) if w)
            due[line] = due.get(line, set()) | {"--" + f for f in c["flags"]} | {"--json", "--pg", "-o"}
            if c["name"]:
                due.setdefault(c["noun"], set()).add(c["name"])
        lines = sorted(due)
        for shell, path in ((("bash", "-c"), ("bash-completion", "completions", "usherctl")),
                            (("zsh", "-f", "-c"), ("zsh", "vendor-completions", "_usherctl"))):
            found = self.everywhere(shell, os.path.join(self.share, *path), lines)
            for line in lines:
                self.assertLessEqual(due[line], found[line], (shell[0], line))
            self.assertNotIn("--seats", found["key create"])

    def test_first_words(self):
        nouns = {c["noun"] for c in self.table["commands"]} | {"help"}
        self.assertEqual(set(self.bash("")), nouns)
        self.assertEqual(set(self.zsh()), nouns)
        self.assertEqual(self.bash("key", "cr"), ["create"])

    def test_values(self):
        self.assertEqual(self.bash("workspace", "set", "acme", "--seat-mode", "on_f"), ["on_first_login"])
        self.assertEqual(self.zsh("workspace", "set", "acme", "--restore-rooms"), ["true", "false"])
        # a value of one's own: nothing is offered, and behind it flags are
        self.assertEqual(self.bash("key", "create", "--workspace", ""), [])
        self.assertIn("--scopes", self.bash("key", "create", "--workspace", "acme", ""))
        self.assertIn("--scopes", self.zsh("key", "create", "--json"))

    def test_no_other_shell(self):
        self.assertEqual(run(CTL, "completion", "csh").returncode, 2)


if __name__ == "__main__":
    unittest.main()
