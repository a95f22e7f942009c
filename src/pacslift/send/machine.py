"""The requestor's side of an association as a state machine without I/O. PS3.8 9.2.

Strategy: feed() takes what came from the target, cut anywhere; next_event() gives one event,
None for "not yet", or raises a ProtocolError. What may follow what is one table. Requests give
the bytes to send. What the protocol obliges us to send back lies in owed().

Rules: a PDU's length is judged as soon as its head is there, before its body is kept; nothing is
believed because it is likely, an answer counts only for a request that is outstanding. After an
error or an abort the machine is in Sta13: it takes and ignores everything.
Memory: one PDU of at most LONGEST_RECEIVED, one command set of at most pdata.LONGEST_COMMAND.

Sta8 and Sta9 are not kept as states: the answer to a release that the target asks for is owed at
once, which leads on to Sta13 and Sta11.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from pacslift.plan.contexts import Pair
from pacslift.send.dimse import StoreResponse, encode_store_request, parse_store_response
from pacslift.send.faults import (
    MalformedPduError,
    PduTooLongError,
    ProtocolError,
    UnexpectedPduError,
    UnknownContextError,
    UnknownMessageIdError,
    UnknownPduError,
)
from pacslift.send.likeness import Likeness
from pacslift.send.negotiation import (
    Abort,
    Acceptance,
    Proposal,
    Rejection,
    decode_abort,
    decode_acceptance,
    decode_rejection,
    encode_abort,
    encode_release_answer,
    encode_release_request,
    encode_request,
)
from pacslift.send.pdata import (
    COMMAND,
    HEADS,
    CommandAssembler,
    Framer,
    framed_at_once,
    longest_value,
    parse_values,
)

LONGEST_RECEIVED = 0x100000  # of a PDU; the longest with a purpose is an A-ASSOCIATE-AC
_MESSAGE_IDS = 0xFFFF  # 1 to 65535

_HEAD = struct.Struct(">BxI")


class State(Enum):
    """The states of PS3.8 9.2.1 that a requestor stays in."""

    CONNECTED = "Sta4"  # transport open, nothing asked for
    REQUESTED = "Sta5"  # awaiting A-ASSOCIATE-AC or -RJ
    OPEN = "Sta6"  # ready for data
    RELEASING = "Sta7"  # awaiting A-RELEASE-RP
    COLLIDED = "Sta11"  # both asked for release; answered, awaiting A-RELEASE-RP
    ENDED = "Sta13"  # only the transport is left to close


class PduType(Enum):
    """PS3.8 9.3.1."""

    A_ASSOCIATE_RQ = 1
    A_ASSOCIATE_AC = 2
    A_ASSOCIATE_RJ = 3
    P_DATA_TF = 4
    A_RELEASE_RQ = 5
    A_RELEASE_RP = 6
    A_ABORT = 7

    def __str__(self) -> str:
        return self.name.replace("A_", "A-").replace("P_DATA_", "P-DATA-").replace("_", "-")


_FIXED_LENGTH = 4  # bytes behind the head of those PDUs that have no variable part
_FIXED = frozenset(
    {PduType.A_ASSOCIATE_RJ, PduType.A_RELEASE_RQ, PduType.A_RELEASE_RP, PduType.A_ABORT}
)


@dataclass(frozen=True, slots=True)
class Released:
    """The association has ended in order; *by_target* if the target asked for it."""

    by_target: bool


Event = Acceptance | Rejection | Abort | Released | StoreResponse

_ABORTED_BY_PROVIDER = 2  # as opposed to the user of the association
_ABORT_REASONS: Mapping[type[ProtocolError], int] = {  # PS3.8 Table 9-26
    UnknownPduError: 1,
    UnexpectedPduError: 2,
    MalformedPduError: 6,
    PduTooLongError: 6,
}


@dataclass(frozen=True, slots=True)
class Request:
    """The beginning of a C-STORE: what to send first, and how to frame what follows."""

    message_id: int
    command: list[memoryview | bytes]
    data_set: Framer


class NotAllowedNowError(RuntimeError):
    """A request that the present state has no place for: a fault of the caller, not the target."""


class Machine:
    """One association as its requestor sees it: bytes in, events out; requests in, bytes out."""

    def __init__(self, proposal: Proposal) -> None:
        self.state = State.CONNECTED
        self.accepted: Mapping[Pair, int] = {}  # context IDs
        self.outstanding: dict[int, str] = {}  # SOP Instance UIDs by Message ID
        self._proposal = proposal
        self._received = bytearray()
        self._owed = bytearray()
        self._events: list[Event] = []
        self._commands = CommandAssembler()
        self._likeness = Likeness()
        self._longest_value = 0
        self._window = 0
        self._last_message_id = 0

    # requests: bytes out

    def associate(self) -> bytes:
        """An A-ASSOCIATE-RQ for what was proposed."""
        self._demand(State.CONNECTED)
        self.state = State.REQUESTED
        return encode_request(self._proposal)

    def store(self, pair: Pair, sop_instance_uid: str, length: int) -> Request:
        """Begin a C-STORE of *length* bytes; gives its Message ID, first bytes and framer."""
        self._demand(State.OPEN)
        if not self.room:
            raise NotAllowedNowError("as many operations are outstanding as were negotiated")
        context_id = self.accepted[pair]
        message_id = self._next_message_id()
        command = encode_store_request(message_id, pair[0], sop_instance_uid)
        self.outstanding[message_id] = sop_instance_uid
        return Request(
            message_id=message_id,
            command=self._framed(context_id, command),
            data_set=Framer(context_id, 0, length, self._longest_value),
        )

    def _framed(self, context_id: int, command: bytes) -> list[memoryview | bytes]:
        if len(command) <= self._longest_value:
            return framed_at_once(context_id, COMMAND, command)
        framer = Framer(context_id, COMMAND, len(command), self._longest_value)
        return framer.frame([memoryview(command)])

    def release(self) -> bytes:
        """An A-RELEASE-RQ."""
        self._demand(State.OPEN)
        self.state = State.RELEASING
        return encode_release_request()

    def abort(self) -> bytes:
        """An A-ABORT by the user of the association; allowed at any time."""
        self.state = State.ENDED
        return encode_abort(Abort(source=0, reason=0))

    def owed(self) -> bytes:
        """What must be sent back by the rules of the protocol; given once."""
        owed = bytes(self._owed)
        self._owed.clear()
        return owed

    @property
    def room(self) -> bool:
        """Whether the window that was negotiated has room for one more operation."""
        return not self._window or len(self.outstanding) < self._window

    # answers: bytes in, events out

    def feed(self, chunk: bytes) -> None:
        """Take bytes from the target, cut anywhere."""
        if self.state is not State.ENDED:
            self._received += chunk

    def next_event(self) -> Event | None:
        """The next event, or None for "not yet".

        Raises a ProtocolError for what the target may not send; the machine has ended then,
        and an A-ABORT is owed.
        """
        try:
            while not self._events and self._read_pdu():
                pass
        except ProtocolError as fault:
            self._end_with_abort(_ABORT_REASONS.get(type(fault), 0))
            raise
        return self._events.pop(0) if self._events else None

    def _read_pdu(self) -> bool:
        """Handle one whole PDU if there is one."""
        if len(self._received) < _HEAD.size or self.state is State.ENDED:
            return False
        number, length = _HEAD.unpack_from(self._received)
        handle = self._judge(number, length)
        end = _HEAD.size + length
        if len(self._received) < end:
            return False
        whole = bytes(self._received[:end])
        del self._received[:end]
        handle(self, whole)
        return True

    def _judge(self, number: int, length: int) -> "_Handler":
        """The handler for a PDU with this head, if it may come now."""
        try:
            kind = PduType(number)
        except ValueError:
            raise UnknownPduError(
                f"the target sent a PDU of type {number:02X}h, PS3.8 knows 01h to 07h"
            ) from None
        if length > LONGEST_RECEIVED:
            raise PduTooLongError(
                f"the target announced the PDU {kind} of {length} bytes; "
                f"{LONGEST_RECEIVED} are more than any answer needs"
            )
        handle = self._LEGAL[self.state].get(kind)
        if handle is None:
            raise UnexpectedPduError(f"the target sent the PDU {kind} in {self.state.value}")
        if kind in _FIXED and length != _FIXED_LENGTH:
            raise MalformedPduError(
                f"the target sent the PDU {kind} of {length} bytes; it has {_FIXED_LENGTH}"
            )
        return handle

    # one handler for each PDU that is legal somewhere

    def _on_acceptance(self, whole: bytes) -> None:
        acceptance = decode_acceptance(whole)
        offered = {context.context_id: context for context in self._proposal.contexts}
        if unasked := sorted(acceptance.transfer_syntaxes.keys() - offered.keys()):
            raise UnknownContextError(
                f"the target accepted presentation contexts {unasked} that were not proposed"
            )
        self._longest_value = longest_value(acceptance.max_pdu_length)
        self._window = _granted(self._proposal.window, acceptance.window)
        # a target that answers with another syntax than the only one proposed has not accepted
        self.accepted = {
            offered[context_id].pair: context_id
            for context_id, syntax in acceptance.transfer_syntaxes.items()
            if syntax in {"", offered[context_id].transfer_syntax_uid}
        }
        self.state = State.OPEN
        self._events.append(acceptance)

    def _on_rejection(self, whole: bytes) -> None:
        self._events.append(decode_rejection(whole))
        self.state = State.ENDED

    def _on_data(self, whole: bytes) -> None:
        response = None if self._commands.has_begun else self._likeness.read(whole)
        if response is None:
            self._read_values(whole)
        else:
            self._events.append(self._matched(response))

    def _read_values(self, whole: bytes) -> None:
        for value in parse_values(whole[_HEAD.size :]):
            if value.context_id not in self.accepted.values():
                raise UnknownContextError(
                    f"the target sent data on presentation context {value.context_id}, "
                    "which is not among those accepted"
                )
            command = self._commands.add(value)
            if command is not None:
                response = parse_store_response(command)
                self._events.append(self._matched(response))
                if len(whole) == HEADS + len(command):
                    self._likeness.learn(whole, command, response)

    def _matched(self, response: StoreResponse) -> StoreResponse:
        """*response*, if it answers a request that is outstanding."""
        asked = self.outstanding.get(response.message_id)
        if asked is None:
            raise UnknownMessageIdError(
                f"the target answered message {response.message_id}; "
                f"outstanding are {sorted(self.outstanding) or 'none'}"
            )
        if response.sop_instance_uid not in {None, "", asked}:
            raise UnknownMessageIdError(
                f"the target answered message {response.message_id}, which was about {asked}, "
                f"with the SOP Instance UID {response.sop_instance_uid}"
            )
        del self.outstanding[response.message_id]
        return response

    def _on_release_request(self, _: bytes) -> None:
        self._owed += encode_release_answer()
        if self.state is State.RELEASING:
            self.state = State.COLLIDED
        else:
            self._events.append(Released(by_target=True))
            self.state = State.ENDED

    def _on_release_answer(self, _: bytes) -> None:
        self._events.append(Released(by_target=False))
        self.state = State.ENDED

    def _on_abort(self, whole: bytes) -> None:
        self._events.append(decode_abort(whole))
        self.state = State.ENDED

    # PS3.8 Table 9-10, the rows of received PDUs
    _LEGAL: ClassVar[Mapping[State, Mapping[PduType, "_Handler"]]] = {
        State.CONNECTED: {},
        State.REQUESTED: {
            PduType.A_ASSOCIATE_AC: _on_acceptance,
            PduType.A_ASSOCIATE_RJ: _on_rejection,
            PduType.A_ABORT: _on_abort,
        },
        State.OPEN: {
            PduType.P_DATA_TF: _on_data,
            PduType.A_RELEASE_RQ: _on_release_request,
            PduType.A_ABORT: _on_abort,
        },
        State.RELEASING: {
            PduType.P_DATA_TF: _on_data,
            PduType.A_RELEASE_RQ: _on_release_request,
            PduType.A_RELEASE_RP: _on_release_answer,
            PduType.A_ABORT: _on_abort,
        },
        State.COLLIDED: {
            PduType.A_RELEASE_RP: _on_release_answer,
            PduType.A_ABORT: _on_abort,
        },
    }

    # inside

    def _demand(self, state: State) -> None:
        if self.state is not state:
            raise NotAllowedNowError(f"in {self.state.value}, not in {state.value}")

    def _end_with_abort(self, reason: int) -> None:
        self._events.clear()
        self._received.clear()
        self._owed += encode_abort(Abort(_ABORTED_BY_PROVIDER, reason))
        self.state = State.ENDED

    def _next_message_id(self) -> int:
        while True:
            self._last_message_id = self._last_message_id % _MESSAGE_IDS + 1
            if self._last_message_id not in self.outstanding:
                return self._last_message_id


_Handler = Callable[[Machine, bytes], None]


def _granted(proposed: int, answered: int) -> int:
    """The window to keep to; 0 is no limit. A target may lower what was proposed, not raise it."""
    if not proposed or not answered:
        return proposed or answered
    return min(proposed, answered)
