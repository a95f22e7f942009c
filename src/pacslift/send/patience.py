"""When to stop believing in a target. Pure; one for all workers of a run."""

from pacslift.errors import StopError, TargetBusyError, TargetLostError, TargetStatusError
from pacslift.send.delivery import Delivery
from pacslift.send.outcome import Outcome


class Patience:
    """Counts objects in a row that the target lost or was too busy for.

    One such object may be the object's fault, so it takes several different ones; any other
    answer of the target, a refusal too, shows that it works, and the count begins again.
    An answer that the job's policy calls a reason to stop is enough by itself.
    Objects that were not sent, or failed in our own hands, say nothing about the target.
    """

    def __init__(self, lost_in_a_row: int = 3, busy_in_a_row: int = 3) -> None:
        self._most = {Outcome.NO_ANSWER: lost_in_a_row, Outcome.BUSY: busy_in_a_row}
        self._row: dict[Outcome, set[str]] = {Outcome.NO_ANSWER: set(), Outcome.BUSY: set()}

    def judge(self, delivery: Delivery) -> None:
        """Note *delivery*, after the ledger has.

        Raises TargetLostError, TargetBusyError or TargetStatusError.
        """
        if delivery.sent is None or delivery.outcome is Outcome.NOT_SENT:
            return
        if delivery.outcome is Outcome.STOP:
            raise TargetStatusError(
                f"the target answered {delivery.sent.sop_instance_uid} with {delivery.detail}, at "
                "which job.toml says to stop; look into the target's log, then start again: the "
                "run goes on where it was"
            )
        for outcome, row in self._row.items():
            if delivery.outcome is outcome:
                row.add(delivery.sent.sop_instance_uid)
            else:
                row.clear()
        row = self._row.get(delivery.outcome, set())
        if row and len(row) >= self._most[delivery.outcome]:
            raise _stop(delivery, len(row))


def _stop(delivery: Delivery, count: int) -> StopError:
    if delivery.outcome is Outcome.BUSY:
        return TargetBusyError(
            f"the target stayed out of resources for {count} objects in a row ({delivery.detail}); "
            "check its disks and queues, then start again: the run goes on where it was"
        )
    return TargetLostError(
        f"{count} objects in a row got no answer; the last time: {delivery.detail}. Check the "
        "target's log and the network, then start again: the run goes on where it was"
    )
