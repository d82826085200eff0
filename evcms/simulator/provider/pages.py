"""Pages for people: hosted checkout, 3-D Secure, a card reader to tap, receipts, and the double's own overview.

Plain forms and no script, so they work in any browser and under the strictest policy. What a person typed as a
card number is read once and never sent back to the page.
"""

import datetime as dt
import re
from collections.abc import Callable
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import parse_qsl, urlencode

from evcms.simulator.provider import control, money, overview
from evcms.simulator.provider.errors import ApiError, JsonObject
from evcms.simulator.provider.provider import Provider
from evcms.simulator.provider.resources import hosted

HERE = Path(__file__).parent
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
Page = tuple[int, bytes, dict[str, str]]
_CARD_ERRORS = {"expiry": ("exp_month", "exp_year"), "number": ("number",), "cvc": ("cvc",), "email": ("email",)}


@cache
def _template(name: str) -> Template:
    return Template((HERE / "templates" / f"{name}.html").read_text(encoding="utf-8"))


def fill(template: str, /, **values: str) -> str:
    """A template with its values, which must be escaped already where they are text."""
    return _template(template).substitute(values)


def page(title: str, body: str, *, status: int = 200, kind: str = "narrow", head: str = "") -> Page:
    return status, fill("base", title=escape(title), body=body, kind=kind, head=head).encode(), {}


def redirect(url: str) -> Page:
    return 303, b"", {"Location": url}


def notice(title: str, text: str, *, link: str | None = None, label: str = "", status: int = 200) -> Page:
    button = f'<a class="button" href="{escape(link)}">{escape(label)}</a>' if link else ""
    return page(title, fill("notice", title=escape(title), text=escape(text), button=button), status=status)


def has(path: str, method: str) -> bool:
    """Whether a path below /_double/ is a page rather than a request of the control interface."""
    return method == "GET" and bool(re.fullmatch(r"/_double/readers/\w+", path))


def respond(provider: Provider, method: str, path: str, query: str, form: JsonObject) -> Page:
    for pattern, verb, answer in _PAGES:
        matched = re.fullmatch(pattern, path)
        if matched and verb == method:
            try:
                return answer(provider, matched[1] if matched.groups() else "", form | dict(parse_qsl(query)))
            except ApiError as error:
                return notice("Something went wrong", str(error), status=error.status)
    return notice("Page not found", "This address leads nowhere. Go back to where you came from.", status=404)


def _stylesheet(_provider: Provider, _name: str, _form: JsonObject) -> Page:
    content = (HERE / "static" / "provider.css").read_bytes()
    return 200, content, {"Content-Type": "text/css", "Cache-Control": "max-age=300"}


def _session(provider: Provider, identifier: str) -> JsonObject:
    return provider.effect(lambda call: call.fetch("checkout.session", identifier, "session"))


def _pay(provider: Provider, identifier: str, form: JsonObject) -> Page:
    """The checkout page as it is opened."""
    session = _session(provider, identifier)
    closed = _closed(provider, session)
    if closed:
        return closed
    error = _last_error(provider, session) if "declined" in form else None
    return _checkout(
        provider, session, {"email": session["customer_email"] or _email_on_file(provider, session)}, error
    )


def _closed(provider: Provider, session: JsonObject) -> Page | None:
    if session["status"] == "complete":
        return notice(
            "All done here",
            "This payment has been completed already. You will not be charged twice.",
            link=hosted.success_url(session),
            label=f"Back to {_merchant(provider, session)}",
        )
    if session["status"] == "expired":
        return notice(
            "This page has expired",
            "Nothing was charged. Go back and start again if you still want to pay.",
            link=session["cancel_url"],
            label=f"Back to {_merchant(provider, session)}",
        )
    return None


def _email_on_file(provider: Provider, session: JsonObject) -> str:
    customer = provider.effect(lambda call: call.store.get(session["customer"] or ""))
    return (customer or {}).get("email") or ""


def _last_error(provider: Provider, session: JsonObject) -> ApiError | None:
    intent = provider.effect(lambda call: call.store.get(session["payment_intent"] or session["setup_intent"] or ""))
    last = (intent or {}).get("last_payment_error") or (intent or {}).get("last_setup_error")
    return ApiError(last["message"], status=402, code=last.get("code")) if last else None


def _submit(provider: Provider, identifier: str, form: JsonObject) -> Page:
    """The button was pressed."""
    session = _session(provider, identifier)
    closed = _closed(provider, session)
    if closed:
        return closed
    try:
        card = _card(form)
        intent = provider.effect(
            lambda call: hosted.submit(
                call,
                call.fetch("checkout.session", identifier),
                card=card,
                email=form.get("email", "").strip(),
                name=form.get("name", "").strip() or None,
            )
        )
    except ApiError as error:
        return _checkout(provider, _session(provider, identifier), form, error)
    if intent["status"] == "requires_action":
        return redirect(f"/3ds/{intent['id']}")
    return redirect(hosted.success_url(session))


def _card(form: JsonObject) -> JsonObject:
    matched = re.fullmatch(r"\s*(\d{1,2})\s*[/.\- ]?\s*(\d{2}|\d{4})\s*", form.get("expiry", ""))
    if not matched:
        raise ApiError("Your card's expiration date is incomplete.", code="incomplete_expiry", param="exp_month")
    return {
        "number": form.get("number", ""),
        "exp_month": int(matched[1]),
        "exp_year": int(matched[2]),
        "cvc": form.get("cvc", "").strip(),
    }


def _merchant(provider: Provider, session: JsonObject) -> str:
    name: str = (session["branding_settings"] or {}).get("display_name") or provider.merchant
    return name


def _checkout(provider: Provider, session: JsonObject, typed: JsonObject, error: ApiError | None) -> Page:
    merchant, paying = _merchant(provider, session), session["mode"] == "payment"
    amount = money.price(session["amount_total"], session["currency"]) if paying else ""
    invalid = _invalid(error)
    body = fill(
        "checkout",
        merchant=escape(merchant),
        back=_back(session, merchant),
        amount=f'<p class="amount">{escape(amount)}</p>' if paying else "",
        lead=escape(f"Pay {merchant}" if paying else f"Save a card for {merchant}"),
        lines=_lines(session),
        action=escape(f"/c/pay/{session['id']}"),
        alert=f'<p class="alert" role="alert" id="problem">{escape(str(error))}</p>' if error else "",
        email=escape(typed.get("email") or ""),
        name=escape(typed.get("name") or ""),
        button=escape(f"Pay {amount}" if paying else "Save card"),
        terms=escape(_terms(session, merchant)),
        **{f"invalid_{name}": invalid.get(name, "") for name in _CARD_ERRORS},
    )
    return page(
        f"{'Pay' if paying else 'Save a card'} – {merchant}",
        body,
        status=error.status if error else 200,
        kind="checkout",
    )


def _invalid(error: ApiError | None) -> dict[str, str]:
    mark = 'aria-invalid="true" aria-describedby="problem" autofocus'
    param = error.error.get("param") if error else None
    return {name: mark for name, params in _CARD_ERRORS.items() if param in params}


def _back(session: JsonObject, merchant: str) -> str:
    if not session["cancel_url"]:
        return f'<span class="merchant">{escape(merchant)}</span>'
    return (
        f'<a class="merchant" href="{escape(session["cancel_url"])}" '
        f'aria-label="Cancel and go back to {escape(merchant)}">'
        f'<span aria-hidden="true">←</span> {escape(merchant)}</a>'
    )


def _lines(session: JsonObject) -> str:
    rows = [
        f'<li><span class="what"><b>{escape(item["description"])}</b>'
        + (f"<small>{escape(item['_detail'])}</small>" if item["_detail"] else "")
        + f'</span><span class="number">{escape(money.price(item["amount_total"], item["currency"]))}</span></li>'
        for item in session.get("_line_items", [])
    ]
    return f'<ul class="lines">{"".join(rows)}</ul>' if rows else ""


def _terms(session: JsonObject, merchant: str) -> str:
    custom = (session["custom_text"] or {}).get("submit") or {}
    if custom.get("message"):
        return str(custom["message"])
    future = session["mode"] == "setup" or session["_intent_data"].get("setup_future_usage")
    if future:
        return f"By continuing, you allow {merchant} to charge your card for future payments under their terms."
    if session["_intent_data"].get("capture_method") == "manual":
        return f"The amount is held on your card now. {merchant} then takes what is due and releases the rest."
    return ""


def _challenge(provider: Provider, identifier: str, _form: JsonObject) -> Page:
    """The step at the cardholder's bank."""
    intent = provider.effect(lambda call: call.store.get(identifier))
    if intent is None or intent["object"] not in ("payment_intent", "setup_intent"):
        return notice("Page not found", "There is no such payment.", status=404)
    if intent["status"] != "requires_action":
        return notice("Nothing to confirm", "This payment does not wait for your bank's confirmation any more.")
    method = provider.effect(lambda call: call.fetch("payment_method", intent["payment_method"]))
    paying = intent["object"] == "payment_intent"
    body = fill(
        "challenge",
        merchant=escape(provider.merchant),
        amount=escape(money.price(intent["amount"], intent["currency"]) if paying else "None – the card is only saved"),
        card=escape(f"{method['card']['brand'].title()} •••• {method['card']['last4']}"),
        when=dt.datetime.fromtimestamp(provider.now(), dt.UTC).strftime("%d %b %Y, %H:%M UTC"),
        action=escape(f"/3ds/{identifier}"),
    )
    return page("Confirm with your bank", body)


def _challenged(provider: Provider, identifier: str, form: JsonObject) -> Page:
    before = provider.effect(lambda call: call.store.get(identifier)) or {}
    session_id, return_url = before.get("_session"), (before.get("_terms") or {}).get("return_url")
    try:
        intent = provider.effect(
            lambda call: control.authenticate(call, identifier, passed=form.get("outcome") == "complete")
        )
    except ApiError as error:
        if error.error.get("type") != "card_error":
            raise
        return _after(provider, before, session_id, return_url, passed=False)
    return _after(provider, intent, session_id, return_url, passed=True)


def _after(
    provider: Provider, intent: JsonObject, session_id: str | None, return_url: str | None, *, passed: bool
) -> Page:
    """Where the person goes from the bank's page: the session's success, back to the form, or the return URL."""
    if session_id:
        session = _session(provider, session_id)
        return redirect(hosted.success_url(session) if passed else f"/c/pay/{session_id}?declined=1")
    if return_url:
        told = {
            intent["object"]: intent["id"],
            f"{intent['object']}_client_secret": intent["client_secret"],
            "redirect_status": "succeeded" if passed else "failed",
        }
        return redirect(f"{return_url}{'&' if '?' in return_url else '?'}{urlencode(told)}")
    return notice("Thank you" if passed else "Not confirmed", "You can close this page and go back to where you paid.")


def _receipt(provider: Provider, identifier: str, _form: JsonObject) -> Page:
    charge = provider.effect(lambda call: call.fetch("charge", identifier))
    card = charge["payment_method_details"][charge["payment_method_details"]["type"]]
    taken = money.price(charge["amount_captured"], charge["currency"])
    return notice(
        f"{taken} paid to {provider.merchant}", f"{card['brand'].title()} •••• {card['last4']} · {identifier}"
    )


def _reader(provider: Provider, identifier: str, _form: JsonObject) -> Page:
    """A card reader as it stands at the station; an idle one looks every two seconds whether it is asked."""
    reader = provider.effect(lambda call: call.fetch("terminal.reader", identifier, "reader"))
    waiting = (reader["action"] or {}).get("status") == "in_progress"
    head = "" if waiting else '<meta http-equiv="refresh" content="2">'
    return page(reader["label"], overview.reader(provider, reader, fill), kind="reader", head=head)


def _tap(provider: Provider, identifier: str, form: JsonObject) -> Page:
    control.tap(provider, form, identifier)
    return redirect(f"/_double/readers/{identifier}")


def _overview(provider: Provider, _name: str, _form: JsonObject) -> Page:
    return page("Payment provider double", overview.overview(provider, fill), kind="wide")


_PAGES: list[tuple[str, str, Callable[[Provider, str, JsonObject], Page]]] = [
    (r"/assets/provider\.css", "GET", _stylesheet),
    (r"/c/pay/(\w+)", "GET", _pay),
    (r"/c/pay/(\w+)", "POST", _submit),
    (r"/3ds/(\w+)", "GET", _challenge),
    (r"/3ds/(\w+)", "POST", _challenged),
    (r"/receipts/(\w+)", "GET", _receipt),
    (r"/_double/readers/(\w+)", "GET", _reader),
    (r"/readers/(\w+)/tap", "POST", _tap),
    (r"/_double/?|/", "GET", _overview),
]
