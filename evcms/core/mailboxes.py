"""Which mail addresses are known to belong to whom: allauth's rows, kept beside `User.email`.

Without a row of ours a request for a new password writes one that nobody vouches for, whoever asks. Rows are written
with the account, and count as verified where we know: who founds the installation types the address at its console,
and who opens a mailed link has read the mail.
"""

from allauth.account.models import EmailAddress
from django.db import transaction

from .models import User


def know(user: User, *, verified: bool = False) -> None:
    """The account's own address has its row; twice is once. Never takes a proof back.

    An address that another account has proven stays unverified here.
    """
    with transaction.atomic():
        others = EmailAddress.objects.filter(user=user, primary=True).exclude(email=user.email)
        row, _new = EmailAddress.objects.get_or_create(
            user=user, email=user.email, defaults={"primary": not others.exists()}
        )
        if verified:
            row.set_verified()


def opened_a_mailed_link(user: User) -> None:
    """A link to choose a password went to one of the account's addresses: with one only, it is proven."""
    if not EmailAddress.objects.filter(user=user).exclude(email=user.email).exists():
        know(user, verified=True)


def forget(user: User) -> None:
    """None of its addresses is the account's any more: nobody logs in with one or gets its mail there."""
    EmailAddress.objects.filter(user=user).delete()
