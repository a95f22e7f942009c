"""The account: where every instance row of the dump and every file of the storage ended.

Pure: counts in, sums and an exit code out. The number of rows and of files is counted apart from
the states (on the catalog and on the walk), so that a row lost on the way shows as an imbalance.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from pacslift.errors import LedgerError
from pacslift.ledger import FileState, InstanceState

EXIT_VERIFIED = 0
EXIT_EXCEPTIONS = 3

# Files that hold, or may hold, an object which no instance row leads to: somebody must look.
FILE_EXCEPTIONS = frozenset({FileState.ORPHAN, FileState.UNREADABLE})

State = TypeVar("State", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Account:
    """The balance sheet of a job."""

    instances: int  # rows of the dump
    states: Mapping[InstanceState, int]  # all eight
    files: int  # on disk
    file_states: Mapping[FileState, int]  # all of them
    causes: Mapping[str, int] = field(default_factory=dict)  # of instances that have one
    extra_at_target: int = 0  # instances of the migrated studies that were there already
    no_verification: str | None = None  # why the target could not be asked
    cuts: int = 0  # places where a dump ends early, which the job accepted

    @property
    def unaccounted_instances(self) -> int:
        """Rows without a state, or, below zero, states without a row."""
        return self.instances - sum(self.states.values())

    @property
    def unaccounted_files(self) -> int:
        """Files without a state, or, below zero, states without a file."""
        return self.files - sum(self.file_states.values())

    @property
    def balanced(self) -> bool:
        """Whether every row and every file is in exactly one state."""
        return self.unaccounted_instances == 0 == self.unaccounted_files

    @property
    def verified(self) -> int:
        """Instances that the target was found to hold as sent."""
        return self.states[InstanceState.VERIFIED]

    @property
    def unfinished(self) -> int:
        """Instances that are still to be sent."""
        return self.states[InstanceState.PLANNED]

    @property
    def exit_code(self) -> int:
        """0 if all is accounted for and verified and no file needs looking at, else 3.

        A job without a plan has nothing to be verified, and is not done.
        """
        looked_at = not any(self.file_states[state] for state in FILE_EXCEPTIONS)
        all_verified = self.verified == self.instances > 0
        clean = self.balanced and all_verified and looked_at
        return EXIT_VERIFIED if clean else EXIT_EXCEPTIONS

    @property
    def headline(self) -> str:
        """The outcome in one sentence, which the last line of a run repeats."""
        if not self.balanced:
            return "The account does not balance."
        if not self.instances:
            return "Nothing is planned yet."
        if self.unfinished:
            return f"Not finished: {self.unfinished:,} of {self.instances:,} instances to be sent."
        if self.cuts and self.verified == self.instances:
            return (
                f"All {self.instances:,} instances of an incomplete dump are verified at the "
                "target; what the dump lost is not among them."
            )
        if self.exit_code == EXIT_VERIFIED:
            return f"All {self.instances:,} instances are verified at the target."
        return (
            f"Finished with exceptions: {self.verified:,} of {self.instances:,} instances are "
            "verified at the target."
        )

    @property
    def meaning(self) -> str:
        """What being balanced, or not, tells the reader."""
        if self.balanced:
            return (
                f"Each of the {self.instances:,} instance rows of the dump and each of the "
                f"{self.files:,} files of the storage is in exactly one of the states below. "
                "Nothing was left out without being listed."
            )
        return (
            f"{self.unaccounted_instances:,} instance rows and {self.unaccounted_files:,} files "
            "have no state, or have more than one. Do not retire the old archive on this account; "
            "plan and run the job again, and report it if the sums still differ."
        )

    def as_dict(self) -> dict[str, object]:
        """The account as `status --json` and account.json give it."""
        return {
            "instances": self.instances,
            "states": {state.value: self.states[state] for state in InstanceState},
            "files": self.files,
            "file_states": {state.value: self.file_states[state] for state in FileState},
            "balanced": self.balanced,
            "causes": dict(sorted(self.causes.items())),
            "extra_at_target": self.extra_at_target,
            "no_verification": self.no_verification,
            "cuts": self.cuts,
            "exit_code": self.exit_code,
        }


def account_of(  # noqa: PLR0913 - eight facts, all of them counts of one job
    *,
    instances: int,
    states: Mapping[str, int],
    files: int,
    file_states: Mapping[str, int],
    causes: Mapping[str, int] | None = None,
    extra_at_target: int = 0,
    no_verification: str | None = None,
    cuts: int = 0,
) -> Account:
    """The account from counts by state; a state that is not counted is zero.

    Raises LedgerError for a state that is not in the closed list.
    """
    return Account(
        instances=instances,
        states=complete(InstanceState, states),
        files=files,
        file_states=complete(FileState, file_states),
        causes=dict(causes or {}),
        extra_at_target=extra_at_target,
        no_verification=no_verification,
        cuts=cuts,
    )


def complete(kind: type[State], counts: Mapping[str, int]) -> dict[State, int]:
    """A count for every member of *kind*, in its order."""
    unknown = sorted(set(counts) - {member.value for member in kind})
    if unknown:
        raise LedgerError(
            f"the ledger holds the state {', '.join(unknown)}, which this pacslift does not know; "
            "use the version of pacslift that made the job"
        )
    return {member: counts.get(member.value, 0) for member in kind}
