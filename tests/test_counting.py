"""One of a thing is said as one."""

import pytest

from pacslift.counting import counted


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        (0, ("row",), "0 rows"),
        (1, ("row",), "1 row"),
        (2000, ("row",), "2,000 rows"),
        (1, ("study", "studies"), "1 study"),
        (2, ("row repeats", "rows repeat"), "2 rows repeat"),
    ],
)
def test_a_number_is_said_with_the_noun_that_it_calls_for(number, words, said):
    assert counted(number, *words) == said
