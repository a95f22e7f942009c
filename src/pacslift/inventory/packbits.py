"""How long a segment of RLE is once unpacked, told by its run lengths alone. PS3.5 G.3.2."""

from pacslift.inventory.bytesource import ByteSource

_PIECE = 1 << 16
_NOTHING = 128  # a run length that stands for no bytes


def unpacked_length(source: ByteSource, start: int, end: int, enough: int) -> int:
    """Give the bytes that the runs between *start* and *end* unpack to.

    The walk stops once *enough* bytes have come: what is left must be padding of the segment, a
    few zero bytes, and is not counted. -1 for a run that its bytes do not suffice for.
    """
    position, length = start, 0
    piece, base = b"", start
    while position < end and length < enough:
        if position - base >= len(piece):
            piece, base = source.read(position, min(_PIECE, end - position)), position
        control = piece[position - base]
        if control < _NOTHING:
            length += control + 1
            position += control + 2
        elif control > _NOTHING:
            length += 257 - control
            position += 2
        else:
            position += 1
    return length if position <= end else -1
