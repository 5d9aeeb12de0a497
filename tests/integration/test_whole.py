"""All streams once more, when the other suites are through."""

import os

import stream
from case import Case


class Whole(Case):
    def test_the_streams_are_whole(self):
        """On real Kafka also after everything that was killed and stopped (an ingest that was killed may have taken
        numbers for requests that it never answered)."""
        partitions = int(self.stack.env.get("USHER_PARTITIONS", "12"))
        instances = {r.value["instance"] for r in stream.requests_of(self.followers.whole(stream.AUDIT))}
        ended = {i: 64 for i in instances if not os.path.exists("/proc/%s" % i.rsplit("-", 2)[1])}
        self.none_wrong(stream.verify(self.stack.kafka, self.stack.connection, partitions, killed=ended,
                                      uncommitted=self.real, read=None if self.real else self.followers.whole))
