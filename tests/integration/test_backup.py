"""The backup as ops/runbook.md has it: a role that sees every workspace, a dump that is whole, and the same again in
another database."""

import os
import re
import shutil
import tempfile

import pages
import psycopg2
import stack as stacks
from case import Case
from test_migrate import Database
from waiting import run

PAGE = os.path.join(stacks.ROOT, "ops", "runbook.md")


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
        found = pages.blocks(PAGE)
        bins = sorted(d for d in (os.path.join("/usr/lib/postgresql", v, "bin") for v in os.listdir("/usr/lib/postgresql")))
        me = {"runuser -u postgres -- ": ""}
        for name, names in (
                ("backup-role", {**me, "env -u USHER_CONFIG -u USHER_PG": "", "postgresql:///usher": uri, "~/usher/usher_backup.password": "backup.password"}),
                ("backup", {found["backup"].splitlines()[0]: "backup_pg='%s'" % backup}),
                ("restore-dump", {**me, "postgresql:///usher": target.uri, "usherctl status": ""})):
            lines = found[name]
            for written, real in names.items():
                self.assertIn(written, lines)
                lines = lines.replace(written, real)
            done = run(["/bin/bash", "-euc", lines], cwd=folder, capture_output=True, text=True,
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

    def test_who_does_not_see_every_row_begins_no_epoch(self):
        """The administrator of the migrations sees no rooms where he is no superuser: row-level security is forced. A new
        epoch that he begins would tell every reader that all rooms are gone."""
        owner = Database(self.stack, "blind_owner", "usher_test_blind")
        self.addCleanup(owner.drop)
        owner.migrate()
        for words in (("restore",), ("rooms", "rebuild")):
            done = owner.ctl(*words)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("does not see every row", done.stderr)
        self.assertEqual(owner.sql("SELECT count(*) FROM usher.new_epochs")[0][0], 0)

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
