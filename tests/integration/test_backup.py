"""The backup as ops/runbook.md has it: a role that sees every workspace, a dump that is whole, and the same again in
another database."""

import os
import re
import shutil
import tempfile

import psycopg2
import stack as stacks
from case import Case
from test_migrate import Database
from waiting import run

PAGE = os.path.join(stacks.ROOT, "ops", "runbook.md")


def commands(language):
    """The lines of the section that are for psql, or for a shell."""
    with open(PAGE, encoding="utf-8") as f:
        section = f.read().split("## Backup\n")[1].split("\n## ")[0]
    return re.findall(r"<!-- %s -->\n\n((?:    .*\n)+)" % language, section)


class Backup(Case):
    def tables(self, uri):
        connection = psycopg2.connect(uri, options="-c search_path=usher")
        with connection, connection.cursor() as c:
            c.execute("SELECT relname FROM pg_class WHERE relnamespace = 'usher'::regnamespace AND relkind = 'r' ORDER BY 1")
            names = [row[0] for row in c.fetchall()]
            found = {}
            for name in ("users", "rooms", "members", "keys", "workspaces", "resource_keys"):
                c.execute("SELECT count(*), md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) FROM %s t WHERE "
                          "workspace_id = '%s'" % (name, self.ws.id))
                found[name] = c.fetchone()
        connection.close()
        return names, found

    def test_as_written(self):
        uid = self.user("kept")["id"]
        self.room("Kept", [uid])
        folder = tempfile.mkdtemp(prefix="usher-backup-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        with open(os.path.join(folder, "backup.password"), "w") as f:
            f.write("secret 'and' more\n")
        self.addCleanup(lambda: self.stack.sql("DROP OWNED BY usher_backup; DROP ROLE usher_backup"))
        target = Database(self.stack, "backup_target")
        self.addCleanup(target.drop)
        uri = self.stack.env["USHER_PG"]
        backup = re.sub("//[^@]*@", "//usher_backup:secret%20%27and%27%20more@", uri)
        before = self.tables(uri)
        role, dump, restore = (text.strip() for text in commands("shell"))
        bins = sorted(d for d in (os.path.join("/usr/lib/postgresql", v, "bin") for v in os.listdir("/usr/lib/postgresql")))
        for line, names in ((role, {"postgresql://postgres@db/usher": uri}),
                            (dump, {"postgresql://usher_backup@db/usher": backup}),
                            (restore, {"postgresql://postgres@db/usher": target.uri})):
            for written, real in names.items():
                self.assertIn(written, line)
                line = line.replace(written, real)
            done = run(["/bin/sh", "-e", "-c", line], cwd=folder, capture_output=True, text=True,
                       env={"PATH": ":".join((self.stack.env["USHER_BIN"], bins[-1], os.environ["PATH"]))})
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.stat(os.path.join(folder, "usher.dump")).st_mode & 0o777, 0o600)
        after = self.tables(target.uri)
        self.assertEqual(after[0], before[0])
        self.assertEqual(after[1], before[1])
        self.assertGreater(after[1]["members"][0], 0)
        self.assertIn("the newest", target.ctl("status").stdout)

    def backup(self, uri, path, **env):
        return run([os.path.join(self.stack.env["USHER_BIN"], "usherctl"), "backup", path, "--pg", uri],
                   env={"PATH": os.environ["PATH"], **env}, capture_output=True, text=True)

    def test_the_administrator_of_the_migrations_cannot(self):
        """Row-level security is forced: whoever is no superuser and has no BYPASSRLS is told so, with what to do, and gets
        no half dump; pg_dump alone would not say more than that it is so."""
        owner = Database(self.stack, "backup_owner", "usher_test_backup")
        self.addCleanup(owner.drop)
        owner.migrate()
        folder = tempfile.mkdtemp(prefix="usher-backup-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        done = self.backup(owner.uri, os.path.join(folder, "none"))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("usherctl backup role", done.stderr)
        bins = sorted(d for d in (os.path.join("/usr/lib/postgresql", v, "bin") for v in os.listdir("/usr/lib/postgresql")))
        done = run([os.path.join(bins[-1], "pg_dump"), "-d", owner.uri], capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(os.listdir(folder), [])

    def test_what_is_there_is_not_written_over_and_no_half_dump_stays(self):
        folder = tempfile.mkdtemp(prefix="usher-backup-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        kept = os.path.join(folder, "kept")
        with open(kept, "w") as f:
            f.write("of yesterday")
        done = self.backup(self.stack.env["USHER_PG"], kept)
        self.assertEqual(done.returncode, 1, done.stderr)
        with open(kept) as f:
            self.assertEqual(f.read(), "of yesterday")
        done = self.backup(self.stack.env["USHER_PG"], os.path.join(folder, "no", "folder"))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("pg_dump failed", done.stderr)
        self.assertEqual(os.listdir(folder), ["kept"])
