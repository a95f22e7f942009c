"""The catalog's columns as the DICOM elements that they are, once for all products. PS3.6.

Columns that are no attribute of an object (keys, counts, visibility) or that old systems spell in
many ways (other_patient_ids) are not here: what the database knows of them comes in `attributes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

JsonElement = Mapping[str, Any]  # one element of the DICOM JSON model, PS3.18 F.2.2


@dataclass(frozen=True, slots=True)
class Element:
    """Tag (8 hex digits) and VR of a column; *inside* are those of the one element of an item."""

    tag: str
    vr: str
    inside: tuple[str, str] | None = None


COLUMNS: Mapping[str, Mapping[str, Element]] = {
    "patients": {
        "patient_name": Element("00100010", "PN"),
        "patient_id": Element("00100020", "LO"),
        "issuer_of_patient_id": Element("00100021", "LO"),
        "patient_birth_date": Element("00100030", "DA"),
        "patient_sex": Element("00100040", "CS"),
    },
    "studies": {
        "study_date": Element("00080020", "DA"),
        "study_time": Element("00080030", "TM"),
        "accession_number": Element("00080050", "SH"),
        # Issuer of Accession Number Sequence, its Local Namespace Entity ID
        "issuer_of_accession_number": Element("00080051", "SQ", ("00400031", "UT")),
        "referring_physician_name": Element("00080090", "PN"),
        "study_description": Element("00081030", "LO"),
        "study_id": Element("00200010", "SH"),
    },
    "series": {
        "modality": Element("00080060", "CS"),
        "series_description": Element("0008103E", "LO"),
        "body_part_examined": Element("00180015", "CS"),
        "series_number": Element("00200011", "IS"),
    },
    "instances": {"instance_number": Element("00200013", "IS")},
}

NEVER_OVERLAID = frozenset(
    {
        # identity and kind of the object: only a rule may change them
        "00080016", "00080018", "0020000D", "0020000E",
        # the character set of the database's own copy, not of the object
        "00080005",
        # the record of earlier changes; the object's own is added to
        "04000561",
        # what the pixels are like is known to the object alone: they may have been compressed since
        "00280002", "00280004", "00280006", "00280008", "00280010", "00280011", "00280100",
        "00280101", "00280102", "00280103", "7FE00008", "7FE00009", "7FE00010",
    }
)  # fmt: skip

# Of these the ones that an object without a header is made with; as facts, they overlay nothing.
DESCRIBING = NEVER_OVERLAID - {
    "00080005", "04000561", "7FE00008", "7FE00009", "7FE00010",
}  # fmt: skip

_SINGLE = frozenset({"UT", "ST", "LT", "UR"})  # a backslash is a character in these, PS3.5 6.2
_PN_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")  # PS3.18 F.2.2


def as_json(element: Element, text: str) -> JsonElement:
    """*text* of the database as an element of the DICOM JSON model; none for an empty one."""
    if element.inside is not None:
        tag, vr = element.inside
        return {"vr": "SQ", "Value": [{tag: {"vr": vr, "Value": [text]}}] if text else []}
    if not text:
        return {"vr": element.vr}
    values = [text] if element.vr in _SINGLE else text.split("\\")
    if element.vr == "PN":
        return {"vr": "PN", "Value": [person(value) for value in values]}
    return {"vr": element.vr, "Value": values}


def person(text: str) -> Mapping[str, str]:
    """A Person Name with its groups parted, the empty ones left out. PS3.5 6.2.1."""
    return {kind: group for kind, group in zip(_PN_GROUPS, text.split("="), strict=False) if group}


def name_text(element: JsonElement) -> str:
    """The text of the first Person Name of *element*; "" where there is none."""
    values = element.get("Value") or [{}]
    first = values[0] if isinstance(values[0], dict) else {}
    return "=".join(str(first.get(kind) or "") for kind in _PN_GROUPS).rstrip("=")
