"""The link between the sender and a target: it writes down what crosses it, and breaks on command.

It stands before every target, scripted or real, so that one record says what was sent, how often,
with which bytes, and what the sender was told. PDUs are passed on whole; what is no PDU as it is.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Self

from crossing import Cut, Reception, Where, digest_of
from line import PATIENCE, Line, reset
from wire import Message

HOST = "127.0.0.1"


class Relay:
    """Listens on a port of its own for as long as it is used; *port_of_target* may change."""

    def __init__(self, port_of_target: Callable[[], int], host: str = HOST) -> None:
        self.received: list[Reception] = []
        self.begun = 0  # objects whose command has come
        self.began_at: list[float] = []  # monotonic, of each of them
        self.cuts: list[Cut] = []
        self.holding: Callable[[str], None] = lambda _: None  # done while an object is kept waiting
        self.changed = threading.Condition()
        self._port_of_target = port_of_target
        self._lines: list[Line] = []
        self.host = host
        self._listener = socket.create_server((host, 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close_the_door()
        self.hang_up()

    def close_the_door(self) -> None:
        """Take no connection any more: it is refused."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE)

    def open_the_door(self) -> None:
        """Listen again on the same port."""
        self._listener = socket.create_server((self.host, self.port))
        self._thread = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._thread.start()

    def hang_up(self) -> None:
        """Break every connection."""
        for line in self._lines:
            line.end(reset=True)
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is on the way any more, the senders having gone."""
        for line in self._lines:
            line.join()
        self._lines.clear()

    def wait_for(self, count: int, is_over: Callable[[], bool] = lambda: False) -> bool:
        """Until so many objects have begun in all; False if it *is_over* before."""
        until = monotonic() + PATIENCE
        with self.changed:
            while self.begun < count and not is_over() and monotonic() < until:
                self.changed.wait(0.05)
            return self.begun >= count

    def cut_for(self, nth: int, *places: Where) -> Cut | None:
        """See Book."""
        with self.changed:
            for cut in self.cuts:
                if cut.nth <= nth and cut.where in places:
                    self.cuts.remove(cut)
                    return cut
        return None

    def note_begun(self) -> int:
        """See Book."""
        with self.changed:
            self.begun += 1
            self.began_at.append(monotonic())
            self.changed.notify_all()
            return self.begun

    def note_received(self, message: Message, by: str) -> Reception:
        """See Book."""
        uid = str(message.command.AffectedSOPInstanceUID)
        reception = Reception(uid, digest_of(message.data_set), by)
        with self.changed:
            self.received.append(reception)
        return reception

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                sender, _ = listener.accept()
                try:
                    target = socket.create_connection((HOST, self._port_of_target()), 5)
                except OSError:
                    reset(sender)
                    continue
                target.settimeout(None)
                self._lines.append(Line(self, sender, target))
