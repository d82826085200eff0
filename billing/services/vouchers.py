"""Vouchers: made by people in a batch, used at a connector instead of a card, voided."""

import re
import secrets
from datetime import datetime
from typing import Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from billing import availability
from billing.models import Payment, Voucher
from billing.vocabulary import LedgerAccount, PaymentKind
from evcms.core import audit, clock
from evcms.core.access import Access, Permission
from stations.models import Connector, Site

from . import ledger, payments, purse_starts

ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that reads like something else
LENGTH: Final = 12  # 60 bits: guessing is hopeless, and tries are limited
MOST: Final = 1000


def make_vouchers(
    *,
    access: Access,
    count: int,
    value_minor: int,
    label: str = "",
    site: Site | None = None,
    valid_until: datetime | None = None,
    sold: bool = False,
) -> list[Voucher]:
    """A batch of codes. `sold`: somebody has paid us for them, so they are a debt of ours until they are used.

    Raises PermissionDenied, ValidationError with a sentence a field.
    """
    access.demand(Permission.MONEY)
    problems = _problems(access, count, value_minor, site, valid_until)
    if problems:
        raise ValidationError(problems)
    organization = access.organization
    rows = [
        Voucher(
            organization=organization, code=new_code(), label=label.strip(), currency=organization.currency,
            value_minor=value_minor, left_minor=value_minor, sold=sold, site=site, valid_until=valid_until,
            created_by=access.user,
        )
        for _number in range(count)
    ]  # fmt: skip
    with transaction.atomic():
        for row in rows:
            row.save()
        if sold:
            _post_sale(rows)
        audit.record(
            access, "vouchers.made", organization, count=count, value_minor=value_minor, label=label, sold=sold
        )
    return rows


def new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _place in range(LENGTH))


def _problems(
    access: Access, count: int, value_minor: int, site: Site | None, valid_until: datetime | None
) -> dict[str, str]:
    problems: dict[str, str] = {}
    if not 0 < count <= MOST:
        problems["count"] = _("Between 1 and %(most)d at once.") % {"most": MOST}
    if value_minor <= 0:
        problems["value"] = _("A voucher is worth more than nothing.")
    if site is not None and site.organization_id != access.organization.pk:
        problems["site"] = _("This site is not yours.")
    if valid_until is not None and valid_until <= clock.now():
        problems["valid_until"] = _("This day is over already.")
    return problems


def _post_sale(rows: list[Voucher]) -> None:
    for row in rows:
        ledger.post(
            organization_id=row.organization_id,
            key=f"voucher-sold-{row.pk}",
            kind="voucher_sold",
            currency=row.currency,
            lines=[
                ledger.Line(LedgerAccount.BANK, row.value_minor),
                ledger.Line(LedgerAccount.VOUCHERS, -row.value_minor, str(row.pk)),
            ],
            voucher=row,
        )


def void(*, access: Access, voucher: Voucher, reason: str) -> None:
    """Nobody can use it any more; what runs on it goes on. What was paid for it stays in the journal as a debt."""
    access.demand(Permission.MONEY)
    if voucher.organization_id != access.organization.pk:
        raise PermissionDenied(_("This voucher is not yours."))
    if not reason.strip():
        raise ValidationError(_("Say why it is void."))
    with transaction.atomic():
        if Voucher.objects.filter(pk=voucher.pk, voided_at=None).update(voided_at=clock.now()):
            audit.record(access, "voucher.voided", voucher, reason=reason.strip())


def fold(code: str) -> str:
    """As it is stored: "ab12-cd34 ef56" → "AB12CD34EF56"."""
    return re.sub(r"[^A-Z0-9]", "", code.upper())[:24]


def find(*, organization_id: int, code: str, site_id: int | None) -> Voucher:
    """A voucher that may be used here and now. Raises ValidationError with one sentence for all that is wrong with a
    code (a guesser learns nothing), and an own one for a voucher that its holder has used up.
    """
    now = clock.now()
    voucher = Voucher.objects.filter(organization_id=organization_id, code=fold(code), voided_at=None).first()
    wrong_place = voucher is not None and voucher.site_id is not None and voucher.site_id != site_id
    if voucher is None or wrong_place or (voucher.valid_until is not None and voucher.valid_until <= now):
        raise ValidationError(_("This code does not work here. Please check it, or pay by card."))
    if voucher.left_minor - voucher.held_minor <= 0:
        raise ValidationError(_("Nothing is left on this voucher."))
    return voucher


def start_with_voucher(
    *, connector: Connector, code: str, email: str = "", language: str = "en", group_id: int | None = None
) -> Payment:
    """Sets money of the voucher aside and asks the station to start. The payment is followed like one by card; the
    price is that of the driver's group when he is signed in.

    Raises PaymentRefused when nothing can be started here now, ValidationError for the code or the address.
    """
    language = payments.known_language(language)
    payments.check_email(email)
    with translation.override(language), transaction.atomic():
        payments.lock_plugs(connector.pk)
        tariff = availability.price_to_start(connector, group_id=group_id, by_card=False)
        found = find(organization_id=tariff.organization_id, code=code, site_id=connector.station.site_id)
        voucher = Voucher.objects.select_for_update().get(pk=found.pk)
        free = voucher.left_minor - voucher.held_minor
        if voucher.currency != tariff.currency or free <= 0:
            raise ValidationError(_("Nothing is left on this voucher."))
        return purse_starts.start(
            voucher, free, tariff, connector, kind=PaymentKind.VOUCHER, voucher=voucher, email=email, language=language
        )
