"""A real C-FIND SCP in a thread, that answers by a script. For what no well-behaved target does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydicom import Dataset
from pydicom.datadict import keyword_for_tag
from pynetdicom import AE, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as StudyRootFind
from pynetdicom.sop_class import Verification

from pacslift.job import TargetAddress
from pacslift.verify.query import identifier, text
from scripted import end_server

SUCCESS, PENDING = 0x0000, 0xFF00

Keys = dict[str, str]
Reply = list[tuple[int, Dataset | None]]


def rows(*answers: Keys) -> Reply:
    """These answers, then success."""
    return [*[(PENDING, identifier("", one)) for one in answers], (SUCCESS, None)]


@dataclass
class FindPeer:
    """*script* gets the keys of a query and gives what to answer; None aborts the association."""

    script: Callable[[Keys], Reply | None]
    address: TargetAddress = field(init=False)
    asked: list[Keys] = field(default_factory=list)
    associations: int = 0

    def _find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        query = event.identifier
        keywords = [keyword_for_tag(tag) for tag in sorted(query.keys())]
        keys = {keyword: text(query, keyword) or "" for keyword in keywords}
        self.asked.append(keys)
        reply = self.script(keys)
        if reply is None:
            event.assoc.abort()
            return
        yield from reply

    def _count(self, _event: evt.Event) -> None:
        self.associations += 1

    @contextmanager
    def running(self, *sop_classes: str) -> Iterator["FindPeer"]:
        """Listen, supporting *sop_classes*, by default C-FIND and C-ECHO."""
        entity = AE(ae_title="FINDPEER")
        for sop_class in sop_classes or (StudyRootFind, Verification):
            entity.add_supported_context(sop_class)
        handlers = [(evt.EVT_C_FIND, self._find), (evt.EVT_ESTABLISHED, self._count)]
        server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        self.address = TargetAddress("FINDPEER", "127.0.0.1", server.server_address[1])
        try:
            yield self
        finally:
            end_server(server)
            entity.shutdown()
