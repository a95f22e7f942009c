"""What to do where a dump ends before its end.

Refused, unless the job says that what is there shall do. Only an early end can be accepted: after
the last good row comes nothing. Damage before that is always refused, since nobody can say where
good rows begin again. Readers meet() the end at the one place where they see it, and then end the
table's rows as if it were complete.
"""

from dataclasses import dataclass

from pacslift.errors import DumpDamagedError

_REMEDY = "Make a new dump, or copy it again."
_WAY_ON = "To go on with what is there, set accept_truncated = true in [source] of job.toml."


@dataclass(frozen=True, slots=True)
class Cut:
    """An early end: the dump, the table it falls into, and how many of its rows are there.

    *table* is None where the dump ends between tables or before their rows.
    """

    dump: str
    table: str | None
    last_row: int

    @property
    def sentence(self) -> str:
        """For the report."""
        where = (
            f"in table {self.table} after row {self.last_row}, the last good one"
            if self.table is not None
            else "before any row that is cut"
        )
        return (
            f"INCOMPLETE DUMP: {self.dump} ends early, {where}. What the old archive held beyond "
            "that is not in this migration and not in its counts."
        )


class Truncation:
    """The job's word on early ends, and those that were met."""

    def __init__(self, *, accepted: bool = False) -> None:
        self.accepted = accepted
        self._cuts: dict[Cut, None] = {}

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """Each early end once, as first met, however often the dump was read."""
        return tuple(self._cuts)

    def meet(self, cut: Cut, message: str) -> None:
        """Keep *cut* in mind and return, or raise DumpDamagedError with *message*.

        *message* is a sentence on what ends where; what to do is added to it.
        """
        if not self.accepted:
            raise DumpDamagedError(f"{message} {_REMEDY} {_WAY_ON}")
        self._cuts[cut] = None


REFUSED = Truncation()
"""For readers that nobody has told otherwise."""
