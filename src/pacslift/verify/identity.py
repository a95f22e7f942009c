"""What a study says of its patient and order, as it was sent and as the target lists it.

Pure. The attributes are those that C-FIND has at study level (PS3.4 C.6.2.1). A target lists one
value for a study whose objects may have come with several, so a value differs only if nothing of
the study was sent with it. What a target cannot say is not compared: birth date is an optional key,
and a name may hold characters that the answer's character set lacks. All of it is patient data.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

LOST = "\N{REPLACEMENT CHARACTER}"  # stands where a byte was no character
GROUPS, COMPONENTS = "=", "^"  # of a person name, PS3.5 6.2.1


@dataclass(frozen=True, slots=True)
class StudyIdentity:
    """Values as text; None where they are not known or not said."""

    patient_name: str | None = None
    patient_birth_date: str | None = None
    accession_number: str | None = None
    study_date: str | None = None


NOTHING = StudyIdentity()
KEYWORDS: Mapping[str, str] = {
    "PatientName": "patient_name",
    "PatientBirthDate": "patient_birth_date",
    "AccessionNumber": "accession_number",
    "StudyDate": "study_date",
}
OPTIONAL = frozenset({"patient_birth_date"})  # empty, it may be merely not supported


@dataclass(frozen=True, slots=True)
class Said:
    """What the target says of a study under one patient.

    *can_say* tells whether a text could have been written in the answer's character set.
    """

    patient_id: str | None
    values: StudyIdentity
    encodings: tuple[str, ...] = ()

    def can_say(self, text: str) -> bool:
        """Whether each character of *text* is in one of the answer's character sets."""
        return all(
            character.isascii() or any(has(encoding, character) for encoding in self.encodings)
            for character in text
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """An attribute that the target lists otherwise than it was sent. Patient data."""

    keyword: str
    sent: str
    found: str


def has(encoding: str, character: str) -> bool:
    """Whether a character set, by Python's name, has *character*."""
    try:
        character.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def plain_name(text: str) -> str:
    """A person name without what is no difference: padding, trailing delimiters, case, form."""
    text = unicodedata.normalize("NFC", text).casefold()
    groups = [
        COMPONENTS.join(part.strip(" \0") for part in group.split(COMPONENTS)).rstrip(COMPONENTS)
        for group in text.split(GROUPS)
    ]
    return GROUPS.join(groups).rstrip(GROUPS)


def plain_date(text: str) -> str:
    """A date without padding and without the points of ACR-NEMA (PS3.5 6.2, DA)."""
    return text.strip(" \0").replace(".", "")


def plain_text(text: str) -> str:
    """A text without padding."""
    return text.strip(" \0")


PLAIN: Mapping[str, Callable[[str], str]] = {
    "patient_name": plain_name,
    "patient_birth_date": plain_date,
    "accession_number": plain_text,
    "study_date": plain_date,
}


def differences(sent: Iterable[StudyIdentity], said: Said) -> tuple[Difference, ...]:
    """What the target lists with a value that none of *sent*, all of one study, has."""
    identities = list(dict.fromkeys(sent))
    found = []
    for keyword, field in KEYWORDS.items():
        held = asdict(said.values)[field]
        values = list(dict.fromkeys(asdict(one)[field] for one in identities))
        if held is None or (not held and field in OPTIONAL):
            continue
        if any(agree(field, value, held, said) for value in values):
            continue
        found += [Difference(keyword, value, held) for value in values[:1]]
    return tuple(found)


def agree(field: str, sent: str | None, held: str, said: Said) -> bool:
    """Whether a value at the target is the one that was sent, or cannot be told from it."""
    if sent is None or LOST in sent or LOST in held:
        return True
    return PLAIN[field](sent) == PLAIN[field](held) or not said.can_say(sent)
