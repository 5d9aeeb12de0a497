"""People in voice rooms, for tests: real WebRTC clients (the livekit package), told by lines of JSON what to do. One
process has all of them; it answers each line with one line, under the same number.

    {"n": 1, "do": "join", "who": "ana", "url": …, "token": …}   {"n": 1, "ok": true}, or false and the reason
    {"n": 2, "do": "speak", "who": "ana"}                        publishes a tone; false: refused, or too late
    {"n": 3, "do": "hush", "who": "ana"}
    {"n": 4, "do": "heard", "who": "ben"}                        {"n": 4, "ok": true, "heard": {identity: [frames, last time]}}
    {"n": 5, "do": "state", "who": "ben"}                        {"n": 5, "ok": true, "connected": …, "others": […]}
    {"n": 6, "do": "leave", "who": "ana"}

What counts as heard is a frame of 10 ms that is loud. Times are those of CLOCK_MONOTONIC, as every process here sees
it."""

import array
import asyncio
import json
import math
import sys
import time

from livekit import rtc

RATE, SAMPLES = 48000, 480
LOUD = 1000
PATIENCE = 10.0  # seconds for a connection, or for a track


def tone():
    return array.array("h", (int(12000 * math.sin(2 * math.pi * 400 * i / RATE)) for i in range(SAMPLES))).tobytes()


class Person:
    def __init__(self):
        self.room, self.heard, self.tasks, self.track = rtc.Room(), {}, set(), None
        self.room.on("track_subscribed", self.on_track)

    def task(self, work):
        made = asyncio.ensure_future(work)
        self.tasks.add(made)
        made.add_done_callback(self.tasks.discard)
        return made

    def on_track(self, track, publication, participant):
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self.task(self.listen(track, participant.identity))

    async def listen(self, track, identity):
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        async for event in stream:
            data = array.array("h", bytes(event.frame.data))
            if data and max(data) > LOUD:
                count, _ = self.heard.get(identity, (0, 0.0))
                self.heard[identity] = (count + 1, time.monotonic())
        await stream.aclose()

    async def join(self, url, token):
        await asyncio.wait_for(self.room.connect(url, token, rtc.RoomOptions(auto_subscribe=True)), PATIENCE)

    async def speak(self):
        source = rtc.AudioSource(RATE, 1)
        track = rtc.LocalAudioTrack.create_audio_track("voice", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        publication = await asyncio.wait_for(self.room.local_participant.publish_track(track, options), PATIENCE)
        self.track = publication.sid, self.task(self.tone(source))

    async def tone(self, source):
        sound = tone()
        while True:
            await source.capture_frame(rtc.AudioFrame(sound, RATE, 1, SAMPLES))

    async def hush(self):
        if self.track is not None:
            sid, task = self.track
            self.track = None
            task.cancel()
            try:
                await asyncio.wait_for(self.room.local_participant.unpublish_track(sid), PATIENCE)
            except Exception:  # noqa: BLE001 - the server may have withdrawn it
                pass

    async def leave(self):
        for task in list(self.tasks):
            task.cancel()
        await asyncio.wait_for(self.room.disconnect(), PATIENCE)


class People:
    def __init__(self):
        self.people = {}

    async def obey(self, order):
        do, who = order["do"], order["who"]
        if do == "join":
            person = Person()
            await person.join(order["url"], order["token"])
            self.people[who] = person
            return {}
        person = self.people[who]
        if do == "heard":
            return {"heard": {identity: list(seen) for identity, seen in person.heard.items()}}
        if do == "state":
            return {"connected": person.room.isconnected(),
                    "others": sorted(p.identity for p in person.room.remote_participants.values())}
        await getattr(person, do)()
        return {}

    async def answer(self, order):
        try:
            said = {"n": order["n"], "ok": True, **await self.obey(order)}
        except Exception as trouble:  # noqa: BLE001 - whatever the library raises is what a person sees
            said = {"n": order["n"], "ok": False, "why": "%s: %s" % (type(trouble).__name__, trouble)}
        print(json.dumps(said), flush=True)

    async def main(self):
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        running = set()
        while line := await reader.readline():
            task = asyncio.ensure_future(self.answer(json.loads(line)))
            running.add(task)
            task.add_done_callback(running.discard)


if __name__ == "__main__":
    asyncio.run(People().main())
