"""The other ways in beside SCIM: the Management API under a key, and the admin API under an owner's credential."""

import stream
from scimhttp import Client, patch_op

JSON = {"Content-Type": "application/json", "Accept": "application/json"}


def api(ws, token=None, url=None):
    """A client of /api/v1 under the workspace's key."""
    return Client(url or ws.stack.url, token or ws.token, prefix="/api/v1", headers=JSON, check=False)


def admin(ws, role="owner"):
    """A client of /api/v1/admin under a new credential."""
    made = ws.stack.ctl("owner", "create", workspace=ws.id,
                        name="o%d" % ws.stack.sql("SELECT count(*) FROM owners WHERE workspace_id=%s", ws.id)[0][0],
                        role=role)
    return Client(ws.stack.url, made["token"], prefix="/api/v1/admin", headers=JSON, check=False)


def change(*steps):
    """A PatchOp body of (op, path, value) each; path None: none; the value may be left out."""
    return patch_op(*({n: v for n, v in zip(("op", "path", "value"), step) if n == "value" or v is not None}
                      for step in steps))


def seats(ws):
    """(used, users with a seat, limit) as PostgreSQL has them."""
    return ws.stack.sql(
        "SELECT seats_used, (SELECT count(*) FROM users u WHERE u.workspace_id = w.workspace_id AND seat), seats_limit FROM workspaces w WHERE workspace_id=%s", ws.id)[0]


def seat_history(changes):
    """The number of seats taken after each change record of a workspace, in order."""
    taken, history = 0, []
    for v in sorted(changes, key=lambda v: v["seq"]):
        if v["action"] == "seats.recounted":
            taken = v["changes"][0]["to"]
        taken += stream.seats_by(v)
        history.append(taken)
    return history
