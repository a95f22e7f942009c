"""Command sets of C-STORE. PS3.7 6.3, 9.3.1 and Annex E.

Command sets are always Implicit VR Little Endian. Answers are read element by element: a
search for the bytes of an element would also find them inside a value.
"""

import functools
import struct
from dataclasses import dataclass

from pacslift.send.faults import MalformedCommandError, UnexpectedMessageError

STORE_REQUEST = 0x0001
STORE_RESPONSE = 0x8001
NO_DATA_SET = 0x0101  # any other value of (0000,0800) announces a data set

_ELEMENT = struct.Struct("<HHI")  # group, element, length of the value
_US = struct.Struct("<H")

_COMMAND_FIELD = 0x0100
ANSWERED_MESSAGE_ID = 0x0120
_DATA_SET_TYPE = 0x0800
_STATUS = 0x0900
_OFFENDING_ELEMENT = 0x0901
_ERROR_COMMENT = 0x0902
SOP_INSTANCE_UID = 0x1000  # Affected SOP Instance UID


@dataclass(frozen=True, slots=True)
class StoreResponse:
    """A C-STORE-RSP as the target gave it."""

    message_id: int  # Message ID Being Responded To
    status: int  # 16 bits
    error_comment: str  # may hold patient data
    offending_elements: tuple[str, ...]  # as "(gggg,eeee)"
    sop_instance_uid: str | None  # Affected SOP Instance UID, which targets may leave out


def encode_store_request(message_id: int, sop_class_uid: str, sop_instance_uid: str) -> bytes:
    """The command set of a C-STORE-RQ of medium priority with a data set. PS3.7 9.3.1.1."""
    uid = _uid(sop_instance_uid)
    before_id, behind_id = _around_message_id(sop_class_uid, len(uid))
    return b"".join((before_id, _US.pack(message_id), behind_id, uid))


@functools.lru_cache(maxsize=256)
def _around_message_id(sop_class_uid: str, uid_length: int) -> tuple[bytes, bytes]:
    """What stands before and behind the Message ID's value, but for the instance's UID."""
    before_id = (
        _encoded(0x0002, _uid(sop_class_uid))
        + _encoded(_COMMAND_FIELD, _US.pack(STORE_REQUEST))
        + _ELEMENT.pack(0x0000, 0x0110, _US.size)
    )
    behind_id = (
        _encoded(0x0700, _US.pack(0))  # Priority: medium
        + _encoded(_DATA_SET_TYPE, _US.pack(0x0001))
        + _ELEMENT.pack(0x0000, SOP_INSTANCE_UID, uid_length)
    )
    length = len(before_id) + _US.size + len(behind_id) + uid_length
    return _encoded(0x0000, struct.pack("<I", length)) + before_id, behind_id


def parse_store_response(command: bytes) -> StoreResponse:
    """Read a command set that should be a C-STORE-RSP.

    Raises MalformedCommandError, or UnexpectedMessageError if it is some other message.
    """
    values = {element: command[at:end] for element, (at, end) in places(command).items()}
    field = _number(values, _COMMAND_FIELD)
    if field != STORE_RESPONSE:
        raise UnexpectedMessageError(
            f"the target sent a message with Command Field {field:04X}h; "
            "only a C-STORE-RSP (8001h) answers a C-STORE"
        )
    if _number(values, _DATA_SET_TYPE) != NO_DATA_SET:
        raise UnexpectedMessageError(
            "the target announced a data set with its C-STORE-RSP, which has none"
        )
    uid = values.get(SOP_INSTANCE_UID)
    return StoreResponse(
        message_id=_number(values, ANSWERED_MESSAGE_ID),
        status=_number(values, _STATUS),
        error_comment=text(values.get(_ERROR_COMMENT, b"")),
        offending_elements=_tags(values.get(_OFFENDING_ELEMENT, b"")),
        sop_instance_uid=None if uid is None else text(uid),
    )


def _encoded(element: int, value: bytes) -> bytes:
    return _ELEMENT.pack(0x0000, element, len(value)) + value


def _uid(uid: str) -> bytes:
    value = uid.encode("ascii")
    return value + b"\0" * (len(value) % 2)


def places(command: bytes) -> dict[int, tuple[int, int]]:
    """Where the values of group 0000 begin and end. Raises MalformedCommandError."""
    found: dict[int, tuple[int, int]] = {}
    at = 0
    while at < len(command):
        if len(command) - at < _ELEMENT.size:
            raise MalformedCommandError(f"the command set ends inside an element's head at {at}")
        group, element, length = _ELEMENT.unpack_from(command, at)
        at += _ELEMENT.size
        if group != 0x0000:
            raise MalformedCommandError(
                f"the command set holds ({group:04X},{element:04X}); only group 0000 belongs there"
            )
        if length > len(command) - at:
            raise MalformedCommandError(
                f"(0000,{element:04X}) announces {length} bytes, {len(command) - at} are left"
            )
        found[element] = at, at + length
        at += length
    return found


def _number(values: dict[int, bytes], element: int) -> int:
    value = values.get(element)
    if value is None or len(value) != _US.size:
        met = "is missing" if value is None else f"has {len(value)} bytes"
        raise MalformedCommandError(f"(0000,{element:04X}) {met}; it should have two bytes")
    number: int = _US.unpack(value)[0]
    return number


def text(value: bytes) -> str:
    """A value as characters, without what fills it up."""
    return value.decode("ascii", "replace").strip(" \0")


def _tags(value: bytes) -> tuple[str, ...]:
    whole = value[: len(value) - len(value) % 4]
    return tuple(
        f"({group:04X},{element:04X})" for group, element in struct.iter_unpack("<HH", whole)
    )
