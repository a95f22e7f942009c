"""No object is sent as another, whatever the database, the job and the object itself say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_hostile_objects import damaged_objects, objects
from test_made_objects import all_attributes

from overlaid import SAID
from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.stored import open_stored
from pacslift.repair.order import RULES
from pacslift.repair.orders import Orders, RuleSettings
from pacslift.repair.outgoing import prepare
from pacslift.repair.overlay import compile_overlay
from storedobjects import CT, INSTANCE, SERIES, STUDY, file_of, image, part10

FILED_BY = {"00080016": CT, "00080018": INSTANCE, "0020000D": STUDY, "0020000E": SERIES}
ATTRIBUTES = dict(
    zip(
        FILED_BY,
        ("sop_class_uid", "sop_instance_uid", "study_instance_uid", "series_instance_uid"),
        strict=True,
    )
)
CHANGERS = {"I01", "P18", "E11C"}
OTHER = "1.2.840.113619.9.9"
ANY_RULES = st.sets(st.sampled_from(sorted({rule.id for rule in RULES} - CHANGERS))).map(
    lambda ids: RuleSettings(on=frozenset(ids))
)
SAYINGS = st.dictionaries(
    st.sampled_from(sorted(ATTRIBUTES.values())), st.sampled_from([OTHER, INSTANCE, STUDY])
)


def filed_by(outgoing):
    return {name: getattr(outgoing, name) for name in ATTRIBUTES.values()}


@given(
    content=st.sampled_from(objects()) | damaged_objects(),
    said=all_attributes(),
    uids=st.dictionaries(st.sampled_from(sorted(FILED_BY)), st.just(OTHER)),
    rules=ANY_RULES,
    facts=SAYINGS,
)
def test_nothing_but_a_rule_for_it_makes_one_object_another(
    tmp_path_factory, content, said, uids, rules, facts
):
    folder = tmp_path_factory.getbasetemp()
    overlay = said | {tag: {"vr": "UI", "Value": [uid]} for tag, uid in uids.items()}
    orders = Orders(compile_overlay(overlay), rules, SAID, facts)
    try:
        with prepare(open_stored(file_of(folder, content))) as plain:
            before = filed_by(plain)
        with prepare(open_stored(file_of(folder, content)), orders) as outgoing:
            after = filed_by(outgoing)
    except SetAsideError:
        return
    assert after == {name: uid or after[name] for name, uid in before.items()}


@pytest.mark.parametrize("tag", FILED_BY)
@pytest.mark.parametrize("rule", ["DB", "MAP"])
def test_an_overlay_that_would_make_an_object_another_sets_it_aside(tmp_path, tag, rule):
    said = {tag: {"vr": "UI", "Value": [OTHER], "rule": rule}}
    with pytest.raises(SetAsideError, match="another object") as refused:
        prepare(
            open_stored(file_of(tmp_path, part10(image()))), Orders(compile_overlay(said))
        ).close()
    assert refused.value.cause is Cause.IDENTITY_DIFFERS


@pytest.mark.parametrize("tag", FILED_BY)
def test_an_overlay_that_says_what_the_object_says_does_no_harm(tmp_path, tag):
    said = {tag: {"vr": "UI", "Value": [FILED_BY[tag]]}}
    with prepare(
        open_stored(file_of(tmp_path, part10(image()))), Orders(compile_overlay(said))
    ) as outgoing:
        assert list(filed_by(outgoing).values()) == list(FILED_BY.values())


def test_the_rule_of_uids_makes_the_broken_ones_new_and_no_others(tmp_path):
    broken = image().replace(b"1.2.3.1\0", b"1.2.03.1")
    orders = Orders(
        rules=RuleSettings(
            on=frozenset({"I01"}), parameters={"I01": {"map": {"1.2.03.1": "2.25.7"}}}
        )
    )
    with prepare(open_stored(file_of(tmp_path, part10(broken))), orders) as outgoing:
        assert list(filed_by(outgoing).values()) == [CT, INSTANCE, STUDY, "2.25.7"]
