"""What a scripted target may do with an object instead of storing it and saying so."""

from pynetdicom import pdu
from target import FULL, Deed, Visit
from wire import Message

from scripted import data_pdu


def hang(visit: Visit, message: Message) -> None:
    """Take it and never speak again on this association."""
    visit.keep(message)
    visit.fall_silent()


def hang_empty_handed(visit: Visit, _: Message) -> None:
    """The same, but the object is lost."""
    visit.fall_silent()


def late(seconds: float) -> Deed:
    """Store it, and say so only after so many seconds."""

    def answer_late(visit: Visit, message: Message) -> None:
        status = visit.keep(message)
        visit.target.ending.wait(seconds)
        visit.answer(message, status)

    return answer_late


def twice(visit: Visit, message: Message) -> None:
    """Answer it two times, and nothing more on this association."""
    status = visit.keep(message)
    visit.answer(message, status)
    visit.answer(message, status)
    visit.fall_silent()


def as_another(visit: Visit, message: Message) -> None:
    """Store it, and answer a message that was never sent."""
    visit.answer(message, visit.keep(message), other=77)
    visit.fall_silent()


def garbage(visit: Visit, message: Message) -> None:
    """Store it, and answer with bytes that are no PDU."""
    visit.keep(message)
    visit.send(b"\xff" * 64)
    visit.fall_silent()


def broken_answer(visit: Visit, message: Message) -> None:
    """Store it, and answer with a command set whose inside contradicts its lengths."""
    visit.keep(message)
    visit.send(data_pdu(message.context_id, b"\x00\x00\x00\x01\xff\xff\x00\x00" * 3))
    visit.fall_silent()


def abort(visit: Visit, message: Message) -> None:
    """Store it, and abort instead of an answer."""
    visit.keep(message)
    aborted = pdu.A_ABORT_RQ()
    aborted.source, aborted.reason_diagnostic = 2, 0
    visit.send(aborted.encode())
    visit.fall_silent()


def busy(visit: Visit, message: Message) -> None:
    """Be out of resources."""
    visit.answer(message, FULL)


def pretend(visit: Visit, message: Message) -> None:
    """Say that it is stored, and keep nothing."""
    visit.answer(message)
