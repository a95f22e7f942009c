from pathlib import Path

from pacslift import errors
from pacslift.cli_frame import SIGNALS
from pacslift.verify.advice import OF_CAUSE

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_each_way_to_stop_has_its_own_exit_code():
    codes = [kind.exit_code for kind in errors.StopError.__subclasses__()]
    assert len(codes) == len(set(codes))
    assert min(codes) >= 10  # 0 to 3 have their meaning


def test_every_error_is_drawn_in_the_tree_at_the_top():
    names = [n for n, v in vars(errors).items() if isinstance(v, type) and n.endswith("Error")]
    assert all(name in errors.__doc__ for name in names)


def test_the_readme_lists_every_exit_code_with_its_reason():
    for kind in errors.StopError.__subclasses__():
        if kind.__module__ == errors.__name__:
            assert f"| {kind.exit_code} | {kind.__doc__} |" in README, kind.__name__


def test_the_readme_lists_the_exit_codes_of_the_signals_that_end_a_run():
    codes = ", ".join(str(128 + number) for number in SIGNALS)  # as shells count them
    assert f"| {codes} | Stopped" in README


def test_every_cause_has_advice_for_the_person_who_reads_the_report():
    assert set(OF_CAUSE) == set(errors.Cause)
