"""The program's entry: load it fast, then run its command line.

Loading makes some hundred thousand objects, all of which stay. Python's collector searches them
for garbage again and again while they are made, whenever there are many more, and at the end: a
third of the time that a short command takes. So it rests while modules are loaded, and never looks
at what is there then.
"""

import atexit
import errno
import gc
import io
import os
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


def say_what_can_be_said() -> None:
    r"""Let a character that standard output lacks go out as \uNNNN, as on standard error.

    Windows gives a pipe or a file the encoding of its region (cp1252), and names of files may have
    any character: nobody's run is to end because it cannot be told.
    """
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def give_up_what_finds_no_room() -> None:
    """Let go nowhere what standard output or error still holds and cannot be rid of.

    It was told before. Some versions of Python (3.11.2 of Debian 12) try once more at the very end,
    and change the exit code when that fails, too.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def main() -> None:
    """Run the command line."""
    say_what_can_be_said()
    with loading():
        from pacslift.cli import main as command_line  # noqa: PLC0415 - to be loaded in here

    try:
        # On Windows click would expand what looks like a pattern or a variable: old roots are
        # neither.
        command_line(prog_name="pacslift", windows_expand_args=False)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        sys.exit(
            f"pacslift: what is printed finds no room: {error.strerror}; make room, or have it "
            "printed elsewhere"
        )
    finally:
        give_up_what_finds_no_room()
