"""A whole migration from a database that is asked over ODBC, its password nowhere on record."""

from jobs import init, pacslift, status
from livecases import PASSWORD, restored_mysql, restored_postgres
from readcases import FIXTURES

STORAGE = FIXTURES / "orthanc/mysql/storage"


def everything_below(folder) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_an_archive_arrives_from_its_live_database(mariadb, orthanc, tmp_path, monkeypatch):
    job, target = tmp_path / "job", f"ORTHANC@127.0.0.1:{orthanc.port}"
    monkeypatch.setenv("PACS_PWD", PASSWORD)
    dump = (FIXTURES / "orthanc/mysql/index.sql").read_bytes()
    with restored_mysql(mariadb, dump, "live") as database:
        named = f"{database.partition('PWD=')[0]}PWD=env:PACS_PWD"
        made = init(job, named, STORAGE, target)
        ran = [pacslift("inspect", named), made, pacslift("doctor", job), pacslift("run", job)]
    assert [one.exit_code for one in ran] == [0, 0, 0, 0], [one.output for one in ran]
    assert status(job)["states"]["verified"] == len(orthanc.instances()) == 8
    assert "ODBC (MariaDB 10." in ran[3].output + ran[3].stderr

    # The database is gone now; what was read is in the job, so a further run needs it no more.
    assert pacslift("run", job).exit_code == 0
    said = "".join(one.output + one.stderr for one in ran)
    assert PASSWORD not in said
    assert PASSWORD.encode() not in everything_below(job)


def test_a_password_that_is_written_out_stays_in_job_toml(postgres, tmp_path):
    job = tmp_path / "job"
    dump = (FIXTURES / "orthanc/postgresql/index.sql").read_bytes()
    with restored_postgres(postgres, dump, "written") as database:
        init(job, f"{database};PWD=hunter2", STORAGE, "X@127.0.0.1:1")
        ran = [pacslift("extract", job), pacslift("doctor", job)]
    assert ran[0].exit_code == 0, ran[0].output
    assert "PWD=***" not in (job / "job.toml").read_text()
    (job / "job.toml").unlink()
    assert b"hunter2" not in everything_below(job)
    assert "hunter2" not in "".join(one.output + one.stderr for one in ran)


def test_a_server_that_is_not_there_stops_the_run_before_anything_is_sent(tmp_path):
    job = tmp_path / "job"
    init(job, "odbc:Driver=Nosuch;Server=x;PWD=hunter2", STORAGE, "X@127.0.0.1:1")
    ran = pacslift("run", job)
    assert ran.exit_code == 13
    assert "hunter2" not in ran.output + ran.stderr
    assert "Driver=Nosuch" in ran.stderr
