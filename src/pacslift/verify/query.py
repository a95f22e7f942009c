"""Query identifiers and answers as plain values. No socket.

pydicom is kept from judging values both ways: old archives are full of UIDs that break the rules,
and they must be asked for, and read, all the same. Answers stay raw until one of their values is
read. Only what the comparison needs is asked for, and names only of studies.

A UID is one value here, never a pattern: whatever a target makes of `*` in one, its answers are
compared with the whole UID. A backslash would make a list of it (PS3.4 C.2.2.2.2), so such a UID
cannot be asked for, and neither can an empty one, which asks for everything.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from pydicom import Dataset
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.config import IGNORE
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.tag import Tag

from pacslift.verify.identity import KEYWORDS, NOTHING, StudyIdentity

# Answers wanted at each level, PS3.4 C.6.2.1; the unique keys above it go along with the values.
STUDY_KEYS = ("StudyInstanceUID", "PatientID", "NumberOfStudyRelatedInstances", *KEYWORDS)
SERIES_KEYS = ("SeriesInstanceUID", "NumberOfSeriesRelatedInstances")
IMAGE_KEYS = ("SOPInstanceUID",)


@dataclass(frozen=True, slots=True)
class Row:
    """One answer; a value is None where the target does not give the attribute."""

    study_instance_uid: str | None
    series_instance_uid: str | None
    sop_instance_uid: str | None
    patient_id: str | None
    instances: int | None  # how many the target says the study or series has
    identity: StudyIdentity = NOTHING
    encodings: tuple[str, ...] = ()  # Python's names of the answer's character sets


def askable(uid: str) -> bool:
    """Whether a UID can be the value of a key: one value, in bytes that a UI can hold."""
    return bool(uid) and uid.isascii() and "\\" not in uid and uid == uid.strip(" \0")


def identifier(level: str, keys: Mapping[str, str]) -> Dataset:
    """A C-FIND Identifier asking at *level* for *keys*: the empty ones are wanted back."""
    dataset = Dataset()
    for keyword, value in {"QueryRetrieveLevel": level, **keys}.items():
        tag, vr = Tag(tag_for_keyword(keyword) or 0), dictionary_VR(keyword)
        dataset[tag] = DataElement(tag, vr, value, validation_mode=IGNORE, already_converted=True)
    return dataset


def row_of(answer: Dataset) -> Row:
    """What an answer's Identifier says."""
    counts = [text(answer, f"NumberOf{level}RelatedInstances") for level in ("Study", "Series")]
    number = next((count for count in counts if count and count.isdecimal()), None)
    return Row(
        study_instance_uid=text(answer, "StudyInstanceUID") or None,
        series_instance_uid=text(answer, "SeriesInstanceUID") or None,
        sop_instance_uid=text(answer, "SOPInstanceUID") or None,
        patient_id=text(answer, "PatientID"),
        instances=None if number is None else int(number),
        identity=StudyIdentity(**{f: text(answer, keyword) for keyword, f in KEYWORDS.items()}),
        encodings=encodings_of(answer),
    )


def text(dataset: Dataset, keyword: str) -> str | None:
    """The value of one element without padding; None if it is not there."""
    element = dataset.get_item(keyword)
    if element is None:
        return None
    if isinstance(element, DataElement):
        values = element.value if element.VM > 1 else [element.value or ""]
        return "\\".join(str(value) for value in values).strip(" \0")
    return decoded(element.value or b"", dataset).strip(" \0")


def decoded(value: bytes, dataset: Dataset) -> str:
    """Bytes as text in the character set that the answer names; never an error."""
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return decode_bytes(value, encodings_of(dataset) or ["iso8859"], set(b"^="))
        except (LookupError, ValueError):  # it is not what it says it is
            return value.decode("latin-1")


def encodings_of(dataset: Dataset) -> tuple[str, ...]:
    """Python's names of the character sets of an answer; none for the default one."""
    charset = dataset.get_item("SpecificCharacterSet")
    value = charset.value if charset else None
    named = value.decode("ascii", "replace") if isinstance(value, bytes) else value or ""
    terms = named.split("\\") if isinstance(named, str) else list(named)
    if not any(term.strip(" \0") for term in terms):
        return ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an unknown character set is read as the default one
        try:
            return tuple(convert_encodings([term.strip(" \0") for term in terms]))
        except (LookupError, ValueError):
            return ()
