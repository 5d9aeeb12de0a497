"""A real browser without a window: Chromium (ops/local/deps.sh browser). It loads a page, runs its scripts, and says
what has become of it."""

import collections
import html.parser
import re
import subprocess
import tempfile

from stack import ROOT
from waiting import run

# console: what the page's scripts and the browser itself had to say, as lines. A breach of the policy is among it.
Seen = collections.namedtuple("Seen", "html console")

# Elements without an end.
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def install():
    subprocess.run([ROOT + "/ops/local/deps.sh", "browser"], check=True)


def see(url):
    """The page as it is when its scripts have run and nothing is being fetched any more."""
    with tempfile.TemporaryDirectory(prefix="usher-browser-") as profile:
        # --no-sandbox: tests may run as root. The budget is of virtual time, which stands still while a fetch is open.
        done = run(["chromium-headless-shell", "--no-sandbox", "--disable-gpu", "--user-data-dir=" + profile,
                    "--virtual-time-budget=10000", "--enable-logging=stderr", "--dump-dom", url],
                   capture_output=True, text=True, check=True)
    return Seen(done.stdout, re.findall(r"^\[\S+:CONSOLE[:(]\d+\)?\] (.*)$", done.stderr, re.M))


class Page(html.parser.HTMLParser):
    """What is in the HTML of a page: elements, the texts of each, and whether all is well-formed."""

    def __init__(self, text):
        super().__init__()
        self.elements = []  # (tag, {attribute: value})
        self.faults, self._open, self._texts = [], [], collections.defaultdict(list)
        self.feed(text)
        self.close()
        self.faults += ["<%s> is not closed" % tag for tag, _ in self._open]

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append((tag, len(self.elements) - 1))

    def handle_endtag(self, tag):
        if not self._open or self._open[-1][0] != tag:
            self.faults.append("</%s> closes %s" % (tag, self._open[-1:]))
        else:
            self._open.pop()

    def handle_data(self, data):
        for _, number in self._open:
            self._texts[number].append(data)

    def text(self, tag, **attributes):
        """The text in the first such element, its children's too; None if there is none."""
        for number, (name, has) in enumerate(self.elements):
            if name == tag and attributes.items() <= has.items():
                return "".join(self._texts[number])
        return None

    def all(self, tag, attribute):
        return [has[attribute] for name, has in self.elements if name == tag and attribute in has]
