"""How drivers come in: an address, a link in a mail, no password. The page says the same whatever it knows."""

from django.contrib import messages
from django.contrib.auth import login, logout
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evcms.core.models import Organization
from evcms.public import drivers
from evcms.public.limits import too_often
from evcms.public.views import tell
from sessions import services

BACKEND = "django.contrib.auth.backends.ModelBackend"


@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Asks for the address; the mail goes out whoever it is."""
    choices = drivers.organizations()
    chosen = _chosen(request, choices)
    context = {
        "organizations": choices,
        "chosen": chosen,
        "brand": chosen.name if chosen else "",
        "email": request.POST.get("email", ""),
        "back_to": request.POST.get("next") or request.GET.get("next", ""),
    }
    if request.method != "POST":
        return render(request, "public/account/sign_in.html", context)
    problem = _ask(request, chosen, str(context["email"]), str(context["back_to"]) or "/account/")
    if problem:
        return render(request, "public/account/sign_in.html", context | {"problem": problem}, status=422)
    return render(request, "public/account/sent.html", context)


def _chosen(request: HttpRequest, choices: list[Organization]) -> Organization | None:
    """The operator that the driver came from (`at`: its slug), or the only one."""
    wanted = request.POST.get("at") or request.GET.get("at", "")
    named = next((each for each in choices if each.slug == wanted), None)
    return named or (choices[0] if len(choices) == 1 else None)


def _ask(request: HttpRequest, organization: Organization | None, email: str, back_to: str) -> str:
    """Sends the mail; a sentence when it could not be asked for."""
    if organization is None:
        return _("Choose the operator that you charge with.")
    if too_often(request, "sign-in", most=20, seconds=3600) or drivers.mailed_too_often(email):
        return _("Too many tries. Please wait a while.")
    try:
        services.ask_sign_in(email=email, organization=organization, back_to=back_to, language=get_language() or "en")
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


@never_cache
@sensitive_variables("token")
@require_http_methods(["GET", "POST"])
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """The link in the mail. A button, not the visit, signs in: mail programs open links to look at them."""
    if request.method != "POST":
        invitation = services.read_link(token)
        status = 200 if invitation else 410
        return render(request, "public/account/enter.html", {"invitation": invitation}, status=status)
    if too_often(request, "enter", most=60, seconds=3600):
        return render(request, "public/account/enter.html", {"invitation": None}, status=429)
    entered = services.enter(token=token)
    if entered is None:
        return render(request, "public/account/enter.html", {"invitation": None}, status=410)
    user, driver, back_to = entered
    login(request, user, backend=BACKEND)
    tell.recipient_of(tell.Asker(driver=driver))  # what this address asked for before is his
    return redirect(back_to)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    messages.success(request, _("You are signed out."))
    return redirect("public:sign-in")


@require_GET
def first_step(request: HttpRequest) -> HttpResponse:
    """ "/account": people type it without the slash."""
    return redirect("public:account")
