import threading
from itertools import count

import pytest

from pacslift.extract.inturn import Piece, in_turn


def test_results_come_in_the_order_of_the_work_though_a_later_piece_is_done_first():
    later = threading.Event()

    def first() -> str:
        assert later.wait(10)
        return "first"

    def second() -> str:
        later.set()
        return "second"

    assert list(in_turn(iter([Piece(first), Piece(second)]))) == ["first", "second"]


def test_no_more_work_is_begun_than_can_be_held():
    begun = []

    def work():
        for number in count():
            begun.append(number)
            yield Piece(lambda: 0)

    results = in_turn(work())
    assert next(results) == 0
    assert len(begun) == 3


def test_a_large_piece_waits_for_all_before_it_and_is_waited_for():
    running, most = [], []

    def step() -> None:
        running.append(1)
        most.append(len(running))
        running.pop()

    list(in_turn(iter([Piece(step, large=True)] * 20)))
    assert max(most) == 1


def test_trouble_in_a_piece_is_raised():
    def fail() -> None:
        raise ValueError("bad row")

    with pytest.raises(ValueError, match="bad row"):
        list(in_turn(iter([Piece(fail)])))
