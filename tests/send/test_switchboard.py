"""Which association an object goes over, with real associations."""

from functools import partial

import pytest
from small_objects import CT, in_memory, of_class

from pacslift.errors import NoContextError, TargetRejectedError, TargetUnreachableError
from pacslift.job import TargetAddress
from pacslift.plan.contexts import number
from pacslift.send.association import StoreAssociation
from pacslift.send.faults import TargetAwayError
from pacslift.send.switchboard import Switchboard
from scripted import ScriptedArchive
from servers import free_port

MR = ("1.2.840.10008.5.1.4.1.1.4", CT[1])
US = ("1.2.840.10008.5.1.4.1.1.6.1", CT[1])


def board(target, *planned) -> Switchboard:
    return Switchboard(partial(StoreAssociation.open, target.address), planned or [CT])


def test_planned_pairs_share_one_association():
    with ScriptedArchive([CT, MR]) as archive, board(archive, CT, MR) as switchboard:
        assert switchboard.association_for(CT) is switchboard.association_for(MR)
        switchboard.close()
        assert archive.associations == 1


def test_a_pair_met_only_while_sending_opens_a_further_association():
    with ScriptedArchive([CT, MR]) as archive, board(archive, CT) as switchboard:
        switchboard.association_for(CT).store(in_memory("slice"))
        assert switchboard.association_for(MR).store(of_class(*MR)).status == 0
        assert archive.associations == 2


def test_the_further_association_serves_what_was_planned_too():
    """An archive that changes between two classes must not change association each time."""
    with ScriptedArchive([CT, MR, US]) as archive, board(archive, CT) as switchboard:
        for pair in [CT, MR, CT, US, MR, CT]:
            assert pair in switchboard.association_for(pair).accepted
        switchboard.close()
        assert archive.associations == 3


def test_more_pairs_than_an_association_has_contexts_are_all_served():
    pairs = [(CT[0], CT[1]), *((f"1.2.826.0.1.{n}", CT[1]) for n in range(200))]
    with ScriptedArchive(pairs[:1] + pairs[150:]) as archive, board(archive, *pairs) as switchboard:
        assert switchboard.association_for(pairs[0]) is not None
        assert switchboard.association_for(pairs[199]) is not None
        assert switchboard.association_for(pairs[0]) is not None
        assert switchboard.association_for(pairs[5]) is None
        switchboard.close()
        assert archive.associations == 2


def test_a_pair_that_the_target_refuses_is_asked_for_once():
    with ScriptedArchive([CT]) as archive, board(archive, CT) as switchboard:
        switchboard.association_for(CT)
        for _ in range(3):
            assert switchboard.association_for(MR) is None
        assert switchboard.association_for(CT) is not None
        switchboard.close()
        assert archive.associations == 2
        assert switchboard.refused == {MR}


def test_a_pair_that_no_target_could_understand_is_not_proposed():
    with ScriptedArchive([CT]) as archive:
        assert board(archive).association_for(("not a UID", CT[1])) is None
        assert archive.associations == 0


def test_a_lost_association_is_replaced():
    with ScriptedArchive([CT]) as archive, board(archive) as switchboard:
        first = switchboard.association_for(CT)
        first.abort()
        second = switchboard.association_for(CT)
        assert second is not first
        assert second.store(in_memory("slice")).status == 0
        switchboard.close()


def test_a_target_that_refuses_everything_planned_stops_the_run():
    with ScriptedArchive([US]) as archive, pytest.raises(NoContextError):
        board(archive, CT, MR).association_for(CT)


def test_a_target_that_was_never_there_stops_the_run():
    address = TargetAddress("ARCHIVE", "127.0.0.1", free_port())
    switchboard = Switchboard(partial(StoreAssociation.open, address), [CT])
    with pytest.raises(TargetUnreachableError):
        switchboard.association_for(CT)


def test_a_target_that_was_there_may_come_back():
    with ScriptedArchive([CT]) as archive, board(archive) as switchboard:
        switchboard.association_for(CT).release()
    with pytest.raises(TargetAwayError) as caught:
        switchboard.association_for(CT)
    assert isinstance(caught.value.stop, TargetUnreachableError)


def test_a_target_that_asks_for_patience_gets_it():
    archive = ScriptedArchive([CT]).take_associations(1)
    with archive, StoreAssociation.open(archive.address, number([CT])):
        switchboard = board(archive)
        with pytest.raises(TargetAwayError, match="local limit exceeded"):
            switchboard.association_for(CT)


def test_a_wrong_ae_title_is_not_waited_for():
    with ScriptedArchive([CT]).refuse_ae_title() as archive, pytest.raises(TargetRejectedError):
        board(archive).association_for(CT)
