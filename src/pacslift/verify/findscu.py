"""One association for C-FIND and one query on it: pynetdicom as it is.

No answer's content is logged or put into a message: it is patient data.
"""

import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, _config, evt
from pynetdicom.association import Association
from pynetdicom.pdu import A_ASSOCIATE_RJ
from pynetdicom.pdu_primitives import UserIdentityNegotiation
from pynetdicom.sop_class import (  # type: ignore[attr-defined] # the module makes them at run time
    StudyRootQueryRetrieveInformationModelFind as StudyRootFind,
)
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from pacslift.errors import (
    NoContextError,
    StopError,
    TargetRejectedError,
    TargetUnreachableError,
)
from pacslift.job import TargetAddress
from pacslift.plan.contexts import VERIFICATION
from pacslift.send import wording
from pacslift.send.association import StoreAssociation
from pacslift.send.negotiation import Rejection, user_identity
from pacslift.send.reaching import context_of, name_expected, reach
from pacslift.verify.listing import Answers
from pacslift.verify.query import Row, row_of

# The library logs what it sends and gets unless it is told not to.
_config.LOG_REQUEST_IDENTIFIERS = False
_config.LOG_RESPONSE_IDENTIFIERS = False

ON_THE_LINE = (evt.EVT_CONN_OPEN, evt.EVT_DATA_SENT, evt.EVT_DATA_RECV)
PARKING = 5.0  # seconds in which the reactor, which polls every millisecond, is surely parked
PENDING = frozenset({0xFF00, 0xFF01})  # PS3.4 C.4.1.1.4
UNABLE = range(0xC000, 0xD000)
FAILURES: Mapping[int, str] = {
    0x0122: "the SOP class is not supported",
    0x0124: "the target does not authorise it",
    0xA700: "the target is out of resources",
    0xA900: "the target finds that the identifier does not fit the SOP class",
    0xFE00: "the target cancelled it",
    **dict.fromkeys(UNABLE, "the target is unable to process it"),
}


@dataclass(frozen=True, slots=True)
class FindTimeouts:
    """How long to wait, in seconds."""

    connect: float = 10.0
    association: float = 30.0
    response: float = 60.0  # for the next answer to a query
    reconnect: tuple[float, ...] = (1.0, 5.0, 15.0)  # before asking again for an association


def associate(address: TargetAddress, timeouts: FindTimeouts) -> Association:
    """An established association on which C-FIND is accepted.

    Verification is proposed too, so that a target without C-FIND can still say so.
    Raises TargetUnreachableError, TargetRejectedError or NoContextError.
    """
    reach(address, timeouts.connect).close()  # pynetdicom keeps to itself why it cannot connect
    entity = AE(ae_title=address.calling_aet)
    entity.connection_timeout = timeouts.connect
    entity.acse_timeout = timeouts.association
    entity.dimse_timeout = timeouts.response
    entity.network_timeout = None  # an idle association is ours to keep
    for sop_class in (StudyRootFind, Verification):
        entity.add_requested_context(sop_class, [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
    rejections: list[Rejection] = []
    opened: list[socket.socket] = []
    association = entity.associate(
        address.host,
        address.port,
        ae_title=address.aet,
        evt_handlers=[
            *((moment, do_not_wait) for moment in ON_THE_LINE),
            (evt.EVT_CONN_OPEN, never_for_ever, [timeouts.response, opened]),
            (evt.EVT_PDU_RECV, keep_rejection, [rejections]),
        ],
        **access(address),
    )
    if association.is_established and accepts_find(association):
        park_reactor(association)
        return association
    if association.is_established:
        association.release()
    for one in opened:  # the library forgets those that the target has reset
        one.close()
    if rejections:
        raise TargetRejectedError(wording.rejected(address, rejections[0]))
    if address.tls and not was_answered(association):  # what our own driver meets says more
        StoreAssociation.open(address, [VERIFICATION]).release()
    raise reason_for_none(address, association)


def access(address: TargetAddress) -> dict[str, Any]:
    """TLS and user identity as pynetdicom takes them. Raises JobFileError."""
    options: dict[str, Any] = {}
    if address.tls:
        options["tls_args"] = (context_of(address.tls), name_expected(address))
    if identity := user_identity(address.identity):
        item = UserIdentityNegotiation()
        item.user_identity_type = identity.kind
        item.positive_response_requested = identity.confirm
        item.primary_field = identity.primary
        item.secondary_field = identity.secondary
        options["ext_neg"] = [item]
    return options


class Parked(threading.Event):
    """A checkpoint that the library's reactor does not get past until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        """Say that the reactor is here, and hold it."""
        self.reached.set()
        return super().wait(timeout)

    def set(self) -> None:
        """Ignored: the library opens the checkpoint after each query."""

    def let_go(self) -> None:
        """Let the reactor end."""
        super().set()


def park_reactor(association: Association) -> None:
    """Keep pynetdicom's reactor thread away from the answers for the association's whole life.

    The library pauses it for each query, but it can pass the pause just then, take an answer off
    the queue and drop it: the query then looks complete and lacks a row.
    """
    checkpoint = Parked()
    association._reactor_checkpoint = checkpoint  # noqa: SLF001 - no public way to hold it
    checkpoint.reached.wait(PARKING)


def let_reactor_go(association: Association) -> None:
    """Let the reactor thread of an ended association end as well."""
    if isinstance(association._reactor_checkpoint, Parked):  # noqa: SLF001 - as above
        association._reactor_checkpoint.let_go()  # noqa: SLF001


def do_not_wait(event: evt.Event) -> None:
    """Neither hold back half a query (Nagle) nor the acknowledgement of half an answer.

    Without the second a target that leaves Nagle on, as Debian's Orthanc and DCMTK do, costs
    40 ms a query instead of 3. Linux forgets it with every segment, others do not have it.
    """
    transport = event.assoc.dul.socket
    if transport is None or transport.socket is None:
        return
    transport.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_QUICKACK"):
        transport.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def never_for_ever(event: evt.Event, seconds: float, opened: list[socket.socket]) -> None:
    """Let no reading wait without end for the rest of a PDU, or of what TLS has begun."""
    transport = event.assoc.dul.socket
    if transport is not None and transport.socket is not None:
        transport.socket.settimeout(seconds)
        opened.append(transport.socket)


def keep_rejection(event: evt.Event, rejections: list[Rejection]) -> None:
    """Note an A-ASSOCIATE-RJ as it comes in.

    A target that hangs up right after it makes pynetdicom see a lost connection now and then.
    """
    if isinstance(event.pdu, A_ASSOCIATE_RJ):
        pdu = event.pdu
        rejections.append(Rejection(pdu.result or 0, pdu.source or 0, pdu.reason_diagnostic or 0))


def accepts_find(association: Association) -> bool:
    """Whether Study Root C-FIND was accepted."""
    return any(cx.abstract_syntax == StudyRootFind for cx in association.accepted_contexts)


def was_answered(association: Association) -> bool:
    """Whether the target said anything of the contexts proposed."""
    return bool(association.accepted_contexts or association.rejected_contexts)


def reason_for_none(address: TargetAddress, association: Association) -> StopError:
    """Why there is no association that can be used, if it was not rejected."""
    if was_answered(association):
        return NoContextError(
            f"{address} does not accept Study Root C-FIND (SOP class {StudyRootFind}), so what "
            "arrived cannot be verified; allow queries for our AE title at the target, or have it "
            "counted there by other means"
        )
    return TargetUnreachableError(
        f"no association with {address}: it gave no answer in time or aborted at once; check that "
        "a DICOM archive listens on this port (C-ECHO)"
    )


def put(association: Association, query: Dataset) -> Answers | None:
    """Put one query on an association; None if it or the answer is lost."""
    rows: list[Row] = []
    damaged = 0
    try:
        for status, answer in association.send_c_find(query, StudyRootFind):
            if "Status" not in status:
                return None
            if status.Status not in PENDING:
                return Answers(tuple(rows), trouble_of(status.Status, damaged))
            if answer is None:
                damaged += 1
            else:
                rows.append(row_of(answer))
    except RuntimeError:  # the association ended between two queries
        return None
    return None


def trouble_of(status: int, damaged: int) -> str | None:
    """What the final status of a C-FIND means; None for success. PS3.4 C.4.1.1.4."""
    if status == 0 and not damaged:
        return None
    if status == 0:
        return f"{damaged} answers to C-FIND could not be decoded"
    meaning = FAILURES.get(status, "a status that the standard does not list")
    return f"C-FIND ended with 0x{status:04X}: {meaning}"
