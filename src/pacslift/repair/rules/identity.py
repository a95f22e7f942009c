"""UIDs and what an object is filed by (repair.md 4).

A UID that breaks the rules is kept: it is the key by which other objects and the hospital's other
systems name the object. Only a rule that the job switches on maps it to another, and then wherever
it stands, also inside sequences, so that references go on meeting what they refer to.
"""

import re
from collections.abc import Iterator, Mapping

from pacslift.errors import Cause, SetAsideError
from pacslift.plan.uids import RULE_OF_UIDS, new_uid
from pacslift.repair import texts
from pacslift.repair.nested import Inner
from pacslift.repair.rule import Edit, Faulty, Rule, Tier, put
from pacslift.repair.values import name
from pacslift.repair.view import View

_PAD = b" \0"
FINE_UID = rb"[^ \0]*\0?"
_RIGHT = re.compile(r"(?=.{1,64}\Z)(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))+\Z", re.ASCII)
_SOP_CLASS, _SOP_INSTANCE = 0x00080016, 0x00080018
_PATIENT_ID, _ISSUER = 0x00100020, 0x00100021
# UIDs that say what something is, not which one: the standard's, never mapped.
_KINDS = frozenset(
    {0x00080016, 0x00080062, 0x0008001A, 0x0008001B, 0x0008010C, 0x0008010D, 0x00080112}
    | {0x00081150, 0x0008115A, 0x00081000, 0x00020002, 0x00020010, 0x04000010, 0x0040DB0D}
    | {0x0020930C, 0x00041510, 0x00041512, 0x00880140, 0x00080201}
)


def one_pad(faulty: Faulty, _view: View) -> bytes | None:
    """I02: UIDs without blanks, one zero byte behind them if their length is odd."""
    plain = b"\\".join(uid.strip(_PAD) for uid in faulty.raw.split(b"\\"))
    return plain + b"\0" * (len(plain) & 1)


def right_uid(uid: str) -> bool:
    """Say whether a UID is as PS3.5 9.1 wants it."""
    return _RIGHT.match(uid) is not None


def remapped(view: View) -> Iterator[Edit]:
    """I01: every UID that breaks the rules, and every reference to it, mapped the same way."""
    uids: Mapping[str, str] = view.orders.rules.of(RULE_OF_UIDS).get("map", {})
    for tag in list(view.tags_but_pixels()):
        if view.vr(tag) == b"UI" and tag not in _KINDS:
            new = _mapped(view.value(tag) or b"", uids)
            if new is not None:
                yield put(tag, b"UI", new)

    def change(inner: Inner) -> bytes | None:
        if inner.is_sequence or inner.vr != b"UI" or inner.tag in _KINDS:
            return None
        return _mapped(inner.value, uids)

    for tag in list(view.sequences()):
        rewritten = view.rewritten(tag, change)
        if rewritten is not None:
            yield Edit(tag, view.vr(tag), rewritten)


def _mapped(raw: bytes, uids: Mapping[str, str]) -> bytes | None:
    """A value of UIDs with the wrong ones mapped; None if none is wrong."""
    before = [uid.strip("\0 ") for uid in raw.decode("latin-1").split("\\")]
    after = [_new(uid, uids) for uid in before]
    return None if after == before else "\\".join(after).encode("ascii")


def _new(uid: str, uids: Mapping[str, str]) -> str:
    """The plan's new UID; for what the catalog has no row for, one derived in the same way."""
    if not uid or right_uid(uid):
        return uids.get(uid, uid)
    return uids.get(uid) or new_uid(uid)


def sop_uids(view: View) -> Iterator[Edit]:
    """I03: an object without SOP Class or SOP Instance UID gets what the database has for it."""
    said = view.stored
    named = (
        (_SOP_CLASS, "sop_class_uid", view.text(_SOP_CLASS), said.meta_sop_class_uid),
        (
            _SOP_INSTANCE,
            "sop_instance_uid",
            view.own_text(_SOP_INSTANCE),
            said.meta_sop_instance_uid,
        ),
    )
    for tag, fact, there, in_meta in named:
        # The fact is asked for last, as it is another one for each object (precedent.py).
        known = None if there else view.orders.facts.get(fact)
        if not known:
            continue
        if in_meta not in (None, "", known):
            raise SetAsideError(
                Cause.IDENTITY_DIFFERS,
                f"the object has no {name(tag)}; its file meta says {in_meta}, the database "
                f"{known}: look whether the file is the one that the database means",
            )
        if known.isascii():
            yield put(tag, b"UI", known.encode("ascii"))


def meta_instance(view: View) -> Iterator[Edit]:
    """E11: the object gets the SOP Instance UID of its meta where the database has that one."""
    said = view.stored.meta_sop_instance_uid
    if said in (None, view.own_text(_SOP_INSTANCE)):
        return
    known = view.orders.facts.get("sop_instance_uid")
    if known and known == said:
        yield put(_SOP_INSTANCE, b"UI", known.encode("latin-1"))


def one_patient(view: View) -> Iterator[Edit]:
    """I09: a study under several patients is filed under the one that the database names.

    Several are those of the database, or the database's one and another in the object.
    """
    facts = view.orders.facts
    known = facts.get("study_patient_id")
    if not known:
        if facts.get("study_patients", 1) > 1:
            raise SetAsideError(
                Cause.IDENTITY_DIFFERS,
                "the objects of this study name several patients, and the database does not say "
                "whose it is; name the right one in a mapping file",
            )
        return
    if view.decoded(_PATIENT_ID) == (known,):
        return
    raw = texts.encode(known, view.codecs())
    if raw is None:
        raise SetAsideError(
            Cause.TEXT_UNREADABLE,
            "the Patient ID that the database has does not fit into the object's Specific "
            "Character Set",
        )
    yield put(_PATIENT_ID, b"LO", raw)


def issuer(view: View) -> Iterator[Edit]:
    """I11: a Patient ID gets the site as its issuer, if it has none."""
    site = view.orders.rules.of("I11").get("issuer")
    if site and view.text(_PATIENT_ID) and not view.text(_ISSUER):
        yield put(_ISSUER, b"LO", str(site).encode("ascii"))


I02 = Rule(
    "I02",
    Tier.DETERMINISTIC,
    "A UID padded with blanks, or with several zero bytes, gets the one zero byte it may need.",
    "PS3.5 9.1",
    fine={b"UI": FINE_UID},
    apply_value=one_pad,
)
RULES = (
    Rule(
        "I03",
        Tier.OUTSIDE,
        "An object without SOP Class UID or SOP Instance UID gets what the database has for it.",
        "PS3.3 C.12.1",
        sop_uids,
    ),
    Rule(
        "E11C",
        Tier.OUTSIDE,
        "An object whose file meta names another SOP Instance UID gets that one, if the database "
        "names it too.",
        "PS3.3 C.12.1.1.1",
        meta_instance,
        on=False,
    ),
    Rule(
        RULE_OF_UIDS,
        Tier.OUTSIDE,
        "UIDs that break the rules, and all references to them, are mapped to UIDs below 2.25 "
        "that are derived from them. Off, they are kept.",
        "PS3.5 9.1, B.2",
        remapped,
        on=False,
    ),
    Rule(
        "I09",
        Tier.OUTSIDE,
        "A study under several Patient IDs is filed under the one that the database names, else "
        "set aside. Off, each object says whose it is.",
        "PS3.3 C.7.2",
        one_patient,
        on=False,
    ),
    Rule(
        "I11",
        Tier.OUTSIDE,
        "A Patient ID without Issuer of Patient ID gets `issuer`.",
        "PS3.3 C.7.1.1",
        issuer,
        tags=frozenset({_PATIENT_ID}),
        on=False,
    ),
)
