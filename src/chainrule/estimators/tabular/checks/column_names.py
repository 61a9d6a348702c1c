"""What the name of a column suggests: weak evidence, beside what its cells hold."""

from __future__ import annotations

import re

WORDS = re.compile(r"[A-Z]+(?![a-zà-ÿ])|[A-Z]?[a-zà-ÿ]+|\d+|#")
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
    "t", "time", "timestamp", "ts", "date", "datetime", "epoch", "unix", "zeit", "datum", "step",
    "timestep", "tick", "elapsed", "cycle", "period", "instant",
}  # fmt: skip
YEARS = {"year", "jahr", "annee", "anno"}
PARTS_OF_YEAR = {"month", "monat", "mois", "mes", "quarter", "quartal", "week", "woche", "kw"}
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
GROUPS |= {
    "kundin", "cliente", "usuario", "paciente", "empleado", "patientin", "nutzer", "benutzer",
    "mitarbeiter", "utilisateur", "probe", "matrikel", "matricule",
}  # fmt: skip
NUMBER_WORDS = {"no", "nr", "number", "nummer", "numero", "número", "#", "kennung"}
NUMBERED = re.compile(r"\w{4,}(?:nummer|nr|kennung|kennziffer|numero)|matricule|matrikel")
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
    >>> [suggests_identifier(name) for name in ("customer_no", "Kundennummer", "number_of_units")]
    [True, True, False]
    """
    words = words_of(name)
    if words & IDENTIFIERS or GLUED.fullmatch(name.lower()) or NUMBERED.fullmatch(name.lower()):
        return True
    counts = name.lower().startswith(("num_", "number"))  # num_users: how many
    return len(words) == 2 and not counts and bool(words & NUMBER_WORDS and words & GROUPS)


def suggests_counter(name: str) -> bool:
    """Whether a name may be that of a running number."""
    return bool(words_of(name) & COUNTERS)


def suggests_time(name: str) -> bool:
    """Whether a name is that of a time or an age."""
    return bool(words_of(name) & TIMES)


def suggests_clock(name: str) -> bool:
    """Whether a name is that of a point in time."""
    return bool(words_of(name) & CLOCKS)


def suggests_year(name: str) -> bool:
    """Whether a name is that of a year, and of nothing more: a car's year is one of its properties.

    Examples
    --------
    >>> [suggests_year(name) for name in ("Year", "year_built", "age")]
    [True, False, False]
    """
    return bool(words := words_of(name)) and words <= YEARS | {"fiscal", "calendar"}


def suggests_part_of_year(name: str) -> bool:
    """Whether a name is that of a month, a quarter or a week, and of nothing more."""
    return bool(words := words_of(name)) and words <= PARTS_OF_YEAR


def suggests_birth(name: str) -> bool:
    """Whether a name is that of a date of birth: of a property of the row, not of its order."""
    return bool(words_of(name) & BIRTHS)


def suggests_rank(name: str) -> bool:
    """Whether a name is that of an order that means something."""
    return bool(words_of(name) & RANKS)


def names_somebody(name: str) -> bool:
    """Whether a name is that of somebody or something, or of the number of one.

    Examples
    --------
    >>> [names_somebody(name) for name in ("patient", "customer_no", "userid", "status")]
    [True, True, True, False]
    """
    return bool(words_of(name) & GROUPS) or suggests_identifier(name)
