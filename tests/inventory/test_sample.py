"""Which files are opened beforehand: the same of each kind, however the archive is gone through."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pacslift.inventory.sample import KIND, SAMPLE_PER_KIND, sampled

KINDS = st.lists(
    st.sampled_from([("ct", "le"), ("ct", None), ("mr", "le"), ("x", "le")]), max_size=90
)


@given(kinds=KINDS, size=st.integers(1, 40))
def test_the_sample_is_that_of_the_whole_and_has_each_kind(kinds, size):
    rows = pl.DataFrame(
        [(str(nth), "/m", kind, syntax, None) for nth, (kind, syntax) in enumerate(kinds)],
        schema={"instance_key": pl.String(), "mount": pl.String(), "sop_class_uid": pl.String(),
                "transfer_syntax_uid": pl.String(), "container": pl.String()},
        orient="row",
    )  # fmt: skip
    whole = pl.concat(sampled([rows]))
    parts = pl.concat(sampled([*rows.iter_slices(size), rows.clear()]))
    assert parts.equals(whole)
    assert set(whole.select(KIND).rows()) == set(rows.select(KIND).rows())
    assert all(len(of_kind) <= SAMPLE_PER_KIND for of_kind in whole.partition_by(KIND))
