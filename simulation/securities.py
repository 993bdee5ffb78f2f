"""The securities of the simulated market: twenty real stocks and a few invented instruments.

The stocks' names, CUSIPs and ISINs are real. Everything else is invented: CUSIPs of invented instruments take an issuer
number that ends in 995 (990 to 999 are left to private use), and invented ISINs start with QZ (no country has it).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from simulation.identifiers import cusip, isin, sedol


@dataclass(frozen=True)
class Security:
    """An instrument of the simulated market.

    Attributes:
        ticker: symbol, unique within the simulated market.
        kind: equity or bond.
        exchange: market identifier code under which the vendor quotes it.
        cusip: nine characters, None outside the United States.
        isin: twelve characters.
        sedol: seven characters, None where it has none.
        custodian_number: the seven digits that the simulated Schwab gives it; with ``issue_id`` its stable key.
        issue_id: ten digits.
        price_factor: from quoted price to money per unit; 0.01 for a bond quoted in percent of par.
        annual_rate: yearly dividend as a share of the price, or the coupon of a bond.
        is_real: whether prices come from the real history (else from a seeded walk).
        start_price: first price of an invented instrument, in its quotation.
    """

    ticker: str
    name: str
    kind: str
    currency: str
    exchange: str
    cusip: str | None
    isin: str
    sedol: str | None
    custodian_number: str
    issue_id: str
    price_factor: Decimal
    annual_rate: Decimal
    is_real: bool
    start_price: Decimal

    @property
    def is_bond(self) -> bool:
        """Whether it is quoted in percent of par and pays a coupon."""
        return self.kind == "bond"


# Ticker, CUSIP, name, exchange, dividend yield in basis points (rounded, invented).
_STOCKS = (
    ("AAPL", "037833100", "APPLE INC", "XNAS", 60),
    ("AMD", "007903107", "ADVANCED MICRO DEVICES", "XNAS", 0),
    ("BAC", "060505104", "BANK OF AMERICA CORP", "XNYS", 240),
    ("BBY", "086516101", "BEST BUY CO INC", "XNYS", 400),
    ("CVX", "166764100", "CHEVRON CORP", "XNYS", 380),
    ("GE", "369604301", "GENERAL ELECTRIC CO", "XNYS", 40),
    ("HD", "437076102", "HOME DEPOT INC", "XNYS", 240),
    ("JNJ", "478160104", "JOHNSON & JOHNSON", "XNYS", 260),
    ("JPM", "46625H100", "JPMORGAN CHASE & CO", "XNYS", 310),
    ("KO", "191216100", "COCA-COLA CO", "XNYS", 290),
    ("LLY", "532457108", "ELI LILLY & CO", "XNYS", 130),
    ("MRK", "58933Y105", "MERCK & CO INC", "XNYS", 310),
    ("MSFT", "594918104", "MICROSOFT CORP", "XNAS", 90),
    ("PEP", "713448108", "PEPSICO INC", "XNAS", 270),
    ("PFE", "717081103", "PFIZER INC", "XNYS", 330),
    ("PG", "742718109", "PROCTER & GAMBLE CO", "XNYS", 250),
    ("RRC", "75281A109", "RANGE RESOURCES CORP", "XNYS", 80),
    ("UNH", "91324P102", "UNITEDHEALTH GROUP INC", "XNYS", 130),
    ("WMT", "931142103", "WALMART INC", "XNYS", 160),
    ("XOM", "30231G102", "EXXON MOBIL CORP", "XNYS", 370),
)

# Ticker, kind, currency, exchange, stem of CUSIP or of the national number, SEDOL stem, name, rate, first price.
_INVENTED = (
    ("WNXB31", "bond", "USD", "XNYS", "888995AA", None, "NEXUS HARBOR 4.250% 2031", "0.0425", "98.125"),
    ("WNXB27", "bond", "USD", "XNYS", "888995AB", None, "NEXUS HARBOR 3.000% 2027", "0.0300", "101.5"),
    ("NOVE", "equity", "EUR", "XETR", "000NVE001", None, "NOVERA WERKE AG", "0.0220", "84.20"),
    ("LUMI", "equity", "EUR", "XPAR", "000LUM001", None, "LUMINE SA", "0.0180", "31.45"),
    ("TRAM", "equity", "EUR", "XMIL", "000TRM001", None, "TRAMONTE SPA", "0.0350", "12.08"),
    ("ALBN", "equity", "GBP", "XLON", None, "BNXA01", "ALBION TRUST PLC", "0.0300", "6.415"),
    ("KEST", "equity", "GBP", "XLON", None, "BNXK01", "KESTREL MARINE PLC", "0.0140", "21.90"),
    ("NOVB29", "bond", "EUR", "XETR", "000NVB001", None, "NOVERA 2.125% 2029", "0.02125", "99.40"),
)


def securities() -> tuple[Security, ...]:
    """The market's securities in their fixed order; an index into this tuple names a security in the simulation."""
    return (*_real_stocks(), *_invented())


def _real_stocks() -> list[Security]:
    return [
        Security(
            ticker=ticker, name=name, kind="equity", currency="USD", exchange=exchange, cusip=number,
            isin=isin("US", number), sedol=None, custodian_number=f"{1000001 + place}",
            issue_id=f"{2000000001 + place}", price_factor=Decimal(1), annual_rate=Decimal(bps) / 10_000,
            is_real=True, start_price=Decimal(0),
        )
        for place, (ticker, number, name, exchange, bps) in enumerate(_STOCKS)
    ]  # fmt: skip


def _invented() -> list[Security]:
    made = []
    for place, (ticker, kind, currency, exchange, stem, sedol_stem, name, rate, price) in enumerate(_INVENTED):
        number = cusip(stem) if stem is not None and currency == "USD" else None
        london = sedol(sedol_stem) if sedol_stem is not None else None
        national = number or stem or f"00{london}"
        made.append(
            Security(
                ticker=ticker, name=name, kind=kind, currency=currency, exchange=exchange, cusip=number,
                isin=isin("US" if number else "QZ", national), sedol=london, custodian_number=f"{1900001 + place}",
                issue_id=f"{2900000001 + place}", price_factor=Decimal("0.01") if kind == "bond" else Decimal(1),
                annual_rate=Decimal(rate), is_real=False, start_price=Decimal(price),
            )
        )  # fmt: skip
    return made
