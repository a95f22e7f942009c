"""The program's entry: load it fast, then run its command line.

Loading makes some hundred thousand objects, all of which stay. Python's collector searches them
for garbage again and again while they are made, whenever there are many more, and at the end: a
third of the time that a short command takes. So it rests while modules are loaded, and never looks
at what is there then.
"""

import atexit
import errno
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def loading() -> Iterator[None]:
    """Load modules inside; what they make is never searched for garbage."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        atexit.register(gc.freeze)


def main() -> None:
    """Run the command line."""
    with loading():
        from pacslift.cli import main as command_line  # noqa: PLC0415 - to be loaded in here

    try:
        command_line(prog_name="pacslift")
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        sys.exit(
            f"pacslift: what is printed finds no room: {error.strerror}; make room, or have it "
            "printed elsewhere"
        )
