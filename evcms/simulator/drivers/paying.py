"""Drivers without a contract: scan the code, press pay, type the card, plug in, stop on the page or pull the cable.

They know of EVCMS only what a person sees: the page behind the QR code has a form with the id "pay" (or one that
posts to …/pay); it leads to the payment provider's page, a form with a field "number"; from there it comes back
to the session's page, whose form "stop" ends it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from random import Random
from urllib.parse import quote, urljoin, urlsplit

from evcms.simulator.drivers.browser import Browser, Form, Page
from evcms.simulator.drivers.tapping import Visit, VisitFailed, stay

APPROVED_CARD = "4242424242424242"


class PaymentFailed(VisitFailed):
    """The driver could not pay; the text names the page where it ended."""


@dataclass
class PayingDriver:
    """A guest with a phone. `web` is the address of EVCMS, for instance http://127.0.0.1:8000/."""

    web: str
    email: str
    rng: Random
    card: str = APPROVED_CARD
    hurry: float = 1.0
    start_timeout_s: float = 60.0
    browser: Browser = field(default_factory=Browser)

    async def visit(self, visit: Visit) -> None:
        charger, number = visit.charger, visit.connector
        cable_first = self.rng.random() < 0.4
        try:
            if cable_first:
                await charger.plug(number, visit.car)
            session_page = await self.pay(charger.ports[number].plug.code)
            if not cable_first:
                await charger.plug(number, visit.car)
            await self._wait_started(visit)
            await stay(visit)
            if self.rng.random() < 0.6:
                await self.press_stop(session_page)
                await asyncio.sleep(self.rng.uniform(3, 10) / self.hurry)
        finally:
            if charger.ports[number].car is visit.car:
                await charger.unplug(number)

    async def pay(self, code: str) -> Page:
        """From the QR code to the page after the payment; PaymentFailed when it does not come to that."""
        page = await self.browser.get(urljoin(self.web, f"/c/{quote(code)}"))
        form = find_form(page, "pay")
        if page.status != 200 or form is None:
            raise PaymentFailed(f"no way to pay on {page.url} (HTTP {page.status})")
        checkout = await self.browser.submit(page, form, {"email": self.email})
        card_form = next((one for one in checkout.forms if "number" in one.fields), None)
        if card_form is None:
            raise PaymentFailed(f"no card form on {checkout.url} (HTTP {checkout.status})")
        details = {"email": self.email, "number": self.card, "expiry": "12 / 34", "cvc": "123", "name": "Sim Guest"}
        after = await self.browser.submit(checkout, card_form, details)
        after = await self._confirm(after)
        if any("number" in one.fields for one in after.forms) or after.status >= 400:
            raise PaymentFailed(f"the card was not taken on {after.url} (HTTP {after.status})")
        return after

    async def _confirm(self, page: Page) -> Page:
        """3-D Secure: press the first button of the bank's page."""
        form = next((one for one in page.forms if "/3ds/" in one.action), None)
        if form is None:
            return page
        return await self.browser.submit(page, form, button=form.buttons[0] if form.buttons else None)

    async def press_stop(self, page: Page) -> None:
        """Stop on the session's page, as it is now."""
        fresh = await self.browser.get(page.url)
        form = find_form(fresh, "stop")
        if form is not None:
            await self.browser.submit(fresh, form)

    async def _wait_started(self, visit: Visit) -> None:
        port = visit.charger.ports[visit.connector]
        try:
            await visit.charger.wait_for(
                lambda: port.session is not None and port.session.is_energized, self.start_timeout_s
            )
        except TimeoutError:
            raise VisitFailed("paid, but the charger did not start") from None


def find_form(page: Page, purpose: str) -> Form | None:
    """The form of this id, else the first that posts to an address whose last part is that word."""
    forms = [form for form in page.forms if form.method == "post"]
    by_id = next((form for form in forms if form.id == purpose), None)
    return by_id or next(
        (form for form in forms if urlsplit(form.action).path.rstrip("/").endswith(f"/{purpose}")), None
    )
