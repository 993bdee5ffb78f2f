"""The European Central Bank's reference rates as it publishes them: the history and the file of one day, both zipped.

One euro is the rate in each currency, with the decimals as published. The history has the newest day first, N/A where
there is no quote, and a comma at the end of every line; the daily file puts a blank after each comma and spells the
month.
"""

from __future__ import annotations

from datetime import date

from simulation.market import EcbHistory
from simulation.writers.archive import zipped

HISTORY_NAME = "eurofxref-hist.zip"

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def daily_name(day: date) -> str:
    """``YYYY-MM-DD/eurofxref.zip``."""
    return f"{day.isoformat()}/eurofxref.zip"


def history_document(euro: EcbHistory, first_date: date, last_date: date) -> bytes:
    """The zipped history of the fixing days from first_date to last_date."""
    lines = [f"Date,{','.join(euro.currencies)},"]
    for day in reversed(euro.days):
        if first_date <= day <= last_date:
            quotes = euro.quotes[day]
            lines.append(f"{day.isoformat()},{','.join(quotes.get(code, 'N/A') for code in euro.currencies)},")
    return zipped("eurofxref-hist.csv", ("\n".join(lines) + "\n").encode("ascii"), last_date)


def daily_document(euro: EcbHistory, day: date) -> bytes:
    """The zipped file of one fixing day, with the currencies that were quoted on it."""
    quotes = euro.quotes[day]
    codes = [code for code in euro.currencies if code in quotes]
    head = "Date, " + "".join(f"{code}, " for code in codes)
    written = f"{day.day:02d} {_MONTHS[day.month - 1]} {day.year}"
    row = f"{written}, " + "".join(f"{quotes[code]}, " for code in codes)
    return zipped("eurofxref.csv", f"{head}\n{row}\n".encode("ascii"), day)
