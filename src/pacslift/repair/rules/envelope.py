"""What is wrong around a data set, or with how it is written (repair.md 1).

All of it is healed, or refused, when the object is read (inventory.stored and what it calls), since
nothing can be known of an object before; the ids come with the stored object. So these rules do
nothing more: they are here to be listed.
"""

from pacslift.repair.rule import Edit, Rule, Tier, dropped
from pacslift.repair.view import View

_TRAILING_PADDING = 0xFFFCFFFC


def trailing_padding(view: View) -> list[Edit]:
    """E16: the padding that media want behind a data set."""
    return [dropped(_TRAILING_PADDING, silent=True)] if _TRAILING_PADDING in view else []


_HEALED = {
    "E03": ("A file that begins with DICM gets by without its preamble.", "PS3.10 7.1"),
    "E04": ("A file that begins with group 2 gets by without preamble and magic.", "PS3.10 7.1"),
    "E05": ("A bare data set tells by its elements how it is written.", "PS3.10 7.1"),
    "E06": ("The letters DICM inside a value are not taken for a file's.", "PS3.10 7.1"),
    "E07": ("A preamble that is not empty is left behind.", "PS3.10 7.1, 7.5"),
    "E08": ("Group 2 written in Implicit VR is read all the same.", "PS3.10 7.1"),
    "E09": ("A missing or wrong length of group 2 is not believed.", "PS3.10 7.1"),
    "E10": ("A missing transfer syntax is told by the elements.", "PS3.10 7.1"),
    "E11": ("Where group 2 names another object, the data set is right.", "PS3.3 C.12.1.1.1"),
    "E12": ("Of two groups 2 the inner one is left out.", "PS3.10 7.1"),
    "E14": ("The PDU headers of a recorded connection are taken off.", "PS3.8 9.3.5"),
    "E15": ("What stands behind the data set and is no element is cut off.", "PS3.10 7.2"),
    "E17": ("A deflated data set is inflated, with or without a zlib wrapper.", "PS3.5 A.5"),
    "E18": (
        (
            "A data set written in the other VR form than declared is sent as what it is; one in "
            "two forms is written in Explicit VR."
        ),
        "PS3.5 7.1.2, 7.1.3",
    ),
    "E22": ("The Big Endian pixel words of GE's private syntax are swapped.", "PS3.5 7.3"),
    "E32": ("A file packed with gzip is unpacked.", "PS3.10 7"),
    "P08": (
        (
            "Compressed pixels under a native transfer syntax, in fragments or not, get the "
            "syntax of their bit stream."
        ),
        "PS3.5 A.4",
    ),
    "P09": ("Native pixels under a compressed syntax are Explicit VR Little Endian.", "PS3.5 A.2"),
    "P10": ("Another compression than declared is named as the bit stream is.", "PS3.5 A.4"),
}
_REFUSED = {
    "E01": ("A file without bytes is set aside (empty_file).", "PS3.10 7"),
    "E02": ("An object that ends before its lengths do is set aside (truncated).", "PS3.10 7"),
    "E26": ("An ACR-NEMA object is set aside (retired_format).", "PS3.5 8"),
    "E27": ("ACR-NEMA data in another word order is set aside (retired_format).", "PS3.5 7.3"),
    "E28": ("An SPI object without UIDs is set aside (retired_format).", "PS3.5 7.8"),
    "E29": ("A Papyrus file is set aside (retired_format).", "PS3.6 A"),
    "E30": ("A DICOMDIR is listed and never sent (not_dicom).", "PS3.10 8"),
    "E31": ("A file that is no DICOM object is listed and never sent (not_dicom).", "PS3.10 7"),
}
RULES = (
    *(Rule(name, Tier.QUARANTINE, *words) for name, words in _REFUSED.items()),
    *(Rule(name, Tier.ENVELOPE, *words) for name, words in _HEALED.items()),
    Rule(
        "E16",
        Tier.ENVELOPE,
        "Data Set Trailing Padding is left out. Off, it is kept, as is legal.",
        "PS3.10 7.2",
        trailing_padding,
        tags=frozenset({_TRAILING_PADDING}),
        on=False,
    ),
)
