"""What is made once for many runs, when the first of them needs it."""

from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Self

from prepared import Prepared, prepare
from sharing import LedgerServer, ledger_server

SLICES, SIDE, STUDIES = 120, 48, 20  # enough for several machines


class Stock:
    """Keeps all of it below *folder*, as long as it is used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @cached_property
    def few(self) -> Prepared:
        """An archive for one machine."""
        return prepare(self._folder / "few")

    @cached_property
    def many(self) -> Prepared:
        """An archive with studies enough for several machines."""
        return prepare(self._folder / "many", SLICES, SIDE, STUDIES)

    @cached_property
    def ledgers(self) -> LedgerServer:
        """A server for ledgers."""
        return self._opened.enter_context(ledger_server())
