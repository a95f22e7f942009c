"""The objects of a study that are asked for the character set of its texts, and what they say.

Asked is only where a rule must know: an object has texts beyond ASCII, and its own character set is
missing or not the database's. Whoever asks first, and how often, does not matter: the plan has
chosen the witnesses, so they say the same to every worker and in every run of the plan.

Cost    one question to the ledger, and one look at the header of each of at most MOST objects, once
        for a study and process; what they said is kept for the KEPT studies asked for last.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock
from types import MappingProxyType

from pacslift.errors import SetAsideError
from pacslift.inventory.catalog import WITHOUT_HEADER
from pacslift.inventory.roots import open_inside
from pacslift.inventory.stored import open_stored
from pacslift.ledger import Ledger, Overlay, Witness
from pacslift.ledger_engine import Place
from pacslift.repair.orders import Orders
from pacslift.repair.rules.study import STUDY, Testimony
from pacslift.repair.testify import testify
from pacslift.unforeseen import one_object

MOST = 256  # of a study
KEPT = 64  # studies
CUT_UID = 64  # a UID of this length may be a longer one that the database's column cut off

OrdersOf = Callable[[tuple[Overlay, ...]], Orders]


class Witnesses:
    """What the studies of a job testify. May be used by several threads, and sent to processes.

    *moved* says where a folder of the storage, as it was planned, is on this machine.
    """

    def __init__(
        self, ledger: Place, orders_of: OrdersOf, moved: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._place, self._orders_of, self._moved = ledger, orders_of, moved
        self._ledger: Ledger | None = None
        self._known: OrderedDict[str, frozenset[Testimony]] = OrderedDict()
        self._lock = Lock()

    def __reduce__(self) -> tuple[type["Witnesses"], tuple[Place, OrdersOf, dict[str, str]]]:
        """Another process asks for itself."""
        return Witnesses, (self._place, self._orders_of, dict(self._moved))

    def testimonies(self, study_instance_uid: str) -> frozenset[Testimony]:
        """What the witnesses of a study say, named by the UID that its objects have in the file."""
        study = study_instance_uid[:CUT_UID]  # as far as the database's column may hold it
        with self._lock:  # who comes meanwhile mostly wants to know the same
            known = self._known.get(study)
            if known is None:
                known = self._known[study] = self._asked(study)
                if len(self._known) > KEPT:
                    self._known.popitem(last=False)
            return known

    def _asked(self, study: str) -> frozenset[Testimony]:
        self._ledger = self._ledger or Ledger(self._place)
        chosen = self._ledger.witnesses(study, MOST)
        return frozenset(said for one in chosen if (said := self._said_by(one, study)))

    def _said_by(self, witness: Witness, study: str) -> Testimony | None:
        """What a witness says; nothing where no copy of it could be sent as one of this study."""
        for candidate in witness.candidates:
            if candidate.container in WITHOUT_HEADER:
                continue
            with suppress(SetAsideError), one_object():
                mount = Path(self._moved.get(candidate.mount, candidate.mount))
                fd = open_inside(mount, candidate.relative)
                stored = open_stored(fd, candidate.container, candidate.member)
                try:
                    if stored.uid(STUDY)[:CUT_UID] == study:
                        return testify(stored, self._orders_of(witness.overlays))
                finally:
                    stored.close()
        return None
