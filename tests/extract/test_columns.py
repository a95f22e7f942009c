import pytest

from pacslift.errors import AdapterFaultError
from pacslift.extract.columns import needed_columns
from pacslift.extract.shapes import Column, TableShape

SHAPES = [
    TableShape(
        "Instances", tuple(Column(n, "text") for n in ("Pk", "Series_FK", "Sop_Iuid", "Note"))
    ),
    TableShape("series", tuple(Column(n, "text") for n in ("pk", "modality", "unread"))),
]


def needed(*queries: str, optional=None):
    return needed_columns(queries, SHAPES, optional)


def test_the_columns_that_the_queries_read_are_named_once_in_lower_case():
    assert needed("SELECT i.sop_iuid, PK FROM instances i", "SELECT Pk, NOTE FROM INSTANCES") == {
        "instances": ["sop_iuid", "pk", "note"]
    }


def test_joins_conditions_functions_and_subqueries_count():
    found = needed(
        """
        WITH ct AS (SELECT pk AS p, 'x' || modality AS m FROM series WHERE modality = 'CT')
        SELECT i.sop_iuid AS uid, MAX(CASE WHEN i.note LIKE 'a%' THEN ct.m END) OVER () AS m
        FROM instances AS i JOIN ct ON i.series_fk = ct.p
        WHERE i.pk IN (SELECT MIN(pk) FROM instances)
        ORDER BY uid
        """
    )
    assert {table: sorted(columns) for table, columns in found.items()} == {
        "series": ["modality", "pk"],
        "instances": ["note", "pk", "series_fk", "sop_iuid"],
    }


def test_a_star_means_all_columns():
    assert needed("SELECT * FROM series") == {"series": ["pk", "modality", "unread"]}


def test_a_table_of_which_only_the_rows_are_counted_is_needed_without_columns():
    assert needed("SELECT COUNT(*) AS n FROM series") == {"series": []}


def test_a_union_needs_what_its_parts_need():
    assert needed("SELECT pk FROM series UNION ALL SELECT note FROM instances") == {
        "series": ["pk"],
        "instances": ["note"],
    }


def test_a_schema_in_front_of_a_table_is_dropped():
    assert needed("SELECT pk FROM public.series") == {"series": ["pk"]}


@pytest.mark.parametrize(
    "query",
    [
        "SELECT serie FROM series",
        "SELECT s.serie FROM series s",
        "SELECT 1 FROM series s JOIN instances i ON s.serie = i.pk",
        "SELECT pk FROM series WHERE SUBSTR(serie, 1) = 'x'",
    ],
)
def test_a_column_that_the_dump_lacks_is_named(query):
    with pytest.raises(AdapterFaultError, match="serie"):
        needed(query)


def test_a_table_that_the_dump_lacks_is_named():
    with pytest.raises(
        AdapterFaultError, match="reads the table studies, which the dump does not have"
    ):
        needed("SELECT pk FROM studies")


def test_a_column_of_two_tables_must_say_which():
    with pytest.raises(AdapterFaultError, match="pk"):
        needed("SELECT pk FROM series JOIN instances ON series_fk = modality")


def test_what_is_no_sql_is_an_adapters_fault():
    with pytest.raises(AdapterFaultError, match="SQL"):
        needed("SELECT FROM WHERE (")


def test_optional_tables_and_columns_may_be_missing_and_are_named_all_the_same():
    optional = {"Series": ["Status"], "labels": ["id"]}
    assert needed(
        "SELECT s.pk, s.status FROM series s LEFT JOIN labels l ON l.id = s.pk", optional=optional
    ) == {
        "series": ["pk", "status"],
        "labels": ["id"],
    }


def test_several_dumps_make_one_set_of_tables():
    shapes = [*SHAPES, TableShape("SERIES", (Column("extra", ""),))]
    assert needed_columns(["SELECT extra, modality FROM series"], shapes) == {
        "series": ["extra", "modality"]
    }
