"""Names of months and days of the week, in nine languages, as dates are written with them."""

from __future__ import annotations

_MONTHS = (
    "january jan januar jänner janvier janv enero ene gennaio gen januari jän janeiro stycznia "
    "styczeń sty января янв",
    "february feb februar februari février fevrier févr fevr febrero febbraio fevereiro fev lutego "
    "luty lut февраля фев",
    "march mar märz maerz mär mrz mars marzo maart mrt março marca marzec марта мар",
    "april apr avril avr abril abr aprile kwietnia kwiecień kwi апреля апр",
    "may mai mayo maggio mag mei maio maja maj мая май",
    "june jun juni juin junio giugno giu junho czerwca czerwiec cze июня июн",
    "july jul juli juillet juil julio luglio lug julho lipca lipiec lip июля июл",
    "august aug août aout agosto ago augustus sierpnia sierpień sie августа авг",
    "september sep sept septembre septiembre settembre set setembro września wrzesień wrz "
    "сентября сен сент",
    "october oct oktober okt octobre octubre ottobre ott outubro out października październik paź "
    "октября окт",
    "november nov novembre noviembre novembro listopada listopad lis ноября ноя нояб",
    "december dec dezember dez décembre decembre déc diciembre dic dicembre dezembro grudnia "
    "grudzień gru декабря дек",
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
