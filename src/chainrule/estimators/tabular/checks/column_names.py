"""What the name of a column suggests: weak evidence, beside what its cells hold."""

from __future__ import annotations

import re

WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|#")
IDENTIFIERS = {
    "id", "ids", "uuid", "guid", "uid", "pid", "pk", "idx", "index", "rowid", "rownum", "oid",
    "rowno", "recid", "serial", "barcode", "isbn", "ssn", "ean", "sku", "iban", "hash", "token",
    "fingerprint", "checksum", "md5", "sha1", "sha256",
}  # fmt: skip
COUNTERS = {
    "no", "nr", "num", "number", "nummer", "order", "instant", "row", "seq", "sequence", "record",
    "key", "code", "ref", "reference", "ticket", "account", "case", "entry", "item", "invoice",
    "#", "line", "unnamed", "count",
}  # fmt: skip
TIMES = {
    "t", "time", "timestamp", "date", "datetime", "day", "days", "week", "month", "year", "years",
    "yr", "hour", "minute", "second", "seconds", "epoch", "step", "period", "season", "quarter",
    "jahr", "monat", "datum", "zeit", "age", "duration", "elapsed",
}  # fmt: skip
CLOCKS = {
    "t",
    "time",
    "timestamp",
    "ts",
    "date",
    "datetime",
    "epoch",
    "unix",
    "year",
    "zeit",
    "datum",
}
RANKS = {"rank", "ranking", "rang", "position", "percentile", "priority", "score", "level", "grade"}
GROUPS = {
    "pat", "pt", "mrn", "cust", "usr", "kunde",
    "patient", "customer", "client", "user", "subject", "participant", "person", "player",
    "member", "employee", "machine", "device", "sensor", "engine", "unit", "vehicle", "car",
    "driver", "household", "family", "store", "shop", "site", "animal", "mouse", "session",
    "student", "pupil", "school", "speaker", "writer", "account", "respondent", "donor", "group",
    "cluster", "batch", "lot", "plate", "well", "station", "hospital", "clinic", "company", "firm",
    "asset", "equipment", "pump", "turbine", "host", "owner", "author", "case", "event", "trip",
    "team", "visitor", "individual", "volunteer", "plot", "field", "farm",
}  # fmt: skip
BIRTHS = {"birth", "birthday", "birthdate", "dob", "born", "geburtsdatum", "geburt"}
GLUED_WORDS = {*GROUPS, "row", "record", "order", "invoice", "ticket", "item", "entry", "sample"}
GLUED = re.compile(f"(?:{'|'.join(sorted(GLUED_WORDS))})id")


def words_of(name: str) -> set[str]:
    """The words that a name consists of, in small letters.

    Examples
    --------
    >>> sorted(words_of("PassengerId")), sorted(words_of("customer_no")), sorted(words_of("PID"))
    (['id', 'passenger'], ['customer', 'no'], ['pid'])
    """
    return {word.lower() for word in WORDS.findall(name)}


def suggests_identifier(name: str) -> bool:
    """Whether a name is that of something that names the row.

    Examples
    --------
    >>> [suggests_identifier(name) for name in ("PassengerId", "userid", "paid", "UUID")]
    [True, True, False, True]
    """
    return bool(words_of(name) & IDENTIFIERS) or bool(GLUED.fullmatch(name.lower()))


def suggests_counter(name: str) -> bool:
    """Whether a name may be that of a running number."""
    return bool(words_of(name) & COUNTERS)


def suggests_time(name: str) -> bool:
    """Whether a name is that of a time or an age."""
    return bool(words_of(name) & TIMES)


def suggests_clock(name: str) -> bool:
    """Whether a name is that of a point in time."""
    return bool(words_of(name) & CLOCKS)


def suggests_birth(name: str) -> bool:
    """Whether a name is that of a date of birth: of a property of the row, not of its order."""
    return bool(words_of(name) & BIRTHS)


def suggests_rank(name: str) -> bool:
    """Whether a name is that of an order that means something."""
    return bool(words_of(name) & RANKS)


def suggests_group(name: str) -> bool:
    """Whether a name is that of something which several rows may belong to."""
    return bool(words_of(name) & GROUPS) or bool(GLUED.fullmatch(name.lower()))
