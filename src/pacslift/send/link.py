"""The transport under an association: one non-blocking TCP connection.

Two socket options decide the rate of small objects. Without TCP_NODELAY our own last segment
waits for an acknowledgement. Targets that leave Nagle's algorithm on (DCMTK, Debian's Orthanc)
write an answer in two segments, and send the second only when we have acknowledged the
first, which Linux puts off for 40 ms unless TCP_QUICKACK is set; it wears off, so it is set
again before every wait.
"""

import os
import select
import socket
from collections.abc import Sequence
from time import monotonic

Buffer = memoryview | bytes

MOST_BUFFERS = os.sysconf("SC_IOV_MAX")  # that one sendmsg takes
_RECEIVE_LENGTH = 0x10000
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux only


class Link:
    """Bytes to and from one peer. Every method raises OSError when the connection is broken."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._socket = connected
        self._reading = select.poll()
        self._reading.register(connected, select.POLLIN)
        self._either = select.poll()
        self._either.register(connected, select.POLLIN | select.POLLOUT)

    def send(self, buffers: Sequence[Buffer]) -> int:
        """Give the system what it takes now of at most MOST_BUFFERS; how many bytes, maybe 0."""
        try:
            return self._socket.sendmsg(buffers)
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
        return bool(self._reading.poll(_milliseconds(until)))

    def wait_to_send_or_receive(self, until: float) -> bool:
        """Wait until something can be sent or has come; False if *until* comes first."""
        return bool(self._either.poll(_milliseconds(until)))

    def close(self) -> None:
        """Close the connection; may be called again."""
        self._socket.close()


def _milliseconds(until: float) -> float:
    return max(0.0, until - monotonic()) * 1000
