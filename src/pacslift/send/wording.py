"""What goes wrong with an association, in sentences: what was met, what to check."""

import socket
from collections.abc import Sequence

from pydicom.config import IGNORE
from pydicom.uid import UID

from pacslift.job import TargetAddress
from pacslift.plan.contexts import Context
from pacslift.send.negotiation import Abort, Rejection

_TRANSIENT = 2
_NO_REASON = 1
_MOST_LISTED = 10

# PS3.8 Table 9-21: (source, reason) to the standard's words and what to do
_REJECTIONS = {
    (1, 1): ("no reason given", "look into the target's log"),
    (1, 2): ("application context name not supported", "check that this is a DICOM archive"),
    (1, 3): (
        "calling AE title not recognized",
        "enter our AE title and address at the target, or choose one it knows with --aet",
    ),
    (1, 7): ("called AE title not recognized", "check the AE title in --target AET@HOST:PORT"),
    (2, 1): ("no reason given by the target's ACSE layer", "look into the target's log"),
    (2, 2): ("protocol version not supported", "check that this is a DICOM archive"),
    (3, 1): ("temporary congestion", "try later or with fewer associations"),
    (3, 2): ("local limit exceeded", "use fewer associations or raise the target's limit"),
}
_SOURCES = {1: "service-user", 2: "service-provider (ACSE)", 3: "service-provider (presentation)"}

# PS3.8 Table 9-26
_ABORT_REASONS = {
    0: "no reason given",
    1: "unrecognized PDU",
    2: "unexpected PDU",
    4: "unrecognized PDU parameter",
    5: "unexpected PDU parameter",
    6: "invalid PDU parameter value",
}


def unreachable(address: TargetAddress, fault: OSError) -> str:
    """No TCP connection: the system's reason, and what to check for it."""
    return f"no connection to {address}: {_os_reason(fault)}; {_os_advice(address, fault)}"


def _os_reason(fault: OSError) -> str:
    if isinstance(fault, TimeoutError) and not fault.errno:
        return "no answer in time"
    return fault.strerror or str(fault)


def _os_advice(address: TargetAddress, fault: OSError) -> str:
    match fault:
        case socket.gaierror():
            return f"check the host name {address.host}"
        case ConnectionRefusedError():
            return f"check that the target runs and listens on port {address.port}"
        case _:
            return f"check host {address.host}, port {address.port} and the firewalls between"


def rejected(address: TargetAddress, rejection: Rejection) -> str:
    """A-ASSOCIATE-RJ in the words of PS3.8 9.3.4."""
    words, advice = _REJECTIONS.get(
        (rejection.source, rejection.reason),
        (f"reason {rejection.reason}, which PS3.8 does not list", "look into the target's log"),
    )
    source = _SOURCES.get(rejection.source, f"unknown source {rejection.source}")
    kind = "transient" if is_transient(rejection) else "permanent"
    said = f"{_titles(address)} was rejected by the {source}, {kind}: {words}; {advice}"
    if address.identity and rejection.reason == _NO_REASON:  # PS3.7 D.3.3.7.2 has no other
        return f"{said}; it may have refused the user identity: look at [target.identity]"
    return said


def is_transient(rejection: Rejection) -> bool:
    """Whether the target says that the same request may be accepted later."""
    return rejection.result == _TRANSIENT


def _titles(address: TargetAddress) -> str:
    return (
        f"the association from {address.calling_aet} to {address.aet} "
        f"at {address.host}:{address.port}"
    )


def aborted_at_once(address: TargetAddress, abort: Abort) -> str:
    """A-ABORT as the answer to an association request."""
    return (
        f"{_titles(address)} was answered with an abort ({abort_words(abort)}); check both AE "
        "titles, that the target knows our address, and its log"
    )


def identity_ignored(address: TargetAddress) -> str:
    """An association without the confirmation of the identity that was asked for."""
    return (
        f"{_titles(address)} was accepted, but the target did not confirm the user identity; set "
        "up identities there, or write `confirm = false` in [target.identity] if it need not"
    )


def no_dicom(address: TargetAddress, fault: str) -> str:
    """A connection, but no answer that DICOM knows; *fault* names the target."""
    if address.tls:
        return f"{fault} when it was asked for an association over TLS; look into the target's log"
    return (
        f"{fault} when it was asked for an association; check that the port is the archive's "
        "DICOM port, and that it speaks without TLS (otherwise add [target.tls] to job.toml)"
    )


def abort_words(abort: Abort) -> str:
    """The source and reason of an A-ABORT. PS3.8 Table 9-26."""
    if abort.source == 0:
        return "by its service-user"
    words = _ABORT_REASONS.get(abort.reason, f"unlisted reason {abort.reason}")
    return f"by its service-provider: {words}"


def no_context(address: TargetAddress, contexts: Sequence[Context]) -> str:
    """Every presentation context refused."""
    listed = "; ".join(pair_words(*context.pair) for context in contexts[:_MOST_LISTED])
    more = len(contexts) - _MOST_LISTED
    rest = f"; and {more} more" if more > 0 else ""
    return (
        f"{address} accepts none of the {len(contexts)} presentation contexts proposed: "
        f"{listed}{rest}; allow these SOP classes and transfer syntaxes at the target"
    )


def pair_words(sop_class_uid: str, transfer_syntax_uid: str) -> str:
    """SOP class and transfer syntax by UID, with names where the standard has them."""
    return f"{_named(sop_class_uid)} in {_named(transfer_syntax_uid)}"


def name_of(uid: str) -> str:
    """The name that the standard gives to a UID; the UID where it gives none."""
    return str(UID(uid, IGNORE).name)


def keyword_of(uid: str) -> str:
    """The keyword that the standard gives to a UID (PS3.6 A); the UID where it gives none."""
    return str(UID(uid, IGNORE).keyword) or uid


def _named(uid: str) -> str:
    name = name_of(uid)
    return uid if name == uid else f"{name} ({uid})"
