"""Cases: how case.toml is read, and how a dump is cut to see that it is refused."""

import pytest

from pacslift.adapter import load_adapter
from pacslift.cases import copied_and_cut, instance_table, load_case, read_case
from pacslift.errors import AdapterFaultError
from readcases import case_of
from smallcase import make_adapter, make_case


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dumps = [", "case.toml"),
        ('dumps = ["acme.db"]', "'mounts'"),
        ("[mounts]", "'dumps'"),
        ('dumps = ["acme.db"]\nmount = 1\n[mounts]', "unknown key 'mount'"),
    ],
)
def test_a_wrong_case_says_what_is_wrong(tmp_path, text, told):
    folder = make_case(tmp_path)
    (folder / "case.toml").write_text(text)
    with pytest.raises(AdapterFaultError, match=told):
        load_case(folder)


def test_the_file_to_cut_is_the_largest_unless_the_case_names_another():
    assert case_of("orthanc/mysql").truncated.name == "index.sql"
    assert case_of("conquest/dbase").truncated.name == "DICOMImages.DBF"


def test_a_copy_is_cut_and_the_case_stays_as_it_is(tmp_path):
    case = case_of("conquest/dbase")
    before = case.truncated.stat().st_size
    cut = copied_and_cut(case, tmp_path / "copy")
    assert (cut.dumps[0] / "DICOMImages.DBF").stat().st_size == before // 2
    assert (cut.dumps[0] / "DICOMSeries.DBF").stat().st_size > 0
    assert case.truncated.stat().st_size == before


def test_the_instance_table_is_a_table_of_the_dump_and_no_name_of_the_query(tmp_path):
    query = "WITH live AS (SELECT * FROM acme_objects) SELECT uid AS instance_key FROM live"
    adapter = load_adapter(make_adapter(tmp_path, instances=query))
    assert instance_table(adapter) == "SELECT COUNT(*) AS counted FROM acme_objects"


def test_a_case_may_count_its_instance_rows_itself(tmp_path):
    folder = make_case(tmp_path)
    text = (folder / "case.toml").read_text()
    query = "SELECT COUNT(*) FROM acme_objects WHERE kind = '1'"
    (folder / "case.toml").write_text(f'instance_rows = "{query}"\n{text}')
    found = read_case(load_adapter(make_adapter(tmp_path)), load_case(folder))
    assert found.instance_rows == 1
