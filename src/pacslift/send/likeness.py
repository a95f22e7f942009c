"""Answers that are like one before them, told without taking them to pieces.

A target's answers differ in the Message ID and the SOP Instance UID that they repeat, and hardly in
anything else. The places of these two are learnt from an answer that was read element by element;
another of its length that is the same byte for byte everywhere else, heads and lengths included,
has them at the same places and says the same. Nothing is searched for.
Memory: an answer for each length that came, at most MOST of at most LONGEST bytes.
"""

import struct
from dataclasses import dataclass

from pacslift.send.dimse import ANSWERED_MESSAGE_ID, SOP_INSTANCE_UID, StoreResponse, places, text

MOST = 64  # lengths; UIDs have at most 64 characters
LONGEST = 1024  # bytes; more is no answer of the ordinary kind
_US = struct.Struct("<H")


@dataclass(frozen=True, slots=True)
class _Known:
    """An answer, and where the two values are that it does not share with others."""

    message_id: slice
    uid: slice
    before: bytes
    between: bytes
    behind: bytes
    response: StoreResponse


class Likeness:
    """Remembers answers, each a PDU that holds a command set and nothing else."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}  # by length

    def read(self, pdu: bytes) -> StoreResponse | None:
        """What *pdu* says, if it is like one that was learnt."""
        known = self._known.get(len(pdu))
        if known is None:
            return None
        message_id, uid = known.message_id, known.uid
        if (
            pdu[message_id.stop : uid.start] != known.between
            or pdu[: message_id.start] != known.before
            or pdu[uid.stop :] != known.behind
        ):
            return None
        like = known.response
        return StoreResponse(
            _US.unpack_from(pdu, message_id.start)[0],
            like.status,
            like.error_comment,
            like.offending_elements,
            like.sop_instance_uid if uid.start == uid.stop else text(pdu[uid]),
        )

    def learn(self, pdu: bytes, command: bytes, response: StoreResponse) -> None:
        """Remember *pdu*, which ends with the whole *command*, read as *response*."""
        if len(pdu) > LONGEST or len(self._known) == MOST or not pdu.endswith(command):
            return
        at = len(pdu) - len(command)
        found = places(command)
        none = len(command), len(command)
        message_id, uid = (
            slice(at + start, at + end)
            for start, end in (found[ANSWERED_MESSAGE_ID], found.get(SOP_INSTANCE_UID, none))
        )
        if message_id.stop > uid.start:  # the other way round than elements are in order
            return
        self._known[len(pdu)] = _Known(
            message_id,
            uid,
            pdu[: message_id.start],
            pdu[message_id.stop : uid.start],
            pdu[uid.stop :],
            response,
        )
