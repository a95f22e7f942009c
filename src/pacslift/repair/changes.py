"""What an edit does, in words for the ledger."""

from typing import TYPE_CHECKING

from pacslift.inventory.bytesource import Segment
from pacslift.inventory.header import Encoding
from pacslift.repair import values
from pacslift.repair.rule import Change, Edit

if TYPE_CHECKING:
    from pacslift.repair.view import View

_SHOWN = 4096  # bytes of a value that the record tells


def change_of(view: "View", rule_id: str, edit: Edit, *, there: bool) -> Change:
    """Give the change that an edit makes; *there* says whether the element is there already."""
    before, after = edit.before, edit.after
    if before is None and there:
        before = _told(view, edit.tag)
    if after is None and edit.value is not None:
        after = _shown(view, edit.vr, edit.value)
    return Change(edit.rule or rule_id, values.name(edit.tag), before, after)


def _told(view: "View", tag: int) -> str:
    vr, length = view.vr(tag), view.length(tag)
    if length > _SHOWN or view.is_undefined(tag):
        return f"{vr.decode('latin-1')}, {length} bytes"
    return _shown(view, vr, view.value(tag) or b"")


def _shown(view: "View", vr: bytes, value: bytes | tuple[Segment, ...]) -> str:
    if not isinstance(value, bytes) or len(value) > _SHOWN:
        return f"{vr.decode('latin-1')}, in the file"
    big = view.encoding is Encoding.EXPLICIT_BIG
    return values.shown(vr, value, view.codecs(), big=big)
