"""What the transfer syntax of an object means for walking it. PS3.5 10, PS3.6 A."""

from pacslift.inventory.header import Encoding

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"

# Deflated as a whole (PS3.5 A.5, A.7, A.10), and what each is once inflated.
INFLATED = {
    DEFLATED: EXPLICIT_LITTLE,
    "1.2.840.10008.1.2.4.95": "1.2.840.10008.1.2.4.94",
    "1.2.840.10008.1.2.4.205": "1.2.840.10008.1.2.4.204",
}

SYNTAX_OF = {
    Encoding.IMPLICIT_LITTLE: IMPLICIT_LITTLE,
    Encoding.EXPLICIT_LITTLE: EXPLICIT_LITTLE,
    Encoding.EXPLICIT_BIG: EXPLICIT_BIG,
}
# 1.2.840.113619.5.2 is GE's: Implicit VR Little Endian but for the pixel words (GDCM's table).
_ENCODINGS = {uid: encoding for encoding, uid in SYNTAX_OF.items()} | {
    "1.2.840.113619.5.2": Encoding.IMPLICIT_LITTLE
}


def encoding_of(transfer_syntax_uid: str) -> Encoding:
    """Every syntax not named here, private ones included, is written in Explicit VR Little Endian.

    PS3.5 A.4 says so for all that compress Pixel Data; a private one that breaks it does not walk.
    """
    return _ENCODINGS.get(transfer_syntax_uid, Encoding.EXPLICIT_LITTLE)


def native(transfer_syntax_uid: str) -> bool:
    """Say whether Pixel Data of the top level has a defined length under this syntax."""
    return transfer_syntax_uid in _ENCODINGS


def compressed(transfer_syntax_uid: str) -> bool:
    """Say whether this is a standard syntax that wants Pixel Data in fragments (PS3.5 A.4)."""
    return transfer_syntax_uid.startswith(("1.2.840.10008.1.2.4.", "1.2.840.10008.1.2.5"))
