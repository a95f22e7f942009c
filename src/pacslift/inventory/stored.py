"""What a stored object really is: where its data set starts and ends, and how it is written.

The file's name and the database's word for its container are hints; the bytes decide. Each way in
which an object's envelope may be wrong and still leave no doubt about the data set is healed by
reading, and noted by its id in repair.md ("E04"); whatever leaves a doubt sets the object aside.
Order: container, meta, transfer syntax, elements to the end, tail.
"""

import os
import zlib
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory import framing, tars, zips
from pacslift.inventory.alike import Alike, Mould
from pacslift.inventory.bytesource import ByteSource, FileBytes
from pacslift.inventory.dataset import DataSet, find_dataset
from pacslift.inventory.filemeta import Meta, read_meta
from pacslift.inventory.header import UNDEFINED, Header, ends_in_fragments
from pacslift.inventory.inflate import GZIP, MOST_BYTES, RAW, WRAPPED, inflate
from pacslift.inventory.syntaxes import INFLATED

SOP_CLASS, SOP_INSTANCE = 0x00080016, 0x00080018
_DIRECTORY_RECORDS = 0x00041220
_MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"
_GZIP = b"\x1f\x8b\x08"  # RFC 1952 2.3.1, method deflate
_PACKED_LENGTH = 8  # Orthanc writes the unpacked length before the stream
_STEP = 16  # elements between those whose offsets a shape has
_ALIKE = Alike()
CONTAINERS = frozenset({"part10", "bare", "orthanc-zlib", tars.CONTAINER, zips.CONTAINER})


Shape: TypeAlias = tuple[object, ...]


@dataclass(slots=True)
class StoredObject:
    """A data set in its source, from *dataset_start* to *dataset_end*.

    *envelope* holds the ids of the faults healed by reading (repair.md 1 and 2). *header* is the
    walk of the data set, "S08" in the envelope means that its Pixel Data lacks the delimiter.
    """

    source: ByteSource
    header: Header
    dataset_start: int
    dataset_end: int
    transfer_syntax_uid: str
    meta_sop_class_uid: str | None
    meta_sop_instance_uid: str | None
    envelope: tuple[str, ...]
    implementation_class_uid: str | None = None
    _shape: Shape | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def shape(self) -> Shape:
        """What meta and walk found, to be compared: others have it where their bytes are alike.

        Only some offsets are in it, which tell most lengths apart, and no UID of the instance.
        """
        if self._shape is None:
            self._shape = _shape_of(self)
        return self._shape

    def value(self, tag: int) -> bytes | None:
        """Give the bytes of a top-level element's value; None where there is no such element."""
        place = self.header.places.get(tag)
        if place is None:
            return None
        _, _, value, length = place
        size = self.header.ends[tag] - value if length == UNDEFINED else length
        return self.source.read(value, size)

    def uid(self, tag: int) -> str:
        """Give a UID without its padding (PS3.5 9.1); empty where there is none."""
        return (self.value(tag) or b"").decode("latin-1").strip("\0 ")

    def close(self) -> None:
        """Close the source; segments that point into it are void from then on."""
        self.source.close()


def _shape_of(stored: StoredObject) -> Shape:
    header, size = stored.header, stored.source.size
    return (
        header.encoding,
        stored.dataset_start,
        stored.transfer_syntax_uid,
        stored.implementation_class_uid,
        stored.meta_sop_class_uid,
        stored.envelope,
        len(header.places),
        tuple([place[1] for place in list(header.places.values())[::_STEP]]),
        header.odd,
        header.odd_items,
        *(
            ()
            if ends_in_fragments(header, size)
            else (stored.dataset_end, size, *header.ends.items())
        ),
    )


def open_stored(
    fd: int, container: str | None = None, member: str | None = None, size: int | None = None
) -> StoredObject:
    """Find the data set in an open file; owns the descriptor from then on, also on error.

    Takes   *container*: "part10", "bare", "orthanc-zlib", "tar", "zip" or None; the first two are
            the same as None, since the bytes decide. *member* names the entry of a "tar" or "zip".
            *size* is that of the file, where it is known.
    Raises  SetAsideError NOT_DICOM, TRUNCATED, HEADER_DAMAGED, PIXELS_DAMAGED, CONTAINER_DAMAGED,
            CONTAINER_UNKNOWN, EMPTY_FILE, UNREADABLE, or MISSING_FILE for an entry.
    """
    if container is not None and container not in CONTAINERS:
        os.close(fd)
        raise SetAsideError(
            Cause.CONTAINER_UNKNOWN,
            f"container {container!r} has no reader; known are {', '.join(sorted(CONTAINERS))}",
        )
    source = _source(fd, container, member, size)
    try:
        packed = container == "orthanc-zlib" or (container is None and _looks_packed(source))
        return _unpacked(source) if packed else _stored_in(source)
    except BaseException:
        source.close()
        raise


def _source(fd: int, container: str | None, member: str | None, size: int | None) -> ByteSource:
    """The bytes of the object: all of the file, or those of its entry."""
    if container == zips.CONTAINER:
        return zips.opened(fd, member)
    if container != tars.CONTAINER:
        return FileBytes(fd, size=size)
    try:
        entry = tars.entry_of(fd, member)
    except BaseException:
        os.close(fd)
        raise
    return FileBytes(fd, entry.offset, entry.size)


def _stored_in(source: ByteSource) -> StoredObject:
    if not source.size:
        raise SetAsideError(Cause.EMPTY_FILE, "the file has no bytes")
    mould = _ALIKE.find(source)
    if mould is not None:
        return _moulded(source, mould)
    if source.read(0, len(_GZIP)) == _GZIP:
        return _gunzipped(source)
    meta = read_meta(source)
    if meta.sop_class_uid == _MEDIA_STORAGE_DIRECTORY:
        raise _directory()
    if meta.transfer_syntax_uid in INFLATED:
        return _inflated(source, meta)
    if not meta.start and framing.looks_framed(source):
        return _unframed(source)
    found = find_dataset(source, meta)
    stored = _finished(source, meta, found)
    if found.source is source:
        _ALIKE.learn(stored, meta, stored.shape)
    return stored


def _moulded(source: ByteSource, mould: Mould) -> StoredObject:
    """Make the object that is alike to one before it but for its UID and its values."""
    meta, header = mould.meta, mould.header
    uid = meta.sop_instance_uid and mould.instance_uid(source)
    if not mould.whole:
        meta = replace(meta, sop_instance_uid=uid)
        return _finished(source, meta, find_dataset(source, meta, header))
    stored = StoredObject(
        source,
        header,
        header.start,
        header.stop,
        mould.transfer_syntax_uid,
        meta.sop_class_uid,
        uid,
        meta.envelope,
        meta.implementation_class_uid,
    )
    stored._shape = mould.shape  # noqa: SLF001 - ours
    return stored


def _finished(source: ByteSource, meta: Meta, found: DataSet) -> StoredObject:
    """Make the object; a copy that was made of its data set takes the place of *source*."""
    if found.source is not source:
        source.close()
    if _DIRECTORY_RECORDS in found.header:
        found.source.close()
        raise _directory()
    stored = StoredObject(
        found.source,
        found.header,
        found.header.start,
        found.header.stop,
        found.transfer_syntax_uid,
        meta.sop_class_uid,
        meta.sop_instance_uid,
        found.envelope,
        meta.implementation_class_uid,
    )
    if _meta_differs(stored):
        stored.envelope += ("E11",)
    return stored


def _meta_differs(stored: StoredObject) -> bool:
    """Say whether the meta names another object than the data set, whose word is sent (E11)."""
    return any(
        said is not None and tag in stored.header and said != stored.uid(tag)
        for tag, said in (
            (SOP_CLASS, stored.meta_sop_class_uid),
            (SOP_INSTANCE, stored.meta_sop_instance_uid),
        )
    )


def _directory() -> SetAsideError:
    return SetAsideError(
        Cause.NOT_DICOM, "the file is a DICOMDIR, which lists objects and is none itself"
    )


def _looks_packed(source: ByteSource) -> bool:
    """Say whether this is Orthanc's length and a zlib header (RFC 1950 2.2)."""
    first = source.read(0, _PACKED_LENGTH + 2)
    if len(first) < _PACKED_LENGTH + 2 or first[8] & 0x0F != zlib.DEFLATED:
        return False
    length = int.from_bytes(first[:8], "little")
    return 0 < length <= MOST_BYTES and int.from_bytes(first[8:], "big") % 31 == 0


def _unpacked(source: ByteSource) -> StoredObject:
    """Open what Orthanc stores as compression type 2: 8 bytes of length, then a zlib stream."""
    length = int.from_bytes(source.read(0, _PACKED_LENGTH), "little")
    if not 0 < length <= MOST_BYTES:
        raise SetAsideError(
            Cause.CONTAINER_DAMAGED,
            f"the container gives {length} as its unpacked size, not one up to {MOST_BYTES}",
        )
    plain = inflate(source, _PACKED_LENGTH, WRAPPED, length)
    if plain.size != length:
        plain.close()
        raise SetAsideError(
            Cause.CONTAINER_DAMAGED,
            f"the container promises {length} bytes and holds {plain.size}",
        )
    try:
        stored = _stored_in(plain)
    except BaseException:
        plain.close()
        raise
    source.close()
    return stored


def _gunzipped(source: ByteSource) -> StoredObject:
    """Open an object that somebody packed with gzip (E32); one within another is not looked for."""
    plain = inflate(source, 0, GZIP)
    if plain.read(0, len(_GZIP)) == _GZIP:
        plain.close()
        raise SetAsideError(Cause.NOT_DICOM, "the file is a gzip stream inside another")
    try:
        stored = _stored_in(plain)
    except BaseException:
        plain.close()
        raise
    source.close()
    return replace(stored, envelope=("E32", *stored.envelope))


def _unframed(source: ByteSource) -> StoredObject:
    """Open an object that was recorded with the framing of its connection (E14)."""
    spans = framing.data_set_spans(source)
    if spans is None:
        raise SetAsideError(
            Cause.NOT_DICOM,
            "the file is a recorded connection that does not hold exactly one whole data set",
        )
    plain = framing.gathered_data_set(source, spans)
    try:
        stored = _stored_in(plain)
    except BaseException:
        plain.close()
        raise
    source.close()
    return replace(stored, envelope=("E14", *stored.envelope))


def _inflated(source: ByteSource, meta: Meta) -> StoredObject:
    """Open an object whose data set is deflated (PS3.5 A.5); a zlib wrapper is tolerated."""
    syntax = INFLATED[meta.transfer_syntax_uid or ""]
    try:
        plain = inflate(source, meta.start, RAW)
    except SetAsideError as damage:
        if "broken" not in damage.detail:
            raise
        plain = inflate(source, meta.start, WRAPPED)
    meta = replace(meta, start=0, transfer_syntax_uid=syntax, envelope=(*meta.envelope, "E17"))
    try:
        stored = _finished(plain, meta, find_dataset(plain, meta))
    except BaseException:
        plain.close()
        raise
    source.close()
    return stored
