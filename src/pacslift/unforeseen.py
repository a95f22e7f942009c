"""What nobody foresaw over one object: it is set aside, and the run goes on.

A fault of the program or of a library is met at the same object at every restart, so it must not
end the run. It is named by its type and place alone: an exception's text may hold what it read,
and that is patient data. Whatever is wrong with more than the one object still ends the run:
memory, the number of open files, a full disk.
"""

import errno
from collections.abc import Iterator
from types import TracebackType

from pacslift.errors import Cause, PacsliftError, SetAsideError

# A failing system call that the next object would meet as well.
OF_THE_SYSTEM = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EROFS}
)
OURS = "pacslift"


class _OneObject:
    """See one_object(). A class, since each object goes through several of them."""

    __slots__ = ()

    def __enter__(self) -> None:
        """Nothing to remember, so that one serves all."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, Exception) and not is_everybodys(error):
            raise SetAsideError(Cause.INTERNAL_FAULT, type_and_place(error)) from error


_ONE_OBJECT = _OneObject()


def one_object() -> _OneObject:
    """Inside it, an error that nobody foresaw becomes a SetAsideError INTERNAL_FAULT.

    Errors of pacslift's own kinds, MemoryError and those OF_THE_SYSTEM go through as they are.
    """
    return _ONE_OBJECT


def is_everybodys(error: Exception) -> bool:
    """Whether *error* is foreseen, or tells of more than the object at hand."""
    if isinstance(error, OSError):
        return error.errno in OF_THE_SYSTEM
    return isinstance(error, PacsliftError | MemoryError)


def type_and_place(error: Exception) -> str:
    """The type of *error*, where it was raised, and where pacslift met it if that is elsewhere.

    For example "KeyError at pydicom.charset:712, met at pacslift.inventory.probe:80".
    """
    places = list(frames(error.__traceback__))
    if not places:
        return type(error).__qualname__
    ours = [place for place in places if place.startswith(f"{OURS}.")]
    met = f", met at {ours[-1]}" if ours and ours[-1] != places[-1] else ""
    return f"{type(error).__qualname__} at {places[-1]}{met}"


def frames(trace: TracebackType | None) -> Iterator[str]:
    """Module and line of every frame, the innermost last."""
    while trace is not None:
        yield f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
        trace = trace.tb_next
