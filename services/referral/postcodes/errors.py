"""What can go wrong with a directory; every message is for the person who loads it.

LoadError          the load before, if there is one, stays in force
├── FileError      the file can't be opened, or not read to its end
├── ColumnsError   a needed column is missing, or several could be it
├── RowsError      too many rows can't be read, or a postcode is there twice
├── DoubtsError    it does not look like the directory this council needs; `--force` takes it all the same
└── BusyError      somebody else is loading
"""

from __future__ import annotations


class LoadError(Exception):
    """Nothing was changed; the message says why, in words."""


class FileError(LoadError):
    """A path, a zip or a disk that does not give the file."""


class ColumnsError(LoadError):
    """Names the columns and lists those found."""


class RowsError(LoadError):
    """Names the first rows with their line numbers."""


class DoubtsError(LoadError):
    """Names every doubt."""


class BusyError(LoadError):
    """One load at a time."""
