"""What goes over a DICOM connection, cut into PDUs and messages. Without I/O; PS3.8 9.3, PS3.7 9.3.

For a relay and a target that must see what is said without being a library's association, since
they do what no library would. Memory: one PDU, and one message with its data set.
"""

import struct
from dataclasses import dataclass, field

from pydicom import Dataset

from scripted import decode_command_set

P_DATA, RELEASE_RQ, RELEASE_RP, ABORT, REQUEST = 4, 5, 6, 7, 1
C_STORE_RQ, C_STORE_RSP, C_FIND_RQ = 0x0001, 0x8001, 0x0020
NO_DATA_SET = 0x0101
LONGEST = 1 << 26  # bytes; what announces more is no PDU
_COMMAND, _LAST = 1, 2  # bits of a message control header


class NoPduError(ValueError):
    """The bytes are none that PS3.8 knows."""


class PduCutter:
    """Bytes in, cut anywhere; whole PDUs out."""

    def __init__(self) -> None:
        self._open = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """The PDUs that are whole now. Raises NoPduError, after which rest() has what came."""
        self._open += chunk
        whole = []
        while len(self._open) >= 6:
            kind, length = struct.unpack_from(">BxI", self._open)
            if not REQUEST <= kind <= ABORT or length > LONGEST:
                raise NoPduError(f"type {kind}, {length} bytes")
            if len(self._open) < 6 + length:
                break
            whole.append(bytes(self._open[: 6 + length]))
            del self._open[: 6 + length]
        return whole

    def rest(self) -> bytes:
        """What has come of a PDU that is not whole; it is forgotten then."""
        rest = bytes(self._open)
        self._open.clear()
        return rest


@dataclass(frozen=True, slots=True)
class Message:
    """One whole DIMSE message."""

    context_id: int
    command: Dataset
    data_set: bytes = field(repr=False)


class MessageCutter:
    """P-DATA-TF PDUs in, messages out. *began* is the command of one whose data set is to come."""

    def __init__(self) -> None:
        self.began: Dataset | None = None
        self._pieces: list[bytes] = []

    def feed(self, pdu: bytes) -> list[Message]:
        """The messages that end in *pdu*. Raises ValueError where a command cannot be read."""
        found = []
        at = 6
        while at < len(pdu):
            length, context_id, control = struct.unpack_from(">IBB", pdu, at)
            self._pieces.append(pdu[at + 6 : at + 4 + length])
            at += 4 + length
            if control & _LAST:
                message = self._ended(context_id, is_command=bool(control & _COMMAND))
                found += [message] if message else []
        return found

    def _ended(self, context_id: int, *, is_command: bool) -> Message | None:
        whole = b"".join(self._pieces)
        self._pieces.clear()
        if is_command:
            self.began = decode_command_set(whole)
            if "CommandDataSetType" not in self.began:
                raise ValueError("no command set")
            if self.began.CommandDataSetType != NO_DATA_SET:
                return None
            whole = b""
        command, self.began = self.began, None
        assert command is not None, "a data set without a command"
        return Message(context_id, command, whole)


def is_start(pdu: bytes) -> bool:
    """Whether a PDU begins with a command, not with a further piece of a data set."""
    return pdu[0] == P_DATA and len(pdu) > 11 and bool(pdu[11] & _COMMAND)
