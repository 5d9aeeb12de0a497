"""Many endpoints for events over HTTP, some of them dead, and what has come to each. The receivers are a process of
their own (this file as a program), so that they cost whoever measures nothing."""

import asyncio
import concurrent.futures
import datetime
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "support")]

HOSTS = 50  # addresses that receivers share: as many connections to one of them as the setting allows
LIVE, SILENT, REFUSED = "127.1.0.%d", "127.2.0.%d", "127.3.0.%d"


# ---------------------------------------------------------------- the receivers

class Hook(asyncio.Protocol):
    """Takes everything. `came`: {path: [(webhook-id, seconds since the event)]}"""

    came = {}

    def connection_made(self, transport):
        self.transport, self.buffer = transport, b""

    def data_received(self, data):
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            lines = self.buffer[:end].split(b"\r\n")
            headers = dict(line.lower().split(b": ", 1) for line in lines[1:])
            size = end + 4 + int(headers[b"content-length"])
            if len(self.buffer) < size:
                return
            self.take(lines[0].split(b" ")[1].decode(), headers[b"webhook-id"].decode(), self.buffer[end + 4:size])
            self.buffer = self.buffer[size:]
            self.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    @classmethod
    def take(cls, path, message, body):
        text = body.partition(b'"timestamp":"')[2].partition(b'"')[0].decode()
        then = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
        cls.came.setdefault(path, []).append((message, time.time() - then))


class Silence(asyncio.Protocol):
    """Accepts, and never answers."""


async def serve():
    """Prints its port; then {"n": all that has come} for each line `count`, and what came since then for `take`."""
    loop, port = asyncio.get_running_loop(), 0
    for address, protocol in ((LIVE, Hook), (SILENT, Silence)):
        for host in range(1, HOSTS + 1):
            server = await loop.create_server(protocol, address % host, port, backlog=512)
            port = server.sockets[0].getsockname()[1]
    print(port, flush=True)
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        if line.strip() == b"take":
            print(json.dumps(Hook.came), flush=True)
            Hook.came.clear()
        else:
            print(json.dumps({"n": sum(map(len, Hook.came.values()))}), flush=True)


class Receivers:
    def __init__(self):
        self.process = subprocess.Popen([sys.executable, "-B", os.path.abspath(__file__)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def ask(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def count(self):
        return self.ask("count")["n"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


# ---------------------------------------------------------------- the endpoints

class Endpoints:
    """`n` of them in so many workspaces, `dead` of them dead: one half accepts and never answers, the other refuses
    connections. Changes go round the workspaces."""

    def __init__(self, stack, n, dead, workspaces):
        self.stack, self.each, self.dead_each = stack, n // workspaces, dead // workspaces
        self.receivers = Receivers()
        self.workspaces = [stack.workspace("endpoints", rate=100000000) for _ in range(workspaces)]
        self.live, self.changes = {}, 0  # live: {path: number of its workspace}
        for number, w in enumerate(self.workspaces):
            self.make(number, w)

    def make(self, number, w):
        import doors
        admin = doors.admin(w)
        for i in range(self.each):
            path = "/%d/%d" % (number, i)
            kind = LIVE if i >= self.dead_each else (SILENT, REFUSED)[i % 2]
            if kind == LIVE:
                self.live[path] = number
            url = "http://%s:%d%s" % (kind % (1 + (number * self.each + i) % HOSTS), self.receivers.port, path)
            made = admin.post("/deliveries", {"name": "endpoint %d" % i, "url": url})
            assert made.status == 201, made
        admin.close()

    def due(self, changes):
        """Messages that so many changes are for all who live."""
        return sum(self.of(number, changes) for number in self.live.values())

    def of(self, number, changes):
        return len(range(number, changes, len(self.workspaces)))

    def change(self, client, number):
        made = client.post("/Users", {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                                      "userName": "u%d@example.com" % number})
        assert made.status == 201, made

    def make_changes(self, n, pause=0.0, threads=1):
        """n changes more, one after the other in each workspace."""
        first, self.changes = self.changes, self.changes + n

        def work(part):
            clients = {}
            for number in range(first, first + n):
                w = number % len(self.workspaces)
                if w % threads == part:
                    client = clients.setdefault(w, self.workspaces[w].open())
                    began = time.monotonic()
                    self.change(client, number)
                    if pause:
                        time.sleep(max(0.0, pause - (time.monotonic() - began)))
            for client in clients.values():
                client.close()

        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))

    def judge(self, came, changes):
        """What is wrong with what has come, all from the first on: sentences."""
        wrong = []
        for path, number in self.live.items():
            ids = [message for message, _ in came.get(path, [])]
            due = ["%s/events/%d" % (self.workspaces[number].id, n) for n in range(1, self.of(number, changes) + 1)]
            if list(dict.fromkeys(ids)) != due:
                wrong.append("%s got %s, not %s" % (path, ids[:5] + ids[-5:], due[:5] + due[-5:]))
        strangers = set(came) - set(self.live)
        return wrong + ["%s got something" % path for path in sorted(strangers)]

    def close(self):
        for w in self.workspaces:
            self.stack.sql("DELETE FROM deliveries WHERE workspace_id = %s", w.id)
            w.client.close()
        self.receivers.close()


if __name__ == "__main__":
    asyncio.run(serve())
