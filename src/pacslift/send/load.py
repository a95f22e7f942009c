"""From a planned instance to the object that goes over the wire: the first copy that is good.

The old database is held against the file here, since here the file is read: size, digest and the
three UIDs must agree, or the object is not sent under that row's name.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping

from pacslift.adapter import Rebuild
from pacslift.errors import Cause, SetAsideError
from pacslift.inventory import readat, tars, zips
from pacslift.inventory.catalog import WITHOUT_HEADER
from pacslift.inventory.roots import Opened, opened_inside
from pacslift.inventory.stored import open_stored
from pacslift.ledger import Candidate, Planned
from pacslift.repair.orders import Orders
from pacslift.repair.outgoing import FileSpan, Outgoing, prepare
from pacslift.send.headless import made
from pacslift.send.orders import OrderBook
from pacslift.unforeseen import one_object

CHUNK = 1 << 20  # bytes
ALGORITHMS = {"md5", "sha1", "sha256", "sha512"}
AS_STORED = OrderBook()
CUT_UID = 64  # a UID of this length may be a longer one that the database's column cut off


def load(planned: Planned, book: OrderBook = AS_STORED) -> tuple[Outgoing, Candidate]:
    """Open, check and prepare the best copy of *planned*; the caller closes the Outgoing.

    *book* has the orders for it: what is laid over it, which rules work.

    Raises SetAsideError with the cause against the first copy when no copy is good; the detail
    says how many were tried.
    """
    first: SetAsideError | None = None
    for candidate in planned.candidates:
        try:
            with one_object():
                return load_copy(planned, candidate, book), candidate
        except SetAsideError as error:
            first = first or error
    if first is None:
        raise SetAsideError(Cause.MISSING_FILE, "no copy of it is in the storage")
    tried = len(planned.candidates)
    more = f"; {tried} copies tried, none good" if tried > 1 else ""
    raise SetAsideError(first.cause, f"{first.detail}{more}")


def load_copy(planned: Planned, candidate: Candidate, book: OrderBook) -> Outgoing:
    """One copy as it goes over the wire. SetAsideError if it is not what the database says."""
    orders = book.of(planned, candidate)
    file = opened_inside(candidate.mount, candidate.relative)
    try:
        outgoing = opened(file, planned, candidate, orders, book.rebuild)
    except SetAsideError as error:
        raise SetAsideError(error.cause, f"{candidate.place}: {error.detail}") from error
    try:
        require_identity(planned, outgoing, candidate, book.uids)
        outgoing.watched += (file.watched,)
        if not isinstance(outgoing.segments[-1], FileSpan):  # else that is seen when it is sent
            outgoing.require_unchanged()
    except BaseException:
        outgoing.close()
        raise
    return outgoing


def opened(
    file: Opened, planned: Planned, candidate: Candidate, orders: Orders, rebuild: Rebuild
) -> Outgoing:
    """Check and prepare the open file, which is closed on error."""
    fd = file.fd
    try:
        require_as_recorded(file, candidate)
    except OSError as error:
        os.close(fd)
        raise SetAsideError(
            Cause.UNREADABLE, f"the disk fails while it is read: {error.strerror}"
        ) from error
    except BaseException:
        os.close(fd)
        raise
    if candidate.container in WITHOUT_HEADER:
        return made(fd, planned, candidate, orders, rebuild)
    # It owns the file from here on.
    stored = open_stored(fd, candidate.container, candidate.member, file.size)
    return prepare(stored, orders)


def require_as_recorded(file: Opened, candidate: Candidate) -> None:
    """SetAsideError unless the object has the size and the digest that were recorded of it.

    Both are of the file, or of the entry in a TAR file, which may say the digest itself.
    """
    fd, size = file.fd, file.size
    if candidate.container == zips.CONTAINER:
        require_entry_as_recorded(fd, candidate)
        return
    start, listed = 0, None
    if candidate.container == tars.CONTAINER:
        entry = tars.entry_of(fd, candidate.member)
        start, size, listed = entry.offset, entry.size, entry.md5
    require_size(size, candidate)
    recorded, algorithm = candidate.digest or listed, candidate.digest_algorithm or "md5"
    if not recorded or algorithm not in ALGORITHMS:
        return
    require_digest(
        (
            readat.read_at(fd, min(CHUNK, start + size - offset), offset)
            for offset in range(start, start + size, CHUNK)
        ),
        algorithm,
        recorded,
    )


def require_entry_as_recorded(fd: int, candidate: Candidate) -> None:
    """The same of an entry in a ZIP file, which has its size and a checksum in any case."""
    entry = zips.entry_of(fd, candidate.member)
    require_size(entry.size, candidate)
    recorded, algorithm = candidate.digest, candidate.digest_algorithm or "md5"
    known = bool(recorded) and algorithm in ALGORITHMS
    if not known and not entry.is_stretch:
        return  # its checksum is compared when it is inflated
    plain = zips.opened(os.dup(fd), candidate.member)
    try:
        if known:
            pieces = (plain.read(offset, CHUNK) for offset in range(0, plain.size, CHUNK))
            require_digest(pieces, algorithm, recorded or "")
        else:
            zips.require_whole(plain, entry, candidate.member)
    finally:
        plain.close()


def require_size(size: int, candidate: Candidate) -> None:
    """SetAsideError SIZE_DIFFERS unless it is what was recorded, if anything was."""
    if candidate.size_bytes is not None and size != candidate.size_bytes:
        raise SetAsideError(
            Cause.SIZE_DIFFERS, f"{size} bytes on disk, {candidate.size_bytes} in the database"
        )


def require_digest(pieces: Iterable[bytes], algorithm: str, recorded: str) -> None:
    """SetAsideError DIGEST_DIFFERS unless the bytes have the digest that was recorded."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    for piece in pieces:
        digest.update(piece)
    if digest.hexdigest() != recorded.lower():
        raise SetAsideError(
            Cause.DIGEST_DIFFERS,
            f"its {algorithm} is {digest.hexdigest()}, {recorded} was recorded: "
            "the content has changed since it was stored",
        )


def require_identity(
    planned: Planned, outgoing: Outgoing, candidate: Candidate, uids: Mapping[str, str]
) -> None:
    """SetAsideError unless the object is the one that its row in the database names.

    *uids* are the new UIDs of those that a rule replaces: the object has them already.
    """
    pairs = (
        ("SOPInstanceUID", planned.sop_instance_uid, outgoing.sop_instance_uid),
        ("SeriesInstanceUID", planned.series_instance_uid, outgoing.series_instance_uid),
        ("StudyInstanceUID", planned.study_instance_uid, outgoing.study_instance_uid),
    )
    for keyword, old, found in pairs:
        recorded = uids.get(old, old) if old else old
        if recorded and recorded != found and not cut_off(recorded, found):
            raise SetAsideError(
                Cause.IDENTITY_DIFFERS,
                f"{candidate.place}: its {keyword} is {found or 'empty'}, "
                f"{recorded} in the database; a person has to say which is right",
            )


def cut_off(recorded: str, found: str) -> bool:
    """Whether *recorded* is *found* as far as a column of 64 characters could hold it."""
    return len(recorded) == CUT_UID and found.startswith(recorded)
