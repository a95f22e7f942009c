"""dciodvfy of dicom3tools as judge: what is wrong with an object before and after its repair."""

import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from pacslift.errors import SetAsideError
from pacslift.inventory.stored import open_stored
from pacslift.repair.order import RULES
from pacslift.repair.orders import Orders, RuleSettings
from pacslift.repair.outgoing import Outgoing, prepare
from pacslift.repair.rule import Tier
from storedobjects import element, file_of, sent, uid

TOOL = shutil.which("dciodvfy")
# Every rule that needs nobody's word.
ORDERS = Orders(
    rules=RuleSettings(
        on=frozenset(rule.id for rule in RULES if rule.tier is not Tier.OUTSIDE and not rule.on)
    )
)
_UNREADABLE = ("Dicom dataset read failed", "Information Object Not found")


@dataclass
class Judged:
    """One object: its errors by dciodvfy, and what was done to it."""

    name: str
    before: Counter = field(default_factory=Counter)
    after: Counter = field(default_factory=Counter)
    rules: frozenset = frozenset()
    unreadable_before: bool = False

    @property
    def gone(self) -> Counter:
        return self.before - self.after

    @property
    def new(self) -> Counter:
        return self.after - self.before


def as_file(outgoing: Outgoing) -> bytes:
    """What is sent, as a file with a right meta."""
    body = b"".join(
        [
            element(0x00020001, "OB", b"\0\1"),
            element(0x00020002, "UI", uid(outgoing.sop_class_uid)),
            element(0x00020003, "UI", uid(outgoing.sop_instance_uid)),
            element(0x00020010, "UI", uid(outgoing.transfer_syntax_uid)),
            element(0x00020012, "UI", uid("1.2.3")),
        ]
    )
    length = element(0x00020000, "UL", len(body).to_bytes(4, "little"))
    return bytes(128) + b"DICM" + length + body + sent(outgoing)


def errors_of(path: Path) -> tuple[Counter, bool]:
    """The error lines that dciodvfy has for a file, and whether it could not judge it at all.

    Group 2 is left out: it is not sent. The line with the kind of object has no mark in front.
    """
    done = subprocess.run([TOOL, "-new", path], capture_output=True, check=False, timeout=60)
    lines = (done.stdout + done.stderr).decode("latin-1").splitlines()
    errors = Counter(line for line in lines if line.startswith("Error") and "(0002," not in line)
    kinds = [line for line in lines if line and not line.startswith(("Error", "Warning"))]
    return errors, not kinds or any(word in line for line in lines for word in _UNREADABLE)


def judged(name: str, original: Path, folder: Path, orders: Orders = ORDERS) -> Judged | None:
    """The errors of *original*, and of what it becomes; None if it is set aside."""
    content = original.read_bytes()
    try:
        with prepare(open_stored(file_of(folder, content, "before")), orders) as outgoing:
            repaired = as_file(outgoing)
            used = {*outgoing.envelope, *(change.rule for change in outgoing.changes)}
    except SetAsideError:
        return None
    (folder / "after").write_bytes(repaired)
    before, unreadable = errors_of(folder / "before")
    after, _ = errors_of(folder / "after")
    return Judged(name, before, after, frozenset(used), unreadable)
