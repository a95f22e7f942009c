"""The transport under an association: one non-blocking TCP connection.

Two socket options decide the rate of small objects. Without TCP_NODELAY our own last segment
waits for an acknowledgement. Targets that leave Nagle's algorithm on (DCMTK, Debian's Orthanc)
write an answer in two segments, and send the second only when we have acknowledged the
first, which Linux puts off for 40 ms unless TCP_QUICKACK is set; it wears off, so it is set
again before every wait.

What only some systems have is asked for once. Windows' sockets have no sendmsg in Python: buffers
are put together there, so that no head of a few bytes goes alone. Nor has Windows poll.
"""

import os
import select
import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic

Buffer = memoryview | bytes
Wait = Callable[[float], object]  # at most so many milliseconds; true when there is something to do

_CONFIGURED: Callable[[str], int] | None = getattr(os, "sysconf", None)
MOST_BUFFERS = _CONFIGURED("SC_IOV_MAX") if _CONFIGURED else 1024  # that one sendmsg takes
JOINED_LENGTH = 0x20000  # bytes that are put together at most, where there is no sendmsg
_RECEIVE_LENGTH = 0x10000
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux only


class Link:
    """Bytes to and from one peer. Every method raises OSError when the connection is broken."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._socket = connected
        self._sendmsg: Callable[[Sequence[Buffer]], int] = getattr(
            connected, "sendmsg", partial(send_joined, connected)
        )
        self._reading, self._either = waits_of(connected)

    def send(self, buffers: Sequence[Buffer]) -> int:
        """Give the system what it takes now of at most MOST_BUFFERS; how many bytes, maybe 0."""
        try:
            return self._sendmsg(buffers)
        except BlockingIOError:
            return 0

    def receive(self) -> bytes | None:
        """What has come; b"" when the peer has closed, None when nothing has come."""
        try:
            return self._socket.recv(_RECEIVE_LENGTH)
        except BlockingIOError:
            return None

    def wait_to_receive(self, until: float) -> bool:
        """Wait for bytes or the end of the connection; False if monotonic() *until* comes first."""
        if _QUICKACK is not None:
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        return bool(self._reading(_milliseconds(until)))

    def wait_to_send_or_receive(self, until: float) -> bool:
        """Wait until something can be sent or has come; False if *until* comes first."""
        return bool(self._either(_milliseconds(until)))

    def close(self) -> None:
        """Close the connection; may be called again."""
        self._socket.close()


def send_joined(connected: socket.socket, buffers: Sequence[Buffer]) -> int:
    """As socket.sendmsg, of the first JOINED_LENGTH bytes; whoever sends comes with the rest again.

    A buffer that is as long by itself is not copied.
    """
    if buffers and len(buffers[0]) >= JOINED_LENGTH:
        return connected.send(buffers[0])
    joined = bytearray()
    for buffer in buffers:
        joined += memoryview(buffer)[: JOINED_LENGTH - len(joined)]
        if len(joined) == JOINED_LENGTH:
            break
    return connected.send(joined)


def waits_by_select(connected: socket.socket) -> tuple[Wait, Wait]:
    """How to wait until the socket can be read, and until it can be read or written."""

    def reading(most: float) -> object:
        return select.select([connected], [], [], most / 1000)[0]

    def either(most: float) -> object:
        readable, writable, _ = select.select([connected], [connected], [], most / 1000)
        return readable or writable

    return reading, either


if sys.platform == "win32" or not hasattr(select, "poll"):
    waits_of = waits_by_select
else:

    def waits_of(connected: socket.socket) -> tuple[Wait, Wait]:
        """As waits_by_select(), which takes no descriptor from 1024 on outside of Windows."""
        reading, either = select.poll(), select.poll()
        reading.register(connected, select.POLLIN)
        either.register(connected, select.POLLIN | select.POLLOUT)
        return reading.poll, either.poll


def _milliseconds(until: float) -> float:
    return max(0.0, until - monotonic()) * 1000
