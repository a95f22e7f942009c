"""Objects with one fault each, and what they become."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pacslift.repair.orders import Orders, RuleSettings
from storedobjects import (
    CT,
    DELIMITER,
    EXPLICIT,
    INSTANCE,
    JPEG,
    SERIES,
    STUDY,
    SYNTAX,
    element,
    item,
    item_until_delimiter,
    opened,
    part10,
    uid,
)

NOTHING: Mapping = MappingProxyType({})
LATIN = "Müller^Jürgen"
ROWS, COLUMNS = 2, 4


def word(value):
    return struct.pack("<H", value)


def shape(pixels, *, frames=None, allocated=8, samples=1):
    """Pixel Data and what describes it."""
    made = {
        0x00280002: ("US", word(samples)),
        0x00280010: ("US", word(ROWS)),
        0x00280011: ("US", word(COLUMNS)),
        0x00280100: ("US", word(allocated)),
        0x7FE00010: ("OW", pixels),
    }
    if frames is not None:
        made[0x00280008] = ("IS", frames)
    return made


BASE = {
    0x00080005: ("CS", b"ISO_IR 100"),
    0x00080016: ("UI", uid(CT)),
    0x00080018: ("UI", uid(INSTANCE)),
    0x00100010: ("PN", b"DOE^JOHN"),
    0x00100020: ("LO", b"4711"),
    0x0020000D: ("UI", uid(STUDY)),
    0x0020000E: ("UI", uid(SERIES)),
}


def dataset(changes=NOTHING, encoding=EXPLICIT):
    """An object with other elements; None leaves one out, bytes are a whole element."""
    elements = {tag: said for tag, said in {**BASE, **changes}.items() if said is not None}
    return b"".join(
        said if isinstance(said, bytes) else element(tag, *said, encoding)
        for tag, said in sorted(elements.items())
    )


@dataclass(frozen=True)
class Case:
    """A fault, what it becomes, and what is put on record: (keyword, before, after).

    A fault of the envelope has no changes; its rule is in the envelope then.
    """

    rule: str
    faulty: Mapping
    right: Mapping
    changes: tuple = ()
    facts: Mapping = field(default_factory=dict)
    told: Mapping = field(default_factory=dict)
    off_by_default: bool = False
    syntax: str = SYNTAX[EXPLICIT]

    @property
    def orders(self) -> Orders:
        on = frozenset({self.rule} if self.off_by_default else ())
        return Orders(
            rules=RuleSettings(on=on, parameters={self.rule: self.told} if self.told else {}),
            facts=self.facts,
        )

    @property
    def content(self) -> bytes:
        return part10(dataset(self.faulty), self.syntax)


def da(before, after, **how):
    right = {0x00080020: ("DA", after.encode().ljust(len(after) + len(after) % 2))}
    padded = before.encode() + b" " * (len(before) % 2)
    return Case(
        "T13", {0x00080020: ("DA", padded)}, right, (("StudyDate", before, after),), told=how
    )


def tm(before, after):
    raw, new = (text.encode() + b" " * (len(text) % 2) for text in (before, after))
    return Case(
        "T14",
        {0x00080030: ("TM", raw)},
        {0x00080030: ("TM", new)},
        (("StudyTime", before, after),),
    )


def text(rule, tag, vr, keyword, before, after, **more):
    raw, new = (one.encode() + b" " * (len(one) % 2) for one in (before, after))
    return Case(rule, {tag: (vr, raw)}, {tag: (vr, new)}, ((keyword, before, after),), **more)


def name(raw, character_set=b"ISO_IR 100"):
    return {
        0x00080005: ("CS", character_set) if character_set else None,
        0x00100010: ("PN", raw + b" " * (len(raw) % 2)),
    }


def charset(rule, before, after, encoded, **more):
    before_text = before.decode().strip() if before is not None else None
    return Case(
        rule,
        name(encoded, before),
        name(encoded, after.encode() + b" " * (len(after) % 2)),
        (("SpecificCharacterSet", before_text, after),),
        **more,
    )


REFERENCE = 0x00081140


def reference(referred):
    inner = element(0x00081150, "UI", uid(CT)) + element(0x00081155, "UI", uid(referred))
    return item_until_delimiter(inner)


BROKEN, MAPPED = "1.2.03.4", "2.25.1234"
PLAIN_SEQUENCE = item(element(0x00081155, "UI", uid("1.2.9")))
STREAMS = [b"\xff\xd8\xff" + bytes(5), b"\xff\xd8\xff" + bytes(9)]


def frames(table, *parts):
    body = b"".join(item(part) for part in parts)
    return opened(0x7FE00010, "OB") + item(table) + body + DELIMITER


SMOOTH = b"".join(word(300 + n) for n in range(ROWS * COLUMNS))
SWAPPED = b"".join(struct.pack(">H", 300 + n) for n in range(ROWS * COLUMNS))
ACME = {0x00080070: ("LO", b"ACME")}
DEVICE = {"Manufacturer": "ACME"}
MULTI_FRAME = {0x00080016: ("UI", uid("1.2.840.10008.5.1.4.1.1.7.2"))}
AGES = {0x00080020: ("DA", b"20200101"), 0x00100030: ("DA", b"19700202")}

CASES = [
    Case("S05", {0x00080001: ("UL", bytes(4))}, {}),
    Case("S04", {0x00080000: ("UL", b"\1\0\0\0")}, {}),
    Case(
        "S07",
        {REFERENCE: ("SQ", PLAIN_SEQUENCE + DELIMITER)},
        {REFERENCE: ("SQ", PLAIN_SEQUENCE)},
    ),
    Case(
        "S17",
        {0x00080050: ("LO", b"A 12"), 0x00280010: ("SS", b"\2\0")},
        {0x00080050: ("SH", b"A 12"), 0x00280010: ("US", b"\2\0")},
        (("AccessionNumber", "VR LO", "VR SH"), ("Rows", "VR SS", "VR US")),
    ),
    Case(
        "S17",
        {REFERENCE: ("OB", reference("1.2.9"))},
        {REFERENCE: ("SQ", reference("1.2.9"))},
        (("ReferencedImageSequence", "VR OB", "VR SQ"),),
    ),
    Case(
        "S18A",
        {0x00080050: ("UN", b"A 12")},
        {0x00080050: ("SH", b"A 12")},
        (("AccessionNumber", "VR UN", "VR SH"),),
        off_by_default=True,
    ),
    Case(
        "S21",
        {**ACME, 0x00091001: ("LO", b"12")},
        {**ACME, 0x00090010: ("LO", b"ACME 1"), 0x00091001: ("LO", b"12")},
        (("(0009,0010)", None, "ACME 1"),),
        told={"devices": [{**DEVICE, "creators": {"0009": "ACME 1"}}]},
        off_by_default=True,
    ),
    Case(
        "S22",
        {0x00090001: ("LO", b"12"), 0x00050010: ("LO", b"34")},
        {},
        (("(0005,0010)", "34", None), ("(0009,0001)", "12", None)),
    ),
    *(
        charset("T03", spelt, right, b"DOE")
        for spelt, right in [
            (b"ISO-IR 100", "ISO_IR 100"),
            (b"ISO IR 100", "ISO_IR 100"),
            (b"iso_ir 192", "ISO_IR 192"),
            (b"UTF8", "ISO_IR 192"),
            (b"ISO_IR 100\\ISO_IR 100", "ISO_IR 100"),
            (b"ISO2022 IR 87 ", "ISO 2022 IR 87"),
        ]
    ),
    charset("T04", b"ISO_IR 100", "ISO 2022 IR 100\\ISO 2022 IR 87", b"\x1b$B;3ED\x1b(B"),
    charset("T01", None, "ISO_IR 192", LATIN.encode(), facts={"patient_name": LATIN}),
    charset("T01", None, "ISO_IR 100", LATIN.encode("latin-1"), facts={"patient_name": LATIN}),
    charset(
        "T01", None, "ISO_IR 144", "Иванов".encode("iso8859-5"), facts={"patient_name": "Иванов"}
    ),
    charset("T01", None, "ISO_IR 101", LATIN.encode("latin-1"), told={"charset": "ISO_IR 101"}),
    charset("T02", b"ISO_IR 100", "ISO_IR 192", LATIN.encode(), facts={"patient_name": LATIN}),
    charset(
        "T02",
        b"ISO_IR 100",
        "GB18030",
        "王^小东".encode("gb18030"),
        facts={"patient_name": "王^小东"},
    ),
    charset(
        "T01", None, "ISO_IR 192", LATIN.encode(), facts={"texts": {0x00100010: LATIN.upper()}}
    ),
    Case(
        "T01",
        {**name(b"DOE", None), 0x00081030: ("LO", "Schädel".encode())},
        {**name(b"DOE", b"ISO_IR 192"), 0x00081030: ("LO", "Schädel".encode())},
        (("SpecificCharacterSet", None, "ISO_IR 192"),),
        facts={"patient_name": "Doe", "texts": {0x00081030: "SCHÄDEL"}},
    ),
    Case(
        "T02",
        {**name("Müller".encode()), 0x00080090: ("PN", "Weiß^A".encode() + b" ")},
        {**name("Müller".encode(), b"ISO_IR 192"), 0x00080090: ("PN", "Weiß^A".encode() + b" ")},
        (("SpecificCharacterSet", "ISO_IR 100", "ISO_IR 192"),),
        facts={"patient_name": "Maier^Jürgen", "texts": {0x00080090: "Weiß^A"}},
    ),
    Case(
        "T05",
        name(LATIN.encode().decode("latin-1").encode(), b"ISO_IR 192"),
        name(LATIN.encode(), b"ISO_IR 192"),
        (("PatientName", LATIN.encode().decode("latin-1"), LATIN),),
        facts={"patient_name": LATIN},
    ),
    text(
        "T09",
        0x00100010,
        "PN",
        "PatientName",
        "DOE, JOHN",
        "DOE^JOHN",
        facts={"patient_name": "Doe^John"},
    ),
    text("T11", 0x00180015, "CS", "BodyPartExamined", "chest", "CHEST"),
    text("T11", 0x00100040, "CS", "PatientSex", "m", "M"),
    da("2001.12.31", "20011231"),
    da("2001-02-28", "20010228"),
    da("31/12/2001", "20011231"),
    da("12/31/2001", "20011231"),
    da("03/04/2001", "20010403", day_first=True),
    da("03/04/2001", "20010304", day_first=False),
    da("2.2.2001", "20010202"),
    da("00000000", ""),
    da("19990231", ""),
    da("unknown", ""),
    da("2001.02.30", ""),
    tm("13:45:10", "134510"),
    tm("9:05", "0905"),
    tm("13:45:10.123", "134510.123"),
    tm("134510.1234567", "134510.123456"),
    tm("240000", ""),
    tm("1299", ""),
    text("T16", 0x00180050, "DS", "SliceThickness", "1,5", "1.5"),
    text("T16", 0x00280030, "DS", "PixelSpacing", "0,5\\0,5", "0.5\\0.5"),
    text("T10", 0x00080050, "SH", "AccessionNumber", "A" * 20, "A" * 16, off_by_default=True),
    Case(
        "T10",
        {0x00081010: ("SH", b"\xfc" * 16 + b"more\\CT1")},
        {0x00081010: ("SH", b"\xfc" * 16 + b"\\CT1")},
        (("StationName", "ü" * 16 + "more\\CT1", "ü" * 16 + "\\CT1"),),
        off_by_default=True,
    ),
    Case(
        "T15",
        {**AGES, 0x00101010: ("AS", b"049 ")},
        {**AGES, 0x00101010: ("AS", b"049Y")},
        (("PatientAge", "049", "049Y"),),
    ),
    Case(
        "I02",
        {0x00200052: ("UI", b"1.2.3 "), 0x0020000D: ("UI", b"1.2.3\0\0\0")},
        {0x00200052: ("UI", b"1.2.3\0"), 0x0020000D: ("UI", b"1.2.3\0")},
        (("StudyInstanceUID", "1.2.3", "1.2.3"), ("FrameOfReferenceUID", "1.2.3", "1.2.3")),
    ),
    Case(
        "I03",
        {0x00080018: ("UI", b"")},
        {},
        (("SOPInstanceUID", "", INSTANCE),),
        facts={"sop_instance_uid": INSTANCE},
    ),
    Case(
        "E11C",
        {0x00080018: ("UI", uid("1.2.3.5"))},
        {},
        (("SOPInstanceUID", "1.2.3.5", INSTANCE),),
        facts={"sop_instance_uid": INSTANCE},
        off_by_default=True,
    ),
    Case(
        "I01",
        {
            0x0020000D: ("UI", uid(BROKEN)),
            REFERENCE: opened(REFERENCE, "SQ") + reference(BROKEN) + DELIMITER,
        },
        {0x0020000D: ("UI", uid(MAPPED)), REFERENCE: ("SQ", reference(MAPPED))},
        (("StudyInstanceUID", BROKEN, MAPPED), ("ReferencedImageSequence", ..., ...)),
        told={"map": {BROKEN: MAPPED}},
        off_by_default=True,
    ),
    text(
        "I09",
        0x00100020,
        "LO",
        "PatientID",
        "4712",
        "4711",
        facts={"study_patients": 2, "study_patient_id": "4711"},
        off_by_default=True,
    ),
    text(
        "I09",
        0x00100020,
        "LO",
        "PatientID",
        "4712",
        "4711",
        facts={"study_patient_id": "4711"},
        off_by_default=True,
    ),
    Case(
        "I11",
        {},
        {0x00100021: ("LO", b"SITE")},
        (("IssuerOfPatientID", None, "SITE"),),
        told={"issuer": "SITE"},
        off_by_default=True,
    ),
    Case(
        "P03",
        {**MULTI_FRAME, **shape(bytes(16), frames=b"1A")},
        {**MULTI_FRAME, **shape(bytes(16), frames=b"2 ")},
        (("NumberOfFrames", "1A", "2"),),
    ),
    Case("P02", shape(bytes(8) + bytes(4)), shape(bytes(8)), off_by_default=True),
    Case(
        "P12",
        {0x00280008: ("IS", b"2 "), 0x7FE00010: frames(struct.pack("<2I", 0, 17), *STREAMS)},
        {0x00280008: ("IS", b"2 "), 0x7FE00010: frames(b"", *STREAMS)},
        syntax=JPEG,
    ),
    Case(
        "P12",
        {
            0x00280008: ("IS", b"2 "),
            0x7FE00010: frames(struct.pack("<I", 0), STREAMS[0], b"more", STREAMS[1]),
        },
        {
            0x00280008: ("IS", b"2 "),
            0x7FE00010: frames(struct.pack("<2I", 0, 28), STREAMS[0], b"more", STREAMS[1]),
        },
        syntax=JPEG,
    ),
    Case(
        "E23",
        {**ACME, **shape(SWAPPED, allocated=16)},
        {**ACME, **shape(SMOOTH, allocated=16)},
        (("PixelData", "words in Big Endian", "words in Little Endian"),),
        told={"devices": [DEVICE]},
        off_by_default=True,
    ),
    Case(
        "P14",
        {**ACME, **shape(bytes(24), samples=3), 0x00280006: ("US", word(0))},
        {**ACME, **shape(bytes(24), samples=3), 0x00280006: ("US", word(1))},
        (("PlanarConfiguration", "0", "1"),),
        told={"devices": [{**DEVICE, "planar": 1}]},
        off_by_default=True,
    ),
    Case(
        "S20",
        {**ACME, **shape(None), 0x7FE00010: None, 0x00FF4AA5: ("OW", SMOOTH[:8])},
        {**ACME, **shape(SMOOTH[:8]), 0x7FE00010: ("OB", SMOOTH[:8])},
        (("PixelData", None, ...), ("(00FF,4AA5)", ..., None)),
        told={"devices": [{**DEVICE, "tag": "00FF4AA5"}]},
        off_by_default=True,
    ),
    Case(
        "P18",
        {0x00080016: ("UI", uid("1.2.840.10008.5.1.4.1.1.6"))},
        {0x00080016: ("UI", uid("1.2.840.10008.5.1.4.1.1.6.1"))},
        (("SOPClassUID", "1.2.840.10008.5.1.4.1.1.6", "1.2.840.10008.5.1.4.1.1.6.1"),),
        off_by_default=True,
    ),
    Case("E16", {0xFFFCFFFC: ("OB", bytes(4))}, {}, off_by_default=True),
    Case(
        "T17C",
        {},
        {0x00080060: ("CS", b"CT")},
        (("Modality", None, "CT"),),
        facts={"modality": "CT"},
    ),
]

KEPT = [
    ("a date whose day and month could be exchanged", {0x00080020: ("DA", b"03/04/2001")}),
    ("a year", {0x00080020: ("DA", b"1999")}),
    ("a leap day", {0x00080020: ("DA", b"20000229")}),
    ("two dates", {0x00080020: ("DA", b"20000229\\19991231 ")}),
    ("a leap second", {0x00080030: ("TM", b"235960.123456 ")}),
    ("a text that is too long", {0x00080050: ("SH", b"A" * 20)}),
    ("a time in words", {0x00080030: ("TM", b"noon")}),
    ("a comma between thousands", {0x00180050: ("DS", b"1,234.5 ")}),
    ("a list with commas", {0x00180050: ("DS", b"1,2,3 ")}),
    ("a float in its own form", {0x00180050: ("DS", b" +1.50E+3 ")}),
    ("a code in lower case that is no term", {0x00180015: ("CS", b"belly ")}),
    ("an age without a birth date", {0x00101010: ("AS", b"049 ")}),
    ("a UID that breaks the rules", {0x00200052: ("UI", b"1.2.03")}),
    ("text without a character set", name(LATIN.encode(), None)),
    ("a character set that is no text", name("Müller".encode(), b"ISO_\x9d ")),
    ("a character set nobody knows", name(b"DOE", b"KLINGON ")),
    ("a true group length", {0x00280000: ("UL", b"\x0a\0\0\0"), 0x00280010: ("US", b"\2\0")}),
    ("another VR that its value is not legal in", {0x00100040: ("LO", b"male, I think ")}),
    ("pixels with a tail", shape(bytes(8) + b"\1\1")),
    ("frames that fit", shape(bytes(16), frames=b"2 ")),
    (
        "a private element with its creator",
        {0x00090010: ("LO", b"ACME"), 0x00091001: ("LO", b"1 ")},
    ),
    ("an image without pixels", {}),
    (
        "a sequence inside a sequence with a delimiter of its own",
        {REFERENCE: ("SQ", item(opened(0x00081140, "SQ") + item(b"") + DELIMITER))},
    ),
]

REFUSED = [
    ("P01", Case("P01", shape(bytes(6)), {}), "6 bytes"),
    ("P01", Case("P01", shape(bytes(6), frames=b"x "), {}), "frames"),
    ("P01", Case("P01", shape(bytes(4), allocated=16), {}), "16 bits"),
    ("P16", Case("P16", {}, {}, facts={"pixels": True}), "without Pixel Data"),
    ("P16", Case("P16", {}, {}, told={"all": True}), "without Pixel Data"),
    ("I09", Case("I09", {}, {}, facts={"study_patients": 2}, off_by_default=True), "several"),
    (
        "I09",
        Case("I09", {}, {}, facts={"study_patient_id": "山"}, off_by_default=True),
        "does not fit",
    ),
    (
        "I03",
        Case("I03", {0x00080018: ("UI", b"")}, {}, facts={"sop_instance_uid": "1.2.9"}),
        "file meta",
    ),
    ("T01", Case("T01", name(b"M\xfcller", None), {}, told={"charset": "ISO_IR 192"}), "rules.T01"),
]
