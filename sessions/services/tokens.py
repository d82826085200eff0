"""Tokens: what a charger is told about one, and the people's list of them. Compared without case."""

import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from evcms.core import audit
from evcms.core.access import Access, Permission
from evcms.core.inserts import Insert
from evcms.core.prepared import PreparedMany, any_of
from sessions import cars
from sessions.models import AcceptedTap, Attempt, Driver, IdToken
from sessions.vocabulary import (
    AttemptKind,
    AttemptState,
    FailureCause,
    Judge,
    TokenDecision,
    TokenStatus,
    TokenType,
    Verdict,
)
from stations.models import Station

SHORTENED: Final = 20  # OCPP 1.6 idToken: some stations report longer ones cut to it
ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
VERDICTS: Final = {
    TokenStatus.ACCEPTED: Verdict.ACCEPTED,
    TokenStatus.BLOCKED: Verdict.BLOCKED,
    TokenStatus.EXPIRED: Verdict.EXPIRED,
    TokenStatus.INVALID: Verdict.INVALID,
}
CARDS: Final = (TokenType.ISO14443, TokenType.ISO15693)
LONGEST: Final = 36  # OCPP 2.0.1 idToken; a card must also pass the 20 characters of OCPP 1.6 (CiString20Type)
FIELDS: Final = ("value", "type", "status", "expires_at", "group_id", "driver", "label")


class Presented(NamedTuple):
    """A token as a station of the organization showed it."""

    organization_id: int | None
    value: str
    token_type: str
    at: datetime
    judge: Judge | None = None


class Tap(NamedTuple):
    """A card held to a station, which asks whether it may charge there."""

    station_id: int
    value: str
    token_type: str
    at: datetime


Key = tuple[int | None, str]  # organization, value
_BY_TEXT: Final = PreparedMany(
    lambda keys: (
        IdToken.objects.filter(any_of(("organization_id", "folded"), keys))
        .select_related("driver")
        .only(
            "organization_id",
            "folded",
            "value",
            "type",
            "status",
            "expires_at",
            "group_id",
            "guest",
            "driver",
            "driver__language",
            "driver__group",
        )
    ),
    int,
    str,
)
ORGANIZATIONS: Final = PreparedMany(
    lambda pks: Station.objects.filter(pk__in=pks).order_by().values_list("pk", "organization_id"), int
)
_ATTEMPTS: Final = Insert(Attempt)
_TAPS: Final = Insert(AcceptedTap)


def fold(value: str) -> str:
    """What is compared. A car's id is the same however a station spells it (VID:00:1A…, 00-1A-…): see `cars`."""
    folded = value.strip().upper()
    return cars.canonical(folded) or folded


def decide(
    *, organization_id: int | None, value: str, token_type: str, at: datetime, judge: Judge | None = None
) -> tuple[IdToken | None, TokenDecision]:
    """The token's row, if it is known, and what the charger is told. Reads only. `judge` has the last word.

    Type NoAuthorization (2.x C06: a station set to ask nobody) is accepted without a row; a blocked token stays blocked
    when it has expired, too.
    """
    return decide_many([Presented(organization_id, value, token_type, at, judge)])[0]


def decide_many(presented: Sequence[Presented]) -> list[tuple[IdToken | None, TokenDecision]]:
    """As `decide`, in the order given."""
    presented = [each._replace(value=cars.spelled(each.value, each.token_type)) for each in presented]
    known = find_many((each.organization_id, each.value) for each in presented if _needs_row(each))
    tokens = [known.get((each.organization_id, fold(each.value))) if _needs_row(each) else None for each in presented]
    cases = [(each.judge, token, _verdict(each, token)) for each, token in zip(presented, tokens, strict=True)]
    refusals = _refusals(cases)
    return [(token, _decision(token, _last_word(refusals, judge, token, verdict))) for judge, token, verdict in cases]


def _needs_row(presented: Presented) -> bool:
    return presented.token_type != TokenType.NO_AUTHORIZATION


def _verdict(presented: Presented, token: IdToken | None) -> Verdict:
    """What the row says."""
    if not _needs_row(presented):
        return Verdict.ACCEPTED
    if token is None:
        # 2.1 C20: the station's terminal holds the money
        paid = presented.token_type == TokenType.DIRECT_PAYMENT and bool(presented.value)
        return Verdict.ACCEPTED if paid else Verdict.INVALID
    verdict = VERDICTS[TokenStatus(token.status)]
    if verdict == Verdict.ACCEPTED and token.expires_at is not None and token.expires_at <= presented.at:
        return Verdict.EXPIRED
    return verdict


Case = tuple[Judge | None, IdToken | None, Verdict]
Refusals = dict[tuple[Judge | None, int], Verdict]


def _refusals(cases: Iterable[Case]) -> Refusals:
    """What judges say against tokens that would be accepted, by judge and token."""
    asked: dict[Judge, dict[int, IdToken]] = {}
    for judge, token, verdict in cases:
        if judge is not None and token is not None and verdict == Verdict.ACCEPTED:
            asked.setdefault(judge, {})[token.pk] = token
    return {
        (judge, pk): refusal
        for judge, tokens in asked.items()
        for pk, refusal in zip(tokens, judge(list(tokens.values())), strict=True)
        if refusal is not None
    }


def _last_word(refusals: Refusals, judge: Judge | None, token: IdToken | None, verdict: Verdict) -> Verdict:
    if token is None or verdict != Verdict.ACCEPTED:
        return verdict
    return refusals.get((judge, token.pk), verdict)


def _decision(token: IdToken | None, verdict: Verdict) -> TokenDecision:
    if token is None:
        return TokenDecision(verdict)
    return TokenDecision(verdict, token.group_id, token.expires_at, token.driver.language if token.driver else "")


def find(organization_id: int | None, value: str) -> IdToken | None:
    """By its text without case; one of exactly 20 characters may be the beginning of a longer one."""
    return find_many([(organization_id, value)]).get((organization_id, fold(value)))


def find_many(keys: Iterable[Key]) -> dict[Key, IdToken]:
    """As `find`, by organization and folded text."""
    wanted = {(organization, fold(value)) for organization, value in keys if organization is not None and fold(value)}
    found: dict[Key, IdToken] = {(row.organization_id, row.folded): row for row in _BY_TEXT.rows(sorted(wanted))}
    for organization, folded in wanted:
        if (organization, folded) not in found and (other := _said_otherwise(organization, folded)):
            found[organization, folded] = other
    return found


def _said_otherwise(organization_id: int, folded: str) -> IdToken | None:
    """A car whose bare id came as a card's number, or a text that was cut to 20 characters."""
    if vehicle := cars.vehicle_id(folded, mac=True):
        rows = IdToken.objects.filter(organization_id=organization_id, folded=cars.token_value(vehicle))
        return rows.select_related("driver").first()
    return _longer(organization_id, folded) if len(folded) == SHORTENED else None


def _longer(organization_id: int, folded: str) -> IdToken | None:
    rows = IdToken.objects.filter(organization_id=organization_id).select_related("driver")
    longer = list(rows.filter(folded__startswith=folded)[:2])
    return longer[0] if len(longer) == 1 else None


def authorize(
    *, station_id: int, token_value: str, token_type: str, at: datetime, judge: Judge | None = None
) -> TokenDecision:
    """Authorize. A refused card is a failed attempt, so that people can be helped. Raises Station.DoesNotExist."""
    return authorize_many(taps=[Tap(station_id, token_value, token_type, at)], judge=judge)[0]


def authorize_many(*, taps: Sequence[Tap], judge: Judge | None = None) -> list[TokenDecision]:
    """As `authorize`, for messages of different stations."""
    owners = dict(ORGANIZATIONS.tuples([(tap.station_id,) for tap in taps]))
    if missing := [tap.station_id for tap in taps if tap.station_id not in owners]:
        raise Station.DoesNotExist(f"no station {missing[0]}")
    presented = [Presented(owners[tap.station_id], tap.value, tap.token_type, tap.at, judge) for tap in taps]
    decided = decide_many(presented)
    refused = [
        _refused(tap, owner, token, decision)
        for tap, (token, decision) in zip(taps, decided, strict=True)
        if not decision.accepted and (owner := owners[tap.station_id]) is not None
    ]
    accepted = [
        _TAPS.row(organization_id=owner, station_id=tap.station_id, token_value=tap.value[:255], at=tap.at)
        for tap, (_token, decision) in zip(taps, decided, strict=True)
        if decision.accepted and (owner := owners[tap.station_id]) is not None
    ]
    with transaction.atomic():
        _ATTEMPTS.many(refused)
        _TAPS.many(accepted)
    return [decision for _, decision in decided]


def _refused(tap: Tap, organization_id: int, token: IdToken | None, decision: TokenDecision) -> Attempt:
    return _ATTEMPTS.row(
        organization_id=organization_id,
        station_id=tap.station_id,
        kind=AttemptKind.TAP,
        state=AttemptState.FAILED,
        cause=FailureCause.TOKEN,
        detail=decision.verdict,
        token_value=tap.value[:255],
        driver_id=token.driver_id if token else None,
        at=tap.at,
        ended_at=tap.at,
    )


def guest_token(*, organization_id: int, driver: Driver | None, expires_at: datetime) -> IdToken:
    """A token for one paid start: 20 characters of one case, as the shortest OCPP field takes (1.6 idToken)."""
    value = "".join(secrets.choice(ALPHABET) for _ in range(SHORTENED))
    return IdToken.objects.create(
        organization_id=organization_id,
        value=value,
        folded=value,
        type=TokenType.CENTRAL,
        guest=True,
        driver=driver,
        expires_at=expires_at,
    )


def paid_token(*, organization_id: int, value: str, expires_at: datetime) -> None:
    """What a station's own terminal will start with, good until then. A token that somebody owns stays what it is."""
    with transaction.atomic():
        token, made = IdToken.objects.get_or_create(
            organization_id=organization_id,
            folded=fold(value)[:255],
            defaults={"value": value[:255], "type": TokenType.DIRECT_PAYMENT, "guest": True, "expires_at": expires_at},
        )
        if not made and token.guest:
            token.expires_at = expires_at
            token.save(update_fields=["expires_at"])


# By people ------------------------------------------------------------------------------------------------------------


def create_token(
    *,
    access: Access,
    value: str,
    type: str = TokenType.ISO14443,
    status: str = TokenStatus.ACCEPTED,
    expires_at: datetime | None = None,
    group_id: str = "",
    driver: Driver | None = None,
    label: str = "",
) -> IdToken:
    """Raises PermissionDenied, or ValidationError with a sentence."""
    access.demand(Permission.TOKENS)
    token = IdToken(
        organization=access.organization,
        value=value.strip(),
        type=type,
        status=status,
        expires_at=expires_at,
        group_id=group_id.strip(),
        driver=driver,
        label=label.strip(),
    )
    with transaction.atomic():
        _save(token)
        audit.record(access, "token.created", token, value=token.value, status=str(token.status))
    return token


SPELLED_UID: Final = re.compile(r"[0-9A-Fa-f]{2}(?:[\s:.\-][0-9A-Fa-f]{2}){3}(?:(?:[\s:.\-][0-9A-Fa-f]{2}){3}){0,2}")
"""4, 7 or 10 bytes (ISO/IEC 14443-3) with signs between; 6 and 8 are a car's address."""


def card_number(written: str) -> str:
    """As chargers read it: people copy "04:ab:cd…" from the card or from their telephone. Raises ValidationError."""
    number = re.sub(r"[\s:.\-]", "", written).upper()
    if not re.fullmatch(r"(?:[0-9A-F]{2}){4,10}", number):
        raise ValidationError(_("A card's number has 8, 14 or 20 digits, 0 to 9 and A to F: 04A1B2C3D4E5F6."))
    return number


def add_own(*, driver: Driver, value: str, token_type: str, label: str = "") -> IdToken:
    """A token that a driver adds for himself. Raises ValidationError with a sentence: also when it is known already."""
    number = card_number(value) if token_type == TokenType.ISO14443 else value.strip()
    token = IdToken(
        organization=driver.organization, value=number, type=token_type, driver=driver, label=label.strip()[:80]
    )
    try:
        with transaction.atomic():
            _save(token)
    except ValidationError as error:
        raise ValidationError(error.messages) from error
    audit.record_driver(driver.user, driver.organization, "token.added", token, value=token.value, type=token_type)
    return token


def edit_token(*, access: Access, token: IdToken, **changes: Any) -> IdToken:
    """Changes the FIELDS that are named; Any: their values. Raises PermissionDenied, TypeError, ValidationError."""
    access.demand(Permission.TOKENS)
    if unknown := set(changes) - set(FIELDS):
        raise TypeError(f"a token has no {', '.join(sorted(unknown))}")
    _own(access, token)
    before = {name: str(getattr(token, name)) for name in changes}
    for name, value in changes.items():
        setattr(token, name, value.strip() if isinstance(value, str) else value)
    with transaction.atomic():
        _save(token)
        after = {name: str(getattr(token, name)) for name in changes}
        audit.record(access, "token.edited", token, before=before, after=after)
    return token


def delete_token(*, access: Access, token: IdToken) -> None:
    """Its sessions stay, with the value that the station reported."""
    access.demand(Permission.TOKENS)
    _own(access, token)
    with transaction.atomic():
        audit.record(access, "token.deleted", token, value=token.value)
        token.delete()


def _own(access: Access, token: IdToken) -> None:
    if token.organization_id != access.organization.pk:
        raise IdToken.DoesNotExist


def _save(token: IdToken) -> None:
    _check_value(token)
    token.folded = fold(cars.spelled(token.value, token.type))
    if token.driver is not None and token.driver.organization_id != token.organization_id:
        raise ValidationError({"driver": _("This driver belongs to another organization.")})
    others = IdToken.objects.filter(organization=token.organization, folded=token.folded).exclude(pk=token.pk)
    if others.exists():
        raise ValidationError({"value": _("There is a token %(value)s already.") % {"value": token.value}})
    token.full_clean(exclude=["organization"])
    token.save()


def _check_contract(token: IdToken) -> None:
    """A contract id is kept without signs between, and with its check digit."""
    try:
        token.value = cars.contract(token.value)
    except ValueError as error:
        texts = {
            "shape": _("A contract id looks like NL-ABC-C12345678-X: country, provider, C and eight characters."),
            "digit": _("The last character does not fit the rest: is there a typing mistake?"),
        }
        raise ValidationError({"value": texts[str(error)]}) from error


def _check_value(token: IdToken) -> None:
    """What no station could send: such a token would never charge. A stored value that is not changed may stay."""
    if token.pk and IdToken.objects.filter(pk=token.pk, value=token.value, type=token.type).exists():
        return
    if token.type == TokenType.EMAID:
        _check_contract(token)
    elif token.type in CARDS and SPELLED_UID.fullmatch(token.value):
        token.value = card_number(token.value)
    if not all("!" <= sign <= "~" for sign in token.value):
        raise ValidationError({"value": _("Plain letters, digits and signs only, no spaces: stations send no others.")})
    most = SHORTENED if token.type in CARDS else LONGEST
    if len(token.value) > most:
        text = _("At most %(most)d characters for this type; these are %(length)d.")
        raise ValidationError({"value": text % {"most": most, "length": len(token.value)}})
