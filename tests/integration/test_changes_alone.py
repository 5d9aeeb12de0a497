"""The live view while programs are killed: the viewer of a worker's kill misses nothing and sees nothing twice, and so
does one whose ingest dies and who goes on at another."""

import threading

from stack import free_port
from test_changes import ChangesCase, Viewer


class Killed(ChangesCase):
    def create(self, n, word):
        """Under load, some of it while programs are down: what is refused comes again."""
        def one(i):
            client = self.api.again()
            self.wait_until(lambda: client.post("/users", {"userName": "%s%d@example.com" % (word, i)}).status in (201, 409),
                            "%s%d to be made" % (word, i))
            client.close()

        threads = [threading.Thread(target=lambda i=i: [one(k) for k in range(i, n, 4)]) for i in range(4)]
        for t in threads:
            t.start()
        return threads

    def test_a_worker(self):
        viewer = self.watch(last=0)
        threads = self.create(60, "killed")
        self.wait_until(lambda: len(viewer.seqs()) > 5, "some changes")
        self.stack.signal("WORKER")
        self.stack.start()
        for t in threads:
            t.join()
        self.whole(viewer, 1)

    def test_an_ingest(self):
        url = self.stack.extra_ingest("viewed", free_port())
        viewer = Viewer(url, self.owner, 0)
        self.viewers.append(viewer)
        threads = self.create(40, "moved")
        self.wait_until(lambda: len(viewer.seqs()) > 5, "some changes")
        self.stack.signal("INGEST_VIEWED")
        self.wait_until(lambda: viewer.ended, "the end")
        second = self.watch(last=viewer.seqs()[-1])
        threads += self.create(8, "after")  # the first may have seen all before it ended
        for t in threads:
            t.join()
        self.whole(second, viewer.seqs()[-1] + 1)
        self.assertEqual(viewer.seqs(), list(range(1, viewer.seqs()[-1] + 1)))
