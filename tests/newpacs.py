"""A new PACS for stories: stores, answers queries, counts, and misbehaves when it is told to."""

import threading
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from pynetdicom import AE, _config, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as StudyRootFind

from pacslift.demo_target import DemoTarget

PATIENCE = 40.0  # seconds after which an object that is held back is answered all the same

Deed = Callable[[evt.Event], int]


class NewPacs(DemoTarget):
    """The demo's archive with verbs; without any of them it stores everything.

    *received* has every C-STORE request that arrived whole, stored or not, in order.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, aet="NEWPACS")
        self.received: list[str] = []
        self.came = threading.Condition()
        self._coming: deque[Deed] = deque()
        self._on: dict[str, Deed] = {}
        self._always: Deed = self.stored
        self._free: int | None = None  # objects that are answered before the gate is shut
        self._queries = True
        self._most: int | None = None  # associations at once
        self._pairs: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """As `--target` takes it."""
        return f"{self.aet}@{self.host}:{self.port}"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.open_the_gate()
        super().__exit__(kind, error, trace)

    @property
    def times(self) -> Counter[str]:
        """How often each SOP Instance UID was received."""
        return Counter(self.received)

    # what it does to objects: to the next ones, to one, or to all

    def next(self, *deeds: Deed) -> Self:
        self._coming += deeds
        return self

    def on(self, uid: str, deed: Deed) -> Self:
        self._on[uid] = deed
        return self

    def always(self, deed: Deed) -> Self:
        self._always = deed
        return self

    def hold_after(self, count: int) -> Self:
        """Answer *count* objects, and let all others wait until the gate is opened."""
        self._free = count
        return self

    def let_pass(self, count: int) -> None:
        """Answer so many more objects than before."""
        with self.came:
            assert self._free is not None
            self._free += count
            self.came.notify_all()

    def open_the_gate(self) -> None:
        with self.came:
            self._free = None
            self.came.notify_all()

    def wait_for(self, count: int) -> None:
        """Until so many objects have been received in all."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.received) >= count, PATIENCE)

    def take_no_queries(self) -> Self:
        """Accept no C-FIND; before it listens."""
        self._queries = False
        return self

    def take_associations(self, most: int) -> Self:
        """Reject further ones, for the time being; before it listens."""
        self._most = most
        return self

    def accept_only(self, *pairs: tuple[str, str]) -> Self:
        """Accept these SOP classes in these transfer syntaxes; before it listens."""
        self._pairs = pairs
        return self

    def _relax_the_libraries(self) -> None:
        super()._relax_the_libraries()
        _config.UNRESTRICTED_STORAGE_SERVICE = not self._pairs

    def _new_entity(self) -> AE:
        entity = super()._new_entity()
        for pair in self._pairs:
            entity.add_supported_context(*pair)
        if self._most:
            entity.maximum_associations = self._most
        if not self._queries:
            entity.remove_supported_context(StudyRootFind)
        return entity

    # deeds

    def stored(self, event: evt.Event) -> int:
        return super()._store(event)

    def dropped(self, _: evt.Event) -> int:
        """Say that it is stored, and keep nothing."""
        return 0

    def aborted(self, event: evt.Event) -> int:
        event.assoc.abort()
        return 0

    def stored_with_warning(self, event: evt.Event) -> int:
        self.stored(event)
        return 0xB000

    def _store(self, event: evt.Event) -> int:
        uid = str(event.request.AffectedSOPInstanceUID)
        with self.came:
            self.received.append(uid)
            count = len(self.received)
            self.came.notify_all()
            self.came.wait_for(lambda: self._free is None or count <= self._free, PATIENCE)
        if uid in self._on:
            return self._on[uid](event)
        return (self._coming.popleft() if self._coming else self._always)(event)


def answering(status: int) -> Deed:
    """Refuse, or whatever else *status* means, and keep nothing."""
    return lambda _: status
