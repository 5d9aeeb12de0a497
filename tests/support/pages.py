"""The blocks of commands in documents, taken out as they stand there, so that whoever tests them tests what people read:

    ```sh NAME
    a command
    ```
"""

import re
import textwrap

BLOCK = re.compile(r"^ *```(\w+) ([\w-]+)\n(.*?)^ *```$", re.M | re.S)


def blocks(path, language=None):
    """{name: text} of a page, in its order."""
    with open(path, encoding="utf-8") as f:
        found = list(BLOCK.finditer(f.read()))
    names = [m[2] for m in found]
    assert len(set(names)) == len(names), "%s has a name twice: %s" % (path, names)
    return {m[2]: textwrap.dedent(m[3]) for m in found if language in (None, m[1])}


def block(path, name):
    return blocks(path)[name]
