"""A link with a round trip: `delay.py PORT SECONDS` passes what comes on to PORT, later.

Prints the port that it listens on. Bytes wait half of SECONDS in each direction and are never held
back for any other reason: as many may be on the way as the ends like.
"""

import asyncio
import sys
from collections import deque
from typing import cast

HOST = "127.0.0.1"


class End(asyncio.Protocol):
    """One end of a connection; gives what comes to the *other*, when it is time."""

    def __init__(self, delay: float, port: int | None = None) -> None:
        self.other: End | None = None
        self._delay, self._port = delay, port  # with a port, the other end is still to be opened
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[tuple[float, bytes | None]] = deque()  # None: the end
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open the other end, if that is for this one to do."""
        self._transport = cast("asyncio.Transport", transport)
        if self._port is not None:
            task = asyncio.get_running_loop().create_task(self._open(self._port))
            self._tasks.add(task)

    async def _open(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        other = End(self._delay)
        other.other = self
        await loop.create_connection(lambda: other, HOST, port)
        self.other = other
        self._plan()

    def data_received(self, data: bytes) -> None:
        """Have it wait."""
        self._put(data)

    def eof_received(self) -> bool:
        """Have the end wait, too; this direction alone is closed."""
        self._put(None)
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncio calls it
        """Let the other end know, when all before has arrived."""
        self._put(None)

    def _put(self, data: bytes | None) -> None:
        loop = asyncio.get_running_loop()
        self._waiting.append((loop.time() + self._delay, data))
        if len(self._waiting) == 1 and self.other is not None:
            self._plan()

    def _plan(self) -> None:
        if self._waiting:
            asyncio.get_running_loop().call_at(self._waiting[0][0], self._give)

    def _give(self) -> None:
        """Hand over all whose time has come."""
        now = asyncio.get_running_loop().time()
        while self._waiting and self._waiting[0][0] <= now:
            _, data = self._waiting.popleft()
            to = self.other._transport if self.other else None  # noqa: SLF001 - the same class
            if to is None or to.is_closing():
                continue
            if data is not None:
                to.write(data)
            elif to.can_write_eof():
                to.write_eof()
        self._plan()


async def serve(port: int, round_trip: float) -> None:
    """Listen until the process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: End(round_trip / 2, port), HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
