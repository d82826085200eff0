"""What all of them share."""

from typing import Any, NoReturn

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers


class Choice(serializers.ChoiceField):
    """One of our words; a wrong one is answered with all of them."""

    default_error_messages = {"invalid_choice": _('"{input}" is not one of: {choices}.')}

    def fail(self, key: str, **kwargs: Any) -> NoReturn:
        """Any: what DRF puts into its sentences."""
        super().fail(key, choices=", ".join(str(choice) for choice in self.choices), **kwargs)


class Row(serializers.ModelSerializer):
    serializer_choice_field = Choice
