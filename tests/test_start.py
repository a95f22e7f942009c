import gc
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pacslift.start import loading
from readcases import FIXTURES


def test_what_is_loaded_is_no_longer_searched_for_garbage_and_what_follows_is():
    before = gc.get_freeze_count()
    with loading():
        assert not gc.isenabled()
    try:
        assert gc.isenabled()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()


def test_garbage_is_searched_for_again_where_loading_fails():
    with pytest.raises(ModuleNotFoundError), loading():
        importlib.import_module("pacslift.no_such_module")
    gc.unfreeze()
    assert gc.isenabled()


def test_the_program_s_entry_runs_the_command_line():
    entry = "from pacslift.start import main; main()"
    command = [sys.executable, "-c", entry, "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.startswith("pacslift, version ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize("words", ["--help", "rules", "adapter list"])
def test_what_is_printed_where_there_is_no_room_ends_with_a_sentence(words):
    entry = "from pacslift.start import main; main()"
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-c", entry, *words.split()],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert ran.returncode == 1
    assert ran.stderr.startswith("pacslift: what is printed finds no room: No space left")
    assert "Traceback" not in ran.stderr


def test_a_character_that_a_console_lacks_ends_no_command(tmp_path):
    """What Windows gives a pipe in Western Europe, and a folder of a site in Japan."""
    folder = tmp_path / "\u79fb\u884c"
    folder.mkdir()
    (folder / "index.sql").write_bytes((FIXTURES / "orthanc" / "mysql" / "index.sql").read_bytes())
    said = {}
    for encoding in ("cp1252", "utf-8"):
        ran = subprocess.run(
            [sys.executable, "-m", "pacslift", "inspect", folder / "index.sql"],
            env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True, check=True,
        )  # fmt: skip
        said[encoding] = ran.stdout.decode(encoding)
    assert "\u79fb\u884c" in said["utf-8"]
    assert said["cp1252"] == said["utf-8"].replace("\u79fb\u884c", r"\u79fb\u884c")
