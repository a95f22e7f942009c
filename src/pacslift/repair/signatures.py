"""Digital signatures that a change would break (repair.md P22).

A signature speaks of the bytes of elements; once a value is otherwise it no longer holds. Whether
that matters is the site's to say: [rules.P22] signatures = "keep" (and tell, the default),
"set_aside" or "remove". PS3.15 C, PS3.4 B.4.1.3.
"""

from pacslift.errors import Cause, SetAsideError
from pacslift.repair.record import Record
from pacslift.repair.rule import Rule, Tier, dropped
from pacslift.repair.view import View

_SIGNATURES, _MAC_PARAMETERS = 0xFFFAFFFA, 0x4FFE0001
_KEEP, _SET_ASIDE, _REMOVE = "keep", "set_aside", "remove"
P22 = Rule(
    "P22",
    Tier.OUTSIDE,
    "A signed object is changed: its signature is kept and the breach told, or as the job says.",
    "PS3.15 C",
)


def settle(view: View, record: Record) -> None:
    """Do with a changed object's signatures what the job says; tell it in the record.

    Raises  SetAsideError SIGNED if the job says so.
    """
    signed = [tag for tag in (_SIGNATURES, _MAC_PARAMETERS) if tag in view]
    if not signed or not record.reasons:
        return
    wanted = view.orders.rules.of(P22.id).get("signatures", _KEEP)
    if wanted == _SET_ASIDE:
        raise SetAsideError(
            Cause.SIGNED,
            "it is digitally signed, and changing it would break the signature; [rules.P22] of "
            "job.toml says to set such objects aside",
        )
    for tag in signed:
        if wanted == _REMOVE:
            record.take(view, P22, dropped(tag))
        else:
            record.tell(P22, tag, "signed", "kept, but broken by the changes")
