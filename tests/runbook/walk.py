#!/usr/bin/python3
"""Walks through the pages: each part is a function, in the order in which an operator comes to it. What stands in a block of
a page is taken from there; what happens to usher in between (a topic is lost, changes come after a backup) is done here,
and the transcript says so. Runs in the bare Debian that `run` has made.

    walk.py [PART...]    these parts alone, on what is there"""

import os
import sys
import traceback

import pages
import parts_first
import parts_loss
import parts_upgrade
from shell import Failed, Shell, Transcript

PARTS = (*parts_first.PARTS, *parts_loss.PARTS, *parts_upgrade.PARTS)
PAGES = ("README.md", "runbook.md", "topics.md", "network.md", "workspaces.md")


class Walk:
    def __init__(self, transcript):
        self.out = transcript
        self.shell = Shell(transcript, "/runbook/pages")

    def say(self, text):
        self.out.say("\n# " + text)

    def both(self, page, name, **more):
        """A block on each machine."""
        return [self.shell.block(page, name, machine, **more) for machine in ("a", "b")]

    def quiet(self, text, machine="a"):
        """A question that is no part of the page."""
        return self.shell.run(text, machine, quiet=True)


def left_out(shell):
    """Blocks of the pages that no part has run: the pages would rot there."""
    out = []
    for page in PAGES:
        shell.pages.setdefault(page, pages.blocks(os.path.join("/runbook/pages", page)))
        out += ["%s, %s was not run" % (page, name) for name in shell.pages[page] if (page, name) not in shell.used]
    return out


def main(wanted):
    transcript = Transcript("/runbook/transcript.txt", "a" if wanted else "w")
    walk = Walk(transcript)
    if wanted and os.path.exists(parts_first.SECOND):
        with open(parts_first.SECOND, encoding="utf-8") as f:
            walk.shell.machines["b"] = parts_first.into(f.read().strip())
    good = bad = 0
    for part in PARTS:
        if wanted and part.__name__ not in wanted:
            continue
        transcript.heading(part.__doc__.split("\n")[0])
        try:
            part(walk)
            good += 1
        except (Failed, AssertionError) as trouble:
            bad += 1
            transcript.say("FAIL: %s: %s" % (part.__name__, trouble))
        except Exception:  # pylint: disable=broad-except
            bad += 1
            transcript.say("FAIL: %s: %s" % (part.__name__, traceback.format_exc()))
            break
    if not wanted:
        missing = left_out(walk.shell)
        good, bad = good + (not missing), bad + bool(missing)
        for each in missing:
            transcript.say("FAIL: " + each)
    transcript.say("\n%d passed, %d failed" % (good, bad))
    return 1 if bad else 0


if __name__ == "__main__":
    # What stands in for systemd and Kafka's commands come first.
    os.environ.update(PATH="/usr/local/bin:" + os.environ["PATH"], DEBIAN_FRONTEND="noninteractive")
    sys.exit(main(sys.argv[1:]))
