"""The File Meta Information in front of a data set, in all the shapes it is met in.

Group 2 is never sent: only the transfer syntax and the identity are taken from it. So whatever else
is wrong with it heals by leaving it behind, and is noted by its id in repair.md: no preamble (E03),
no preamble and no magic (E04), a preamble that is not empty (E07), implicit VR (E08), group length
missing or wrong (E09), twice (E12), a command set behind it (E13). PS3.10 7.1, PS3.7 6.3.1.
"""

from dataclasses import dataclass, field, replace
from struct import Struct

from pacslift.inventory.bytesource import ByteSource
from pacslift.inventory.nesting import LONG_VRS, SHORT_VRS

MAGIC = b"DICM"
_PREAMBLE = 128
_BEHIND_MAGIC = _PREAMBLE + len(MAGIC)
_HEAD, _LENGTH = Struct("<HH2sH"), Struct("<I")
_USUAL, _MOST = 4 * 1024, 64 * 1024  # bytes read; private information (0002,0102) can be long
_LONGEST_VALUE = 1024
_META, _COMMAND = 2, 0


@dataclass(frozen=True, slots=True)
class Meta:
    """What stands before the data set.

    *start* is where the data set begins, *envelope* the ids of the faults found on the way.
    *certain* means that group 2 was found; the four letters DICM alone can be chance.
    *instance_at* is where the Media Storage SOP Instance UID starts and ends.
    """

    start: int
    transfer_syntax_uid: str | None = None
    sop_class_uid: str | None = None
    sop_instance_uid: str | None = None
    envelope: tuple[str, ...] = ()
    certain: bool = False
    implementation_class_uid: str | None = None
    instance_at: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class _Block:
    """Elements of one group, from *start* to *end*; *declared* is where its group length ends."""

    start: int
    end: int
    values: dict[int, bytes] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    implicit: bool = False
    declared: int = -1

    def at(self, element: int) -> tuple[int, int]:
        """Give where a value that is not too long starts and ends."""
        end = self.ends.get(element, self.start)
        return end - len(self.values.get(element, b"")), end

    def uid(self, element: int) -> str | None:
        value = self.values.get(element, b"")
        return value.decode("latin-1").strip("\0 ") or None


def read_meta(source: ByteSource) -> Meta:
    """Read what is in front of the data set. Never fails: in doubt, nothing is in front."""
    first = source.read(0, _BEHIND_MAGIC)
    ids: tuple[str, ...] = ()
    if first[_PREAMBLE:] == MAGIC:
        start = _BEHIND_MAGIC
    elif first.startswith(MAGIC):
        start, ids = len(MAGIC), ("E03",)
    else:
        start, ids = 0, ("E04",)
    block = _block(source, start, _META)
    if block.end == start:
        return _past_more(source, Meta(start, envelope=ids if start else ()))
    ids += ("E07",) if start == _BEHIND_MAGIC and any(first[:_PREAMBLE]) else ()
    ids += ("E08",) if block.implicit else ()
    ids += ("E09",) if block.declared != block.end else ()
    uids = block.uid(0x0010), block.uid(0x0002), block.uid(0x0003)
    writer = block.uid(0x0012)
    meta = Meta(
        block.end,
        *uids,
        envelope=ids,
        certain=True,
        implementation_class_uid=writer,
        instance_at=block.at(0x0003),
    )
    return _past_more(source, meta)


def _past_more(source: ByteSource, meta: Meta) -> Meta:
    """Go past what stands between the meta and the data set; nearly always nothing does.

    Which is a second meta, of a file wrapped twice, whose first one's word stands; or a command
    set, of a message that was dumped with its data set.
    """
    peeked = source.read(meta.start, _BEHIND_MAGIC)
    wrapped = peeked[_PREAMBLE:] == MAGIC and not any(peeked[:_PREAMBLE])
    if not wrapped and peeked[:2] not in {b"\2\0", b"\0\0"}:
        return meta
    inner = _block(source, meta.start + (_BEHIND_MAGIC if wrapped else 0), _META)
    if meta.certain and inner.end > inner.start:
        meta = replace(meta, start=inner.end, envelope=(*meta.envelope, "E12"))
    command = _block(source, meta.start, _COMMAND)
    by_chance = not meta.start and command.declared != command.end  # icons begin like this, too
    if command.end == meta.start or by_chance:
        return meta
    return replace(meta, start=command.end, envelope=(*meta.envelope, "E13"))


def _block(source: ByteSource, start: int, group: int) -> _Block:
    """Walk the elements of *group* that begin at *start*, be they explicit or implicit."""
    data = source.read(start, _USUAL)
    block = _walk(data, start, group)
    if block.end > start and block.end + _BEHIND_MAGIC > start + len(data) == start + _USUAL:
        block = _walk(source.read(start, _MOST), start, group)
    return block


def _walk(data: bytes, start: int, group: int) -> _Block:
    block = _Block(start, start)
    position, last = 0, -1
    values, known = block.values, len(data)
    while position + 8 <= known:
        met, element, vr, length = _HEAD.unpack_from(data, position)
        if met != group or element <= last:  # a second group 2 begins anew
            break
        if not group and not any(data[position : position + 8]):
            break
        value = position + 8
        if vr in SHORT_VRS:
            pass
        elif vr in LONG_VRS and value + _LENGTH.size <= known:
            (length,) = _LENGTH.unpack_from(data, value)
            value += _LENGTH.size
        else:
            (length,) = _LENGTH.unpack_from(data, value - _LENGTH.size)
            block.implicit = True
        position = value + length
        if position > known:
            break
        block.end, last = start + position, element
        values[element] = kept = data[value : min(position, value + _LONGEST_VALUE)]
        block.ends[element] = block.end
        if not element and len(kept) == _LENGTH.size:
            block.declared = block.end + _LENGTH.unpack(kept)[0]
    return block
