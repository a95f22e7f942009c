"""Steps that Ctrl-C does not break: the interrupt comes when they have ended.

Python raises an interrupt between any two instructions, also where an answer has left one hand
and is not yet in the other; it would be off the record for ever.
"""

from types import TracebackType


class Unbroken:
    """The step is what runs in its with statement; it has to be a short one."""

    def __init__(self) -> None:
        self._within = False
        self._met: KeyboardInterrupt | None = None

    def puts_off(self, interrupt: KeyboardInterrupt) -> bool:
        """Whether *interrupt* is raised at the end of a step; a second one never is."""
        if not self._within or self._met:
            return False
        self._met = interrupt
        return True

    def __enter__(self) -> None:
        self._within = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._within = False
        met, self._met = self._met, None
        if met:
            raise met


TAKING = Unbroken()  # an answer, from those who send to the one who has the ledger
