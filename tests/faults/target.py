"""A scripted target over bare sockets: it stores, answers queries, and does what no PACS should.

What it does with an object is a Deed (deeds.py). Deeds are asked for by the number of the object
among all that have come whole; where none is asked for it stores. Its disk lives as long as it
does, through any number of stop() and start(), as that of a machine. One thread a connection.
"""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Self

from crossing import digest_of
from line import PATIENCE, linger_not
from pydicom import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import Tag
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom import pdu
from pynetdicom.dsutils import encode
from relay import HOST
from wire import C_FIND_RQ, C_STORE_RQ, RELEASE_RQ, REQUEST, Message, MessageCutter, PduCutter

from pacslift.demo_target import KEPT, Index, dataset_of, raw_value
from scripted import acceptance, data_pdu, store_response

SUCCESS, PENDING, FULL = 0x0000, 0xFF00, 0xA700
DATA_SET_FOLLOWS, NO_DATA_SET = 0x0001, 0x0101
COMMAND_LAST, DATA_LAST = 3, 2  # message control headers
KEPT_TAGS = [Tag(keyword) for keyword in KEPT]
NOWHERE = Path()
STORAGE = "1.2.840.10008.5.1.4.1.1."  # most Storage SOP Classes, PS3.4 B.5

Deed = Callable[["Visit", Message], None]


class ScriptedTarget:
    """Listens from start() to stop(), which breaks all that is open; and once more after that."""

    def __init__(self, *, max_pdu: int = 16384, window: int | None = None) -> None:
        self.disk: dict[str, bytes] = {}  # data sets by SOP Instance UID
        self.room: int | None = None  # bytes that the disk still takes; None: any number
        self.max_pdu, self.window = max_pdu, window
        self.deeds: dict[int, Deed] = {}  # by the number of the object, from 1
        self.rejections = 0  # associations to be rejected first, for the time being
        self.crawls_from: int | None = None  # object from which on it takes 1 B/s
        self.lock = threading.Lock()
        self.ending = threading.Event()
        self.port = 0
        self._numbers = count(1)
        self._index = Index()
        self._visits: list[Visit] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, on the port from before if there was one."""
        self.ending = threading.Event()
        self._listener = socket.create_server((HOST, self.port))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """As if its power had failed: no word to anybody."""
        self.ending.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE)
        for visit in self._visits:
            visit.break_off()
        for visit in self._visits:
            visit.thread.join(PATIENCE)
        self._visits.clear()

    def behave(self) -> None:
        """Do nothing strange any more."""
        self.deeds.clear()
        self.rejections, self.crawls_from, self.room = 0, None, None

    def held(self, _: Mapping[str, bytes]) -> dict[str, bytes]:
        """Digests of what is on the disk, by SOP Instance UID."""
        with self.lock:
            return {uid: digest_of(whole) for uid, whole in self.disk.items()}

    def next_deed(self) -> Deed:
        with self.lock:
            return self.deeds.pop(next(self._numbers), store)

    def crawls(self) -> bool:
        """Whether it has come to the object from which on it takes 1 B/s."""
        with self.lock:
            return self.crawls_from is not None and len(self.disk) >= self.crawls_from

    def keep(self, message: Message, *, implicit: bool) -> int:
        """Put an object on the disk; gives the status to answer."""
        header = read_dataset(BytesIO(message.data_set), implicit, True, specific_tags=KEPT_TAGS)
        record = {keyword: raw_value(header, keyword) for keyword in KEPT if keyword in header}
        with self.lock:
            if self.room is not None:
                if self.room < len(message.data_set):
                    return FULL
                self.room -= len(message.data_set)
            self.disk[str(message.command.AffectedSOPInstanceUID)] = message.data_set
            self._index.put(NOWHERE, record)
        return SUCCESS

    def answers(self, query: Dataset, *, implicit: bool) -> list[Dataset]:
        """What it has to a query."""
        with self.lock:
            return [dataset_of(one, implicit=implicit) for one in self._index.answers(query)]

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self._visits.append(Visit(self, connection))


class Visit:
    """One connection to the target."""

    def __init__(self, target: ScriptedTarget, connection: socket.socket) -> None:
        self.target = target
        self._socket = connection
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._syntaxes: dict[int, str] = {}
        self._is_for_storage = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def send(self, whole: bytes) -> None:
        self._socket.sendall(whole)

    def answer(self, message: Message, status: int = SUCCESS, other: int = 0) -> None:
        """Answer it; with *other*, a message whose number is by so many higher."""
        self.send(
            data_pdu(message.context_id, store_response(message.command.MessageID + other, status))
        )

    def keep(self, message: Message) -> int:
        return self.target.keep(message, implicit=self._is_implicit(message))

    def break_off(self) -> None:
        """End the connection without a word."""
        linger_not(self._socket)
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def fall_silent(self) -> None:
        """Take what comes, and say nothing more."""
        while self._socket.recv(1 << 16):
            pass
        raise ConnectionError

    def _serve(self) -> None:
        pdus, messages = PduCutter(), MessageCutter()
        try:
            while chunk := self._receive():
                for whole in pdus.feed(chunk):
                    self._take(whole, messages)
        except (OSError, ValueError):  # ValueError: the link broke inside a PDU
            pass
        finally:
            self._socket.close()

    def _receive(self) -> bytes:
        if self._is_for_storage and self.target.crawls():
            self.target.ending.wait(1.0)
            return self._socket.recv(1)
        return self._socket.recv(1 << 16)

    def _take(self, whole: bytes, messages: MessageCutter) -> None:
        if whole[0] == REQUEST:
            self._associate(whole)
        elif whole[0] == RELEASE_RQ:
            self.send(pdu.A_RELEASE_RP().encode())
        elif whole[0] == pdu.PDU_TYPES[pdu.P_DATA_TF]:
            for message in messages.feed(whole):
                self._react(message)

    def _associate(self, whole: bytes) -> None:
        request = pdu.A_ASSOCIATE_RQ()
        request.decode(whole)
        with self.target.lock:
            is_rejected = self.target.rejections > 0
            self.target.rejections -= is_rejected
        if is_rejected:
            rejected = pdu.A_ASSOCIATE_RJ()
            rejected.result, rejected.source, rejected.reason_diagnostic = 2, 3, 2  # local limit
            self.send(rejected.encode())
            return
        for context in request.presentation_context:
            self._syntaxes[context.context_id] = str(context.transfer_syntax[0])
            self._is_for_storage |= context.abstract_syntax.startswith(STORAGE)
        self.send(acceptance(request, self.target.max_pdu, self.target.window))

    def _react(self, message: Message) -> None:
        if message.command.CommandField == C_STORE_RQ:
            self.target.next_deed()(self, message)
        elif message.command.CommandField == C_FIND_RQ:
            for whole in self._found(message):
                self.send(whole)

    def _found(self, message: Message) -> Iterator[bytes]:
        """The answers to a C-FIND. PS3.7 9.3.2.2."""
        implicit = self._is_implicit(message)
        query = read_dataset(BytesIO(message.data_set), implicit, True)
        for answer in self.target.answers(query, implicit=implicit):
            yield self._find_response(message, PENDING)
            yield data_pdu(message.context_id, encode(answer, implicit, True) or b"", DATA_LAST)
        yield self._find_response(message, SUCCESS)

    def _find_response(self, message: Message, status: int) -> bytes:
        more = DATA_SET_FOLLOWS if status == PENDING else NO_DATA_SET
        command = store_response(
            message.command.MessageID,
            status,
            CommandField=0x8020,
            CommandDataSetType=more,
            AffectedSOPClassUID=message.command.AffectedSOPClassUID,
        )
        return data_pdu(message.context_id, command, COMMAND_LAST)

    def _is_implicit(self, message: Message) -> bool:
        return self._syntaxes.get(message.context_id) == ImplicitVRLittleEndian


def store(visit: Visit, message: Message) -> None:
    """Keep it and say so."""
    visit.answer(message, visit.keep(message))
