"""Flex activity statements of Interactive Brokers, byte for byte: one file a day with a statement for each account.

Every element stands on a line of its own and holds all of its data in attributes; a number that is not known is blank.
Trades settle in the account's base currency, in which they are stated; holdings are stated in the security's. README.md
of the room says what is invented.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from fractions import Fraction
from xml.sax.saxutils import escape

from simulation.decimals import half_even
from simulation.firm import Account
from simulation.lots import Gain, Lot
from simulation.market import PRICE_UNITS, Market
from simulation.scene import Scene
from simulation.securities import Security
from simulation.transactions import MONEY_UNITS, QUANTITY_UNITS, Transaction

QUERY = "daily_activity"
KIND = "ACTIVITY"
BOOKING_BASE = 2_000_000_000
OPENING_BASE = 1_000_000_000
CANCELS = 500_000_000
_CASH_TYPES = {
    "DEPOSIT": "Deposits & Withdrawals", "WITHDRAWAL": "Deposits & Withdrawals", "DIVIDEND": "Dividends",
    "OTHER_FEE": "Other Fees", "ADVISORY_FEE": "Advisor Fees", "TAX_WITHHELD": "Withholding Tax",
}  # fmt: skip
_CUSTOMERS = {
    "IND": "Individual", "JT": "Joint", "TRUST": "Trust", "IRA": "IRA Traditional Rollover", "ROTH": "IRA Roth New",
}  # fmt: skip


def files(scene: Scene, tenant: str, accounts: Sequence[Account], day: date) -> Iterator[tuple[str, str, bytes]]:
    """Name, kind and content of the day's file; none where the tenant holds no account here."""
    if accounts:
        yield file_name(tenant, day), KIND, document(scene, accounts, day)


def file_name(tenant: str, day: date) -> str:
    """``<tenant>_activity_<yyyymmdd>.xml``."""
    return f"{tenant}_activity_{day:%Y%m%d}.xml"


def document(scene: Scene, accounts: Sequence[Account], day: date) -> bytes:
    """A whole file."""
    lines = [
        f'<FlexQueryResponse queryName="{QUERY}" type="AF">',
        f'<FlexStatements count="{len(accounts)}">',
        *(line for account in accounts for line in _statement(scene, account, day)),
        "</FlexStatements>",
        "</FlexQueryResponse>",
    ]
    return ("\n".join(lines) + "\n").encode("utf-8")


def conid(market: Market, security: int) -> str:
    """The contract number that the simulated broker gives a security."""
    return str(265_000 + 7 * security + len(market.securities))


def transaction_id(number: int) -> str:
    """The id of an account's booking."""
    return str(BOOKING_BASE + number)


def lot_id(name: str) -> str:
    """The id of a lot: that of the booking that opened it, or one of the openings'."""
    return str((OPENING_BASE if name.startswith("O") else BOOKING_BASE) + int(name[1:]))


def _statement(scene: Scene, account: Account, day: date) -> Iterator[str]:
    generated = f"{day + timedelta(days=1):%Y%m%d};003000"
    yield (
        f'<FlexStatement accountId="{account.account_number}" fromDate="{day:%Y%m%d}" toDate="{day:%Y%m%d}" '
        f'period="LastBusinessDay" whenGenerated="{generated}">'
    )
    yield _element(
        "AccountInformation", accountId=account.account_number, acctAlias="", currency=account.base_currency,
        name=account.title, accountType="Advisor Client", customerType=_CUSTOMERS[account.registration],
        dateOpened=f"{account.opened_date:%Y%m%d}", dateClosed="",
    )  # fmt: skip
    rows = scene.rows([account], day)
    held = sorted(scene.holdings(account, day).items())
    sections = {
        "CashReport": _cash_report(scene, account, day),
        "OpenPositions": [*_positions(scene, account, day, held), *_lots(scene, account, day)],
        "Trades": [
            *(_trade(scene.market, *row) for row in rows if row[0].type in {"BUY", "SELL"}),
            *(_closed(scene.market, account, gain) for gain in _realised(scene, account, day)),
        ],
        "CashTransactions": [_cash(scene.market, *row) for row in rows if _is_cash(row[0])],
        "Transfers": [_transfer(scene.market, *row) for row in rows if row[0].type.startswith("TRANSFER_")],
        "SecuritiesInfo": [
            _security(scene.market, number)
            for number in sorted({n for n, _ in held} | {b.security for b, _ in rows if b.security is not None})
        ],
    }
    for name, elements in sections.items():
        yield from (f"<{name}>", *elements, f"</{name}>") if elements else (f"<{name} />",)
    yield "</FlexStatement>"


def _element(tag: str, /, **attributes: str) -> str:
    texts = (f'{key}="{escape(text, {chr(34): "&quot;"})}"' for key, text in attributes.items())
    return f"<{tag} {' '.join(texts)} />"


def _money(value: int | None) -> str:
    """Money in 0.0001 as the shortest text; blank when unknown."""
    return "" if value is None else _shortest(value, MONEY_UNITS, 4)


def _decimal(value: int) -> str:
    """A quantity or price in 0.00001 as the shortest text."""
    return _shortest(value, PRICE_UNITS, 5)


def _shortest(value: int, units: int, places: int) -> str:
    sign, digits = ("-", -value) if value < 0 else ("", value)
    text = f"{digits // units}.{digits % units:0{places}d}"
    return sign + text.rstrip("0").rstrip(".")


def _named(market: Market, security: int | None) -> dict[str, str]:
    """How an element names a security; all blank for cash."""
    if security is None:
        return dict.fromkeys(("assetCategory", "symbol", "description", "conid", "cusip", "isin", "multiplier"), "")
    listed = market.securities[security]
    return {
        "assetCategory": "BOND" if listed.is_bond else "STK", "symbol": listed.ticker, "description": listed.name,
        "conid": conid(market, security), "cusip": listed.cusip or "", "isin": listed.isin, "multiplier": "1",
    }  # fmt: skip


def _security(market: Market, security: int) -> str:
    listed = market.securities[security]
    maturity = f"20{listed.ticker[-2:]}0615" if listed.is_bond else ""
    return _element("SecurityInfo", **_named(market, security), currency=listed.currency, maturity=maturity, expiry="")


# --- holdings ---------------------------------------------------------------------------------------------------------


def _cash_report(scene: Scene, account: Account, day: date) -> list[str]:
    stated = {
        "endingCash": _money(scene.cash(account, day)),
        "endingSettledCash": _money(scene.settled_cash(account, day)),
    }
    dates = {"fromDate": f"{day:%Y%m%d}", "toDate": f"{day:%Y%m%d}"}
    return [
        _element("CashReportCurrency", accountId=account.account_number, currency=currency, **dates, **stated)
        for currency in ("BASE_SUMMARY", account.base_currency)
    ]


def _positions(scene: Scene, account: Account, day: date, held: Sequence[tuple[int, int]]) -> list[str]:
    market, place = scene.market, scene.market.place(day)
    found = []
    for security, quantity in held:
        listed, price = market.securities[security], int(market.prices[place, security])
        worth = Fraction(quantity * price, QUANTITY_UNITS * PRICE_UNITS) * Fraction(listed.price_factor) * MONEY_UNITS
        value = half_even(worth.numerator, worth.denominator * 100) * 100
        found.append(
            _held(
                account, market, security, day, listed.currency, "SUMMARY", position=_decimal(quantity),
                markPrice=_decimal(price), positionValue=_money(value),
            )
        )  # fmt: skip
    return found


def _lots(scene: Scene, account: Account, day: date) -> list[str]:
    return [_lot(scene, account, day, lot) for lot in scene.lots(account, day)]


def _lot(scene: Scene, account: Account, day: date, lot: Lot) -> str:
    opened = "" if lot.acquired_date is None else f"{lot.acquired_date:%Y%m%d};093000"
    price = int(scene.market.prices[scene.market.place(day), lot.security])
    return _held(
        account, scene.market, lot.security, day, account.base_currency, "LOT", position=_decimal(lot.quantity),
        markPrice=_decimal(price), costBasisMoney=_money(lot.cost), openDateTime=opened, holdingPeriodDateTime=opened,
        originatingTransactionID=lot_id(lot.lot_id),
    )  # fmt: skip


def _held(account: Account, market: Market, security: int, day: date, currency: str, level: str, **stated: str) -> str:
    blank = dict.fromkeys(
        (
            "position", "markPrice", "positionValue", "costBasisMoney", "fifoPnlUnrealized", "openDateTime",
            "holdingPeriodDateTime", "originatingOrderID", "originatingTransactionID", "code", "accruedInt",
        ),
        "",
    )  # fmt: skip
    return _element(
        "OpenPosition", accountId=account.account_number, currency=currency, **_named(market, security),
        reportDate=f"{day:%Y%m%d}", side="Long", levelOfDetail=level, **(blank | stated),
    )  # fmt: skip


# --- trades -----------------------------------------------------------------------------------------------------------


def _trade(market: Market, booking: Transaction, is_cancel: bool) -> str:
    """An execution, or the reversal of one."""
    account, security = booking.account, booking.security
    assert security is not None  # noqa: S101 (purchases and sales have one)
    listed = market.securities[security]
    turn = -1 if is_cancel else 1
    costs = booking.commission
    proceeds = booking.amount + costs + booking.accrued_interest
    unit = _unit_price(market, booking, listed)
    ids = {"tradeID": str(7_000_000 + booking.number), "transactionID": transaction_id(booking.number)}
    if is_cancel:
        ids = {
            "tradeID": str(8_000_000 + booking.number), "transactionID": transaction_id(CANCELS + booking.number),
            "origTradeID": ids["tradeID"], "origTransactionID": ids["transactionID"],
        }  # fmt: skip
    side = booking.type + (" (Ca.)" if is_cancel else "")
    return _element(
        "Trade", accountId=account.account_number, currency=account.base_currency, **_named(market, security),
        **({"origTradeID": "", "origTransactionID": "0"} | ids), tradeDate=f"{booking.trade_date:%Y%m%d}",
        dateTime=f"{booking.trade_date:%Y%m%d};103000", settleDateTarget=f"{booking.settle_date:%Y%m%d}",
        transactionType="TradeCancel" if is_cancel else "ExchTrade", quantity=_decimal(turn * booking.quantity),
        tradePrice=_decimal(unit), proceeds=_money(turn * proceeds), taxes="0", ibCommission=_money(-turn * costs),
        ibCommissionCurrency=account.base_currency, netCash=_money(turn * booking.amount),
        accruedInt=_money(-turn * booking.accrued_interest), openCloseIndicator="O" if booking.quantity > 0 else "C",
        notes="Ca" if is_cancel else "", buySell=side, levelOfDetail="EXECUTION",
    )  # fmt: skip


def _unit_price(market: Market, booking: Transaction, listed: Security) -> int:
    """Price in the currency of the trade; a bond's is in percent of par, which no currency changes."""
    if listed.is_bond:
        return booking.price
    rate = market.euro.rate(booking.trade_date, listed.currency, booking.account.base_currency)
    return half_even(booking.price * rate.numerator, rate.denominator)


def _realised(scene: Scene, account: Account, day: date) -> list[Gain]:
    return [gain for gain in scene.gains(account, day) if gain.reported_date == day]


def _closed(market: Market, account: Account, gain: Gain) -> str:
    opened = "" if gain.acquired_date is None else f"{gain.acquired_date:%Y%m%d};093000"
    realised = None if gain.cost is None else gain.proceeds - gain.cost
    return _element(
        "Lot", accountId=account.account_number, currency=account.base_currency, **_named(market, gain.security),
        tradeID=str(7_000_000 + gain.number), transactionID=lot_id(gain.lot_id), tradeDate=f"{gain.sold_date:%Y%m%d}",
        quantity=_decimal(gain.quantity), proceeds="" if gain.cost is not None else _money(gain.proceeds),
        cost=_money(gain.cost), fifoPnlRealized=_money(realised), openDateTime=opened, buySell="SELL",
        notes={"long": "LT", "short": "ST", "unknown": ""}[gain.term], levelOfDetail="CLOSED_LOT",
    )  # fmt: skip


# --- cash and transfers -----------------------------------------------------------------------------------------------


def _is_cash(booking: Transaction) -> bool:
    return booking.type in _CASH_TYPES or booking.type == "INTEREST"


def _cash(market: Market, booking: Transaction, is_cancel: bool) -> str:
    """A cash transaction; one that is cancelled is taken back by its opposite."""
    paid = "Received" if booking.amount > 0 else "Paid"
    kind = _CASH_TYPES.get(booking.type) or f"{'Broker' if booking.security is None else 'Bond'} Interest {paid}"
    named = _named(market, booking.security)
    described = f"{named['symbol']} {booking.type.replace('_', ' ')}".strip()
    number = booking.number + (CANCELS if is_cancel else 0)
    return _element(
        "CashTransaction", accountId=booking.account.account_number, currency=booking.account.base_currency,
        **(named | {"description": described}), dateTime=f"{booking.trade_date:%Y%m%d};202000",
        reportDate=f"{booking.reported_date:%Y%m%d}", settleDate=f"{booking.settle_date:%Y%m%d}",
        amount=_money(-booking.amount if is_cancel else booking.amount), type=kind, code="",
        transactionID=transaction_id(number),
    )  # fmt: skip


def _transfer(market: Market, booking: Transaction, is_cancel: bool) -> str:
    quantity = -booking.quantity if is_cancel else booking.quantity
    return _element(
        "Transfer", accountId=booking.account.account_number, currency=booking.account.base_currency,
        **_named(market, booking.security), date=f"{booking.trade_date:%Y%m%d}", type="FOP",
        direction="IN" if quantity > 0 else "OUT", company="--", account="--", quantity=_decimal(quantity),
        transferPrice="0", positionAmount="", cashTransfer="0", code="",
        transactionID=transaction_id(booking.number + (CANCELS if is_cancel else 0)),
    )  # fmt: skip
