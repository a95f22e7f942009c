"""Tables to the canonical catalog: the adapter's SQL, its hooks, then canonical values.

The same dump gives the same tables, row by row, whatever the machine and the number of its cores.
Rows in are rows out: a table whose SQL loses or doubles keys is noticed here, and a key that
stands twice is made unique rather than dropped, so that each row is accounted for.
"""

from collections.abc import Mapping
from functools import partial

import polars as pl
import sqlglot

from pacslift.adapter import NOT_REBUILT, Adapter, shortened
from pacslift.counting import counted
from pacslift.errors import AdapterFaultError, CatalogError
from pacslift.extract.inturn import Piece, in_turn
from pacslift.extract.onserver.answers import ANSWER
from pacslift.extract.shapes import ORIGIN_ROW
from pacslift.extract.store import ORIGIN_DUMP
from pacslift.inventory import normalize
from pacslift.inventory.blobcolumns import FAULT
from pacslift.inventory.catalog import CONTAINERS, KEYS, SCHEMAS, VISIBILITIES, Catalog
from pacslift.inventory.derived import with_derived_uids

DATES = {"patient_birth_date": normalize.date, "study_date": normalize.date,
         "study_time": normalize.time}  # fmt: skip
OWNERLESS = "of no instance in the dump"
IDENTIFIERS = {"patient_id", "root", "path", "member", *KEYS.values()}


def build_catalog(adapter: Adapter, tables: Mapping[str, pl.LazyFrame]) -> Catalog:
    """Run the adapter over the extracted *tables* (names in lower case).

    Raises AdapterFaultError if its SQL does not run, CatalogError if the result breaks the
    catalog's rules: one bad table stops the run before anything is sent.
    """
    frames = with_optional_columns(adapter, tables)
    findings = [*code_findings(adapter, frames)]
    made: dict[str, pl.DataFrame] = {}
    work = in_turn(Piece(partial(made_table, adapter, name, frames)) for name in SCHEMAS)
    for name, (table, noticed) in zip(SCHEMAS, work, strict=True):
        made[name] = table
        findings += noticed
    made["files"], ownerless = owned_files(files_of_each(made["files"], made["instances"]),
                                           made["instances"])  # fmt: skip
    findings += ownerless
    if adapter.rebuild.iod != NOT_REBUILT:
        made["instances"] = with_derived_uids(
            made["instances"], made["series"], made["studies"], made["files"]
        )
    require_sense(adapter, made)
    return Catalog(made, tuple(findings))


def made_table(
    adapter: Adapter, name: str, tables: Mapping[str, pl.LazyFrame]
) -> tuple[pl.DataFrame, list[str]]:
    """One canonical table in its order, and what was noticed while making it.

    Of files those of somebody; they are in order where no key stands twice, see files_of_each.
    """
    raw = run_query(adapter, name, tables)
    findings = attribute_findings(name, raw)
    rows = canonical(adapter, name, raw.drop(FAULT, strict=False))
    if name == "attachments":
        return rows.sort(*SCHEMAS[name]), findings
    if name == "files":
        owned, nobodys = files_of_somebody(rows)
        is_unique = owned["instance_key"].n_unique() == owned.height
        ordered = in_order(owned, "instance_key", unique=True) if is_unique else owned
        return ordered, [*findings, *nobodys]
    rows, doubled = unique_keys(rows, KEYS[name])
    repeat = counted(doubled, "row repeats", "rows repeat")
    findings += [f"{name}: {repeat} the key of an earlier row"] * bool(doubled)
    return in_order(rows, KEYS[name], unique=not doubled), findings


def with_optional_columns(
    adapter: Adapter, tables: Mapping[str, pl.LazyFrame]
) -> dict[str, pl.LazyFrame]:
    """*tables* with a null column for every optional one that the dump lacks."""
    complete = dict(tables)
    for table, columns in adapter.optional.items():
        if table in complete and "*" not in columns:
            present = complete[table].collect_schema().names()
            missing = [pl.lit(None, pl.String()).alias(c) for c in columns if c not in present]
            complete[table] = complete[table].with_columns(missing)
    return complete


def run_query(adapter: Adapter, name: str, tables: Mapping[str, pl.LazyFrame]) -> pl.DataFrame:
    """The rows of one canonical table as the adapter's SQL and hook give them."""
    if name not in adapter.queries:
        return pl.DataFrame(schema=SCHEMAS[name])
    query = sqlglot.parse_one(adapter.queries[name], read="postgres").sql("postgres")
    answer = tables.get(f"{ANSWER}{name}")
    try:
        frame = pl.SQLContext(tables).execute(query) if answer is None else answered(name, answer)
        if name in adapter.hooks:
            frame = adapter.hooks[name](frame)
        return frame.collect(engine="streaming")  # a third of the time of the other engine
    except Exception as error:  # Polars raises many kinds, a hook any
        raise AdapterFaultError(
            f"{adapter.folder / name}.sql does not run on this dump: {without_values(error)}"
        ) from error


def answered(name: str, answer: pl.LazyFrame) -> pl.LazyFrame:
    """What the old database's server answered to the adapter's SQL; numbers came as text."""
    kinds = SCHEMAS[name]
    said = answer.drop(ORIGIN_ROW, ORIGIN_DUMP)
    numbers = [c for c in said.collect_schema() if kinds.get(c, pl.String()) != pl.String()]
    return said.with_columns(pl.col(c).cast(kinds[c], strict=False) for c in numbers)


def without_values(error: Exception) -> str:
    """What *error* says up to the first value that it quotes, which may be a patient's."""
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}".split("[")[
        0
    ]


def canonical(adapter: Adapter, name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """*rows* with exactly the columns of the schema, in canonical values."""
    schema = SCHEMAS[name]
    strange = sorted(set(rows.columns) - set(schema))
    if strange:
        raise AdapterFaultError(
            f"{adapter.folder / name}.sql gives the column {strange[0]!r}, which the catalog "
            f"does not have; it has {', '.join(schema)}"
        )
    columns = []
    for column, kind in schema.items():
        source = column.removesuffix("_raw")
        if source not in rows.columns:
            columns.append(pl.lit(None, kind).alias(column))
        elif kind != pl.String():
            columns.append(pl.col(source).cast(kind, strict=False).alias(column))
        else:
            columns.append(value(column, source).alias(column))
    typed = rows.with_columns(pl.col(c).cast(pl.String()) for c in rows.columns
                              if schema[c] == pl.String())  # fmt: skip
    return typed.select(columns)


def value(column: str, source: str) -> pl.Expr:
    """The canonical value of a text column."""
    if column in DATES:
        return DATES[column](source)
    if column in IDENTIFIERS:
        return normalize.identifier(source)
    return normalize.text(source)


def unique_keys(rows: pl.DataFrame, key: str) -> tuple[pl.DataFrame, int]:
    """*rows* with key#2, key#3 … where a key stands again, and how many such rows there are."""
    doubled = rows.height - rows[key].n_unique()
    if not doubled:
        return rows, 0
    rows = rows.sort(rows.columns)  # a query gives its rows in no certain order
    nth = pl.int_range(pl.len()).over(key)
    again = pl.when(nth > 0).then(pl.format("{}#{}", pl.col(key), nth + 1)).otherwise(pl.col(key))
    return rows.with_columns(again.alias(key)), doubled


def in_order(rows: pl.DataFrame, key: str, *, unique: bool) -> pl.DataFrame:
    """*rows* sorted by *key*, as joins and groups give them in any order."""
    if not unique:
        return rows.sort(key, maintain_order=True)
    keys = rows.select(
        pl.col(key).sort()
    )  # with the join it takes less than half of DataFrame.sort
    return keys.join(rows, on=key, how="left", maintain_order="left").select(rows.columns)


def files_of_each(files: pl.DataFrame, instances: pl.DataFrame) -> pl.DataFrame:
    """*files* with the keys that unique_keys() gave, and with ranks that differ within a key.

    Those whose keys differ already must be in order.

    Which file belongs to which row of a repeated key is not known; they are paired in the order
    of their values, and what the file says is held against the row when it is read.
    """
    if files["instance_key"].n_unique() == files.height:  # nothing to pair, as nearly always
        return files.with_columns(rank=pl.lit(0, pl.Int64))
    nth = pl.int_range(pl.len()).over("instance_key", "rank")
    again = pl.format("{}#{}", "instance_key", nth + 1)
    known = again.is_in(instances["instance_key"].implode())
    key = pl.when((nth > 0) & known).then(again)
    owned = files.sort(files.columns).with_columns(instance_key=pl.coalesce(key, "instance_key"))
    copies = owned.sort("instance_key", "rank", maintain_order=True)
    return copies.with_columns(rank=pl.int_range(pl.len()).over("instance_key"))


def files_of_somebody(files: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """*files* with a key, and a sentence on those where the old database itself names no owner."""
    owned = files.filter(pl.col("instance_key").is_not_null())
    lost = files.height - owned.height
    sentence = (
        f"{counted(lost, 'row of files has', 'rows of files have')} no instance in the old "
        "database; what lies there is opened and listed like any file that no row names"
    )
    return owned, [sentence] * bool(lost)


def attribute_findings(table: str, rows: pl.DataFrame) -> list[str]:
    """A sentence on the attribute blobs of *table* that say less than they should."""
    if FAULT not in rows.columns:
        return []
    bad = rows.filter(pl.col(FAULT).is_not_null()).sort(KEYS[table])
    if not bad.height:
        return []
    keys = shortened(bad[KEYS[table]].to_list())
    damaged = f"{table}: the attributes of {counted(bad.height, 'row')} are damaged"
    sentence = (
        f"{damaged}; they are used as far as they can be read, and columns for the rest "
        f"({KEYS[table]} {keys}; first: {bad[FAULT][0]})"
    )
    return [sentence]


def owned_files(files: pl.DataFrame, instances: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """*files* of an instance, and a sentence on the rest, whose files count as orphans."""
    owned = files.join(instances, on="instance_key", how="semi", maintain_order="left")
    lost = files.height - owned.height
    sentence = (
        f"{counted(lost, 'row of files is', 'rows of files are')} {OWNERLESS}; what lies at their "
        "paths is opened and listed like any file that no row names"
    )
    return owned, [sentence] * bool(lost)


def code_findings(adapter: Adapter, tables: Mapping[str, pl.LazyFrame]) -> list[str]:
    """A sentence for every code that the manifest does not list."""
    return [
        f"{table}.{column} holds the code {row['code']!r} in {counted(row['rows'], 'row')}; the "
        f"adapter {adapter.name} lists {shortened(list(known))}"
        for table, columns in adapter.codes.items()
        for column, known in columns.items()
        if table in tables
        for row in normalize.unknown_codes(tables[table], column, known).to_dicts()
    ]


def require_sense(adapter: Adapter, made: Mapping[str, pl.DataFrame]) -> None:
    """CatalogError unless the catalog can be trusted as a whole."""
    instances = made["instances"]
    for table, key in KEYS.items():
        nulls = made[table][key].null_count()
        if nulls:
            lacking = counted(nulls, f"row of {table} has", f"rows of {table} have")
            raise CatalogError(
                f"{lacking} no {key} after {adapter.folder / table}.sql; "
                "a row without its key cannot be accounted for"
            )
    strange = instances.filter(~pl.col("visibility").is_in(VISIBILITIES))["visibility"].unique()
    if strange.len():
        raise CatalogError(
            f"{adapter.folder}/instances.sql gives the visibility {strange[0]!r}; "
            f"the catalog knows {', '.join(VISIBILITIES)}"
        )
    lost = instances.join(made["series"], on="series_key", how="anti").height
    if instances.height and lost == instances.height:
        raise CatalogError(
            f"not one of the {lost} instances has its series: {adapter.folder}/instances.sql and "
            "series.sql do not agree on series_key"
        )


def known_container(container: str | None) -> bool:
    """Whether *container* is one that can be opened; null is told by the content."""
    return container is None or container in CONTAINERS
