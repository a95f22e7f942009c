"""Objects in Explicit VR Big Endian, given in little endian (repair.md E20).

Few targets take the retired transfer syntax. Numbers keep their value; texts, OB and UN keep their
bytes. Pixel Data are turned around piece by piece, into memory or, if they are large, into a file
without a name, so memory does not grow with the object. PS3.5 7.3, A.3.

The words of OW have 16 bits; pixels of 32 or 64 bits in them are written in two ways by two
families of toolkits, and nothing in the object says by which: a person has to say
([rules.E20] pixel_bytes = 2 or 4, 8).
"""

from collections.abc import Iterator

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.bytesource import ByteSource
from pacslift.inventory.header import PIXEL_DATA, UNDEFINED, Element, Encoding, walk
from pacslift.inventory.inflate import collected
from pacslift.inventory.stored import StoredObject
from pacslift.inventory.syntaxes import EXPLICIT_LITTLE
from pacslift.repair import explicit, nested, values
from pacslift.repair.splice import element_header

RULE = "E20"
_PIECE = 1 << 20  # bytes; a multiple of every word
_WORD, _WIDEST = 2, 8
_BITS_ALLOCATED = 0x00280100
_BULK = frozenset({b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"UN"})


def little(stored: StoredObject, pixel_bytes: int | None = None) -> StoredObject:
    """Give the object in Explicit VR Little Endian, and close the one given.

    Takes   *pixel_bytes*, the words to turn around in Pixel Data of more than 16 bits.
    Raises  SetAsideError PIXELS_DAMAGED where that is needed and not said, HEADER_DAMAGED where a
            sequence cannot be followed; the object given is then still open.
    """
    source = collected(_pieces(stored, _pixel_word(stored, pixel_bytes)))
    header = walk(source, 0, source.size, Encoding.EXPLICIT_LITTLE)
    if header.fault is not None or list(header.places) != list(stored.header.places):
        source.close()
        raise SetAsideError(
            Cause.HEADER_DAMAGED, "written in little endian it does not have the same elements"
        )
    stored.close()
    return StoredObject(
        source,
        header,
        0,
        source.size,
        EXPLICIT_LITTLE,
        stored.meta_sop_class_uid,
        stored.meta_sop_instance_uid,
        (*stored.envelope, RULE),
    )


def _pixel_word(stored: StoredObject, said: int | None) -> int:
    """Give the bytes of the words in Pixel Data of VR OW."""
    raw = stored.value(_BITS_ALLOCATED)
    allocated = values.number(b"US", raw, big=True) or 0
    place = stored.header.places.get(PIXEL_DATA)
    if allocated <= _WORD * 8 or place is None or place[0] != b"OW":
        return _WORD
    if said in {_WORD, 4, _WIDEST}:
        return said or _WORD
    raise SetAsideError(
        Cause.PIXELS_DAMAGED,
        f"pixels of {allocated} bits in Explicit VR Big Endian are written in two ways; look at "
        "one of these objects and say which by pixel_bytes = 2 or 4 in [rules.E20] of job.toml",
    )


def _pieces(stored: StoredObject, pixel_word: int) -> Iterator[bytes]:
    for element in stored.header.elements():
        if element.vr in _BULK and element.length != UNDEFINED:
            word = pixel_word if element.tag == PIXEL_DATA else 0
            yield from _bulk(stored.source, element, word)
        else:
            yield _element(stored, element)


def _element(stored: StoredObject, element: Element) -> bytes:
    value = stored.source.read(element.value, element.end - element.value)
    if element.vr == b"SQ" or element.length == UNDEFINED:
        content = nested.content_of(Encoding.EXPLICIT_BIG, element.vr, value)
        return explicit.element(element.tag, b"SQ", explicit.items(value, content))
    return explicit.element(element.tag, element.vr, explicit.swapped(element.vr, value))


def _bulk(source: ByteSource, element: Element, word: int) -> Iterator[bytes]:
    """Give an element of a VR for bytes or words, piece by piece; *word* 0 means the VR's own."""
    yield element_header(element.tag, element.vr, element.length, Encoding.EXPLICIT_LITTLE)
    for at in range(element.value, element.end, _PIECE):
        piece = source.read(at, min(_PIECE, element.end - at))
        is_words = element.vr == b"OW" and word
        yield (
            explicit.words_swapped(piece, word) if is_words else explicit.swapped(element.vr, piece)
        )
