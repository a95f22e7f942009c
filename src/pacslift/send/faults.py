"""What can go wrong on the way to a target, by what happens next.

TryAgainError
├── AssociationLostError      the association ended with an answer outstanding: it may have arrived
├── TargetAwayError           no association can be had for the moment
└── ProtocolError             the target broke PS3.7 or PS3.8; the association is of no use any more
    ├── UnknownPduError           a PDU type that PS3.8 does not have
    ├── PduTooLongError           a PDU longer than any that a target has reason to send
    ├── MalformedPduError         a PDU whose inside contradicts its lengths
    ├── UnexpectedPduError        a PDU that is not allowed in this state
    ├── UnknownContextError       data on a presentation context that was not accepted
    ├── MalformedCommandError     a command set that cannot be read
    ├── UnexpectedMessageError    a message that is no answer to C-STORE
    └── UnknownMessageIdError     an answer to a request that is not outstanding
TargetRejectedError
└── AssociationRejectedError  A-ASSOCIATE-RJ, with its three codes
"""

from pacslift.errors import StopError, TargetRejectedError, TryAgainError


class AssociationLostError(TryAgainError):
    """The association is gone; what was outstanding may or may not be stored."""


class TargetAwayError(TryAgainError):
    """The target was there before and takes no association now.

    *stop* is the error to raise when waiting does not help.
    """

    def __init__(self, stop: StopError) -> None:
        super().__init__(str(stop))
        self.stop = stop


class ProtocolError(TryAgainError):
    """The target sent what PS3.7 or PS3.8 does not allow."""


class UnknownPduError(ProtocolError):
    """A PDU type that PS3.8 9.3 does not define."""


class PduTooLongError(ProtocolError):
    """A PDU that announces more bytes than any answer needs."""


class MalformedPduError(ProtocolError):
    """A PDU that cannot be decoded."""


class UnexpectedPduError(ProtocolError):
    """A PDU that PS3.8 9.2 does not allow in the present state."""


class UnknownContextError(ProtocolError):
    """A presentation data value on a context that was not accepted."""


class MalformedCommandError(ProtocolError):
    """A command set that cannot be decoded or lacks an element."""


class UnexpectedMessageError(ProtocolError):
    """A message that is no C-STORE-RSP."""


class UnknownMessageIdError(ProtocolError):
    """An answer to a request that was never made, or that was answered before."""


class AssociationRejectedError(TargetRejectedError):
    """A-ASSOCIATE-RJ; result, source and reason are the codes of PS3.8 Table 9-21."""

    def __init__(self, message: str, *, transient: bool) -> None:
        super().__init__(message)
        self.transient = transient
