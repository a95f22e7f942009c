"""An old PACS for stories: Conquest with SQLite, as many small slices as a story needs."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset

from servers import CHECKOUT

sys.path.append(str(CHECKOUT / "fixtures"))

__all__ = ["CT", "MR", "PATIENTS", "SECRETS", "OldPacs", "Study", "ct", "mr", "old_pacs", "part10"]

from making.conquest import Kept, write_sqlite_archive
from making.objects import Person, Study, ct, mr, part10

# Nothing that the program says may hold these.
PATIENTS = (
    Person("GEHEIM-4711", "Verborgen^Gerda", "19610203", "F", "ISO_IR 192"),
    Person("GEHEIM-0815", "Heimlich^Otto", "19480521", "M", "ISO_IR 192"),
)
SECRETS = ("GEHEIM", "4711", "0815", "Verborgen", "Gerda", "Heimlich", "Otto", "19610203")
# SOP class and transfer syntax
CT = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")
MR = ("1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.1.2.1")

Kind = Callable[[Study, int, int, int], Dataset]


@dataclass(frozen=True)
class OldPacs:
    """Where its dump and its storage lie, and the file of each SOP Instance UID."""

    dump: Path
    storage: Path
    files: Mapping[str, Path]

    @property
    def uids(self) -> list[str]:
        """The SOP Instance UIDs, in the order in which the objects were received."""
        return list(self.files)


def old_pacs(
    folder: Path, slices: int = 6, size: int = 8, kinds: Sequence[Kind] = (ct,), studies: int = 4
) -> OldPacs:
    """An archive with *slices* of *size* x *size* samples, of each of *kinds* in turn.

    Four studies of two patients, or so many.
    """
    of = [
        Study(PATIENTS[n % 2], f"story {n}", f"201403{n % 20 + 10:02}", "CT Prüfkörper", f"S{n}")
        for n in range(studies)
    ]
    kept = []
    for nth in range(slices):
        series, number = divmod(nth // studies, 50)
        study = nth % studies
        header = kinds[nth % len(kinds)](of[study], series + 1, number + 1, size)
        kept.append(Kept(header, f"{study}/{nth:06}.dcm", part10(header)))
    write_sqlite_archive(kept, {"MAG0": folder / "data"}, folder / "conquest.db3")
    files = {str(one.header.SOPInstanceUID): folder / "data" / one.path for one in kept}
    return OldPacs(folder / "conquest.db3", folder / "data", files)
