"""P-DATA-TF: cutting what we send into presentation data values, and reading the target's.

PS3.8 9.3.5 and Annex E. Strategy for sending: every PDU carries one value, command and data set
never share one, and a value has an even length; no target is known that minds. The bytes are
not copied: heads are put between views of what is to be sent, for socket.sendmsg to gather.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pacslift.send.faults import (
    MalformedCommandError,
    MalformedPduError,
    UnexpectedMessageError,
)

COMMAND = 0x01  # message control header, bit 0; without it: data set
LAST = 0x02  # bit 1

P_DATA_TF = 0x04
_PDU_AND_VALUE = struct.Struct(">BxIIBB")  # type, PDU length, value length, context, control
_VALUE = struct.Struct(">IBB")  # value length, context, control
HEADS = _PDU_AND_VALUE.size  # bytes of a PDU with one value that are not that value's
_VALUE_OVERHEAD = _VALUE.size  # counts towards the PDU length
_LENGTH_FIELD = 4  # the value's length does not count its own four bytes
_CONTEXT_AND_CONTROL = 2  # but these two
_SHORTEST = 2  # bytes of data in a value that is worth a PDU, since lengths are even

LONGEST_PDU = 0x100000  # what we send at most, whatever the target would take
LONGEST_COMMAND = 0x10000  # of a command set received; a C-STORE-RSP has some 300 bytes


def longest_value(max_pdu_length: int) -> int:
    """How many bytes fit into one value when the target takes PDUs of *max_pdu_length*.

    0 means that the target sets no limit (PS3.8 D.1). Raises MalformedPduError if the
    limit leaves no room for a single pair of bytes.
    """
    room = min(max_pdu_length or LONGEST_PDU, LONGEST_PDU) - _VALUE_OVERHEAD
    if room < _SHORTEST:
        raise MalformedPduError(
            f"the target takes PDUs of at most {max_pdu_length} bytes, "
            f"which leaves no room behind a head of {_VALUE_OVERHEAD}"
        )
    return room & ~1


def framed_at_once(context_id: int, control: int, whole: bytes) -> list[memoryview | bytes]:
    """A command set or data set that fits into one value: its head, and itself."""
    return [_head(context_id, control | LAST, len(whole)), whole]


def _head(context_id: int, control: int, length: int) -> bytes:
    return _PDU_AND_VALUE.pack(
        P_DATA_TF, length + _VALUE_OVERHEAD, length + _CONTEXT_AND_CONTROL, context_id, control
    )


class Framer:
    """Puts PDU heads between the bytes of one command set or one data set.

    frame()  takes the next bytes, cut anywhere, and gives them with heads in between.

    The heads need the whole length beforehand; more bytes than announced are a ValueError, and
    `missing` says how many have not come yet.
    """

    def __init__(self, context_id: int, control: int, length: int, longest: int) -> None:
        self._context_id = context_id
        self._control = control
        self._longest = longest
        self._room = 0  # bytes that the value begun last still takes
        self._full_head = b""  # made when there is more than one value
        self.missing = length

    def _next_head(self) -> bytes:
        if self.missing > self._longest:
            self._room = self._longest
            self._full_head = self._full_head or _head(
                self._context_id, self._control, self._longest
            )
            return self._full_head
        self._room = self.missing
        return _head(self._context_id, self._control | LAST, self._room)

    def frame(self, pieces: Iterable[memoryview]) -> list[memoryview | bytes]:
        """*pieces* with a head wherever a value begins; views, not copies."""
        framed: list[memoryview | bytes] = []
        for piece in pieces:
            at, end = 0, len(piece)
            if end > self.missing:
                raise ValueError(f"{end - self.missing} bytes more than announced")
            while at < end:
                if not self._room:
                    framed.append(self._next_head())
                count = min(self._room, end - at)
                framed.append(piece[at : at + count])
                self._room -= count
                self.missing -= count
                at += count
        return framed


@dataclass(frozen=True, slots=True)
class Value:
    """One presentation data value as received."""

    context_id: int
    is_command: bool
    is_last: bool
    fragment: bytes


def parse_values(body: bytes) -> Iterator[Value]:
    """The values in the variable field of a P-DATA-TF. Raises MalformedPduError."""
    at = 0
    if not body:
        raise MalformedPduError("the target sent a P-DATA-TF without a value")
    while at < len(body):
        if len(body) - at < _VALUE.size:
            raise MalformedPduError("the target's P-DATA-TF ends inside the head of a value")
        length, context_id, control = _VALUE.unpack_from(body, at)
        end = at + _LENGTH_FIELD + length
        if length < _CONTEXT_AND_CONTROL or end > len(body):
            raise MalformedPduError(
                f"a value of {length} bytes does not fit the {len(body) - at} left in its P-DATA-TF"
            )
        fragment = body[at + _VALUE.size : end]
        yield Value(context_id, bool(control & COMMAND), bool(control & LAST), fragment)
        at = end


class CommandAssembler:
    """Values in, whole command sets out.

    add()  takes the next value, gives the command set that it completes, or None for "not yet".
    """

    def __init__(self) -> None:
        self._fragments = bytearray()
        self._context_id: int | None = None

    @property
    def has_begun(self) -> bool:
        """Whether a command set has come in part."""
        return self._context_id is not None

    def add(self, value: Value) -> bytes | None:
        """Raises UnexpectedMessageError for data sets, MalformedCommandError for a muddle."""
        if not value.is_command:
            raise UnexpectedMessageError("the target sent a data set; a C-STORE-RSP has none")
        if self._context_id not in {None, value.context_id}:
            raise MalformedCommandError(
                f"a command set begun on presentation context {self._context_id} "
                f"goes on in {value.context_id}"
            )
        self._fragments += value.fragment
        if len(self._fragments) > LONGEST_COMMAND:
            raise MalformedCommandError(
                f"a command set of more than {LONGEST_COMMAND} bytes is no answer to C-STORE"
            )
        if not value.is_last:
            self._context_id = value.context_id
            return None
        command = bytes(self._fragments)
        self._fragments.clear()
        self._context_id = None
        return command
