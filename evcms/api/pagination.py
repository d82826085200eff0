"""Lists come in pages: ?page=2&page_size=100 (at most 200)."""

from typing import Final

from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request

LARGEST: Final = 200


class Pages(PageNumberPagination):
    page_size = 50
    page_size_query_param = "page_size"
    page_size_query_description = f"Rows in a page, 1 to {LARGEST}; 50 when not given."
    page_query_description = "Which page, from 1; `next` and `previous` in the answer are ready links."
    max_page_size = LARGEST

    def get_page_size(self, request: Request) -> int:
        """Raises ValidationError for what is no size, instead of quietly taking the default."""
        said = request.query_params.get("page_size", "")
        if not said:
            return self.page_size
        if not (said.isascii() and said.isdecimal() and len(said) < 7 and int(said) >= 1):
            raise ValidationError({"page_size": [_("Must be a whole number from 1 to %d.") % LARGEST]})
        return min(int(said), LARGEST)
