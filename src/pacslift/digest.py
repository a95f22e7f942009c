"""The digest of a Data Set as it goes over the wire, and how the ledger writes it down.

BLAKE3 is as hard to forge as sha256, which a proof that the same was sent twice must be, and five
times as fast: sha256 was half of a sender's time. A record names its algorithm; one without a name
is of a ledger from before there were two, and is sha256. A digest is only ever held against one of
the same algorithm, so what was recorded by another one is computed by that again.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import Protocol

from blake3 import blake3

BLAKE3, SHA256 = "blake3", "sha256"


class Running(Protocol):
    """A digest that is being taken."""

    def update(self, data: bytes | memoryview, /) -> object:
        """Take in what follows."""

    def hexdigest(self) -> str:
        """Give the digest of all that was taken in."""


BEGIN: dict[str, Callable[[], Running]] = {BLAKE3: blake3, SHA256: hashlib.sha256}


def algorithm_of(record: str | None) -> str:
    """The algorithm that made *record*; for None, the one that new records are made with."""
    if record is None:
        return BLAKE3
    return record.partition(":")[0] if ":" in record else SHA256


def recorded(algorithm: str, running: Running) -> str:
    """What the ledger keeps of a digest."""
    return running.hexdigest() if algorithm == SHA256 else f"{algorithm}:{running.hexdigest()}"


def digest_over(pieces: Iterable[bytes | memoryview], algorithm: str = BLAKE3) -> str:
    """The digest of *pieces* in a row, as the ledger keeps it."""
    running = BEGIN[algorithm]()
    for piece in pieces:
        running.update(piece)
    return recorded(algorithm, running)


def told(record: str) -> str:
    """*record* as it is shown: the algorithm, and the digest in hex."""
    return f"{algorithm_of(record)} {record.rpartition(':')[2]}"
