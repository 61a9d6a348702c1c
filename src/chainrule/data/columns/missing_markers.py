"""Words that people write into a cell which holds nothing.

They count as missing in a column that holds numbers or dates otherwise. In a column of texts, and
among the classes of a target, they are values: "None" may be a kind of alley.
"""

from __future__ import annotations

MARKERS = frozenset({
    "?", "??", "-", "--", "---", ".", "..", "...", "\u2013", "\u2014", "_", "*",
    "na", "n.a.", "n.a", "n/a", "#n/a", "#na", "<na>", "n/d", "nd", "n.d.",
    "none", "null", "(null)", "<null>", "nil", "nan", "#nan", "-nan", "nat", "\\n", "void",
    "unknown", "unk", "unspecified", "undefined", "missing", "not available", "not applicable",
    "not known", "not reported", "no data", "tbd", "tba", "empty", "(empty)", "blank", "(blank)",
    "#value!", "#div/0!", "#ref!", "#name?", "#num!", "#null!", "#n/a n/a",
    "k.a.", "k. a.", "k.a", "keine angabe", "keine angaben", "unbekannt", "fehlt", "leer",
    "0000-00-00", "0000-00-00 00:00:00", "00/00/0000", "00.00.0000",
    "entfällt", "s.o.", "s/d", "s.d.", "n.c.", "n/c", "inconnu", "inconnue", "desconocido",
    "nessuno", "sconosciuto", "onbekend", ":", "\u2026", "#nv", "#n/v", "#wert!", "#bezug!",
    "#zahl!", "#valeur!", "#valor!", "#¡div/0!", "#¡valor!", "#¡ref!", "#n/d", "#n/disp", "n.v.",
    "[null]", "$null$", "nodata", "no value", "null value", "missing value", "1.#qnan", "1.#ind",
    "-1.#ind", "nan(ind)", "-nan(ind)", "#error", "#error!", "#calc!", "#spill!", "k.w.", "b.d.",
    "brak", "brak danych", "нет данных", "н/д", "не указано", "неизвестно", "不明", "無", "なし",
    "該当なし", "未知", "无", "없음", "not measured", "not recorded", "no answer", "no response",
    *("#" * count for count in range(2, 13)), *("*" * count for count in range(2, 6)),
})  # fmt: skip


def is_marker(text: str) -> bool:
    """Return whether a text says that there is no value, in any case and with spaces around it.

    Examples
    --------
    >>> [is_marker(text) for text in ("N/A", " ? ", "k.A.", "#DIV/0!", "0", "north")]
    [True, True, True, True, False, False]
    """
    return text.strip().casefold() in MARKERS
