"""Whether a value that a person wrote can stand in a header. PS3.5 6.2.

What is wrong is said without the value, which is a patient's.
"""

import re
from datetime import date

_LONGEST = {  # characters, PS3.5 Table 6.2-1
    "patient_id": 64, "issuer_of_patient_id": 64, "accession_number": 16,
}  # fmt: skip
_GROUPS, _COMPONENTS, _GROUP_LENGTH = 3, 5, 64  # of a Person Name, PS3.5 6.2.1
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DATE = re.compile(r"\d{8}", re.ASCII)
SEXES = ("M", "F", "O")  # PS3.3 C.7.1.1


def fault_of(column: str, text: str) -> str | None:
    """What is wrong with *text* as the value of a catalog's *column*, or None."""
    if _CONTROL.search(text) or "\\" in text:
        return "it holds a backslash or a control character, which no single value may (PS3.5 6.2)"
    if column == "patient_birth_date":
        return None if is_date(text) else "it is no day of the calendar written YYYYMMDD"
    if column == "patient_sex":
        return None if text in SEXES else f"it is none of {', '.join(SEXES)}"
    if column == "patient_name":
        return name_fault(text)
    most = _LONGEST[column]
    return f"it has {len(text)} characters, {most} are allowed" if len(text) > most else None


def is_date(text: str) -> bool:
    """Whether *text* is a DA value that is a day of the calendar."""
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def name_fault(text: str) -> str | None:
    """What is wrong with a Person Name, or None."""
    groups = text.split("=")
    if len(groups) > _GROUPS:
        return f"it has {len(groups)} groups parted by =, {_GROUPS} are allowed"
    if any(group.count("^") >= _COMPONENTS for group in groups):
        return f"it has more than {_COMPONENTS} components parted by ^"
    if any(len(group) > _GROUP_LENGTH for group in groups):
        return f"it has a group of more than {_GROUP_LENGTH} characters"
    return None
