"""Lets chargers in: security profiles 0 and 1, quarantine for the unknown, rows for the refused.

OCPP security whitepaper edition 3 §3 (1.6), OCPP 2.0.1 part 2 A00. Profiles 2 and 3 need TLS on this server
or in front of it and are refused with that reason until the link is secure.
"""

import asyncio
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import structlog

from evcms.ocpp import metrics
from evcms.ocpp.handshake import Knock, Refused
from evcms.ocpp.writer import Writer
from stations import passwords, services
from stations.models import Station
from stations.vocabulary import Approval, RefusalReason, SecurityProfile

log = structlog.get_logger(__name__)

MOST_FAILURES: Final = 10  # of one identity from one address; ten times that of one address
WINDOW: Final = 60.0  # s
MOST_COUNTERS: Final = 10_000
SLOW_AT_ONCE: Final = 2  # threads that may compute slow hashes


class Candidate(NamedTuple):
    """What the judgement needs of a station's row."""

    station_id: int
    identity: str
    organization_id: int | None
    approval: Approval
    security_profile: int
    password_digest: str
    archived: bool


class Doorkeeper:
    """Event loop only; rows are read and written through the writer."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._failures = Failures()
        self._slow = asyncio.Semaphore(SLOW_AT_ONCE)

    async def admit(self, knock: Knock, protocol: str) -> Candidate:
        """The station that may come in. Raises Refused."""
        candidate: Candidate | None = await self._writer.do(lambda: find(knock.identity))
        if candidate is None:
            candidate = await self._writer.do(lambda: quarantine(knock, protocol))
        if candidate is None:
            raise Refused(RefusalReason.QUARANTINE_FULL, 503, "Too many unknown stations wait for approval.")
        if candidate.archived:
            raise Refused(RefusalReason.ARCHIVED, 403, "This station is archived.")
        await self._check_profile(knock, candidate)
        return candidate

    async def _check_profile(self, knock: Knock, candidate: Candidate) -> None:
        profile = candidate.security_profile
        if profile == SecurityProfile.MUTUAL_TLS:
            raise Refused(RefusalReason.WRONG_PROFILE, 403, "Security profile 3 needs a client certificate.")
        if profile == SecurityProfile.BASIC_TLS and not knock.secure:
            raise Refused(RefusalReason.WRONG_PROFILE, 403, "Security profile 2 needs TLS.")
        unknown = candidate.approval is Approval.QUARANTINED and not candidate.password_digest
        if profile == SecurityProfile.NONE or unknown:
            return
        if knock.password is None:
            raise Refused(RefusalReason.NO_PASSWORD, 401, "HTTP Basic authentication is required.")
        await self._check_password(knock, candidate, knock.password)

    async def _check_password(self, knock: Knock, candidate: Candidate, password: bytes) -> None:
        """Quick checks are never limited, so a stranger who guesses cannot lock the genuine station out."""
        named = hmac.compare_digest(knock.username.encode(), candidate.identity.encode())
        digest = candidate.password_digest
        quick = passwords.is_quick(digest, password)
        limited = self._failures.too_many(knock)
        if named and (quick or not limited) and await self._verify(digest, password, quick=quick):
            return
        self._failures.note(knock)
        if limited:
            raise Refused(RefusalReason.TOO_MANY_FAILURES, 429, "Too many failed attempts; wait a minute.")
        raise Refused(RefusalReason.WRONG_PASSWORD, 401, "Wrong user name or password.")

    async def _verify(self, digest: str, password: bytes, *, quick: bool) -> bool:
        if quick:
            return passwords.verify(digest, password)
        async with self._slow:
            return await asyncio.to_thread(passwords.verify, digest, password)

    async def refused(self, knock: Knock, refusal: Refused) -> None:
        """Keep the refusal for the operator."""
        metrics.REFUSED.labels(refusal.reason.value).inc()

        def keep() -> None:
            services.refuse_handshake(
                identity=knock.identity,
                reason=refusal.reason,
                detail=refusal.detail,
                offered=knock.offered_text,
                address=knock.address,
            )

        await self._writer.do(keep)


def find(identity: str) -> Candidate | None:
    row = Station.objects.filter(identity=identity).values_list(
        "pk", "identity", "organization_id", "approval", "security_profile", "password_digest", "archived_at"
    )
    for pk, name, organization_id, approval, profile, digest, archived_at in row:
        return Candidate(pk, name, organization_id, Approval(approval), profile, digest, archived_at is not None)
    return None


def quarantine(knock: Knock, protocol: str) -> Candidate | None:
    """A row for the unknown station, unless too many wait already."""
    station = services.quarantine(identity=knock.identity, address=knock.address, protocol=protocol)
    return None if station is None else find(station.identity)


class Failures:
    """Wrong passwords by identity and address, and by address; bounded, forgotten after a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: OrderedDict[Any, tuple[float, int]] = OrderedDict()

    def too_many(self, knock: Knock) -> bool:
        return (
            self._count((knock.identity, knock.address)) >= MOST_FAILURES
            or self._count(knock.address) >= 10 * MOST_FAILURES
        )

    def note(self, knock: Knock) -> None:
        for key in ((knock.identity, knock.address), knock.address):
            since, count = self._counts.pop(key, (self._clock(), 0))
            if self._clock() - since > WINDOW:
                since, count = self._clock(), 0
            self._counts[key] = (since, count + 1)
        while len(self._counts) > MOST_COUNTERS:
            self._counts.popitem(last=False)

    def _count(self, key: Any) -> int:
        since, count = self._counts.get(key, (0.0, 0))
        return count if self._clock() - since <= WINDOW else 0
