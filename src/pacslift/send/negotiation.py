"""A-ASSOCIATE, A-RELEASE and A-ABORT, encoded and decoded with pynetdicom's PDU classes.

PS3.8 9.3.2 to 9.3.8. What a target says of itself beyond what we need is kept away from the
decoder: PS3.8 9.3.1 has unknown items skipped, and a target with an odd version name should
still get its images.
"""

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from pynetdicom import pdu, pdu_items

from pacslift import __version__
from pacslift.access import Identity
from pacslift.plan.contexts import Context
from pacslift.send.faults import MalformedPduError

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
# uuid5(NAMESPACE_DNS, "implementation-class.pacslift") under 2.25 (PS3.5 B.2); never to change
IMPLEMENTATION_CLASS_UID = "2.25.121735655030557160015670059194672653554"
IMPLEMENTATION_VERSION_NAME = f"PACSLIFT_{__version__}"[:16]
MAX_PDU_RECEIVED = 0x4000  # what we announce; answers to C-STORE are far shorter

_ITEM = struct.Struct(">BxH")
_FIXED_PART = 74  # of A-ASSOCIATE-AC, up to its variable items
_CONTEXT_ITEM, _USER_INFORMATION = 0x21, 0x50
_MAX_LENGTH, _WINDOW, _VERSION_NAME, _IDENTITY_TAKEN = 0x51, 0x53, 0x55, 0x59


@dataclass(frozen=True, slots=True)
class UserIdentity:
    """Who asks for an association. PS3.7 D.3.3.7.1."""

    kind: int
    primary: bytes = field(repr=False)
    secondary: bytes = field(repr=False)
    confirm: bool  # ask for a positive response


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an association is asked for with."""

    called_aet: str
    calling_aet: str
    contexts: tuple[Context, ...]
    window: int = 1  # operations that may be outstanding at once; 0 for any number
    identity: UserIdentity | None = None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What an A-ASSOCIATE-AC grants."""

    transfer_syntaxes: Mapping[int, str]  # of the accepted contexts, by context ID
    max_pdu_length: int  # 0 for no limit
    window: int  # operations that may be outstanding at once; 0 for any number
    version_name: str  # the target's software in its own words, may be empty
    identity_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Rejection:
    """The three codes of an A-ASSOCIATE-RJ. PS3.8 Table 9-21."""

    result: int
    source: int
    reason: int


@dataclass(frozen=True, slots=True)
class Abort:
    """The two codes of an A-ABORT. PS3.8 Table 9-26."""

    source: int
    reason: int


def encode_request(proposal: Proposal) -> bytes:
    """An A-ASSOCIATE-RQ, whole."""
    request = pdu.A_ASSOCIATE_RQ()
    request.called_ae_title = proposal.called_aet
    request.calling_ae_title = proposal.calling_aet
    application = pdu_items.ApplicationContextItem()
    application.application_context_name = APPLICATION_CONTEXT
    request.variable_items = [
        application,
        *(_context_item(context) for context in proposal.contexts),
        _user_information(proposal.window, proposal.identity),
    ]
    return bytes(request.encode())


def user_identity(identity: Identity | None) -> UserIdentity | None:
    """*identity* with its secret. Raises JobFileError if the secret is missing."""
    if identity is None:
        return None
    return UserIdentity(identity.kind, *identity.fields(), identity.confirm)


def encode_release_request() -> bytes:
    """An A-RELEASE-RQ, whole."""
    return bytes(pdu.A_RELEASE_RQ().encode())


def encode_release_answer() -> bytes:
    """An A-RELEASE-RP, whole."""
    return bytes(pdu.A_RELEASE_RP().encode())


def encode_abort(abort: Abort) -> bytes:
    """An A-ABORT, whole."""
    message = pdu.A_ABORT_RQ()
    message.source = abort.source
    message.reason_diagnostic = abort.reason
    return bytes(message.encode())


def decode_acceptance(whole: bytes) -> Acceptance:
    """Read an A-ASSOCIATE-AC. Raises MalformedPduError."""
    if len(whole) < _FIXED_PART:
        raise MalformedPduError(f"the target's A-ASSOCIATE-AC has only {len(whole)} bytes")
    wanted, version_name, confirmed = _wanted_items(whole[_FIXED_PART:])
    with _decoding("A-ASSOCIATE-AC"):
        accepted = pdu.A_ASSOCIATE_AC()
        accepted.decode(whole[:_FIXED_PART] + wanted)
        user = accepted.user_information
        window = user.async_ops_window if user else None
        return Acceptance(
            transfer_syntaxes={
                _code(item.context_id): str(item.transfer_syntax or "")
                for item in accepted.presentation_context
                if item.result == 0
            },
            max_pdu_length=(user.maximum_length or 0) if user else 0,
            window=_code(window.max_operations_invoked) if window else 1,
            version_name=version_name,
            identity_confirmed=confirmed,
        )


def decode_rejection(whole: bytes) -> Rejection:
    """Read an A-ASSOCIATE-RJ. Raises MalformedPduError."""
    with _decoding("A-ASSOCIATE-RJ"):
        rejected = pdu.A_ASSOCIATE_RJ()
        rejected.decode(whole)
        return Rejection(
            _code(rejected.result), _code(rejected.source), _code(rejected.reason_diagnostic)
        )


def decode_abort(whole: bytes) -> Abort:
    """Read an A-ABORT. Raises MalformedPduError."""
    with _decoding("A-ABORT"):
        aborted = pdu.A_ABORT_RQ()
        aborted.decode(whole)
        return Abort(_code(aborted.source), _code(aborted.reason_diagnostic))


def _code(field: int | None) -> int:
    """A field that pynetdicom has decoded; it types them as if they could be missing."""
    if field is None:
        raise ValueError("a field is missing")
    return field


@contextmanager
def _decoding(name: str) -> Iterator[None]:
    """Turn what pynetdicom's decoders raise on broken bytes into a MalformedPduError."""
    try:
        yield
    except (AssertionError, AttributeError, LookupError, TypeError, ValueError, struct.error) as e:
        raise MalformedPduError(
            f"the target's {name} cannot be decoded ({type(e).__name__}: {e})"
        ) from e


def _context_item(context: Context) -> pdu_items.PresentationContextItemRQ:
    # the items are filled here and not from pynetdicom's PresentationContext, which
    # takes no private transfer syntax
    sop_class = pdu_items.AbstractSyntaxSubItem()
    sop_class.abstract_syntax_name = context.sop_class_uid
    syntax = pdu_items.TransferSyntaxSubItem()
    syntax.transfer_syntax_name = context.transfer_syntax_uid
    item = pdu_items.PresentationContextItemRQ()
    item.presentation_context_id = context.context_id
    item.abstract_transfer_syntax_sub_items = [sop_class, syntax]
    return item


def _user_information(window: int, identity: UserIdentity | None) -> pdu_items.UserInformationItem:
    longest = pdu_items.MaximumLengthSubItem()
    longest.maximum_length_received = MAX_PDU_RECEIVED
    implementation = pdu_items.ImplementationClassUIDSubItem()
    implementation.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    version = pdu_items.ImplementationVersionNameSubItem()
    version.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    information = pdu_items.UserInformationItem()
    information.user_data = [longest, implementation]
    if window != 1:  # the absence of the item means one, PS3.7 D.3.3.3
        operations = pdu_items.AsynchronousOperationsWindowSubItem()
        operations.maximum_number_operations_invoked = window
        operations.maximum_number_operations_performed = 1
        information.user_data.append(operations)
    information.user_data.append(version)
    if identity:
        information.user_data.append(_identity_item(identity))
    return information


def _identity_item(identity: UserIdentity) -> pdu_items.UserIdentitySubItemRQ:
    item = pdu_items.UserIdentitySubItemRQ()
    item.user_identity_type = identity.kind
    item.positive_response_requested = int(identity.confirm)
    item.primary_field = identity.primary
    item.secondary_field = identity.secondary
    return item


def _items(body: bytes, what: str) -> Iterator[tuple[int, bytes]]:
    """Types of the items in *body*, and the items' values."""
    at = 0
    while at < len(body):
        if len(body) - at < _ITEM.size:
            raise MalformedPduError(f"{what} ends inside the head of an item")
        kind, length = _ITEM.unpack_from(body, at)
        at += _ITEM.size
        if length > len(body) - at:
            raise MalformedPduError(f"an item in {what} announces {length} bytes, too many")
        yield kind, body[at : at + length]
        at += length


def _item(kind: int, value: bytes) -> bytes:
    return _ITEM.pack(kind, len(value)) + value


def _wanted_items(body: bytes) -> tuple[bytes, str, bool]:
    """The items of an A-ASSOCIATE-AC that we use, encoded; what else we take from them.

    That is the target's version name, and whether it says that it took our identity. What it
    says besides that (a Kerberos ticket, a SAML response) is not looked into.
    """
    kept, version_name, confirmed = bytearray(), b"", False
    for kind, value in _items(body, "the target's A-ASSOCIATE-AC"):
        if kind == _CONTEXT_ITEM:
            kept += _item(kind, value)
        elif kind == _USER_INFORMATION:
            told = dict(_items(value, "the target's user information"))
            version_name = told.get(_VERSION_NAME, b"")
            confirmed = _IDENTITY_TAKEN in told
            used = [_item(k, told[k]) for k in (_MAX_LENGTH, _WINDOW) if k in told]
            kept += _item(kind, b"".join(used))
    return bytes(kept), version_name.decode("ascii", "replace").strip(" \0"), confirmed
