"""The one ordered list of rules (repair.md 0: later ones rely on earlier ones).

Envelope and structure, character set, values, identity and the database's word, pixels,
completeness. The rules themselves are in repair/rules/, by family.
"""

from pacslift.repair import overlay, recode, signatures, standing
from pacslift.repair.rule import Rule, Tier

CS1 = Rule(
    "CS1",
    Tier.OUTSIDE,
    "A text of the database that the object's character set lacks: the object is rewritten in "
    "Unicode, every text reads as before",
    "PS3.3 C.12.1.1.2",
    recode.edits,
)
DB = Rule(
    overlay.DATABASE,
    Tier.OUTSIDE,
    "An attribute that the database or a mapping knows better: theirs, the object's own on record",
    "PS3.4 B.4.1.3",
    overlay.edits,
)

RULES: tuple[Rule, ...] = (
    standing.E20,
    standing.E13,
    signatures.P22,  # settled when all the others have spoken
    standing.S01,
    standing.S18,
    CS1,
    DB,
    standing.P11,
    standing.NKI,
)
