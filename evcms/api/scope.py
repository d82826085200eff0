"""Every list of the API starts here: rows of the request's organization, cut to the sites that its access may see."""

from typing import TypeVar

from django.db.models import Model, QuerySet
from rest_framework.request import Request

from evcms.core.access import Access
from stations.queries import visible_sites

M = TypeVar("M", bound=Model)


def access_of(request: Request) -> Access:
    """Set by the authentication; HasScope has refused those without."""
    access = getattr(request._request, "access", None)
    assert isinstance(access, Access)
    return access


def scoped(rows: QuerySet[M], access: Access, *, organization: str = "organization", site: str = "site") -> QuerySet[M]:
    """`organization` and `site`: paths from the row."""
    rows = rows.filter(**{organization: access.organization})
    return rows if access.all_sites else rows.filter(**{f"{site}__in": visible_sites(access)})
