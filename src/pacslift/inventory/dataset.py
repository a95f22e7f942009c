"""Find how a data set is written and where it ends, and refuse what leaves a doubt.

A walk is believed if it reaches the end exactly, or Pixel Data and then a tail that is no element
(repair.md 1.1). The declared transfer syntax is tried first; the others only if it does not walk,
and then exactly one of them must. Zero bytes never count as elements.
"""

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.ancestors import refuse_ancestor, refuse_word_orders
from pacslift.inventory.bytesource import ByteSource, MemoryBytes
from pacslift.inventory.filemeta import Meta
from pacslift.inventory.header import PIXEL_DATA, Encoding, Fault, Header, walk, walk_on
from pacslift.inventory.mend import MOST_BYTES as MOST_MENDED
from pacslift.inventory.mend import mend
from pacslift.inventory.pixelsyntax import DataSet, settled
from pacslift.inventory.syntaxes import EXPLICIT_LITTLE, SYNTAX_OF, encoding_of

__all__ = ["DataSet", "find_dataset"]

_FRAMES = 0x00280008
# SOP class and instance, ACR-NEMA's recognition code, Patient ID, study, Rows: what tells a data
# set from bytes that walk by chance.
_MARKS = (0x00080016, 0x00080018, 0x00080010, 0x00100020, 0x0020000D, 0x00280010)
_BEHIND_PIXELS = frozenset({b"\x7f\xe0", b"\xff\xfa", b"\xff\xfc"})  # signatures, padding
_CUT = frozenset({Fault.OVERRUN, Fault.NO_DELIMITER})
_MENDABLE = frozenset({Cause.TRUNCATED, Cause.HEADER_DAMAGED})
_SHORT_TAIL = 4096
_CHUNK = 256 * 1024
_FOREIGN = {
    b"%PDF": "a PDF document",
    b"\xff\xd8\xff": "a JPEG image",
    b"\x89PNG": "a PNG image",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip stream",
    b"{": "JSON text",
    b"<": "XML or HTML text",
    b"SQLite": "an SQLite database",
    b"MZ": "a Windows program",
    b"\x7fELF": "a program",
}


def find_dataset(source: ByteSource, meta: Meta, known: Header | None = None) -> DataSet:
    """Find the data set behind *meta*, and how it is written.

    Takes   *known*: the header of another object, with which this one's is the same up to the
            Pixel Data at the end of it.
    Raises  SetAsideError NOT_DICOM, RETIRED_FORMAT, TRUNCATED, HEADER_DAMAGED or PIXELS_DAMAGED.
    """
    refuse_word_orders(source)
    try:
        found = _walked(source, meta, known)
    except SetAsideError as refusal:
        mended = _mended(source, meta) if refusal.cause in _MENDABLE else None
        if mended is None:
            raise
        found = mended
    refuse_ancestor(found.source, found.header, found.transfer_syntax_uid)
    return settled(found)


def _walked(source: ByteSource, meta: Meta, known: Header | None) -> DataSet:
    """The data set as it follows from its elements' own headers."""
    syntax = meta.transfer_syntax_uid
    if syntax is None:
        return _sniffed(source, meta, [])
    if known is None:
        header = walk(source, meta.start, source.size, encoding_of(syntax))
    else:
        header = walk_on(source, known)
    tail = _tail(source, header)
    if tail is None or not header.places:
        return _sniffed(source, meta, [header])
    return DataSet(source, header, syntax, (*meta.envelope, *tail))


def _mended(source: ByteSource, meta: Meta) -> DataSet | None:
    """The data set written anew where no plain walk came to its end; None if that fails, too."""
    if source.size - meta.start > MOST_MENDED:
        return None
    declared = encoding_of(meta.transfer_syntax_uid or EXPLICIT_LITTLE)
    data = source.read(meta.start, source.size - meta.start)
    if declared is Encoding.EXPLICIT_BIG:
        return None
    implicit = declared is Encoding.IMPLICIT_LITTLE
    for hypothesis in (implicit, not implicit):
        anew = mend(data, implicit=hypothesis)
        if anew is None:
            continue
        encoding = Encoding.IMPLICIT_LITTLE if anew.implicit else Encoding.EXPLICIT_LITTLE
        copy = MemoryBytes(anew.data)
        header = walk(copy, 0, copy.size, encoding)
        if header.fault is None and _marked(header):
            syntax = meta.transfer_syntax_uid
            if syntax is None or encoding_of(syntax) is not encoding:
                syntax = SYNTAX_OF[encoding]
            return DataSet(copy, header, syntax, (*meta.envelope, *anew.faults))
    return None


def _sniffed(source: ByteSource, meta: Meta, failed: list[Header]) -> DataSet:
    """Find the one encoding that walks, where none is declared or the declared one, *failed*."""
    starts = (meta.start,) if meta.certain or not meta.start else (meta.start, 0)
    known = {(header.start, header.encoding) for header in failed}
    tried = [
        walk(source, start, source.size, encoding)
        for start in starts
        for encoding in Encoding
        if (start, encoding) not in known
    ]
    ended = [
        (header, tail)
        for header in tried
        if header.ascending and header.places and (tail := _tail(source, header)) is not None
        if _marked(header) or (meta.certain and not tail)
    ]
    if len(ended) != 1:
        raise _refusal(source, meta, failed + tried, ended)
    header, tail = ended[0]
    how = "E18" if failed else "E10"
    if not meta.certain:
        how = "E05" if header.start == meta.start else "E06"
    return DataSet(source, header, SYNTAX_OF[header.encoding], (*meta.envelope, how, *tail))


def _marked(header: Header) -> bool:
    """Say whether a walk met one of the elements that tell a data set from chance."""
    return any(mark in header.places for mark in _MARKS)


def _tail(source: ByteSource, header: Header) -> tuple[str, ...] | None:
    """Give the faults healed by ending the data set where the walk stopped; None for doubt."""
    if header.fault is None:
        return ()
    if header.fault is Fault.NO_DELIMITER:
        return ("S08",) if _all_frames(source, header) and _blank(source, header.stop) else None
    rest = source.size - header.stop
    if PIXEL_DATA in header.places:
        return None if _may_be_element(source, header) else ("E15",)
    return ("E15",) if rest <= _SHORT_TAIL and _blank(source, header.stop) else None


def _may_be_element(source: ByteSource, header: Header) -> bool:
    """Say whether behind Pixel Data stands the group of an element that may stand there."""
    group = source.read(header.stop, 2)
    if header.encoding is not Encoding.EXPLICIT_BIG:
        group = group[::-1]
    return group in _BEHIND_PIXELS


def _all_frames(source: ByteSource, header: Header) -> bool:
    """Say whether there are as many fragments as frames, the offset table not counted."""
    element = header.find(_FRAMES)
    text = source.read(element.value, min(element.length, 16)) if element else b"1"
    digits = text.strip(b" \0")
    return not digits or (digits.isdigit() and header.items > int(digits))


def _blank(source: ByteSource, start: int) -> bool:
    """Say whether all bytes from *start* to the end are zero, or all are 0xFF."""
    for position in range(start, source.size, _CHUNK):
        data = source.read(position, _CHUNK)
        if data.strip(b"\0") and data.strip(b"\xff"):
            return False
    return True


def _refusal(
    source: ByteSource, meta: Meta, tried: list[Header], ended: list[tuple[Header, tuple[str, ...]]]
) -> SetAsideError:
    """Say why no encoding, or more than one, is believed; the walk that came furthest speaks."""
    best = max(tried, key=lambda header: (_marked(header), header.stop))
    if not meta.start and not _marked(best):
        return SetAsideError(Cause.NOT_DICOM, f"the file is no DICOM object{_kind(source)}")
    if len(ended) > 1:
        names = " and ".join(header.encoding for header, _ in ended)
        return SetAsideError(Cause.HEADER_DAMAGED, f"the bytes can be read as {names}")
    where = f"at byte {best.stop} of {source.size}, read as {best.encoding}"
    if best.stop >= source.size or best.fault in _CUT or _blank(source, best.stop):
        what = best.fault or "the data set ends before an object is identified"
        return SetAsideError(Cause.TRUNCATED, f"{what} ({where}); look for another copy")
    return SetAsideError(Cause.HEADER_DAMAGED, f"{best.fault} ({where})")


def _kind(source: ByteSource) -> str:
    first = source.read(0, 16).lstrip()
    return next((f" but {name}" for magic, name in _FOREIGN.items() if first.startswith(magic)), "")
