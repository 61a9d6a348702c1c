"""Names of months and days of the week, in six languages, as dates are written with them."""

from __future__ import annotations

_MONTHS = (
    "january jan januar jänner janvier janv enero ene gennaio gen januari jän",
    "february feb februar februari février fevrier févr fevr febrero febbraio",
    "march mar märz maerz mär mrz mars marzo maart mrt",
    "april apr avril avr abril abr aprile",
    "may mai mayo maggio mag mei",
    "june jun juni juin junio giugno giu",
    "july jul juli juillet juil julio luglio lug",
    "august aug août aout agosto ago augustus",
    "september sep sept septembre septiembre settembre set",
    "october oct oktober okt octobre octubre ottobre ott",
    "november nov novembre noviembre",
    "december dec dezember dez décembre decembre déc diciembre dic dicembre",
)
MONTHS = {name: k + 1 for k, names in enumerate(_MONTHS) for name in names.split()}
_DAYS = (
    "monday mon montag mo lundi lun lunes lunedì lunedi",
    "tuesday tue tues dienstag di mardi martes martedì martedi",
    "wednesday wed mittwoch mi mercredi mer miércoles mié mercoledì mercoledi",
    "thursday thu thur thurs donnerstag do jeudi jeu jueves jue giovedì giovedi gio",
    "friday fri freitag fr vendredi ven viernes vie venerdì venerdi",
    "saturday sat samstag sonnabend sa samedi sam sábado sáb sabato sab",
    "sunday sun sonntag so dimanche dim domingo dom domenica",
)
DAYS_OF_WEEK = frozenset(name for names in _DAYS for name in names.split())
