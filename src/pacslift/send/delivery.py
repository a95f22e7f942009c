"""What has become of one object, as a value: for the ledger, across processes."""

from dataclasses import dataclass, replace

from pacslift.errors import Cause, SetAsideError
from pacslift.repair.outgoing import Change, Outgoing
from pacslift.send.association import StoreAnswer
from pacslift.send.outcome import AS_COMMON, Outcome, Policy

_CAUSES = {
    Outcome.STORED_CHANGED: Cause.STORED_WITH_WARNING,
    Outcome.BUSY: Cause.OUT_OF_RESOURCES,
    Outcome.REFUSED: Cause.REFUSED_BY_TARGET,
    Outcome.STOP: Cause.OUT_OF_RESOURCES,  # a further run asks again by itself
    Outcome.NO_ANSWER: Cause.NO_ANSWER,
}


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent, or would have been: the object's identity after repair."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    study_instance_uid: str
    series_instance_uid: str
    patient_id: str
    length: int  # bytes of the Data Set
    digest: (
        str | None
    )  # of the Data Set, see pacslift.digest; None: it was not sent, or could not be read
    envelope: tuple[str, ...]
    changes: tuple[Change, ...]
    issuer_of_patient_id: str = ""
    patient_name: str = ""
    patient_birth_date: str = ""
    accession_number: str = ""
    study_date: str = ""

    @classmethod
    def of(cls, outgoing: Outgoing, digest: str | None) -> "Sent":
        """*outgoing* without its bytes."""
        return cls(
            sop_class_uid=outgoing.sop_class_uid,
            sop_instance_uid=outgoing.sop_instance_uid,
            transfer_syntax_uid=outgoing.transfer_syntax_uid,
            study_instance_uid=outgoing.study_instance_uid,
            series_instance_uid=outgoing.series_instance_uid,
            patient_id=outgoing.patient_id,
            length=outgoing.length,
            digest=digest,
            envelope=outgoing.envelope,
            changes=outgoing.changes,
            issuer_of_patient_id=outgoing.issuer_of_patient_id,
            patient_name=outgoing.patient_name,
            patient_birth_date=outgoing.patient_birth_date,
            accession_number=outgoing.accession_number,
            study_date=outgoing.study_date,
        )


@dataclass(frozen=True, slots=True)
class Delivery:
    """What has become of one object. *cause* is None only for STORED."""

    outcome: Outcome
    cause: Cause | None = None
    detail: str = ""  # one sentence without patient data
    answer: StoreAnswer | None = None  # the target's last word
    attempts: int = 0  # how often the object was begun to be sent
    sent: Sent | None = None  # None: the object could not be prepared

    @classmethod
    def answered(cls, answer: StoreAnswer, policy: Policy = AS_COMMON) -> "Delivery":
        """The target has answered; *policy* says what that comes to."""
        outcome = policy.outcome_of(answer.status)
        cause = _CAUSES.get(outcome)
        detail = _detail(answer, policy) if cause else ""
        return cls(outcome, cause, detail, answer, attempts=1)

    @classmethod
    def unanswered(cls, detail: str, attempts: int) -> "Delivery":
        """The target has not answered: stored or not, nobody knows."""
        return cls(Outcome.NO_ANSWER, Cause.NO_ANSWER, detail, attempts=attempts)

    @classmethod
    def set_aside(cls, error: SetAsideError) -> "Delivery":
        """The object was not sent, or not to its end."""
        return cls(Outcome.NOT_SENT, error.cause, error.detail)

    def after(self, attempts: int) -> "Delivery":
        """The same, with *attempts* that went before."""
        return replace(self, attempts=self.attempts + attempts) if attempts else self

    def about(self, sent: Sent) -> "Delivery":
        """The same, with what it is about."""
        return Delivery(
            self.outcome, self.cause, self.detail, self.answer, self.attempts, sent
        )  # dataclasses.replace takes five times as long, and this is done for every object


def _detail(answer: StoreAnswer, policy: Policy) -> str:
    """The status and the elements it blames. The comment is left out: it may name a patient."""
    if answer.status is None:
        return ""
    meaning, blamed = policy.meaning_of(answer.status), ", ".join(answer.offending_elements)
    said = f"status {answer.status:04X}h" + (f", {meaning}" if meaning else "")
    return said + (f", offending elements {blamed}" if blamed else "")
