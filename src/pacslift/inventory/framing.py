"""Objects dumped with the framing of the network around them (repair.md E14).

Somebody recorded a connection: the file is a row of P-DATA-TF PDUs, whose values are fragments of
a command and of a data set. The fragments of the data set, joined, are the object. Believed only
if PDUs and values chain to the end of the file and exactly one message is in it. PS3.8 9.3.5.
"""

from struct import Struct

from pacslift.inventory.bytesource import ByteSource
from pacslift.inventory.inflate import collected

_PDU, _VALUE = Struct(">BxI"), Struct(">IBB")
_P_DATA = 4
_COMMAND, _LAST = 1, 2  # bits of the message control header, PS3.8 E.2
_CHUNK = 1 << 20


def looks_framed(source: ByteSource) -> bool:
    """Say whether the file begins as a P-DATA-TF PDU with one value inside; costs one look."""
    first = source.read(0, _PDU.size + _VALUE.size)
    if len(first) < _PDU.size + _VALUE.size or first[:2] != bytes([_P_DATA, 0]):
        return False
    _, length = _PDU.unpack_from(first)
    inner, context, control = _VALUE.unpack_from(first, _PDU.size)
    odd = context & 1  # presentation context ids are odd, PS3.8 9.3.2.2
    return 4 + inner <= length <= source.size and bool(odd) and control <= _COMMAND + _LAST


def data_set_spans(source: ByteSource) -> list[tuple[int, int]] | None:
    """Offset and length of the data set's fragments; None if the chain breaks anywhere."""
    spans: list[tuple[int, int]] = []
    position, whole = 0, False
    while position < source.size:
        head = source.read(position, _PDU.size)
        if len(head) < _PDU.size or head[:2] != bytes([_P_DATA, 0]) or whole:
            return None
        end = position + _PDU.size + _PDU.unpack(head)[1]
        position += _PDU.size
        while position < end <= source.size:
            length, _, control = _VALUE.unpack(source.read(position, _VALUE.size).ljust(6, b"\0"))
            fragment = position + _VALUE.size
            position += 4 + length
            if length < _VALUE.size - 4 or position > end:
                return None
            if not control & _COMMAND:
                spans.append((fragment, length - 2))
                whole = bool(control & _LAST)
        if position != end:
            return None
    return spans if whole else None


def gathered_data_set(source: ByteSource, spans: list[tuple[int, int]]) -> ByteSource:
    """The data set joined from its fragments."""
    return collected(
        source.read(offset, min(_CHUNK, start + length - offset))
        for start, length in spans
        for offset in range(start, start + length, _CHUNK)
    )
