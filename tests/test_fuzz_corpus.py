"""What the fuzzer found worth keeping is read again, quickly: see tests/fuzz/run.py."""

from pathlib import Path

import pytest

from fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "fuzz" / "corpus"
MOST = 200_000  # bytes for each target, so that the checkout stays small


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_was_found_once_is_read_or_refused(name):
    kept = sorted((CORPUS / name).iterdir())
    assert kept, "nothing is kept for this target"
    for path in kept:
        TARGETS[name](path.read_bytes())


def test_what_is_kept_belongs_to_a_target_and_is_small():
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)
    for folder in CORPUS.iterdir():
        assert sum(path.stat().st_size for path in folder.iterdir()) <= MOST
