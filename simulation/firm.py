"""The simulated firms: tenants, their households, their accounts and who holds them.

Every name, number and address is invented. The first Schwab account has the same number in every tenant, because
custodians' numbers are unique only within a custodian and tests must show that tenants never mix.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Style = Literal["schwab", "fidelity", "pershing", "tda", "ibflex", "swift", "ofx_sgml", "ofx_xml", "ofx_bank"]
US_STYLES: tuple[Style, ...] = ("schwab", "fidelity", "pershing", "tda")
"""Custodians of the United States: accounts in dollars, holding securities in dollars."""
CONNECTIONS: Mapping[Style, str] = {
    "schwab": "schwab_main", "fidelity": "fidelity_main", "pershing": "pershing_main", "tda": "tda_veo",
    "ibflex": "ibkr_flex", "swift": "swift_custody", "ofx_sgml": "ofx_direct", "ofx_xml": "ofx_direct",
    "ofx_bank": "ofx_direct",
}  # fmt: skip
"""Style to the tenant's feed that delivers accounts of it."""

SHARED_ACCOUNT_NUMBER = "48120001"
"""The account number that tenants have in common."""

BROKER_ID = "meridian.example"
BANK_ID = "990000015"

_FIRST_NAMES = ("ADA", "BRUNO", "CLARA", "DAVID", "ELENA", "FELIX", "GRETA", "HUGO", "INES", "JONAS", "KARLA", "RENÉE")
_LAST_NAMES = (
    "ABBOTT", "BELLINI", "CARLSEN", "DUBOIS", "EASTON", "FARKAS", "GALLÓ", "HARTMANN", "IVERSEN", "JANSEN",
    "KOWALSKI", "LINDQVIST", "MORETTI", "NAKAMURA", "OSBORNE", "PETERSEN", "QUINN", "ROSSI", "SØRENSEN", "TANAKA",
)  # fmt: skip
_REGISTRATIONS = (
    ("IND", "INDIVIDUAL", "taxable"), ("JT", "JOINT TENANTS", "taxable"), ("TRUST", "LIVING TRUST", "taxable"),
    ("IRA", "ROLLOVER IRA", "tax_deferred"), ("ROTH", "ROTH IRA", "tax_exempt"),
)  # fmt: skip
_OFX_CURRENCIES = ("EUR", "GBP", "CAD", "USD")


@dataclass(frozen=True)
class TenantPlan:
    """How large a tenant is.

    Attributes:
        accounts: number of accounts.
        master_account: its Schwab master account.
        ofx_share: share of the accounts that OFX statements describe.
        styles: custodians of the others, in turns; the first account is Schwab's.
    """

    accounts: int
    master_account: str
    ofx_share: float = 0.0
    styles: tuple[Style, ...] = ("schwab",)


@dataclass(frozen=True, slots=True)
class Account:
    """An account of one tenant.

    Attributes:
        connection: the tenant's feed that delivers it.
        style: which kind of file describes it.
        registration: the custodian's code of the registration.
        opened_place: index of the first simulated business day on which it is held.
        is_weekly: for OFX, whether a statement comes each week (else each month).
    """

    tenant: str
    connection: str
    style: Style
    account_number: str
    master_account: str | None
    household: str
    title: str
    registration: str
    registration_title: str
    tax_status: str
    base_currency: str
    opened_date: date
    opened_place: int
    is_weekly: bool

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it apart: tenant, feed and number."""
        return self.tenant, self.connection, self.account_number


@dataclass(frozen=True)
class Firm:
    """All tenants of a simulated world.

    Attributes:
        plans: tenant slug to its plan.
        accounts: accounts in a fixed order, tenant by tenant.
    """

    plans: Mapping[str, TenantPlan]
    accounts: tuple[Account, ...] = field(default=())

    def of(self, tenant: str, connection: str | None = None) -> list[Account]:
        """The tenant's accounts, of one feed or of all."""
        return [a for a in self.accounts if a.tenant == tenant and connection in (None, a.connection)]


def firm(seed: int, plans: Mapping[str, TenantPlan], days: tuple[date, ...]) -> Firm:
    """The firms of a seed. Accounts of a tenant do not depend on how many others there are."""
    accounts: list[Account] = []
    for number, (tenant, plan) in enumerate(sorted(plans.items())):
        ofx_every = round(1 / plan.ofx_share) if plan.ofx_share > 0 else 0
        household, left = 0, 0
        for place in range(plan.accounts):
            draw = random.Random(f"{seed}/account/{tenant}/{place}")
            if left == 0:
                household, left = household + 1, draw.randint(1, 3)
            left -= 1
            is_ofx = ofx_every > 0 and place % ofx_every == ofx_every - 1
            accounts.append(_account(draw, tenant, number, place, plan, is_ofx, ofx_every, household, days))
    return Firm(dict(plans), tuple(accounts))


def _account(
    draw: random.Random,
    tenant: str,
    tenant_number: int,
    place: int,
    plan: TenantPlan,
    is_ofx: bool,
    ofx_every: int,
    household: int,
    days: tuple[date, ...],
) -> Account:
    registration, registration_title, tax_status = draw.choice(_REGISTRATIONS)
    title = f"{draw.choice(_FIRST_NAMES)} {draw.choice(_LAST_NAMES)}"
    opens_late = place > 0 and draw.random() < 0.06 and len(days) > 4
    opened_place = draw.randint(1, len(days) // 2) if opens_late else 0
    ordinal = place // ofx_every if ofx_every else 0
    style: Style = "schwab" if place == 0 else plan.styles[(place - ordinal) % len(plan.styles)]
    if is_ofx:
        style = "ofx_bank" if ordinal % 8 == 6 else ("ofx_xml" if ordinal % 2 else "ofx_sgml")
    opened_date = days[opened_place] if opens_late else date(draw.randint(2005, 2020), draw.randint(1, 12), 15)
    return Account(
        tenant=tenant,
        connection=CONNECTIONS[style],
        style=style,
        account_number=_number(tenant_number, place, style),
        master_account=plan.master_account if style in US_STYLES else None,
        household=f"{tenant.upper()}-H{household:04d}",
        title=title,
        registration=registration,
        registration_title=registration_title,
        tax_status=tax_status,
        base_currency=_currency(style, ordinal, place),
        opened_date=opened_date,
        opened_place=opened_place,
        is_weekly=is_ofx and ordinal % 4 == 0,
    )


def _currency(style: Style, ordinal: int, place: int) -> str:
    if style in ("ibflex", "swift"):
        return ("EUR", "GBP", "USD")[place // 3 % 3]
    return "USD" if style in US_STYLES else _OFX_CURRENCIES[ordinal // 2 % 4]


def _number(tenant_number: int, place: int, style: Style) -> str:
    """An account number of the custodian's form: lengths and letters are theirs, the numbers invented."""
    if style == "schwab":
        return SHARED_ACCOUNT_NUMBER if place == 0 else f"{5 + tenant_number % 5}{place:07d}"
    if style == "fidelity":  # branch of three, six digits
        return f"{chr(ord('X') + tenant_number % 3)}{10 + tenant_number % 90:02d}{place:06d}"
    if style == "pershing":  # office of three, five digits, check digit
        return f"{chr(ord('J') + tenant_number % 10)}P7{place:05d}{(7 * place + tenant_number) % 10}"
    if style == "tda":
        return f"9{tenant_number % 10}{place:07d}"
    if style == "ibflex":
        return f"U{1 + tenant_number % 9}{place:06d}"
    if style == "swift":
        return f"{7 + tenant_number % 3}00{place:09d}"
    prefix = "B" if style == "ofx_bank" else "W"
    return f"{prefix}{tenant_number + 1}{place:06d}"
