"""The one ordered list of rules (repair.md 0: later ones rely on earlier ones).

Envelope and structure, character set, values, identity and the database's word, pixels,
completeness. The rules themselves are in repair/rules/, by family.
"""

from pacslift.repair.rule import Rule

RULES: tuple[Rule, ...] = ()
