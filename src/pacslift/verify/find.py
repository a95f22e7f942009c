"""C-FIND against the target: the door of verification.

One association serves all studies. pynetdicom can lose an answer between its threads, which then
looks like a timeout, so a query that got no answer is put again on a fresh association; to ask
twice changes nothing. A target that loses query after query, or takes no association any more,
ends the stage with TargetLostError; what was verified until then stays.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from time import sleep
from types import TracebackType
from typing import Self

from pynetdicom.association import Association

from pacslift.errors import (
    NoContextError,
    StopError,
    TargetLostError,
    TargetRejectedError,
    TargetUnreachableError,
)
from pacslift.job import TargetAddress
from pacslift.verify.findscu import FindTimeouts, associate, let_reactor_go, put
from pacslift.verify.listing import Answers, find_study
from pacslift.verify.match import Expected, FoundStudy
from pacslift.verify.query import identifier

ATTEMPTS = 3  # for one query, each on an association of its own
MOST_LOST = 3  # queries in a row without any answer


@dataclass(frozen=True, slots=True)
class NoVerification:
    """This target cannot be asked what it holds; nothing can be verified."""

    sentence: str


def open_finder(
    address: TargetAddress, timeouts: FindTimeouts | None = None
) -> "Finder | NoVerification":
    """Associate for Study Root C-FIND (PS3.4 C.6.2).

    Raises TargetUnreachableError or TargetRejectedError; a target that takes the association
    but not C-FIND gives NoVerification.
    """
    finder = Finder(address, timeouts or FindTimeouts())
    try:
        finder.connect()
    except NoContextError as error:
        return NoVerification(str(error))
    return finder


@dataclass
class Finder:
    """Asks the target about one study after the other."""

    address: TargetAddress
    timeouts: FindTimeouts
    pause: Callable[[float], object] = sleep
    queries: int = 0  # put to the target, repeated ones included
    _association: Association | None = None
    _lost_in_a_row: int = 0
    _optional: bool = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def connect(self) -> None:
        """Have an association: the one there is, or a new one."""
        if self._association is None or not self._association.is_established:
            if self._association is not None:
                let_reactor_go(self._association)
            self._association = None
            self._association = associate(self.address, self.timeouts)

    def close(self) -> None:
        """Release the association."""
        if self._association is not None:
            self._association.release()
            let_reactor_go(self._association)
        self._association = None

    def abort(self) -> None:
        """End the association at once, whatever was under way on it; the next query has another."""
        if self._association is not None:
            self._association.abort()
            let_reactor_go(self._association)
        self._association = None

    def study(self, study_instance_uid: str, expected: Collection[Expected]) -> FoundStudy:
        """What the target holds of this study, and wherever it holds what is *expected*.

        Raises TargetLostError.
        """
        return find_study(self.ask, study_instance_uid, expected)

    def ask(self, level: str, keys: Mapping[str, str], *, optional: bool = False) -> Answers:
        """Put one query; see listing.Ask."""
        if optional:
            return self._ask_optional(level, keys)
        for _attempt in range(ATTEMPTS):
            answers = self._ask_once(level, keys)
            if answers is not None:
                self._lost_in_a_row = 0
                return answers
        self._lost_in_a_row += 1
        if self._lost_in_a_row >= MOST_LOST:
            raise TargetLostError(
                f"{self.address} answers no C-FIND any more: {MOST_LOST} queries in a row got none "
                f"in {ATTEMPTS} attempts each; look into the target's log, then verify again"
            )
        return Answers((), f"no answer to C-FIND at {level} level in {ATTEMPTS} attempts")

    def _ask_optional(self, level: str, keys: Mapping[str, str]) -> Answers:
        """A target that fails such a question once is not asked another."""
        answers = self._ask_once(level, keys) if self._optional else None
        if answers is None or answers.trouble:
            self._optional = False
            return Answers((), "the target does not answer such a query")
        return answers

    def _ask_once(self, level: str, keys: Mapping[str, str]) -> Answers | None:
        """The answers, or None if the association was lost over it."""
        association = self._reconnected()
        self.queries += 1
        answers = put(association, identifier(level, keys))
        if answers is None:
            self.abort()
        return answers

    def _reconnected(self) -> Association:
        trouble: StopError | None = None
        for wait in (*self.timeouts.reconnect, None):
            try:
                self.connect()
            except (TargetUnreachableError, TargetRejectedError, NoContextError) as error:
                trouble = error
            if self._association is not None:
                return self._association
            if wait is not None:
                self.pause(wait)
        raise TargetLostError(
            f"{self.address} takes no association any more: {trouble}; verify again when it does"
        )
