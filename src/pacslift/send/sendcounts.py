"""What a send stage has done, counted from what it tells, in one sentence."""

from pacslift.events import AssociationsChanged, Elsewhere, Event, InstanceSent, PaceChanged, Sink
from pacslift.ledger import InstanceState

_STORED = {InstanceState.STORED.value, InstanceState.STORED_CHANGED.value}


class SendCounts:
    """A sink that counts what became of instances, and passes every event on."""

    def __init__(self, inner: Sink) -> None:
        self._inner = inner
        self.stored = self.corrected = self.left_out = self.bytes = 0
        self.held = 0.0  # seconds in which nothing was to be sent, by a person or a window
        self.elsewhere = 0  # instances that other machines are through with
        self.manned = AssociationsChanged(0, "")

    def __call__(self, event: Event) -> None:
        """Count *event* if an instance was sent, and pass it on."""
        if isinstance(event, InstanceSent):
            self._count(event)
        elif isinstance(event, PaceChanged):
            self.held += event.held_seconds
        elif isinstance(event, Elsewhere):
            self.elsewhere += event.instances
        elif isinstance(event, AssociationsChanged):
            self.manned = event
        self._inner(event)

    def _count(self, event: InstanceSent) -> None:
        if event.state not in _STORED:
            self.left_out += 1
            return
        self.stored += 1
        self.corrected += bool(event.changes)
        self.bytes += event.bytes

    def sentence(self, seconds: float) -> str:
        """How many were stored, corrected and left out, and the rate in *seconds* of sending."""
        seconds = max(seconds, 1e-3)
        corrected = f" ({self.corrected:,} corrected)" if self.corrected else ""
        left_out = f", {self.left_out:,} not" if self.left_out else ""
        rate = f"{self.stored / seconds:,.0f}/s, {self.bytes / seconds / 1e6:,.1f} MB/s"
        held = f" while sending; held for {duration(self.held)}" if self.held >= 1 else ""
        others = f"; {self.elsewhere:,} sent by other machines" if self.elsewhere else ""
        return f"{self.stored:,} stored{corrected}{left_out}; {rate}{held}{others}{self._fewer()}"

    def _fewer(self) -> str:
        """That the target took fewer associations than were asked for, if so."""
        took, asked = self.manned.associations, self.manned.asked
        if took >= asked:
            return ""
        return f"; the target takes {took} of the {asked} associations asked for"


def duration(seconds: float) -> str:
    """Hours and minutes, or seconds where it is less than one."""
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours or minutes:
        return f"{hours} h {minutes:02} min"
    return f"{left} s"
