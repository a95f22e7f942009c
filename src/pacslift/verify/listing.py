"""What a target holds of one study, with the fewest questions that prove it.

Strategy: one STUDY query, one SERIES query, one IMAGE query a series. Counts prove nothing (they
may be cached or absent), the list of SOP Instance UIDs does. What is expected and not listed is
asked for by name, because a target may cut its lists short or lose a row on the way; what is
still not there is asked for without naming study and series, because it may lie elsewhere.

Only an unanswered question by name leaves an instance in doubt. Trouble while listing is a note:
it can hide what nobody expected, never what was.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Protocol

from pacslift.verify.identity import Said
from pacslift.verify.match import Expected, FoundInstance, FoundStudy
from pacslift.verify.query import IMAGE_KEYS, SERIES_KEYS, STUDY_KEYS, Row, askable

LIST_LENGTH = 50  # UIDs in one key of List of UID Matching, PS3.4 C.2.2.2.2
NOT_ASKABLE = "its {} Instance UID cannot be the value of a query key"


@dataclass(frozen=True, slots=True)
class Answers:
    """All rows of one query; *trouble* says why there may be more, None if there are not."""

    rows: tuple[Row, ...]
    trouble: str | None = None


class Ask(Protocol):
    """Puts one question to the target."""

    def __call__(self, level: str, keys: Mapping[str, str], *, optional: bool = False) -> Answers:
        """Give all the rows that the target answers; a failure is the Answers' trouble.

        Takes the level and its keys, of which the empty ones are wanted back; *optional* for a
        question that a target need not understand.
        """
        ...


def find_study(ask: Ask, study_instance_uid: str, expected: Collection[Expected]) -> FoundStudy:
    """Ask for what *expected* names, all of one study, and list what else the study holds."""
    study = StudyQuestions(ask, study_instance_uid)
    if askable(study_instance_uid):
        study.list_all()
        study.ask_by_name(expected)
    else:  # then only the objects' own UIDs can be asked for, which a target need not understand
        study.doubt([one.sop_instance_uid for one in expected], NOT_ASKABLE.format("Study"))
    study.ask_elsewhere(expected)
    return FoundStudy(
        study_instance_uid,
        frozenset(study.found),
        study.doubts,
        tuple(dict.fromkeys(study.notes)),
        tuple(study.said),
    )


@dataclass
class StudyQuestions:
    """The questions about one study and, as they are answered, what came of them."""

    ask: Ask
    uid: str
    found: set[FoundInstance] = field(default_factory=set)
    doubts: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    patients: set[str | None] = field(default_factory=set)
    said: list[Said] = field(default_factory=list)

    # what there is

    def list_all(self) -> None:
        """Study, its series, their instances."""
        studies = self._rows("STUDY", wanted(STUDY_KEYS))
        self.patients = {row.patient_id for row in studies}
        self.said = [Said(row.patient_id, row.identity, row.encodings) for row in studies]
        if len(self.patients) > 1:
            self.notes.append(f"the target has it under {len(self.patients)} patients")
        rows = self._rows("SERIES", wanted(SERIES_KEYS))
        for series in sorted({row.series_instance_uid or "" for row in rows}):
            self._list_series(series)
        counted = sum(row.instances or 0 for row in studies)
        if counted > len(self.found):
            self.notes.append(f"the target counts {counted} instances and lists {len(self.found)}")

    def _list_series(self, series: str) -> None:
        if askable(series):
            rows = self._rows("IMAGE", {**wanted(IMAGE_KEYS), "SeriesInstanceUID": series})
            self._take(rows, series)
        else:
            self.notes.append("one of its series has a UID that cannot be the value of a query key")

    def _rows(self, level: str, keys: Mapping[str, str]) -> Sequence[Row]:
        """The answers about this study; a target that takes its UID for a pattern gives others."""
        answers = self.ask(level, {**keys, **self._above()})
        if answers.trouble:
            self.notes.append(f"its list at {level} level may not be complete: {answers.trouble}")
        return [row for row in answers.rows if row.study_instance_uid in {self.uid, None}]

    def _above(self) -> Mapping[str, str]:
        """The unique key above, and with several patients the question whose it is.

        PatientID is no key of the lower levels (PS3.4 C.6.2.1), but the archives that part a
        study by patient, Orthanc among them, answer it there.
        """
        whose = wanted(["PatientID"]) if len(self.patients) > 1 else {}
        return {"StudyInstanceUID": self.uid, **whose}

    # what is expected and not listed

    def ask_by_name(self, expected: Collection[Expected]) -> None:
        """One by one, in lists, within study and series."""
        for series, missing in by_series(self._missing(expected)):
            if not askable(series):
                self.doubt(missing, NOT_ASKABLE.format("Series"))
                continue
            for some in self._lists_of(missing):
                answers = self._named({**self._above(), "SeriesInstanceUID": series}, some)
                self._take(answers.rows, series)
                if answers.trouble:
                    self.doubt(some, answers.trouble)

    def ask_elsewhere(self, expected: Collection[Expected]) -> None:
        """Without study and series: relational, which a target need not know (PS3.4 C.4.1.2.2)."""
        keys = wanted(("StudyInstanceUID", "SeriesInstanceUID", "PatientID"))
        for some in self._lists_of([one.sop_instance_uid for one in self._missing(expected)]):
            for row in self._named(keys, some, optional=True).rows:
                self.found.add(
                    FoundInstance(
                        row.sop_instance_uid or "",
                        row.series_instance_uid,
                        row.study_instance_uid,
                        row.patient_id,
                    )
                )

    def _missing(self, expected: Iterable[Expected]) -> list[Expected]:
        held = {instance.sop_instance_uid for instance in self.found}
        return [one for one in expected if one.sop_instance_uid not in held]

    def _lists_of(self, uids: Iterable[str]) -> Iterator[Sequence[str]]:
        """The askable ones of *uids* in lists short enough for one key; the others are doubted."""
        usable = []
        for uid in uids:
            if askable(uid):
                usable.append(uid)
            else:
                self.doubt([uid], NOT_ASKABLE.format("SOP"))
        for start in range(0, len(usable), LIST_LENGTH):
            yield usable[start : start + LIST_LENGTH]

    def _named(
        self, keys: Mapping[str, str], uids: Sequence[str], *, optional: bool = False
    ) -> Answers:
        """Ask for *uids* in one list; each for itself if the target seems not to know lists."""
        listed = self._image(keys, uids, optional=optional)
        if listed.rows or listed.trouble or len(uids) == 1:
            return listed
        answers = [self._image(keys, uids[:1], optional=optional)]
        if answers[0].rows:
            answers += [self._image(keys, [uid], optional=optional) for uid in uids[1:]]
        rows = tuple(row for answer in answers for row in answer.rows)
        return Answers(rows, next((a.trouble for a in answers if a.trouble), None))

    def _image(self, keys: Mapping[str, str], uids: Sequence[str], *, optional: bool) -> Answers:
        """The answers that are about *uids*; some targets answer more than they were asked."""
        value = "\\".join(uids)
        answers = self.ask("IMAGE", {**keys, "SOPInstanceUID": value}, optional=optional)
        rows = tuple(row for row in answers.rows if row.sop_instance_uid in uids)
        return Answers(rows, answers.trouble)

    # what is kept

    def _take(self, rows: Iterable[Row], series: str) -> None:
        """Keep instances of *series* of this study; values the target leaves out are as asked."""
        patient = next(iter(self.patients)) if len(self.patients) == 1 else None
        for row in rows:
            if row.sop_instance_uid is None:
                self.notes.append(
                    "the target gave an answer at IMAGE level without SOP Instance UID"
                )
            elif row.study_instance_uid in {self.uid, None}:
                self.found.add(
                    FoundInstance(
                        row.sop_instance_uid,
                        row.series_instance_uid or series,
                        self.uid,
                        patient if row.patient_id is None else row.patient_id,
                    )
                )

    def doubt(self, uids: Iterable[str], reason: str) -> None:
        """Say why these instances may be there though they are not listed."""
        self.doubts.update(dict.fromkeys(uids, reason))


def wanted(keywords: Iterable[str]) -> dict[str, str]:
    """Keys without a value, whose values are wanted back."""
    return dict.fromkeys(keywords, "")


def by_series(expected: Iterable[Expected]) -> Iterator[tuple[str, list[str]]]:
    """Series Instance UID and the SOP Instance UIDs in it."""
    pairs = sorted({(one.series_instance_uid, one.sop_instance_uid) for one in expected})
    for series, group in groupby(pairs, key=lambda pair: pair[0]):
        yield series, [sop for _series, sop in group]
