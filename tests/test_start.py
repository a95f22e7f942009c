import gc
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from pacslift.start import loading


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
