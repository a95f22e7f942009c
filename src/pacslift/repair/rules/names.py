"""Whether two person names are the same name, as databases and objects write them."""

import unicodedata


def same_name(one: str, other: str) -> bool:
    """Say whether two names are equal but for case, empty components and their pads.

    Databases keep the alphabetic group alone at times, so one group equal is enough if either has
    no more than one (PS3.5 6.2.1).
    """
    mine, theirs = _groups(one), _groups(other)
    if not mine or not theirs:
        return mine == theirs
    return mine == theirs or (min(len(mine), len(theirs)) == 1 and bool(mine[0] == theirs[0]))


def _groups(name: str) -> list[str]:
    """The component groups in one form, the empty ones at the end left out."""
    plain = unicodedata.normalize("NFC", name).casefold()
    groups = ["^".join(part.strip() for part in group.split("^")).rstrip("^ ")
              for group in plain.strip("\0 ").split("=")]  # fmt: skip
    while groups and not groups[-1]:
        groups.pop()
    return groups
