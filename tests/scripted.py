"""Targets that misbehave on command, for tests.

ScriptedArchive is a pynetdicom server in threads: rejects, accepts little, answers any status,
aborts, hangs. RawTarget is one thread on a plain socket that runs a script, for what
pynetdicom would never do: close in the middle of an object, talk garbage, answer twice.
Both listen on a free port of the loopback and record what they were sent.
"""

import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Self

from pydicom import Dataset
from pynetdicom import AE, evt, pdu, pdu_items
from pynetdicom.dsutils import decode as decode_command
from pynetdicom.dsutils import encode as encode_command
from pynetdicom.transport import AssociationServer

from pacslift.demo_target import stop_waiting
from pacslift.job import TargetAddress

PATIENCE = 10.0  # seconds after which a scripted target gives up


class ScriptedArchive(AbstractContextManager["ScriptedArchive"]):
    """A storage server with verbs. Without any it accepts and stores everything proposed.

    *pairs* are the (SOP class, transfer syntax) pairs that it accepts.
    """

    def __init__(
        self,
        pairs: Iterable[tuple[str, str]],
        max_pdu: int = 16382,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.received: list[tuple[str, bytes]] = []  # SOP Instance UID, Data Set as it came
        self.associations = 0
        self.identities: list[tuple[int, bytes, bytes]] = []  # kind, primary, secondary field
        self._trusts: bytes | None = None
        self._tls = tls
        self._pairs = list(pairs)
        self._ae = AE(ae_title="ARCHIVE")
        self._ae.maximum_pdu_size = max_pdu
        self._script: list[Callable[[evt.Event], Dataset | int]] = []
        self._released = threading.Event()
        self._releases = threading.Semaphore(0)
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        for sop_class, syntax in self._pairs:
            self._ae.add_supported_context(sop_class, syntax)
        handlers = [
            (evt.EVT_CONN_OPEN, self._keep_socket),
            (evt.EVT_CONN_CLOSE, stop_waiting),
            (evt.EVT_REQUESTED, self._count),
            (evt.EVT_RELEASED, lambda _: self._releases.release()),
            (evt.EVT_C_STORE, self._store),
        ]
        if self._trusts is not None:
            handlers.append((evt.EVT_USER_ID, self._identify))
        self._server = self._ae.start_server(
            ("127.0.0.1", 0), block=False, evt_handlers=handlers, ssl_context=self._tls
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        associations = self._server.active_associations
        end_server(self._server)
        for association in associations:  # ours have ended by now; theirs notice it
            association.join(PATIENCE)
        for connection in self._sockets:
            connection.close()

    @property
    def address(self) -> TargetAddress:
        return TargetAddress("ARCHIVE", "127.0.0.1", self._server.server_address[1])

    def wait_for_a_release(self) -> None:
        """Until one more association has been released."""
        assert self._releases.acquire(timeout=PATIENCE)

    def times_received(self) -> dict[str, int]:
        return dict(Counter(uid for uid, _ in self.received))

    # verbs, before entering

    def accept_nothing(self) -> Self:
        self._pairs = [("1.2.840.10008.1.1", "1.2.840.10008.1.2")]
        return self

    def refuse_ae_title(self) -> Self:
        self._ae.require_called_aet = True
        self._ae.ae_title = "SOMEBODY"
        return self

    def refuse_our_ae_title(self) -> Self:
        self._ae.require_calling_aet = ["SOMEBODY"]
        return self

    def take_associations(self, most: int) -> Self:
        self._ae.maximum_associations = most
        return self

    def take_users(self, secret: bytes) -> Self:
        """Look at user identities, and take those with *secret* in the last field they have."""
        self._trusts = secret
        return self

    # verbs for the next objects, in turn; when they are used up, objects are stored

    def answer(self, *statuses: int) -> Self:
        self._script += [lambda _, status=status: status for status in statuses]
        return self

    def answer_with(self, status: int, comment: str, offending: list[int]) -> Self:
        answer = Dataset()
        answer.Status = status
        answer.ErrorComment = comment
        answer.OffendingElement = offending
        self._script.append(lambda _: answer)
        return self

    def abort(self, times: int = 1) -> Self:
        self._script += [self._abort] * times
        return self

    def hang(self) -> Self:
        self._script.append(self._hang)
        return self

    def _abort(self, event: evt.Event) -> int:
        event.assoc.abort()
        return 0

    def _hang(self, _: evt.Event) -> int:
        self._released.wait(PATIENCE)
        return 0

    def _store(self, event: evt.Event) -> Dataset | int:
        self.received.append(
            (event.request.AffectedSOPInstanceUID, event.request.DataSet.getvalue())
        )
        return self._script.pop(0)(event) if self._script else 0

    def _identify(self, event: evt.Event) -> tuple[bool, bytes | None]:
        kind = event.user_id_type
        fields = event.primary_field, event.secondary_field or b""
        self.identities.append((kind, *fields))
        return self._trusts in fields, b"welcome"  # pynetdicom confirms only tokens

    def _keep_socket(self, event: evt.Event) -> None:
        # pynetdicom forgets to close a socket whose other end has reset it
        self._sockets.append(event.assoc.dul.socket.socket)

    def _count(self, _: evt.Event) -> None:
        self.associations += 1


def end_server(server: AssociationServer) -> None:
    """Shut it down at once: awake, its thread does not look about only every half second."""
    with suppress(OSError):
        server.socket.shutdown(socket.SHUT_RDWR)
    server.shutdown()


@dataclass
class Peer:
    """The acceptor's end of one connection, spoken byte by byte."""

    socket: socket.socket
    ending: threading.Event  # of the test
    requested: pdu.A_ASSOCIATE_RQ | None = None
    unread: bytearray = field(default_factory=bytearray)

    def send(self, whole: bytes) -> None:
        self.socket.sendall(whole)

    def wait_for_the_end(self) -> None:
        """Do nothing more on this connection, not even read."""
        self.ending.wait(PATIENCE)

    def read_pdu(self) -> bytes:
        """One PDU, whole; b"" at the end of the connection."""
        if not self._read_up_to(6):
            return b""
        length = 6 + struct.unpack_from(">I", self.unread, 2)[0]
        if not self._read_up_to(length):
            return b""
        whole = bytes(self.unread[:length])
        del self.unread[:length]
        return whole

    def _read_up_to(self, length: int) -> bool:
        while len(self.unread) < length:
            chunk = self.socket.recv(1 << 16)
            if not chunk:
                return False
            self.unread += chunk
        return True

    def read_request(self) -> pdu.A_ASSOCIATE_RQ:
        self.requested = pdu.A_ASSOCIATE_RQ()
        self.requested.decode(self.read_pdu())
        return self.requested

    def accept(self, max_pdu: int = 16384, window: int | None = None) -> None:
        """Read the request and accept every context in it."""
        self.send(acceptance(self.read_request(), max_pdu, window))

    def read_object(self) -> tuple[Dataset, bytes]:
        """The next C-STORE-RQ's command set and Data Set."""
        return self.read_command(), self.read_data_set()

    def read_command(self) -> Dataset:
        """The next C-STORE-RQ's command set alone."""
        command: Dataset = self._read_message(is_command=True)
        return command

    def read_data_set(self) -> bytes:
        """The Data Set that comes after it."""
        data_set: bytes = self._read_message(is_command=False)
        return data_set

    def _read_message(self, *, is_command: bool) -> Any:
        """PDVs up to the last of a command (decoded) or a Data Set (bytes), by pynetdicom."""
        gathered = bytearray()
        while True:
            whole = self.read_pdu()
            if not whole:
                raise ConnectionError("closed in the middle of a message")
            message = pdu.P_DATA_TF()
            message.decode(whole)
            for item in message.presentation_data_value_items:
                control, fragment = item.data[0], item.data[1:]
                assert bool(control & 1) is is_command
                self.context_id = item.context_id
                gathered += fragment
                if control & 2:
                    return decode_command_set(bytes(gathered)) if is_command else bytes(gathered)

    def answer(self, message_id: int, status: int = 0, context_id: int | None = None) -> None:
        command = store_response(message_id, status)
        self.send(data_pdu(context_id or self.context_id, command))


def decode_command_set(encoded: bytes) -> Dataset:
    return decode_command(BytesIO(encoded), True, True)


def store_response(message_id: int, status: int = 0, **more: Any) -> bytes:
    """A C-STORE-RSP's command set, encoded by pynetdicom."""
    command = Dataset()
    command.CommandField = 0x8001
    command.MessageIDBeingRespondedTo = message_id
    command.CommandDataSetType = 0x0101
    command.Status = status
    for keyword, value in more.items():
        setattr(command, keyword, value)
    encoded = encode_command(command, True, True)
    assert encoded is not None
    return struct.pack("<HHII", 0, 0, 4, len(encoded)) + encoded


def data_pdu(context_id: int, fragment: bytes, control: int = 3) -> bytes:
    """A P-DATA-TF with one value, encoded by pynetdicom; a last command fragment by default."""
    item = pdu_items.PresentationDataValueItem()
    item.presentation_context_id = context_id
    item.presentation_data_value = bytes([control]) + fragment
    message = pdu.P_DATA_TF()
    message.presentation_data_value_items = [item]
    return message.encode()


def acceptance(
    request: pdu.A_ASSOCIATE_RQ, max_pdu: int = 16384, window: int | None = None, result: int = 0
) -> bytes:
    """An A-ASSOCIATE-AC for all contexts of *request*, encoded by pynetdicom."""
    accepted = pdu.A_ASSOCIATE_AC()
    accepted.reserved_aet, accepted.reserved_aec = "ARCHIVE", "PACSLIFT"
    accepted.variable_items = [request.variable_items[0]]
    for proposed in request.presentation_context:
        syntax = pdu_items.TransferSyntaxSubItem()
        syntax.transfer_syntax_name = proposed.transfer_syntax[0]
        item = pdu_items.PresentationContextItemAC()
        item.presentation_context_id = proposed.context_id
        item.result_reason = result
        item.transfer_syntax_sub_item = [syntax]
        accepted.variable_items.append(item)
    longest = pdu_items.MaximumLengthSubItem()
    longest.maximum_length_received = max_pdu
    user = pdu_items.UserInformationItem()
    user.user_data = [longest]
    if window is not None:
        operations = pdu_items.AsynchronousOperationsWindowSubItem()
        operations.maximum_number_operations_invoked = window
        operations.maximum_number_operations_performed = 1
        user.user_data.append(operations)
    accepted.variable_items.append(user)
    return accepted.encode()


class RawTarget(AbstractContextManager["RawTarget"]):
    """Runs one script for each connection in turn, the last one for all that follow."""

    def __init__(self, *scripts: Callable[[Peer], None], tls: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self._tls = tls
        self._scripts = list(scripts)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._listen, daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        socket.create_connection(self._listener.getsockname()).close()  # ends accept()
        for thread in self._threads:
            thread.join(PATIENCE)
        self._listener.close()

    @property
    def address(self) -> TargetAddress:
        return TargetAddress("ARCHIVE", "127.0.0.1", self._listener.getsockname()[1])

    def _listen(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._ending.is_set():
                connection.close()
                return
            script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
            self.connections += 1
            thread = threading.Thread(target=self._run, args=(script, connection), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, script: Callable[[Peer], None], connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        with connection, suppress(OSError):  # we hang up first, as some tests want
            if self._tls is None:
                script(Peer(connection, self._ending))
                return
            with self._tls.wrap_socket(connection, server_side=True) as secured:
                script(Peer(secured, self._ending))


# scripts for a RawTarget


def behave(peer: Peer) -> None:
    """Accept everything, store everything, agree to release."""
    peer.accept()
    serve(peer)


def serve(peer: Peer) -> None:
    """Store what comes on an association that is open, until it is released."""
    while (whole := peer.read_pdu()) and whole[0] == pdu.PDU_TYPES[pdu.P_DATA_TF]:
        peer.unread[:0] = whole
        command, _ = peer.read_object()
        peer.answer(command.MessageID)
    if whole and whole[0] == pdu.PDU_TYPES[pdu.A_RELEASE_RQ]:
        peer.send(pdu.A_RELEASE_RP().encode())


def close_in_the_middle(peer: Peer) -> None:
    """Take one PDU of the first object and close."""
    peer.accept()
    peer.read_pdu()


def abort_in_the_middle(peer: Peer) -> None:
    """Take one PDU of the first object, abort as its service-provider, read no more."""
    peer.accept()
    peer.read_pdu()
    peer.send(abort(reason=6))
    peer.wait_for_the_end()


def stop_reading_in_the_middle(peer: Peer) -> None:
    """Take one PDU of the first object and leave the rest in the network."""
    peer.accept()
    peer.read_pdu()
    peer.wait_for_the_end()


def talk_garbage(peer: Peer) -> None:
    """Answer the association request as some other protocol would."""
    peer.read_request()
    peer.send(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
    peer.wait_for_the_end()


def abort_at_once(peer: Peer) -> None:
    """Abort instead of answering the association request."""
    peer.read_request()
    peer.send(abort(reason=0))


def abort(reason: int) -> bytes:
    """An A-ABORT by the service-provider, encoded by pynetdicom."""
    aborted = pdu.A_ABORT_RQ()
    aborted.source, aborted.reason_diagnostic = 2, reason
    return aborted.encode()


def hang_up(peer: Peer) -> None:
    """Take the connection and close it."""


def say_nothing(peer: Peer) -> None:
    """Take the connection and never speak."""
    peer.wait_for_the_end()


def answer_with_garbage(peer: Peer) -> None:
    """Answer the first object with bytes that are no PDU."""
    peer.accept()
    peer.read_object()
    peer.send(b"\xff" * 64)
    peer.wait_for_the_end()


def answer_twice(peer: Peer) -> None:
    """Answer the first object two times."""
    peer.accept()
    command, _ = peer.read_object()
    peer.answer(command.MessageID)
    peer.answer(command.MessageID)
    serve(peer)


def answer_another_message(peer: Peer) -> None:
    """Answer a message that was never sent."""
    peer.accept()
    command, _ = peer.read_object()
    peer.answer(command.MessageID + 7)
    peer.wait_for_the_end()


def ask_for_release_too(peer: Peer) -> None:
    """Answer a request for release with one, and with the answer only when it has ours."""
    peer.accept()
    peer.read_pdu()
    peer.send(pdu.A_RELEASE_RQ().encode())
    if peer.read_pdu()[:1] == b"\x06":
        peer.send(pdu.A_RELEASE_RP().encode())


def never_answer(peer: Peer) -> None:
    """Take the first object and say nothing."""
    peer.accept()
    peer.read_object()
    peer.wait_for_the_end()


def answer_in_reverse(peer: Peer) -> None:
    """Grant a window of three, and answer the last of three objects first."""
    peer.accept(window=3)
    for command in reversed([peer.read_object()[0] for _ in range(3)]):
        peer.answer(command.MessageID)
    serve(peer)


def release_early(peer: Peer) -> None:
    """Ask for release when an answer is due."""
    peer.accept()
    peer.read_object()
    peer.send(pdu.A_RELEASE_RQ().encode())
    peer.read_pdu()
