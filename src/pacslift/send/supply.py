"""Where what is to be sent comes from, and where what became of it goes."""

from collections.abc import Collection, Iterator, Mapping
from typing import Protocol

from pacslift.ledger import Ledger, Planned
from pacslift.ledger_bulk import Rows
from pacslift.plan.contexts import Pair


class Supply(Protocol):
    """The work of one run, or of one machine's part of it. Used by one thread."""

    @property
    def share(self) -> float:
        """Which part of the job's limits is ours, 0 to 1; 0 only for the moment."""
        ...

    def planned(self) -> Iterator[Planned | None]:
        """What is to be sent; None when there is nothing for the moment."""
        ...

    def record(self, results: Rows, changes: Rows) -> Collection[str]:
        """Commit what became of instances; gives the keys of those that were ours to say."""
        ...

    def learn_contexts(self, answers: Mapping[Pair, bool]) -> None:
        """Remember what the target accepted and refused."""
        ...

    def close(self) -> None:
        """Let others have what is left; nothing is recorded any more."""
        ...


class Alone:
    """All that a ledger has planned, for the only one who works on it."""

    share = 1.0

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.planned = ledger.planned
        self.learn_contexts = ledger.learn_contexts

    def record(self, results: Rows, changes: Rows) -> Collection[str]:
        """See Supply."""
        self._ledger.record(results, changes)
        return {row["instance_key"] for row in results}

    def close(self) -> None:
        """See Supply."""
