"""A file of a dump as its reader sees it, whatever it is packed in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.packed.bytesfrom import Bytes, bounded, file_of, head_of, taken
from pacslift.extract.packed.unpacked import Shelf
from pacslift.extract.packed.window import Opener, Window
from pacslift.extract.truncation import Cut, Truncation

if TYPE_CHECKING:
    from pacslift.extract.packed.folder import Folder


class Source:
    """One file of a dump. *name* is what it is called unpacked, in its *folder*.

    *path* names it in messages: what the user gave, and behind it the member of an archive.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        content: Bytes,
        folder: "Callable[[], Folder]",
        shelf: Shelf,
        packed: tuple[str, ...] = (),
        parts: int = 1,
    ) -> None:
        self.path = path
        self.name = name
        self.content = content
        self.packed = packed
        self.parts = parts
        self._folder = folder
        self._shelf = shelf

    def __str__(self) -> str:
        return str(self.path)

    @property
    def stem(self) -> str:
        """Its name without the last suffix."""
        return PurePosixPath(self.name).stem

    @property
    def file(self) -> Path | None:
        """The file on the disk, where it is one and not packed."""
        return None if self.packed or self.parts > 1 else self.path

    @property
    def size(self) -> int:
        """Its bytes, unpacked; of a packed file all is read."""
        return self.content.size

    @property
    def early_end(self) -> str | None:
        """Where what is packed is cut off, once it was read to there."""
        cut = self.content.early
        if cut and self.parts > 1:
            return f"{cut} of its {self.parts} parts together, or a part behind them is missing"
        return cut

    def meet_end(self, truncation: Truncation, table: str | None, rows: int) -> None:
        """Refuse or accept a table's end, after so many *rows*, if what is packed is cut off."""
        if cut := self.early_end:
            after = f"row {rows} of table {table}" if rows else "no row"
            message = f"{self} ends early, after {after}: {cut}."
            truncation.meet(Cut(str(self), table, rows), message)

    @property
    def wording(self) -> str:
        """In what it is packed: ", gzip compressed, 3 parts", or nothing."""
        return worded(self.packed, self.parts)

    @property
    def folder(self) -> "Folder":
        """The folder or archive that it lies in."""
        return self._folder()

    def opener(self, start: int = 0, length: int | None = None) -> Opener:
        """Windows on it from byte *start* on, on *length* bytes at most."""

        @contextmanager
        def opened() -> Iterator[Window]:
            with self.content.reading(start) as read:
                yield Window(read if length is None else bounded(read, length), str(self), start)

        return opened

    def open(self) -> BinaryIO:
        """A file object; moving back in what is packed unpacks from the beginning."""
        return self.file.open("rb") if self.file else file_of(self.content)

    def head(self, size: int) -> bytes:
        """Its first bytes."""
        return head_of(self.content, size)

    def open_random(self, most: int, why: str) -> BinaryIO:
        """A file object in which every place is near: what is packed is held in memory.

        Raises DumpFormatError where that is more than *most* bytes, saying *why* it must be;
        DumpDamagedError where it ends early.
        """
        if self.content.random:
            return self.open()
        with self.content.reading(0) as read:
            held = taken(read, most + 1)
        self.close()
        if len(held) > most:
            raise DumpFormatError(
                f"{self} has more than {most >> 20} MiB unpacked, and {why}. Unpack it first."
            )
        if self.early_end:
            raise DumpDamagedError(f"{self} ends early: {self.early_end}. Copy it again.")
        return BytesIO(held)

    def close(self) -> None:
        """End what is being unpacked; it can be read again."""
        self._shelf.close()


DumpFile = Path | Source
"""What readers of one file take: one on the disk, or one that may be packed."""


def worded(packed: tuple[str, ...], parts: int) -> str:
    """How a dump is packed, from the inside out, in words that follow its format."""
    words = ["in a tar archive" if one == "tar" else f"{one} compressed" for one in packed[::-1]]
    words += [f"{parts} parts"] if parts > 1 else []
    return "".join(f", {word}" for word in words)


@contextmanager
def explained(source: object) -> Iterator[None]:
    """Where something is wrong with *source*, say so if it is how it is packed.

    Damaged data may unpack to something for a while; its checksum comes last.
    """
    try:
        yield
    except (DumpDamagedError, DumpFormatError) as error:
        if not isinstance(source, Source) or not source.packed:
            raise
        _ = source.size  # raises DumpDamagedError for what is damaged
        cut = source.early_end
        if not cut or cut in str(error):
            raise
        raise DumpDamagedError(f"{source} ends early: {cut}. {error}") from error
