"""What SQL cannot: the attribute blobs, names that are search keys, aliases, paths.

The archive answers with the file's data set overlaid by the blobs of patient, study, series and
instance, so a blob wins over the columns made from it.
"""

from urllib.parse import unquote

import polars as pl

from pacslift.inventory.blobcolumns import by_attributes, decoded

CREATORS = frozenset({b"dcm4che/archive"})  # the archive's own keys, in group 0043
# Identity is not corrected in an instance, and what tells how to read the pixels is the file's: the
# archive compresses files without telling the blob.
OF_THE_FILE = frozenset(
    {0x00080016, 0x00080018, *(0x00280000 | element for element in range(0x0002, 0x0108))}
)
AVAILABILITIES = {"0": "online", "1": "nearline", "2": "offline", "3": "unavailable"}

PATIENT = {"patient_id": "00100020", "issuer_of_patient_id": "00100021",
           "patient_name": "00100010", "patient_birth_date": "00100030",
           "patient_sex": "00100040"}  # fmt: skip
STUDY = {"study_id": "00200010", "study_date": "00080020", "study_time": "00080030",
         "accession_number": "00080050", "referring_physician_name": "00080090",
         "study_description": "00081030"}  # fmt: skip
SERIES = {"series_number": "00200011", "modality": "00080060", "body_part_examined": "00180015",
          "series_description": "0008103E"}  # fmt: skip


def patients(rows: pl.LazyFrame) -> pl.LazyFrame:
    """One row a patient, with their other IDs and those of the patients merged into them."""
    frame = rows.collect()
    aliases = pl.DataFrame(
        aliases_of(frame), schema={"patient_key": pl.String(), "other_patient_ids": pl.String()},
        orient="row",
    )  # fmt: skip
    single = frame.drop("other_id", "other_issuer").unique(maintain_order=True).lazy()
    return by_blob(with_name(single, "patient_name"), PATIENT).join(
        aliases.lazy(), on="patient_key", how="left"
    )


def studies(rows: pl.LazyFrame) -> pl.LazyFrame:
    """What study_attrs says wins."""
    return by_blob(with_name(rows, "referring_physician_name"), STUDY)


def series(rows: pl.LazyFrame) -> pl.LazyFrame:
    """What series_attrs says wins."""
    return by_blob(rows, SERIES)


def instances(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Columns are copies of the file's values; inst_attrs is what the archive overlays."""
    return decoded(rows, leave_out=OF_THE_FILE, private_creators=CREATORS)


def files(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Root, path and member of each copy."""
    entry = pl.col("path").str.splitn("!", 2)
    in_tar = pl.col("root").str.starts_with("tar:") & entry.struct["field_1"].is_not_null()
    has_digest = pl.col("digest").str.len_chars() == 32  # noqa: PLR2004 - MD5 in hex
    return rows.with_columns(
        placed(pl.col("root")),
        pl.when(in_tar).then(entry.struct["field_0"]).otherwise("path").alias("path"),
        pl.when(in_tar).then(entry.struct["field_1"]).alias("member"),
        pl.when(in_tar).then(pl.lit("tar")).alias("container"),
        pl.when(has_digest).then(pl.lit("md5")).alias("digest_algorithm"),
        pl.when(has_digest).then("digest").alias("digest"),
        pl.col("availability").replace(AVAILABILITIES),
    )


def attachments(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The path of one inside a TAR file stays <tar>!<entry>, as the inventory names it too."""
    return rows.with_columns(placed(pl.col("root")))


def placed(dirpath: pl.Expr) -> pl.Expr:
    """The folder that a dirpath stands for: without "tar:", and a file: URI as a path."""
    return dirpath.str.strip_prefix("tar:").map_batches(
        lambda roots: roots.replace({uri: path_of(uri) for uri in roots.unique() if is_uri(uri)}),
        return_dtype=pl.String(),
    )


def is_uri(dirpath: str | None) -> bool:
    """Whether a dirpath is no plain path."""
    return dirpath is not None and dirpath.startswith("file:")


def path_of(uri: str) -> str:
    """/srv/pacs of file:///srv/pacs, D:/pacs of file:/D:/pacs."""
    path = "/" + unquote(uri.removeprefix("file:")).lstrip("/")
    return path[1:] if path[2:3] == ":" else path


def with_name(rows: pl.LazyFrame, column: str) -> pl.LazyFrame:
    """A name of its three search columns, without the carets that pad them."""
    groups = [pl.col(c).fill_null("").str.strip_chars_end("^ ")
              for c in (column, "ideographic", "phonetic")]  # fmt: skip
    name = pl.concat_str(groups, separator="=").str.strip_chars_end("=")
    return rows.with_columns(name.alias(column)).drop("ideographic", "phonetic")


def by_blob(rows: pl.LazyFrame, columns: dict[str, str]) -> pl.LazyFrame:
    """*rows* with the blob decoded, and its values in place of the columns made from it."""
    identity = "patient_id", "issuer_of_patient_id"
    return by_attributes(decoded(rows, private_creators=CREATORS), columns, identity)


def aliases_of(frame: pl.DataFrame) -> list[tuple[str, str]]:
    """Keys of patients with other IDs: those of other_pid, and of all who were merged into them."""
    rows = list(frame.iter_rows(named=True))
    winners = {row["patient_key"]: row["merged_into"] for row in rows if row["merged_into"]}
    known: dict[str, set[str]] = {}
    for row in rows:
        if row["other_id"]:
            known.setdefault(row["patient_key"], set()).add(
                qualified(row, "other_id", "other_issuer")
            )
        passed = {row["patient_key"]}
        winner = row["merged_into"]
        while winner and winner not in passed and row["patient_id"]:
            known.setdefault(winner, set()).add(
                qualified(row, "patient_id", "issuer_of_patient_id")
            )
            passed.add(winner)
            winner = winners.get(winner)
    return [(key, "\\".join(sorted(ids))) for key, ids in sorted(known.items())]


def qualified(row: dict[str, str], number: str, issuer: str) -> str:
    """ID^^^ISSUER, as HL7 writes it (CX); the bare ID without an issuer."""
    return f"{row[number]}^^^{row[issuer]}" if row[issuer] else row[number]
