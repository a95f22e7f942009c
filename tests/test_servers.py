"""The test servers themselves: a fixture that does not work must not look like a passing test."""

import subprocess
from pathlib import Path

import pytest

import servers


def test_a_server_that_is_not_installed_skips_the_test_with_the_hint(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="make servers"):
        servers.program("no-such-archive-server")


def test_a_server_that_is_not_installed_fails_the_test_in_ci(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="make servers"):
        servers.program("no-such-archive-server")


def test_a_server_that_does_not_start_fails_the_test_and_shows_its_log(tmp_path):
    log = tmp_path / "log"
    with (
        pytest.raises(pytest.fail.Exception, match="cannot be this"),
        servers.process_of(["sh", "-c", "echo cannot be this; exit 3"], lambda: False, log=log),
    ):
        pass


def test_orthanc_starts_empty_and_answers_an_echo(orthanc):
    assert orthanc.instances() == {}
    subprocess.run(["echoscu", "localhost", str(orthanc.port)], check=True, timeout=30)


def test_dcmtk_servers_answer_an_echo(storescp, dcmqrscp):
    for server in (storescp, dcmqrscp):
        command = ["echoscu", "-aec", server.aet, "localhost", str(server.port)]
        subprocess.run(command, check=True, timeout=30)
        assert server.files() == []


def test_mariadb_takes_and_gives_rows(mariadb):
    mariadb.run("CREATE DATABASE own; CREATE TABLE own.t (a int); INSERT INTO own.t VALUES (7)")
    assert mariadb.run("SELECT a FROM t", "own") == b"7\n"
    assert b"INSERT INTO `t` VALUES" in mariadb.dump("own")
    mariadb.run("DROP DATABASE own")


def test_postgresql_takes_and_gives_rows(postgres):
    postgres.run("CREATE DATABASE own")
    postgres.run("CREATE TABLE t (a int); INSERT INTO t VALUES (7)", "own")
    assert postgres.run("SELECT a FROM t", "own") == b"7\n"
    assert b"COPY public.t (a) FROM stdin;\n7\n" in postgres.dump("own")
    postgres.run("DROP DATABASE own")


@pytest.mark.archives
def test_the_real_archives_say_what_they_hold(archives: Path):
    assert len(list(archives.glob("*/truth.csv"))) == 7
