"""The operator's shell: runs blocks of the pages one after the other, as somebody types them who has one terminal open, and
writes down what was typed and what came."""

import os
import signal
import subprocess
import time

import pages

STATE = "/run/walk/state"
PATIENCE = 600
BEFORE = 'set -euo pipefail\n__before=$(compgen -v)\n[ ! -e %s ] || . %s\n' % (STATE, STATE)
# What the shell holds for the next block: variables, functions, folder, mask.
AFTER = """
{
    for __name in $(compgen -v | grep -vxF "$__before"); do
        case $__name in __* | BASH* | PIPESTATUS | FUNCNAME | COMP_* | _) ;; *) declare -p "$__name" ;; esac
    done
    declare -f || true
    printf 'cd %%q\\numask %%s\\n' "$PWD" "$(umask)"
} >%s.new && mv %s.new %s
""" % (STATE, STATE, STATE)


class Failed(Exception):
    pass


class Transcript:
    """What is shown while it happens, and kept in a file."""

    def __init__(self, path, mode):
        self.file = open(path, mode, encoding="utf-8")

    def say(self, text=""):
        print(text, flush=True)
        self.file.write(text + "\n")
        self.file.flush()

    def heading(self, text):
        self.say("\n" + text + "\n" + "=" * len(text))


class Shell:
    def __init__(self, transcript, folder):
        self.out, self.folder, self.used, self.pages = transcript, folder, set(), {}
        self.machines = {"a": []}  # how a command gets to a machine
        os.makedirs(os.path.dirname(STATE), exist_ok=True)

    def text(self, page, name):
        if page not in self.pages:
            self.pages[page] = pages.blocks(os.path.join(self.folder, page))
        self.used.add((page, name))
        return self.pages[page][name]

    def block(self, page, name, machine="a", replace=None, fails=False):
        """A block of a page, as it stands there; on machine b with b's address. Gives what was printed."""
        text = self.text(page, name)
        for written, real in {**({"10.0.0.5": "10.0.0.6"} if machine == "b" else {}), **(replace or {})}.items():
            if written not in text and replace and written in replace:
                raise Failed("%s, %s has no %r" % (page, name, written))
            text = text.replace(written, real)
        self.out.say("\n--- %s, %s%s" % (page, name, "" if machine == "a" else " (on machine b)"))
        return self.run(text, machine, fails)

    def sql(self, page, name):
        self.out.say("\n--- %s, %s" % (page, name))
        return self.run('psql "$USHER_PG" <<"END"\n%sEND\n' % self.text(page, name))

    def run(self, text, machine="a", fails=False, quiet=False):
        """Lines of a shell. They must succeed, or must not (fails)."""
        if not quiet:
            for number, line in enumerate(text.rstrip("\n").split("\n")):
                self.out.say("%s%s" % ("%s# " % machine if number == 0 else "> ", line))
        began = time.monotonic()
        process = subprocess.Popen([*self.machines[machine], "bash", "-c", BEFORE + text + AFTER], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                                   start_new_session=True)
        told = []
        signal.alarm(PATIENCE)
        try:
            for line in process.stdout:
                told.append(line)
                if not quiet and not line.startswith("(Reading database ... "):
                    self.out.say(line.rstrip("\n"))
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            raise Failed("nothing came for %d s: %s" % (PATIENCE, text)) from None
        finally:
            signal.alarm(0)
        code = process.wait()
        took = time.monotonic() - began
        if not quiet and took > 2:
            self.out.say("(%.0f s)" % took)
        if (code != 0) != fails:
            raise Failed("exit code %d%s" % (code, "" if not quiet else ": %s\n%s" % (text, "".join(told))))
        return "".join(told)


def _too_long(_number, _frame):
    raise TimeoutError


signal.signal(signal.SIGALRM, _too_long)
