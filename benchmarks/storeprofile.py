"""Where a sender's CPU time goes: samples of its stack, by what the code there is for.

The system interrupts the process after every few milliseconds of its CPU time, in the kernel or
not; the interrupt counts for the innermost function of pacslift on the stack, and so for the system
call that it has made. Nothing else slows the process down, unlike a profiler that counts calls.
"""

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from types import FrameType

EVERY = 0.001  # seconds of CPU time; the kernel rounds up to its own clock
OTHER = "the rest"

# The first line that has the function is right: module below pacslift, function ("": all).
GROUPS = (
    ("send.link", "send", "sending, in the kernel"),
    ("send.link", "", "waiting and receiving"),
    ("send.pieces", "_read", "reading the file's rest"),
    ("inventory.bytesource", "_read_file", "reading the file's first block"),
    ("inventory.roots", "", "opening the file"),
    ("repair.outgoing", "add", "digest"),
    ("inventory", "", "walking the header"),
    ("repair", "", "overlay and rules"),
    ("send.load", "", "holding against the database"),
    ("send.orders", "", "holding against the database"),
    ("send.association", "", "protocol"),
    ("send.machine", "", "protocol"),
    ("send.pdata", "", "protocol"),
    ("send.dimse", "", "protocol"),
    ("send.likeness", "", "protocol"),
    ("send.pieces", "", "protocol"),
    ("send", "", "worker, between the stages"),
)


def sampled(work: Callable[[], object]) -> dict[str, int]:
    """Do *work* in the main thread; gives the samples by group, most first."""
    found: Counter[str] = Counter()

    def take(_: int, frame: FrameType | None) -> None:
        found[group_of(frame)] += 1

    before = signal.signal(signal.SIGPROF, take)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        work()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return dict(found.most_common())


def group_of(frame: FrameType | None) -> str:
    """What the innermost function of pacslift on the stack is for."""
    for module, function in _of_pacslift(frame):
        for place, name, group in GROUPS:
            if f"{module}.".startswith(f"{place}.") and name in ("", function):
                return group
        return OTHER
    return OTHER


def _of_pacslift(frame: FrameType | None) -> Iterator[tuple[str, str]]:
    """Modules below pacslift and functions, from the innermost out."""
    while frame is not None:
        package, _, module = str(frame.f_globals.get("__name__", "")).partition(".")
        if package == "pacslift":
            yield module, frame.f_code.co_name
        frame = frame.f_back
