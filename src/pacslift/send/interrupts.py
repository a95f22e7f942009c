"""Ctrl-C and SIGTERM held back until nothing is in hand.

Python raises out of a signal's handler between any two steps of the main thread: also between an
answer's being taken and its being put on record, and then a stored object would be sent once more.
So the first signal is noted, and met where the code in between asks for it. A second one goes
through at once, for whoever cannot wait. So does one that comes while sleep() waits for something.
"""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

TYPED: tuple[signal.Signals, ...] = (signal.SIGINT,)  # and told to all processes of the terminal
if sys.platform == "win32":
    TYPED = (signal.SIGINT, signal.SIGBREAK)
INTERRUPTS = (*TYPED, signal.SIGTERM)
_LOOK = 0.1  # seconds between two looks of somebody who sleeps

_meet: list[Callable[[], None]] = []  # of whoever holds interrupts back


def sleep(seconds: float) -> None:
    """Wait *seconds*, or until an interrupt comes, held back or not.

    For waits that may be long, where what came is on record or in a list that will be.
    """
    until = time.monotonic() + seconds
    while True:
        if _meet and threading.current_thread() is threading.main_thread():
            _meet[-1]()
        left = until - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, _LOOK))


@contextmanager
def held_back() -> Iterator[Callable[[], None]]:
    """Hold interrupts back inside it; gives what meets one that came, which the end does, too.

    It is met as the handlers before would have. Outside the main thread, which alone is told of
    signals, nothing is held.
    """
    before = {number: signal.getsignal(number) for number in INTERRUPTS}
    handlers = {number: handler for number, handler in before.items() if callable(handler)}
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if len(came) > 1:
            handlers[signal.Signals(number)](number, frame)

    def meet() -> None:
        if came:
            number = came[0]
            came.clear()
            handlers[signal.Signals(number)](number, None)

    with suppress(ValueError):
        for number in handlers:
            signal.signal(number, note)
    _meet.append(meet)
    try:
        yield meet
    finally:
        _meet.remove(meet)
        with suppress(ValueError):
            for number, handler in handlers.items():
                signal.signal(number, handler)
    meet()
