"""The one ordered list of rules (repair.md 0: later ones rely on earlier ones).

Envelope and structure, character set, values, identity and the database's word, pixels,
completeness. The rules themselves are in repair/rules/, by family.
"""

from pacslift.repair import overlay, recode, signatures, standing
from pacslift.repair.rule import Rule, Tier
from pacslift.repair.rules import (
    charset,
    completeness,
    envelope,
    identity,
    pixels,
    structure,
    text,
)

CS1 = Rule(
    "CS1",
    Tier.OUTSIDE,
    "A text of the database that the object's character set lacks: the object is rewritten in "
    "Unicode, every text reads as before.",
    "PS3.3 C.12.1.1.2",
    recode.edits,
)
DB = Rule(
    overlay.DATABASE,
    Tier.OUTSIDE,
    "An attribute that the database or a mapping knows better: theirs, the object's own on record.",
    "PS3.4 B.4.1.3",
    overlay.edits,
)

REBUILD = Rule(
    "REBUILD",
    Tier.OUTSIDE,
    "A file that is only pixels becomes an instance of the class that the database names, if all "
    "of Type 1 is known, else Secondary Capture, as [rebuild] of the adapter has it; with a header "
    "apart, the two become the object that they were. Off, it is set aside.",
    "PS3.3 A.8, C.8.6; PS3.5 7.4",
)
TRANSCODE = Rule(
    "TRANSCODE",
    Tier.DETERMINISTIC,
    "An object in a transfer syntax that the target refuses is sent in one that it takes, without "
    "loss: decoded pixels are compared, what was compressed with loss is not compressed again.",
    "PS3.5 10",
)

RULES: tuple[Rule, ...] = (
    REBUILD,  # done by the loader (rebuild.py, assemble.py), before there is an object
    *envelope.RULES,
    standing.E20,
    standing.E13,
    signatures.P22,  # settled when all the others have spoken
    standing.S01,
    *structure.RULES,
    standing.S18,
    *charset.RULES,
    *text.RULES,
    *text.VALUES,
    identity.I02,  # value rules that follow each other are one pass
    text.T10,
    text.T15,
    CS1,
    DB,
    *identity.RULES,
    standing.P11,
    standing.LSE,  # pads its fragments itself, and so stands for P11
    standing.NKI,
    *pixels.RULES,
    *completeness.RULES,
    structure.GROUP_LENGTHS,  # last, since every edit makes one wrong
    TRANSCODE,  # done by the sender (transcode.py), once the target has refused
)
BY_ID = {rule.id: rule for rule in RULES}
