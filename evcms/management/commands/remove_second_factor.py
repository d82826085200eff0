"""manage.py remove_second_factor owner@charging.example: for a member who has lost telephone and recovery codes."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from evcms.core.people import remove_second_factor


class Command(BaseCommand):
    help = "Removes a member's second factor: the password alone opens the account until a new one is set up."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the address with which the member logs in")

    def handle(self, *args: Any, **options: Any) -> None:
        """Any: the command's options."""
        email = options["email"]
        try:
            gone = remove_second_factor(email=email)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        if not gone:
            raise CommandError(f"{email} has no second factor.")
        said = "logs in with the password alone now, and is led to a new second factor where one is due."
        self.stdout.write(f"{email} {said}")
