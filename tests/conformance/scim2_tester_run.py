"""scim2-tester: its checks of a server, one JSON line each. Runs in the environment of scim.txt; SCIM_URL and
SCIM_TOKEN say where."""

import json
import os
import re

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

GOOD = {Status.SUCCESS: True, Status.COMPLIANT: True, Status.ACCEPTABLE: True, Status.SKIPPED: None}


def name(result):
    """A name that is the same in every run: title, resource type, and the attribute that the reason quotes."""
    words = [result.title or "?"]
    if result.resource_type:
        words.append(result.resource_type)
    quoted = re.search(r"'([A-Za-z0-9:.$_-]+)'", result.reason or "")
    if quoted and "attribute" in (result.title or ""):
        words.append(quoted.group(1))
    return " ".join(words)


def main():
    with Client(base_url=os.environ["SCIM_URL"],
                headers={"Authorization": "Bearer " + os.environ["SCIM_TOKEN"]}) as http:
        for result in check_server(SyncSCIMClient(http)):
            detail = (result.reason or "") if result.status == Status.SUCCESS else "%s: %s %s" % (
                result.status.name, result.reason, result.data)
            print(json.dumps({"check": name(result), "ok": GOOD.get(result.status, False), "detail": detail}),
                  flush=True)


if __name__ == "__main__":
    main()
