"""The digest on record: by which algorithm it was taken, and that it stays comparable."""

import hashlib

import pytest

from pacslift.digest import BLAKE3, SHA256, algorithm_of, digest_over, told

# BLAKE3's test vector for no input: github.com/BLAKE3-team/BLAKE3, test_vectors.json
EMPTY = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
BEFORE = hashlib.sha256(b"slice").hexdigest()


def test_a_new_record_names_its_algorithm():
    assert digest_over([]) == f"blake3:{EMPTY}"
    assert algorithm_of(digest_over([b"slice"])) == algorithm_of(None) == BLAKE3


def test_a_record_from_before_there_were_two_is_sha256_and_is_computed_as_it_was():
    assert algorithm_of(BEFORE) == SHA256
    assert digest_over([b"sl", memoryview(b"ice")], SHA256) == BEFORE


def test_an_algorithm_of_a_later_version_is_not_taken_for_another():
    with pytest.raises(KeyError):
        digest_over([b""], algorithm_of("blake4:00"))


def test_a_digest_is_shown_with_its_algorithm():
    assert told(BEFORE) == f"sha256 {BEFORE}"
    assert told(f"blake3:{EMPTY}") == f"blake3 {EMPTY}"
