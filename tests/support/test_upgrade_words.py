"""What `make upgrade-test` upgrades from, and its exit code where there is nothing: in clones that are made here."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "upgrade"))

import release  # noqa: E402


class Words(unittest.TestCase):
    def setUp(self):
        self.root = os.path.realpath(tempfile.mkdtemp(prefix="usher-upgrade-"))
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        self.git("init", "-q", "-b", "main")
        self.commits = [self.commit("one"), self.commit("two")]

    def git(self, *words):
        return subprocess.run(["git", "-C", self.root, "-c", "user.name=t", "-c", "user.email=t@example.com", *words],
                              capture_output=True, text=True, check=True).stdout.strip()

    def commit(self, text):
        self.git("commit", "-q", "--allow-empty", "-m", text)
        return self.git("rev-parse", "HEAD")

    def nothing(self, wanted, words):
        with self.assertRaisesRegex(release.Nothing, words):
            release.chosen(self.root, wanted)

    def folder(self, *built):
        path = tempfile.mkdtemp(prefix="usher-built-")
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        for name in built:
            os.makedirs(os.path.dirname(os.path.join(path, name)), exist_ok=True)
            open(os.path.join(path, name), "w").close()
        return path

    def test_a_tag_a_commit_a_folder(self):
        self.git("tag", "v0.1.0", self.commits[0])
        for name in ("v0.1.0", self.commits[0], self.commits[0][:7], "HEAD~1"):
            self.assertEqual(release.chosen(self.root, name), (None, self.commits[0], name))
        built = self.folder(release.PROGRAM)
        self.assertEqual(release.chosen(self.root, built), (built, None, built))

    def test_the_newest_tag_behind_which_this_version_stands(self):
        self.nothing(None, "has no tag v")
        self.git("tag", "v0.9.0", self.commits[0])
        self.git("tag", "v0.10.0", self.commits[1])
        self.assertEqual(release.chosen(self.root, "")[2], "v0.9.0", "the newest one is this very commit")
        self.git("checkout", "-q", "-b", "later", self.commits[0])
        later = self.commit("of another branch")
        self.git("tag", "v1.0.0", later)
        self.git("checkout", "-q", "main")
        last = self.commit("three")
        self.assertEqual(release.chosen(self.root, None)[2], "v0.10.0", "v1.0.0 is a version that this one does not stand behind")
        self.assertNotEqual(last, later)

    def test_nothing_to_compare(self):
        """Each is told in one line that names it."""
        self.nothing("v9", "v9 is no tag, commit or folder here")
        self.nothing("--help", "--help is no tag")
        self.nothing(self.folder(), "has no built programs")
        self.nothing("HEAD", "is this very version")
        self.nothing(self.commits[1], "is this very version")

    def test_this_commit_with_changes_is_another_version(self):
        with open(os.path.join(self.root, "changed"), "w", encoding="utf-8") as f:
            f.write("not committed")
        self.assertEqual(release.chosen(self.root, "HEAD")[1], self.commits[1])

    def test_a_folder_does_not_hide_a_tag(self):
        """A tag counts where a folder has its name too, from wherever the test is called."""
        self.git("tag", "ops", self.commits[0])
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.root)
        os.mkdir("ops")
        self.assertEqual(release.chosen(self.root, "ops"), (None, self.commits[0], "ops"))

    def test_exit_codes(self):
        def code(*words, **env):
            done = subprocess.run([sys.executable, "-B", os.path.join(ROOT, "tests", "upgrade", "run"), *words], capture_output=True,
                                  text=True, env={**os.environ, **env})
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            return done.returncode

        self.assertEqual(code(UPGRADE_FROM="v9.9.9-none"), 3)
        self.assertEqual(code("v0.3.0"), 2, "a word would be left unread")


if __name__ == "__main__":
    unittest.main()
