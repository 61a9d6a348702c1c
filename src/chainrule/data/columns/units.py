"""What stands beside a number: currencies, percent, units, and which of them convert."""

from __future__ import annotations

from collections.abc import Collection

CURRENCIES = {
    "$": "$", "US$": "$", "USD": "$", "€": "EUR", "EUR": "EUR", "euro": "EUR", "euros": "EUR",
    "Euro": "EUR", "£": "GBP", "GBP": "GBP", "¥": "JPY", "JPY": "JPY", "CN¥": "CNY", "CNY": "CNY",
    "RMB": "CNY", "元": "CNY", "₹": "INR", "INR": "INR", "Rs": "INR", "Rs.": "INR", "₽": "RUB",
    "RUB": "RUB", "₩": "KRW", "KRW": "KRW", "₺": "TRY", "TRY": "TRY", "₫": "VND", "₴": "UAH",
    "₦": "NGN", "₪": "ILS", "฿": "THB", "R$": "BRL", "BRL": "BRL", "A$": "AUD", "AUD": "AUD",
    "C$": "CAD", "CAD": "CAD", "HK$": "HKD", "HKD": "HKD", "SGD": "SGD", "NZD": "NZD",
    "CHF": "CHF", "Fr.": "CHF", "SFr.": "CHF", "kr": "kr", "kr.": "kr", "SEK": "SEK", "NOK": "NOK",
    "DKK": "DKK", "zł": "PLN", "PLN": "PLN", "Kč": "CZK", "CZK": "CZK", "Ft": "HUF", "HUF": "HUF",
    "ZAR": "ZAR", "MXN": "MXN", "R": "ZAR",
}  # fmt: skip
# Of each quantity the units, in the first of them
QUANTITIES: tuple[dict[str, float], ...] = (
    {"kg": 1.0, "g": 1e-3, "mg": 1e-6, "µg": 1e-9, "t": 1e3, "lb": 0.45359237, "lbs": 0.45359237,
     "oz": 0.028349523125, "kgs": 1.0},
    {"m": 1.0, "km": 1e3, "cm": 1e-2, "mm": 1e-3, "µm": 1e-6, "nm": 1e-9, "in": 0.0254,
     "ft": 0.3048, "yd": 0.9144, "mi": 1609.344, "miles": 1609.344, "mile": 1609.344},
    {"l": 1.0, "L": 1.0, "ml": 1e-3, "mL": 1e-3, "cl": 1e-2, "dl": 0.1, "hl": 100.0},
    {"m²": 1.0, "m2": 1.0, "sqm": 1.0, "qm": 1.0, "cm²": 1e-4, "km²": 1e6, "ha": 1e4,
     "sqft": 0.09290304},
    {"B": 1.0, "KB": 1e3, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12},
    {"KiB": 1024.0, "MiB": 1024.0**2, "GiB": 1024.0**3, "TiB": 1024.0**4},
    {"W": 1.0, "kW": 1e3, "MW": 1e6, "GW": 1e9},
    {"Wh": 1.0, "kWh": 1e3, "MWh": 1e6, "GWh": 1e9},
    {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9},
    {"V": 1.0, "mV": 1e-3, "kV": 1e3},
    {"A": 1.0, "mA": 1e-3},
    {"Pa": 1.0, "hPa": 1e2, "kPa": 1e3, "mbar": 1e2, "bar": 1e5},
    {"km/h": 1.0, "kmh": 1.0, "kph": 1.0, "m/s": 3.6, "mph": 1.609344},
)  # fmt: skip
# Letters behind a number that multiply it: only these together, or beside bare numbers
MULTIPLES = {
    "": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "Mio": 1e6, "Mio.": 1e6, "mn": 1e6, "mln": 1e6,
    "million": 1e6, "millions": 1e6, "B": 1e9, "bn": 1e9, "Mrd": 1e9, "Mrd.": 1e9, "billion": 1e9,
    "T": 1e12, "tn": 1e12, "trillion": 1e12, "thousand": 1e3, "Tsd.": 1e3,
}  # fmt: skip
PERCENT = ("%", "‰")
OTHERS = {
    "°C", "°F", "°", "C", "F", "px", "dB", "mmHg", "psi", "hp", "PS", "cc", "ppm", "mg/dl",
    "mg/l", "g/l", "µg/l", "bpm", "rpm", "kcal", "cal", "kJ", "J", "N", "Nm", "Stk", "Stk.", "pcs",
    "pc", "x", "pts", "percent", "Prozent", "pct", "years", "year", "yrs", "yr", "y", "Jahre",
    "Jahr", "J.", "months", "mo", "Monate", "sq", "sq.ft", "people", "persons", "mpg", "CV", "kmpl",
    "kg/m²", "kg/m2", "l/100km", "m³", "m3", "cm³", "cm3", "km2", "lx", "Ω", "mAh", "Ah",
}  # fmt: skip
KNOWN = OTHERS.union(PERCENT, CURRENCIES.values(), *QUANTITIES) | set(MULTIPLES) - {""}


def in_one_unit(units: Collection[str]) -> dict[str, float] | None:
    """Return by what the numbers of each unit are multiplied; None if they do not convert.

    A bare number counts as one of the single unit that the others have, but beside percent it is
    ambiguous: 0.45 may be 45 % or less than one.

    Examples
    --------
    >>> in_one_unit(["kg"]), in_one_unit(["", "EUR"]), in_one_unit(["kg", "g"])
    ({'kg': 1.0}, {'': 1.0, 'EUR': 1.0}, {'kg': 1.0, 'g': 0.001})
    >>> in_one_unit(["K", "M", ""]), in_one_unit(["kg", "cm"]), in_one_unit(["", "%"])
    ({'K': 1000.0, 'M': 1000000.0, '': 1.0}, None, None)
    """
    currencies = {unit.partition(" ")[0] for unit in units if unit} & set(CURRENCIES.values())
    if len(currencies) == 1 and any(" " in unit for unit in units):  # "EUR M" beside "EUR K"
        (currency,) = currencies
        sizes = {unit: unit.removeprefix(currency).strip() for unit in units}
        known = all(size in MULTIPLES for size in sizes.values())
        return {unit: MULTIPLES[size] for unit, size in sizes.items()} if known else None
    named = [unit for unit in units if unit]
    if len(units) > 1 and all(unit in MULTIPLES for unit in units):
        return {unit: MULTIPLES[unit] for unit in units}
    if len(named) <= 1:
        if len(units) > 1 and named[0] in PERCENT:
            return None
        return dict.fromkeys(units, 1.0)
    for quantity in QUANTITIES:
        if all(unit in quantity for unit in named) and "" not in units:
            return {unit: quantity[unit] for unit in named}
    return None
