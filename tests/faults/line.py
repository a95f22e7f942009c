"""One connection through the relay: PDUs are passed on whole, written down, and cut on command."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Protocol

from crossing import Cut, Reception, Where
from pydicom import Dataset
from wire import (
    C_STORE_RQ,
    C_STORE_RSP,
    P_DATA,
    REQUEST,
    Message,
    MessageCutter,
    NoPduError,
    PduCutter,
    is_start,
)

PATIENCE = 60.0  # seconds to wait for something that must come
CHUNK = 1 << 16
ESTABLISHED = 1  # the first byte of TCP_INFO, linux/tcp.h
CALLING = slice(26, 42)  # title of the calling application entity, PS3.8 9.3.2
JUST_NOW = 3.0  # seconds; an answer of that age may not have been read on a busy machine
ON_THE_WAY = 0.5  # seconds; and one of that age not by who hangs up in the middle of an object


class BrokenError(Exception):
    """The link is to break now."""


class Book(Protocol):
    """Where it is written down what crosses, and what is to be cut."""

    changed: threading.Condition

    def cut_for(self, nth: int, *places: Where) -> Cut | None:
        """The cut that is to be made now, if there is one; it is made once."""
        ...

    def note_begun(self) -> int:
        """An object begins; gives its number."""
        ...

    def holding(self, uid: str) -> None:
        """What is to be done while the object that has begun is kept waiting."""
        ...

    def note_received(self, message: Message, by: str) -> Reception:
        """An object has crossed whole, sent *by* an application entity."""
        ...


class Line:
    """One connection through the relay: a thread for each direction."""

    def __init__(self, book: Book, sender: socket.socket, target: socket.socket) -> None:
        self._book = book
        self._sender, self._target = sender, target
        for end in (sender, target):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._outstanding: dict[int, Reception] = {}
        self._answered: list[tuple[float, Reception]] = []
        self._nth = 0  # number of the object that is on its way up
        self._title = ""  # of the application entity that sends
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
                    self._hand_on(chunk, sink)
                    continue
                try:
                    pdus = cutter.feed(chunk)
                except NoPduError:
                    pdus, cutter = [cutter.rest()], None
                for pdu in pdus:
                    self._pass_on(pdu, sink, seen if cutter else lambda _: None)
            if source is self._sender and self._up.began:
                self._take_back(ON_THE_WAY)
            if cutter:
                self._hand_on(cutter.rest(), sink)
        except BrokenError:
            pass
        except OSError:  # of recv() alone
            if source is self._sender:
                self._take_back()
        finally:
            self._close_soon(source, sink)

    def _pass_on(
        self, pdu: bytes, sink: socket.socket, seen: Callable[[bytes], Cut | None]
    ) -> None:
        cut = seen(pdu)
        if cut is None:
            if not self._is_silent:
                self._hand_on(pdu, sink)
            return
        self._hand_on(pdu[: int(len(pdu) * cut.share)], sink)
        if cut.is_silent:
            self._is_silent = True
            return
        self.end(reset=cut.is_reset)
        raise BrokenError

    def _hand_on(self, piece: bytes, sink: socket.socket) -> None:
        """Give it to the other end; a target that is gone does not keep the sender from talking.

        For how the sender ends is what tells whether it has read everything.
        """
        try:
            sink.sendall(piece)
        except OSError as fault:
            if sink is self._sender:
                raise BrokenError from fault

    def _seen_up(self, pdu: bytes) -> Cut | None:
        """Note what the sender says; gives the cut to be made in this PDU."""
        if pdu[0] == REQUEST:
            self._title = pdu[CALLING].decode("ascii", "replace").strip()
        if pdu[0] != P_DATA or self._is_silent:
            return None
        cut = None
        if is_start(pdu) and is_store(pdu):
            self._nth = self._book.note_begun()
            cut = self._book.cut_for(self._nth, Where.COMMAND)
        elif not is_start(pdu):
            cut = self._book.cut_for(self._nth, Where.DATA)
        if cut:
            return cut
        for message in self._up.feed(pdu):
            if message.command.CommandField == C_STORE_RQ:
                self._outstanding[message.command.MessageID] = self._book.note_received(
                    message, self._title
                )
        if is_start(pdu) and self._up.began:
            self._book.holding(str(self._up.began.get("AffectedSOPInstanceUID")))
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
            cut = self._note_answer(message.command)
            if cut:
                return cut
        return None

    def _note_answer(self, command: Dataset) -> Cut | None:
        if command.CommandField != C_STORE_RSP:
            return None
        cut = self._book.cut_for(self._nth, Where.ANSWER, Where.ANSWER_LOST)
        if cut:
            return cut if cut.where is Where.ANSWER else Cut(0, cut.where, 0.0, cut.is_reset,
                                                             cut.is_silent)  # fmt: skip
        reception = self._outstanding.pop(command.MessageIDBeingRespondedTo, None)
        if reception and is_there(self._sender):
            reception.status = command.Status
            self._answered.append((monotonic(), reception))
        return None

    def _take_back(self, age: float = JUST_NOW) -> None:
        """The sender has left before it had read everything: the last answers count as lost.

        A system that closes a connection with something unread in it resets it (RFC 9293 3.10.4).
        """
        for moment, reception in self._answered:
            if monotonic() - moment < age:
                reception.status = None

    def _close_soon(self, source: socket.socket, sink: socket.socket) -> None:
        """Hand on that one end has closed; a silent link keeps even that from the sender."""
        with suppress(OSError):
            if not self._is_silent:
                sink.shutdown(socket.SHUT_WR)
            elif source is self._sender:
                sink.shutdown(socket.SHUT_RDWR)
        with self._book.changed:
            self._pumping -= 1
            is_last = not self._pumping
            self._book.changed.notify_all()
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
