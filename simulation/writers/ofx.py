"""OFX statements, byte for byte: 1.x SGML with unclosed leaf tags (Windows-1252) and 2.x XML (UTF-8).

One file holds one account's investment or bank statement for a window of days. Elements stand one to a line. Amounts
are in the statement's currency (CURDEF); what was dealt in another currency carries ORIGCURRENCY, and holdings quoted
in another currency carry CURRENCY. Times are in the evening in New York, when it is already tomorrow in UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from xml.sax.saxutils import escape

from simulation.decimals import half_even
from simulation.firm import BANK_ID, BROKER_ID, Account
from simulation.market import PRICE_UNITS, Market
from simulation.securities import Security
from simulation.transactions import MONEY_UNITS, QUANTITY_UNITS, Transaction

_SGML_HEADER = (
    "OFXHEADER:100", "DATA:OFXSGML", "VERSION:102", "SECURITY:NONE", "ENCODING:USASCII", "CHARSET:1252",
    "COMPRESSION:NONE", "OLDFILEUID:NONE", "NEWFILEUID:NONE", "",
)  # fmt: skip
_XML_HEADER = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>',
    '<?OFX OFXHEADER="200" VERSION="211" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>',
)
_CASH_TYPES = {
    "DEPOSIT": "DEP", "WITHDRAWAL": "DEBIT", "INTEREST": "INT", "ADVISORY_FEE": "FEE", "OTHER_FEE": "SRVCHG",
}  # fmt: skip


@dataclass(frozen=True)
class _Node:
    """An element: a leaf with text, or an aggregate with children."""

    tag: str
    text: str | None = None
    children: tuple[_Node, ...] = ()


@dataclass(frozen=True)
class Statement:
    """What one file states.

    Attributes:
        first_date: first day of the window.
        last_date: last day of the window, at whose close holdings and cash stand; a simulated business day.
        transactions: all bookings of the account with a trade date in the window.
        holdings: index of the security to quantity in 0.00001, by trade date.
        cash: in 0.0001 of the account's base currency, settled.
    """

    account: Account
    first_date: date
    last_date: date
    transactions: tuple[Transaction, ...]
    holdings: Mapping[int, int]
    cash: int


def file_name(account_number: str, day: date) -> str:
    """``<ACCTID>_<yyyymmdd>.ofx``."""
    return f"{account_number}_{day:%Y%m%d}.ofx"


def document(market: Market, stated: Statement) -> bytes:
    """A whole file."""
    if stated.account.style == "ofx_bank":
        root = _node("OFX", _sign_on(stated.last_date), _bank_messages(stated))
    else:
        root = _node("OFX", _sign_on(stated.last_date), _investment_messages(market, stated), _list(market, stated))
    if stated.account.style == "ofx_xml":
        lines = [*_XML_HEADER, *_rendered(root, _xml_leaf)]
        return ("\n".join(lines) + "\n").encode("utf-8")
    lines = [*_SGML_HEADER, *_rendered(root, _sgml_leaf)]
    return ("\r\n".join(lines) + "\r\n").encode("cp1252")


def _node(tag: str, *children: _Node | None) -> _Node:
    return _Node(tag, children=tuple(child for child in children if child is not None))


def _leaf(tag: str, text: str) -> _Node:
    return _Node(tag, text)


def _rendered(node: _Node, leaf: Callable[[str, str], str]) -> Iterable[str]:
    if node.text is not None:
        yield leaf(node.tag, escape(node.text))
        return
    yield f"<{node.tag}>"
    for child in node.children:
        yield from _rendered(child, leaf)
    yield f"</{node.tag}>"


def _sgml_leaf(tag: str, text: str) -> str:
    return f"<{tag}>{text}"


def _xml_leaf(tag: str, text: str) -> str:
    return f"<{tag}>{text}</{tag}>"


def _moment(day: date) -> str:
    return f"{day:%Y%m%d}202000.000[-5:EST]"


def _status() -> _Node:
    return _node("STATUS", _leaf("CODE", "0"), _leaf("SEVERITY", "INFO"))


def _sign_on(day: date) -> _Node:
    institution = _node("FI", _leaf("ORG", BROKER_ID), _leaf("FID", "9901"))
    return _node(
        "SIGNONMSGSRSV1",
        _node("SONRS", _status(), _leaf("DTSERVER", _moment(day)), _leaf("LANGUAGE", "ENG"), institution),
    )


def _money(value: int) -> str:
    sign, digits = ("-", -value) if value < 0 else ("", value)
    return f"{sign}{digits // MONEY_UNITS}.{digits % MONEY_UNITS // 100:02d}"


def _decimal(value: int) -> str:
    """An integer in 0.00001 without trailing zeros, as statements write units and prices."""
    sign, digits = ("-", -value) if value < 0 else ("", value)
    return f"{sign}{digits // PRICE_UNITS}.{digits % PRICE_UNITS:05d}".rstrip("0").rstrip(".")


def _rate_text(rate: Fraction) -> str:
    scaled = half_even(rate.numerator * 10**8, rate.denominator)
    return f"{scaled // 10**8}.{scaled % 10**8:08d}"


def _currency(market: Market, tag: str, account: Account, listed: Security, day: date) -> _Node | None:
    """The other currency and the statement currency's price of it, None where there is no other."""
    if listed.currency == account.base_currency:
        return None
    rate = market.euro.rate(day, listed.currency, account.base_currency)
    return _node(tag, _leaf("CURRATE", _rate_text(rate)), _leaf("CURSYM", listed.currency))


def _security_id(listed: Security) -> _Node:
    number, scheme = (listed.cusip, "CUSIP") if listed.cusip is not None else (listed.isin, "ISIN")
    return _node("SECID", _leaf("UNIQUEID", number), _leaf("UNIQUEIDTYPE", scheme))


# --- transactions -----------------------------------------------------------------------------------------------------


def _cash_transaction(booking: Transaction) -> _Node:
    name = booking.type.replace("_", " ")
    return _node(
        "STMTTRN", _leaf("TRNTYPE", _CASH_TYPES[booking.type]), _leaf("DTPOSTED", _moment(booking.trade_date)),
        _leaf("TRNAMT", _money(booking.amount)), _leaf("FITID", booking.provider_id), _leaf("NAME", name),
    )  # fmt: skip


def _head(booking: Transaction, memo: str) -> _Node:
    return _node(
        "INVTRAN", _leaf("FITID", booking.provider_id), _leaf("DTTRADE", _moment(booking.trade_date)),
        _leaf("DTSETTLE", _moment(booking.settle_date)), _leaf("MEMO", memo),
    )  # fmt: skip


def _transaction(market: Market, booking: Transaction) -> _Node:
    if booking.security is None:
        return _node("INVBANKTRAN", _cash_transaction(booking), _leaf("SUBACCTFUND", "CASH"))
    listed = market.securities[booking.security]
    if booking.type in {"BUY", "SELL"}:
        return _trade(market, booking, listed)
    head = _head(booking, f"{booking.type} {listed.name}")
    if booking.type in {"DIVIDEND", "INTEREST"}:
        income_type = "DIV" if booking.type == "DIVIDEND" else "INTEREST"
        return _node(
            "INCOME", head, _security_id(listed), _leaf("INCOMETYPE", income_type),
            _leaf("TOTAL", _money(booking.amount)), _leaf("SUBACCTSEC", "CASH"), _leaf("SUBACCTFUND", "CASH"),
            _currency(market, "ORIGCURRENCY", booking.account, listed, booking.trade_date),
        )  # fmt: skip
    return _node(
        "TRANSFER", head, _security_id(listed), _leaf("SUBACCTSEC", "CASH"), _leaf("UNITS", _decimal(booking.quantity)),
        _leaf("TFERACTION", "IN" if booking.quantity > 0 else "OUT"), _leaf("POSTYPE", "LONG"),
    )  # fmt: skip


def _trade(market: Market, booking: Transaction, listed: Security) -> _Node:
    is_buy = booking.type == "BUY"
    rate = market.euro.rate(booking.trade_date, listed.currency, booking.account.base_currency)
    unit = booking.price if listed.is_bond else half_even(booking.price * rate.numerator, rate.denominator)
    accrued = _leaf("ACCRDINT", _money(booking.accrued_interest)) if is_buy and booking.accrued_interest else None
    dealt = _node(
        "INVBUY" if is_buy else "INVSELL", _head(booking, f"{booking.type} {listed.name}"), _security_id(listed),
        _leaf("UNITS", _decimal(booking.quantity)), _leaf("UNITPRICE", _decimal(unit)),
        _leaf("COMMISSION", _money(booking.commission)) if booking.commission else None,
        _leaf("TOTAL", _money(booking.amount)),
        _currency(market, "ORIGCURRENCY", booking.account, listed, booking.trade_date),
        _leaf("SUBACCTSEC", "CASH"), _leaf("SUBACCTFUND", "CASH"),
    )  # fmt: skip
    if listed.is_bond:
        return _node("BUYDEBT", dealt, accrued) if is_buy else _node("SELLDEBT", dealt, _leaf("SELLREASON", "SELL"))
    return (
        _node("BUYSTOCK", dealt, _leaf("BUYTYPE", "BUY"))
        if is_buy
        else _node("SELLSTOCK", dealt, _leaf("SELLTYPE", "SELL"))
    )


# --- statements -------------------------------------------------------------------------------------------------------


def _window(stated: Statement) -> tuple[_Node, _Node]:
    return _leaf("DTSTART", f"{stated.first_date:%Y%m%d}"), _leaf("DTEND", f"{stated.last_date:%Y%m%d}")


def _bank_messages(stated: Statement) -> _Node:
    account, moment = stated.account, _leaf("DTASOF", _moment(stated.last_date))
    holder = _node(
        "BANKACCTFROM", _leaf("BANKID", BANK_ID), _leaf("ACCTID", account.account_number), _leaf("ACCTTYPE", "CHECKING")
    )
    listed = _node("BANKTRANLIST", *_window(stated), *(_cash_transaction(booking) for booking in stated.transactions))
    balance = _leaf("BALAMT", _money(stated.cash))
    statement = _node(
        "STMTRS", _leaf("CURDEF", account.base_currency), holder, listed, _node("LEDGERBAL", balance, moment),
        _node("AVAILBAL", balance, moment),
    )  # fmt: skip
    return _node("BANKMSGSRSV1", _node("STMTTRNRS", _leaf("TRNUID", "0"), _status(), statement))


def _investment_messages(market: Market, stated: Statement) -> _Node:
    account = stated.account
    statement = _node(
        "INVSTMTRS",
        _leaf("DTASOF", _moment(stated.last_date)),
        _leaf("CURDEF", account.base_currency),
        _node("INVACCTFROM", _leaf("BROKERID", BROKER_ID), _leaf("ACCTID", account.account_number)),
        _node("INVTRANLIST", *_window(stated), *(_transaction(market, booking) for booking in stated.transactions)),
        _node("INVPOSLIST", *(_position(market, stated, *held) for held in sorted(stated.holdings.items()))),
        _node(
            "INVBAL", _leaf("AVAILCASH", _money(stated.cash)), _leaf("MARGINBALANCE", "0"), _leaf("SHORTBALANCE", "0")
        ),
    )
    return _node("INVSTMTMSGSRSV1", _node("INVSTMTTRNRS", _leaf("TRNUID", "0"), _status(), statement))


def _position(market: Market, stated: Statement, security: int, quantity: int) -> _Node:
    listed, place = market.securities[security], market.place(stated.last_date)
    price = int(market.prices[place, security])
    worth = Fraction(quantity * price, QUANTITY_UNITS * PRICE_UNITS) * Fraction(listed.price_factor) * MONEY_UNITS
    cents = half_even(worth.numerator, worth.denominator * 100) * 100
    priced = market.days[int(market.price_places[place, security])]
    held = _node(
        "INVPOS", _security_id(listed), _leaf("HELDINACCT", "CASH"), _leaf("POSTYPE", "LONG"),
        _leaf("UNITS", _decimal(quantity)), _leaf("UNITPRICE", _decimal(price)), _leaf("MKTVAL", _money(cents)),
        _leaf("DTPRICEASOF", _moment(priced)),
        _currency(market, "CURRENCY", stated.account, listed, stated.last_date),
    )  # fmt: skip
    return _node("POSDEBT" if listed.is_bond else "POSSTOCK", held)


def _list(market: Market, stated: Statement) -> _Node:
    named = set(stated.holdings) | {t.security for t in stated.transactions if t.security is not None}
    entries = []
    for security in sorted(named):
        listed = market.securities[security]
        about = _node(
            "SECINFO", _security_id(listed), _leaf("SECNAME", listed.name), _leaf("TICKER", listed.ticker),
            _currency(market, "CURRENCY", stated.account, listed, stated.last_date),
        )  # fmt: skip
        if listed.is_bond:
            terms = (_leaf("PARVALUE", "1000"), _leaf("DEBTTYPE", "COUPON"), _leaf("DEBTCLASS", "CORPORATE"))
            coupon = _leaf("COUPONRT", f"{listed.annual_rate * 100:.3f}")
            entries.append(_node("DEBTINFO", about, *terms, coupon, _leaf("DTMAT", f"20{listed.ticker[-2:]}0615")))
        else:
            entries.append(_node("STOCKINFO", about, _leaf("STOCKTYPE", "COMMON")))
    return _node("SECLISTMSGSRSV1", _node("SECLIST", *entries))
