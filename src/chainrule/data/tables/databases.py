"""Tables of databases: SQLite and DuckDB files, read only; others through SQLAlchemy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ...config import config
from ...errors import DataError
from ...lazy import LazyModule
from .downloads import is_address, without_password

pd = LazyModule("pandas")
duckdb = LazyModule("duckdb")
sqlite3 = LazyModule("sqlite3")  # which some builds of Python lack
sqlalchemy = LazyModule("sqlalchemy")

ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
FILE_SCHEMES = {"sqlite": "sqlite", "duckdb": "duckdb"}
DRIVERS = {"MySQLdb": "mysqlclient", "psycopg2": "psycopg2-binary", "oracledb": "oracledb"}
MOST_LISTED = 8
CHUNK_ROWS = 65_536
ALLOWED = ("SELECT", "READ", "FUNCTION", "RECURSIVE")  # of SQLite's actions


def is_database_address(source: str) -> bool:
    """Return whether a text is the address of a database.

    Examples
    --------
    >>> is_database_address("postgresql://db/shop"), is_database_address("https://example.org/a")
    (True, False)
    """
    return ADDRESS.match(source) is not None and not is_address(source)


def read_database_address(address: str, query: str | None) -> tuple[Any, tuple[str, ...]]:
    """Return the table at an address such as ``sqlite:///shop.db`` or ``postgresql://db/shop``."""
    name, scheme = without_password(address), address.split("://")[0].lower()
    if scheme in FILE_SCHEMES:
        path = unquote(urlsplit(address).path)[1:] if "///" in address else address.split("://")[1]
        if not Path(path).is_file():
            raise DataError(f"{name}: there is no file {path!r}; check the address")
        return read_database(path, FILE_SCHEMES[scheme], query)
    try:
        engine = sqlalchemy.create_engine(address)
        with engine.connect() as connection:
            if query is None:
                names = sorted(sqlalchemy.inspect(connection).get_table_names())
                query, notes = _chosen(name, names, query)
            else:
                notes = ()
            chunks = pd.read_sql(sqlalchemy.text(query), connection, chunksize=CHUNK_ROWS)
            return _joined(name, chunks), notes
    except DataError:
        raise
    except ModuleNotFoundError as error:
        package = DRIVERS.get(str(error.name), error.name)
        raise DataError(f"reading {name} needs {error.name}: pip install {package}") from error
    except Exception as error:  # each driver has errors of its own
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"cannot read {name}: {_without_secret(reason, address):.200}") from None


def read_database(path: str, kind: str, query: str | None) -> tuple[Any, tuple[str, ...]]:
    """Return a table of a SQLite or DuckDB file, which is opened to be read only.

    Parameters
    ----------
    path : str
    kind : str
        ``sqlite`` or ``duckdb``.
    query : str or None
        What to read, in SQL, or the name of a table. Of a database with one table none is needed.

    Raises
    ------
    DataError
        If it is damaged, has several tables and no query is given, or the query fails.
    """
    return _sqlite(path, query) if kind == "sqlite" else _duckdb(path, query)


def _sqlite(path: str, query: str | None) -> tuple[Any, tuple[str, ...]]:
    try:
        connection = sqlite3.connect(f"file:{quote(str(Path(path).resolve()))}?mode=ro", uri=True)
    except sqlite3.Error as error:
        raise DataError(f"cannot open {path}: {error}") from error
    try:
        rows = connection.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
            "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
        )
        sql, notes = _chosen(path, [str(name) for (name,) in rows], query)
        connection.set_authorizer(_authorized)
        return _joined(path, pd.read_sql_query(sql, connection, chunksize=CHUNK_ROWS)), notes
    except (sqlite3.Error, pd.errors.DatabaseError, sqlite3.Warning) as error:
        raise DataError(_fault(path, error, query)) from error
    finally:
        connection.close()


def _authorized(action: int, *_: Any) -> int:
    """Allow what reads this file alone: nothing is written, and no other file attached."""
    allowed = {getattr(sqlite3, f"SQLITE_{name}") for name in ALLOWED}
    return int(sqlite3.SQLITE_OK if action in allowed else sqlite3.SQLITE_DENY)


def _duckdb(path: str, query: str | None) -> tuple[Any, tuple[str, ...]]:
    try:
        # A query reads this database alone, whatever it names
        settings = {"enable_external_access": "false", "autoload_known_extensions": "false"}
        connection = duckdb.connect(path, read_only=True, config=settings)
    except ModuleNotFoundError:
        raise DataError(f"reading {path} needs duckdb: pip install 'chainrule[duckdb]'") from None
    except Exception as error:
        raise DataError(f"cannot open {path}: {str(error).splitlines()[0]}") from error
    try:
        rows = connection.execute(
            "SELECT table_name FROM information_schema.tables ORDER BY table_name"
        ).fetchall()
        sql, notes = _chosen(path, [str(name) for (name,) in rows], query)
        result = connection.execute(sql)
        return _joined(path, _duckdb_chunks(result)), notes
    except duckdb.Error as error:
        raise DataError(_fault(path, error, query)) from error
    finally:
        connection.close()


def _duckdb_chunks(result: Any) -> Iterator[Any]:
    """Yield the rows of a result; at least one frame, with its columns."""
    chunk = result.fetch_df_chunk(CHUNK_ROWS // 2048)
    yield chunk
    while len(chunk):
        chunk = result.fetch_df_chunk(CHUNK_ROWS // 2048)
        if len(chunk):
            yield chunk


def _fault(path: str, error: Exception, query: str | None) -> str:
    reason = (str(error) or type(error).__name__).splitlines()[0]
    reason = reason.removeprefix(f"Execution failed on sql '{query}': ")
    subject = f"the query on {path} fails" if query is not None else f"cannot read {path}"
    return f"{subject}: {reason:.200}"


def _chosen(name: str, tables: Sequence[str], query: str | None) -> tuple[str, tuple[str, ...]]:
    """Return the query for what is asked: SQL, a table by its name, or the only one."""
    if query is not None and query not in tables:
        if " " not in query.strip():
            raise DataError(f"{name} has no table {query!r}: it has {_listed(tables)}")
        return query, ()
    if query is None:
        if not tables:
            raise DataError(f"{name} is a database without tables; give one that has some")
        if len(tables) > 1:
            raise DataError(
                f"{name} has {len(tables)} tables, {_listed(tables)}: name one with --query, or "
                "give SQL such as --query 'SELECT * FROM ...'"
            )
    chosen = tables[0] if query is None else query
    quoted = chosen.replace('"', '""')
    notes = (f"the table is {chosen!r} of the database",) if query is None else ()
    return f'SELECT * FROM "{quoted}"', notes


def _joined(name: str, chunks: Iterator[Any]) -> Any:
    """Return the rows of all chunks, counted while they come."""
    parts, total = [], 0
    for chunk in chunks:
        total += int(chunk.memory_usage(index=False).sum())
        if total > config.unpack * 2**20:
            raise DataError(
                f"the rows of {name} take more than {config.unpack} MiB: ask for fewer, or set "
                "CHAINRULE_UNPACK (in MiB) higher if you have the memory"
            )
        parts.append(chunk)
    filled = [part for part in parts if len(part)] or parts[:1]
    frame = pd.concat(filled, ignore_index=True) if len(filled) > 1 else filled[0]
    if not len(frame):
        raise DataError(f"{name}: the query has no rows; ask for others")
    frame.columns = [str(column) for column in frame.columns]
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise DataError(f"{name}: two columns are named {twice!r}; rename one with AS")
    return frame.reset_index(drop=True)


def _listed(names: Sequence[str]) -> str:
    listed = ", ".join(map(repr, names[:MOST_LISTED])) or "none"
    return f"{listed} and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else listed


def _without_secret(text: str, address: str) -> str:
    """Return an error's text without the password of an address."""
    try:
        password = urlsplit(address).password
    except ValueError:
        password = None
    return text.replace(password, "...") if password else text
