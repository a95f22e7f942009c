"""The program's entry: load it fast, then run its command line.

Loading makes some hundred thousand objects, all of which stay. Python's collector searches them
for garbage again and again while they are made, whenever there are many more, and at the end: a
third of the time that a short command takes. So it rests while modules are loaded, and never looks
at what is there then.
"""

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager


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

    command_line(prog_name="pacslift")
