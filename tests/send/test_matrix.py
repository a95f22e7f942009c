"""What the job holds against what the target takes."""

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from pacslift.inventory.syntaxes import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from pacslift.plan.contexts import Context, Pair
from pacslift.repair.transcode import JPEG_LS
from pacslift.send.association import PATIENT
from pacslift.send.matrix import Answer, Kind, asking, matrix, summary
from scripted import ScriptedArchive
from servers import address_of, run_storescp

CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
LOSSLESS, LOSSY = "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.50"
MPEG = "1.2.840.10008.1.2.4.100"


class Target:
    """Takes *taken* and nothing else, and notes how it was asked."""

    def __init__(self, *taken: Pair) -> None:
        self.taken = set(taken)
        self.asked: list[int] = []

    def __call__(self, contexts: Sequence[Context]) -> Mapping[Pair, int]:
        self.asked.append(len(contexts))
        return {c.pair: c.context_id for c in contexts if c.pair in self.taken}


def test_what_would_be_transcoded_is_not_called_refused():
    target = Target((CT, EXPLICIT_LITTLE), (MR, JPEG_LS))
    held = {(CT, LOSSLESS): 5, (CT, LOSSY): 4, (CT, MPEG): 3, (MR, LOSSLESS): 2, (MR, LOSSY): 1}
    kinds, _ = matrix(held, target, transcodes=True)
    assert kinds == [
        Kind(CT, LOSSLESS, 5, Answer.TRANSCODED, EXPLICIT_LITTLE),
        Kind(CT, LOSSY, 4, Answer.TRANSCODED, EXPLICIT_LITTLE),
        Kind(CT, MPEG, 3, Answer.REFUSED),
        Kind(MR, LOSSLESS, 2, Answer.TRANSCODED, JPEG_LS),
        Kind(MR, LOSSY, 1, Answer.REFUSED),  # to compress it again would lose more
    ]
    assert "3 transcoded (11 instances)" in summary(kinds)
    assert "2 refused (4 instances)" in summary(kinds)


def test_a_job_that_may_not_transcode_has_its_objects_refused():
    kinds, _ = matrix({(CT, LOSSLESS): 5}, Target((CT, EXPLICIT_LITTLE)), transcodes=False)
    assert [kind.answer for kind in kinds] == [Answer.REFUSED]


def test_big_endian_is_asked_for_as_it_will_be_written():
    kinds, said = matrix({(CT, EXPLICIT_BIG): 5}, Target((CT, EXPLICIT_LITTLE)), transcodes=True)
    assert [kind.answer for kind in kinds] == [Answer.TAKEN]
    assert said == {(CT, EXPLICIT_LITTLE): True}


def test_what_cannot_be_proposed_or_is_not_known_is_told_as_that():
    held = {("not a uid", IMPLICIT_LITTLE): 2, (CT, None): 1}
    kinds, said = matrix(held, Target(), transcodes=True)
    assert [kind.answer for kind in kinds] == [Answer.REFUSED, Answer.UNKNOWN]
    assert said == {}


def test_more_kinds_than_an_association_has_contexts_are_asked_over_several():
    held = {(f"1.2.3.{n}", MPEG): 1 + n for n in range(300)}
    target = Target(*list(held)[::2])
    kinds, _ = matrix(held, target, transcodes=True)
    assert target.asked == [128, 128, 44]
    assert sum(kind.answer is Answer.TAKEN for kind in kinds) == 150


UIDS = st.sampled_from([CT, MR, "1.2.3", "x"])
SYNTAXES = st.sampled_from([LOSSLESS, LOSSY, MPEG, JPEG_LS, EXPLICIT_LITTLE, IMPLICIT_LITTLE])


@given(
    st.dictionaries(st.tuples(UIDS, st.none() | SYNTAXES), st.integers(1, 9)),
    st.sets(st.tuples(UIDS, SYNTAXES)),
)
def test_every_instance_is_in_one_row_and_only_what_is_taken_is_promised(held, taken):
    kinds, _ = matrix(held, Target(*taken), transcodes=True)
    assert sum(kind.instances for kind in kinds) == sum(held.values())
    for kind in kinds:
        if kind.answer in (Answer.TAKEN, Answer.TRANSCODED):
            pair = (kind.sop_class_uid, kind.sent_as or kind.transfer_syntax_uid)
            assert pair in taken


def test_real_targets_say_what_they_take(tmp_path):
    held = {(CT, LOSSLESS): 2, (CT, MPEG): 1}
    with ScriptedArchive([(CT, EXPLICIT_LITTLE)]) as archive:
        kinds, _ = matrix(held, asking(archive.address, PATIENT), transcodes=True)
    assert [kind.answer for kind in kinds] == [Answer.TRANSCODED, Answer.REFUSED]
    with run_storescp(tmp_path / "scp") as server:
        address = address_of(server)
        kinds, _ = matrix(held, asking(address, PATIENT), transcodes=True)
    assert [kind.answer for kind in kinds] == [Answer.TAKEN, Answer.TAKEN]
