"""A Mumble client on its wire protocol (TLS, messages of a few fields, voice through the same connection), and a server
of Debian's package in a folder of its own."""

import os
import shutil
import socket
import ssl
import struct
import subprocess
import threading

from stack import free_port
from waiting import wait_until

VERSION, TUNNEL, AUTHENTICATE, PING, REJECT, SYNC, CHANNEL_REMOVE, CHANNEL, USER_REMOVE, USER, DENIED = (
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12)
COMMENT = 14  # of a user


def varint(n):
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(out + bytes([n]))


def message(*fields):
    """(number, int or text) … as protobuf writes them."""
    out = b""
    for number, value in fields:
        if isinstance(value, str):
            out += varint(number << 3 | 2) + varint(len(value.encode())) + value.encode()
        else:
            out += varint(number << 3) + varint(int(value))
    return out


def parse(data):
    """{number: value of the last such field}; texts as bytes."""
    out, at = {}, 0

    def number():
        nonlocal at
        n = shift = 0
        while True:
            byte = data[at]
            at += 1
            n |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return n

    while at < len(data):
        tag = number()
        if tag & 7 == 0:
            out[tag >> 3] = number()
        elif tag & 7 == 2:
            size = number()
            out[tag >> 3] = data[at:at + size]
            at += size
        else:
            at += {1: 8, 5: 4}[tag & 7]
    return out


class Client:
    """Somebody who is connected, or was refused."""

    def __init__(self, port, name, password):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", port)))
        self.lock, self.session, self.gone, self.refused, self.sequence = threading.Lock(), None, False, False, 0
        self.users, self.heard, self.denied = {}, {}, 0  # session -> fields; session -> frames
        self.channels = {}                               # number -> name
        self.send(VERSION, message((1, 0x010304), (2, "test")))
        self.send(AUTHENTICATE, message((1, name), (2, password), (5, 1)))
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        wait_until(lambda: self.session is not None or self.gone, "an answer of Mumble to %s" % name)

    def send(self, kind, data):
        try:
            with self.lock:
                self.socket.sendall(struct.pack(">HI", kind, len(data)) + data)
        except OSError:
            self.gone = True

    def _exactly(self, n):
        out = b""
        while len(out) < n:
            more = self.socket.recv(n - len(out))
            if not more:
                raise OSError("closed")
            out += more
        return out

    def _read(self):
        try:
            while True:
                kind, size = struct.unpack(">HI", self._exactly(6))
                self._take(kind, self._exactly(size))
        except OSError:
            self.gone = True

    def _take(self, kind, data):
        if kind == TUNNEL:
            self.heard[data[1]] = self.heard.get(data[1], 0) + 1
            return
        fields = parse(data)
        if kind == SYNC:
            self.session = fields[1]
        elif kind == REJECT:
            self.gone = self.refused = True
        elif kind == CHANNEL:
            self.channels[fields.get(1, 0)] = fields.get(3, b"").decode() or self.channels.get(fields.get(1, 0))
        elif kind == CHANNEL_REMOVE:
            self.channels.pop(fields[1], None)
        elif kind == USER:
            self.users.setdefault(fields[1], {}).update(fields)
        elif kind == USER_REMOVE:
            self.users.pop(fields[1], None)
            self.gone = self.gone or fields[1] == self.session
        elif kind == DENIED:
            self.denied += 1

    # ---- what somebody does

    def move(self, channel):
        self.send(USER, message((1, self.session), (5, channel)))

    def channel(self):
        return self.users.get(self.session, {}).get(5, 0)

    def speak(self, frames=20):
        """Opus frames, too small to be music."""
        for _ in range(frames):
            self.sequence += 1
            self.send(TUNNEL, bytes([4 << 5, self.sequence % 0x80, 3]) + b"\xf8\xff\xfe")

    def comment(self, text):
        self.send(USER, message((1, self.session), (COMMENT, text)))

    def close(self):
        """The reader ends first: the next connection may get this descriptor, and it would read that one's bytes."""
        self.gone = True
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the server was faster
        self.reader.join()
        self.socket.close()


class Server:
    def __init__(self, folder):
        self.folder, self.port, self.ice_port, self.process = folder, free_port(), free_port(), None
        self.program = shutil.which("mumble-server") or shutil.which("murmurd", path="/usr/sbin:/usr/bin")
        self.secret = os.path.join(folder, "ice.secret")
        with open(self.secret, "w") as f:
            f.write("a secret for ice\n")
        self.ini = os.path.join(folder, "mumble.ini")
        with open(self.ini, "w") as f:
            f.write("database=%s/mumble.sqlite\nhost=127.0.0.1\nport=%d\nice=\"tcp -h 127.0.0.1 -p %d\"\n"
                    "icesecretread=a secret for ice\nicesecretwrite=a secret for ice\nautobanAttempts=0\n"
                    "bonjour=false\nlogfile=\nmessagelimit=100\nmessageburst=100\n"
                    % (folder, self.port, self.ice_port))

    def start(self):
        log = open(os.path.join(self.folder, "mumble-server.log"), "ab")
        self.process = subprocess.Popen([self.program, "-fg", "-ini", self.ini], stdin=subprocess.DEVNULL, stdout=log,
                                        stderr=log)
        log.close()
        wait_until(self.answers, "the Mumble server", lambda: self.process.poll())

    def answers(self):
        for port in (self.port, self.ice_port):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) != 0:
                    return False
        return True

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
