"""Pershing-style account master (ACCT) and security master (ISCA) of one business day.

An account is records A and B of one sequence id, B with nothing but its key: what stands in it is personal. A security
is records A, B, C, E, F and G. The public copy of ISCA has no pictures: dates are written CYYMMDD, the nine-character
price with four decimals and the eighteen-character price with nine, which is unverified.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from simulation.firm import Account
from simulation.market import Market
from simulation.writers.pershing_layouts import ACCOUNT_A, ACCT, ISCA, SECURITY, document, line
from simulation.writers.pershing_positions import KINDS

REGISTRATIONS = {"IND": "INDV", "JT": "JNTN", "TRUST": "TRST", "IRA": "IRRO", "ROTH": "IRTH"}
"""The firm's registrations to Pershing's; INDV, IRRO and IRTH are invented."""
_REDEFINED = {"JNTN": "JTTN", "TRST": "L20100115"}
"""What a registration type writes into the columns that each type redefines."""
_TITLE, _TITLES = 32, 6


def accounts_file(accounts: Sequence[Account], day: date, remote: str) -> bytes:
    """The ACCT file of the accounts; its trailer counts lines."""
    rows = [row for number, account in enumerate(accounts, 1) for row in _account_lines(account, day, number)]
    return document(ACCT, day, remote, rows)


def securities_file(market: Market, day: date, remote: str) -> bytes:
    """The ISCA file of the market's securities in dollars, with the last close on or before the day."""
    listed = [number for number, security in enumerate(market.securities) if security.currency == "USD"]
    rows = [row for number, place in enumerate(listed, 1) for row in _security_lines(market, place, day, number)]
    return document(ISCA, day, remote, rows)


def _account_lines(account: Account, day: date, number: int) -> Iterator[str]:
    keys = {"sequence": f"{number:08d}", "account": account.account_number}
    registration = REGISTRATIONS[account.registration]
    titles = [account.title, account.registration_title]
    yield line(ACCT, ACCOUNT_A, keys | {
        "code": "CIA", "short_name": account.title.split(" ")[-1][:10],
        "transaction_type": "A" if account.opened_date == day else "", "account_type": "1",
        "registration": registration, "title_count": str(len(titles)),
        "titles": "".join(title[:_TITLE].ljust(_TITLE) for title in titles[:_TITLES]),
        "redefined": _REDEFINED.get(registration, ""), "opened": f"{account.opened_date:%Y%m%d}", "status": "O",
        "countries": "USUS",
    })  # fmt: skip
    yield line(ACCT, ACCOUNT_A, keys | {"code": "CIB"})


def _security_lines(market: Market, place: int, day: date, number: int) -> Iterator[str]:
    security, at = market.securities[place], market.place(day)
    price, priced = int(market.prices[at, place]), market.days[int(market.price_places[at, place])]
    kind = KINDS[security.kind]
    names = [security.name[n : n + 20] for n in range(0, len(security.name), 20)]
    values = {
        "A": {
            "type": kind[0], "modifier": kind[1], "calculation": kind[2], "minor": kind[3],
            "symbol": "" if security.is_bond else security.ticker,
            "maturity": f"1{security.ticker[-2:]}0615" if security.is_bond else "",
        },
        "B": {"latest": f"{price // 10:09d}", "latest_date": century_date(priced), "country": "US"},
        "C": {"line_count": str(len(names)), "description": "".join(f"{name:<20}" for name in names)},
        "E": {"issuer": security.name[:32], "currency": security.currency},
        "F": {"latest": f"{price * 10**4:018d}"},
        "G": {"sedol": security.sedol or "", "isin": security.isin},
    }  # fmt: skip
    head = {"letter": (1, 1), "sequence": (2, 7), "cusip": (8, 16)}
    for letter, fields in values.items():
        keys = {"letter": letter, "sequence": f"{number:06d}", "cusip": security.cusip or ""}
        yield line(ISCA, {**head, **SECURITY[letter]}, keys | fields)


def century_date(day: date) -> str:
    """A date as CYYMMDD, where C counts the centuries since 1900."""
    return f"{day.year // 100 - 19}{day:%y%m%d}"
