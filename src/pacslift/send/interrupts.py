"""Ctrl-C and SIGTERM held back until nothing is in hand.

Python raises out of a signal's handler between any two steps of the main thread: also between an
answer's being taken and its being put on record, and then a stored object would be sent once more.
So the first signal is noted, and met where the code in between asks for it. A second one goes
through at once, for whoever cannot wait.
"""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

TYPED: tuple[signal.Signals, ...] = (signal.SIGINT,)  # and told to all processes of the terminal
if sys.platform == "win32":
    TYPED = (signal.SIGINT, signal.SIGBREAK)
INTERRUPTS = (*TYPED, signal.SIGTERM)


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
    try:
        yield meet
    finally:
        with suppress(ValueError):
            for number, handler in handlers.items():
                signal.signal(number, handler)
    meet()
