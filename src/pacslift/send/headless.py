"""The object of a file that is only pixels: with what its row says, or with a header apart."""

import os

from pacslift.adapter import Rebuild
from pacslift.errors import SetAsideError
from pacslift.inventory.catalog import SPLIT
from pacslift.inventory.pixelfile import PixelFile, open_pixels
from pacslift.inventory.roots import Opened, opened_inside
from pacslift.inventory.stored import StoredObject, open_stored
from pacslift.ledger import Candidate, Planned
from pacslift.repair.assemble import assembled
from pacslift.repair.orders import Orders
from pacslift.repair.outgoing import Outgoing
from pacslift.repair.rebuild import Identity, rebuilt, require_rule


def made(
    fd: int, planned: Planned, candidate: Candidate, orders: Orders, rule: Rebuild
) -> Outgoing:
    """Make the object of an open file of pixels, which it owns from then on, also on error.

    Takes   *rule*, the adapter's [rebuild].
    Raises  SetAsideError NOT_REBUILT, and what reading and repairing raise.
    """
    try:
        require_rule(rule, orders.rules)
    except SetAsideError:
        os.close(fd)
        raise
    known = Identity(
        planned.sop_class_uid,
        planned.sop_instance_uid,
        planned.series_instance_uid,
        planned.study_instance_uid,
    )
    pixels = open_pixels(fd)
    if candidate.container == SPLIT:
        file, header = header_of(pixels, candidate)
        outgoing = assembled(pixels, header, known, orders)
        outgoing.watched += (file.watched,)
        return outgoing
    return rebuilt(pixels, rule, known, orders)


def header_of(pixels: PixelFile, candidate: Candidate) -> tuple[Opened, StoredObject]:
    """Open the header of a split object; the pixels are closed where that fails."""
    try:
        file = opened_inside(candidate.mount, candidate.member or "")
        return file, open_stored(file.fd)
    except SetAsideError as error:
        pixels.source.close()
        raise SetAsideError(
            error.cause, f"its header {candidate.member}: {error.detail}"
        ) from error
    except BaseException:
        pixels.source.close()
        raise
