"""What crosses the link between sender and target, and where it can break."""

from dataclasses import dataclass
from enum import Enum

from blake3 import blake3


class Where(Enum):
    """Where in the exchange about one object the link breaks."""

    COMMAND = "in the middle of its command"
    DATA = "in the middle of a PDU of its data set"
    ANSWER_LOST = "between its data set and its answer"
    ANSWER = "in the middle of its answer"


@dataclass(frozen=True, slots=True)
class Cut:
    """The link breaks at the *nth* object, after *share* of the bytes that it then has."""

    nth: int
    where: Where
    share: float  # from 0 to 1
    is_reset: bool = True  # else the ends are closed in order
    is_silent: bool = False  # neither: nothing more crosses, as when a cable is pulled


def digest_of(data_set: bytes) -> bytes:
    """Its digest, as the ledger's file has it: 1 for BLAKE3, and the digest."""
    return b"\x01" + blake3(data_set).digest()


@dataclass(slots=True)
class Reception:
    """One object that crossed the link whole."""

    sop_instance_uid: str
    digest: bytes  # of the data set
    by: str = ""  # title of the application entity that sent it
    status: int | None = None  # of the answer that crossed back whole

    @property
    def is_acknowledged(self) -> bool:
        """Whether the sender was told that the target has it."""
        return self.status is not None and (self.status == 0 or self.status >> 12 == 0xB)
