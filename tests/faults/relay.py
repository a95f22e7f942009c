"""The link between the sender and a target: it writes down what crosses it, and breaks on command.

It stands before every target, scripted or real, so that one record says what was sent, how often,
with which bytes, and what the sender was told. PDUs are passed on whole; what is no PDU as it is.
"""

import hashlib
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from time import monotonic
from typing import Self

from pydicom import Dataset
from wire import (
    C_STORE_RQ,
    C_STORE_RSP,
    P_DATA,
    Message,
    MessageCutter,
    NoPduError,
    PduCutter,
    is_start,
)

HOST = "127.0.0.1"
CHUNK = 1 << 16
ESTABLISHED = 1  # the first byte of TCP_INFO, linux/tcp.h
PATIENCE = 60.0  # seconds to wait for something that must come


class Where(Enum):
    """Where in the exchange about one object the link breaks."""

    COMMAND = "in the middle of its command"
    DATA = "in the middle of a PDU of its data set"
    ANSWER_LOST = "between its data set and its answer"
    ANSWER = "in the middle of its answer"


@dataclass(frozen=True, slots=True)
class Cut:
    """The link breaks at the *nth* object, after *share* of the bytes that it then has."""

    nth: int
    where: Where
    share: float  # from 0 to 1
    is_reset: bool = True  # else the ends are closed in order
    is_silent: bool = False  # neither: nothing more crosses, as when a cable is pulled


@dataclass(slots=True)
class Reception:
    """One object that crossed the link whole."""

    sop_instance_uid: str
    digest: str  # sha256 of the data set
    status: int | None = None  # of the answer that crossed back whole

    @property
    def is_acknowledged(self) -> bool:
        """Whether the sender was told that the target has it."""
        return self.status is not None and (self.status == 0 or self.status >> 12 == 0xB)


class BrokenError(Exception):
    """The link is to break now."""


class Relay:
    """Listens on a port of its own for as long as it is used; *port_of_target* may change."""

    def __init__(self, port_of_target: Callable[[], int]) -> None:
        self.received: list[Reception] = []
        self.begun = 0  # objects whose command has come
        self.began_at: list[float] = []  # monotonic, of each of them
        self.cuts: list[Cut] = []
        self.changed = threading.Condition()
        self._port_of_target = port_of_target
        self._lines: list[Line] = []
        self._listener = socket.create_server((HOST, 0))
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
        self._listener = socket.create_server((HOST, self.port))
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
        """The cut that is to be made now, if there is one; it is made once."""
        with self.changed:
            for cut in self.cuts:
                if cut.nth <= nth and cut.where in places:
                    self.cuts.remove(cut)
                    return cut
        return None

    def note_begun(self) -> int:
        with self.changed:
            self.begun += 1
            self.began_at.append(monotonic())
            self.changed.notify_all()
            return self.begun

    def note_received(self, message: Message) -> Reception:
        uid = str(message.command.AffectedSOPInstanceUID)
        reception = Reception(uid, hashlib.sha256(message.data_set).hexdigest())
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


class Line:
    """One connection through the relay: a thread for each direction."""

    def __init__(self, relay: Relay, sender: socket.socket, target: socket.socket) -> None:
        self._relay = relay
        self._sender, self._target = sender, target
        for end in (sender, target):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._outstanding: dict[int, Reception] = {}
        self._nth = 0  # number of the object that is on its way up
        self._is_silent = False
        self._pumping = 2
        self._up, self._down = MessageCutter(), MessageCutter()
        self._threads = [
            threading.Thread(target=self._pump, args=ends, daemon=True)
            for ends in ((sender, target, self._seen_up), (target, sender, self._seen_down))
        ]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(PATIENCE)

    def end(self, *, reset: bool) -> None:
        """Break it at both ends."""
        for end in (self._sender, self._target):
            if reset:
                linger_not(end)
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _pump(
        self, source: socket.socket, sink: socket.socket, seen: Callable[[bytes], Cut | None]
    ) -> None:
        cutter: PduCutter | None = PduCutter()
        try:
            while chunk := source.recv(CHUNK):
                if cutter is None:
                    sink.sendall(chunk)
                    continue
                try:
                    pdus = cutter.feed(chunk)
                except NoPduError:
                    pdus, cutter = [cutter.rest()], None
                for pdu in pdus:
                    self._pass_on(pdu, sink, seen if cutter else lambda _: None)
            if cutter:
                sink.sendall(cutter.rest())
        except (OSError, BrokenError):
            pass
        finally:
            self._close_soon(source, sink)

    def _pass_on(
        self, pdu: bytes, sink: socket.socket, seen: Callable[[bytes], Cut | None]
    ) -> None:
        cut = seen(pdu)
        if cut is None:
            if not self._is_silent:
                sink.sendall(pdu)
            return
        sink.sendall(pdu[: int(len(pdu) * cut.share)])
        if cut.is_silent:
            self._is_silent = True
            return
        self.end(reset=cut.is_reset)
        raise BrokenError

    def _seen_up(self, pdu: bytes) -> Cut | None:
        """Note what the sender says; gives the cut to be made in this PDU."""
        if pdu[0] != P_DATA or self._is_silent:
            return None
        cut = None
        if is_start(pdu) and is_store(pdu):
            self._nth = self._relay.note_begun()
            cut = self._relay.cut_for(self._nth, Where.COMMAND)
        elif not is_start(pdu):
            cut = self._relay.cut_for(self._nth, Where.DATA)
        if cut:
            return cut
        for message in self._up.feed(pdu):
            if message.command.CommandField == C_STORE_RQ:
                self._outstanding[message.command.MessageID] = self._relay.note_received(message)
        return None

    def _seen_down(self, pdu: bytes) -> Cut | None:
        """Note what the target says; gives the cut to be made in this PDU."""
        if pdu[0] != P_DATA or self._is_silent:
            return None
        try:
            answers = self._down.feed(pdu)
        except ValueError:
            return None  # what the sender makes of it is the sender's affair
        for message in answers:
            cut = self._answered(message.command)
            if cut:
                return cut
        return None

    def _answered(self, command: Dataset) -> Cut | None:
        if command.CommandField != C_STORE_RSP:
            return None
        cut = self._relay.cut_for(self._nth, Where.ANSWER, Where.ANSWER_LOST)
        if cut:
            return cut if cut.where is Where.ANSWER else Cut(0, cut.where, 0.0, cut.is_reset,
                                                             cut.is_silent)  # fmt: skip
        reception = self._outstanding.pop(command.MessageIDBeingRespondedTo, None)
        if reception and is_there(self._sender):
            reception.status = command.Status
        return None

    def _close_soon(self, source: socket.socket, sink: socket.socket) -> None:
        """Hand on that one end has closed; a silent link keeps even that from the sender."""
        with suppress(OSError):
            if not self._is_silent:
                sink.shutdown(socket.SHUT_WR)
            elif source is self._sender:
                sink.shutdown(socket.SHUT_RDWR)
        with self._relay.changed:
            self._pumping -= 1
            is_last = not self._pumping
            self._relay.changed.notify_all()
        if is_last:
            self._sender.close()
            self._target.close()


def is_store(pdu: bytes) -> bool:
    """Whether a PDU that begins with a command has a C-STORE-RQ in it."""
    return struct.pack("<HHIH", 0, 0x0100, 2, C_STORE_RQ) in pdu


def is_there(end: socket.socket) -> bool:
    """Whether the other side has not closed the connection, also where what it sent is unread."""
    return end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == ESTABLISHED


def reset(end: socket.socket) -> None:
    """Close a connection so that the other end's next call fails."""
    linger_not(end)
    end.close()


def linger_not(end: socket.socket) -> None:
    """Have close() throw away what was not yet sent."""
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
