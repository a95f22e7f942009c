"""pacslift moves what a retired PACS holds into a new one, and proves that it arrived."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("pacslift")
except PackageNotFoundError:  # running from a source tree that was never installed
    __version__ = "0+unknown"
