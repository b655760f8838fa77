"""Columns of other people's CSV and Parquet files, read so that nothing is lost, and what is wrong is named."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq

from jepa_social.data.schema import factorize

EXACT = 2**53
"""Integers above are no longer told apart by 64-bit floats."""


def read_rows(path: Path, separator: str, decimal: str, ids: Sequence[str]) -> tuple[pa.Table, int]:
    """All rows of a file, and the line of the first; blanks round the names of columns are dropped.

    Args:
        path: a `.parquet` file, or text with a header line, `.gz` and the like unpacked.
        separator: of cells. decimal: its point, where numbers have one.
        ids: columns that hold names: digits that no number holds exactly stay text.

    Raises:
        ValueError: it is no table.
    """
    try:
        if path.suffix == ".parquet":
            return _stripped(pq.read_table(path)), 1
        table = _read_csv(path, separator, decimal)
        long = [name for name in table.column_names if name.strip() in ids and _too_long(table, name)]
        return _stripped(_read_csv(path, separator, decimal, long) if long else table), 2
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path}: {_told(path, separator, error)}") from error


def numbers(table: pa.Table, name: str, path: Path, line: np.ndarray) -> np.ndarray:
    """A column as 64-bit floats, empty cells NaN; `line [R]` is where each row lies in the file.

    Raises:
        ValueError: a cell that is no number.
    """
    column = table[name]
    try:
        # times in ns since 1970 are no floats to the last digit; what is lost is less than 1e-6 s
        return column.cast(pa.float64(), safe=not pa.types.is_integer(column.type)).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # text, or times of day and dates
        for row, value in enumerate(column.to_pylist()):
            if value is None:
                continue
            try:
                float(value)
            except (TypeError, ValueError):
                comma = ", or set data.source.decimal=','" if "," in str(value) else ""
                raise ValueError(
                    f"{path}, row {line[row]}: `{name}` is {str(value)!r}, not a number: repair the row{comma} "
                    "(a time is a number of s, or of 1 / data.source.rate s)"
                ) from None
        raise


def kept(table: pa.Table, name: str, path: Path, line: np.ndarray) -> pa.ChunkedArray:
    """A column as bool, empty cells false.

    Raises:
        ValueError: it does not say true or false.
    """
    try:
        return table[name].cast(pa.bool_()).fill_null(False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(
            f"{path}, row {line[0]} and below: `{name}` must be true or false, or 1 or 0, for data.source.keep: {error}"
        ) from None


def coded(table: pa.Table, name: str, path: Path, line: np.ndarray, remedy: str) -> tuple[np.ndarray, list[Any]]:
    """Codes `[R]` of a column without gaps, and the distinct values.

    Raises:
        ValueError: an empty cell.
    """
    code, values = factorize(table[name])
    empty = [-1, *(place for place, value in enumerate(values) if value == "" or value != value)]
    if (gaps := np.isin(code, empty)).any():
        raise ValueError(f"{path}, row {line[np.argmax(gaps)]}: `{name}` is empty: {remedy}, or drop the row")
    return code, values


def step_of(agent: np.ndarray, time: np.ndarray) -> float:
    """s between samples of one agent: the mean of those steps that are no more than half longer or shorter than usual.

    The usual step alone, the median, is off by 1 % where a clock of 30 Hz is written in ms. NaN where nobody has two.
    """
    order = np.lexsort((time, agent))
    step = np.diff(time[order])[np.diff(agent[order]) == 0]
    step = step[step > 0]
    if not len(step):
        return float("nan")
    usual = np.median(step)
    return float(step[abs(step - usual) <= 0.5 * usual].mean())


def _read_csv(path: Path, separator: str, decimal: str, as_text: Sequence[str] = (), threads: bool = True) -> pa.Table:
    return pv.read_csv(
        path,
        read_options=pv.ReadOptions(use_threads=threads),
        parse_options=pv.ParseOptions(delimiter=separator),
        convert_options=pv.ConvertOptions(
            decimal_point=decimal, column_types=dict.fromkeys(as_text, pa.string()), strings_can_be_null=bool(as_text)
        ),
    )


def _stripped(table: pa.Table) -> pa.Table:
    return table.rename_columns([str(name).strip() for name in table.column_names])


def _told(path: Path, separator: str, error: Exception) -> str:
    """What Arrow says, with the row, which it tells only when it reads with one thread."""
    if path.suffix == ".parquet":
        return str(error)
    try:
        _read_csv(path, separator, ".", threads=False)
    except pa.ArrowInvalid as again:
        error = again
    return f"{error}: it must be UTF-8 text, one header line, cells apart by data.source.separator (now {separator!r})"


def _too_long(table: pa.Table, name: str) -> bool:
    """Whether a column of ids was taken for floats that may not be what the file says."""
    if table.column_names.count(name) > 1 or not pa.types.is_floating(table[name].type):
        return False
    return bool(np.nanmax(abs(table[name].to_numpy()), initial=0.0) >= EXACT)
