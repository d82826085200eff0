"""Prepared reads give what the queryset gives, on whatever arguments; misuse is told at once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evcms.core.models import Event, Membership, Organization, User
from evcms.core.prepared import Prepared

pytestmark = pytest.mark.django_db

BY_SLUG = Prepared(lambda slug: Organization.objects.filter(slug=slug), str)
BY_NUMBER = Prepared(lambda pk: Organization.objects.filter(pk=pk), int)
SINCE = Prepared(lambda at, name: Event.objects.filter(created_at__gt=at, name=name).order_by("-pk")[:2], datetime, str)
MEMBERS = Prepared(lambda pk: Membership.objects.filter(organization_id=pk).select_related("user").order_by("pk"), int)
NAMES = Prepared(
    lambda pk: Organization.objects.filter(pk__gt=pk).order_by("pk").values_list("slug", "created_at"), int
)


def test_it_gives_ordinary_instances():
    made = Organization.objects.create(name="Volt", slug="volt")
    found = BY_SLUG.first("volt")
    assert found == made
    assert found.created_at == made.created_at
    found.name = "Ampere"
    found.save()
    assert BY_NUMBER.get(made.pk).name == "Ampere"


def test_one_plan_serves_other_arguments():
    Organization.objects.create(name="A", slug="a")
    Organization.objects.create(name="B", slug="b")
    assert [BY_SLUG.first(slug).name for slug in ("a", "b")] == ["A", "B"]
    assert BY_SLUG.first("c") is None
    assert BY_SLUG.first("a' OR '1'='1") is None


def test_what_stands_in_the_queryset_may_be_any_text():
    text = "5 % off 'it' %s"
    Organization.objects.create(name=text, slug="odd")
    odd = Prepared(lambda slug: Organization.objects.filter(slug=slug, name=text, name__contains="% off"), str)
    assert odd.first("odd").name == text
    assert odd.first("even") is None


def test_a_missing_row_raises_as_the_model_does():
    with pytest.raises(Organization.DoesNotExist):
        BY_NUMBER.get(999)


def test_times_and_slices_work():
    now = datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)
    rows = [Event.objects.create(name="X", payload={"n": n}, created_at=now + timedelta(hours=n)) for n in range(4)]
    assert SINCE.rows(now, "X") == [rows[3], rows[2]]
    assert SINCE.rows(now + timedelta(hours=2), "X") == [rows[3]]
    assert SINCE.rows(now, "Y") == []
    assert SINCE.first(now, "X").payload == {"n": 3}


def test_related_rows_come_along_in_one_query():
    organization = Organization.objects.create(name="Volt", slug="volt")
    user = User.objects.create_user("a@b.example", name="Ada")
    Membership.objects.create(organization=organization, user=user, role="viewer")
    MEMBERS.rows(organization.pk)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert [row.user.name for row in MEMBERS.rows(organization.pk)] == ["Ada"]
    assert len(queries) == 1


def test_tuples_of_a_values_list():
    made = Organization.objects.create(name="Volt", slug="volt")
    assert NAMES.tuples(0) == [("volt", made.created_at)]


@pytest.mark.parametrize("argument", [5, None, ["volt"]])
def test_an_argument_of_another_type_is_refused(argument):
    with pytest.raises(TypeError):
        BY_SLUG.rows(argument)


def test_a_forgotten_argument_is_refused():
    forgets = Prepared(lambda slug, name: Organization.objects.filter(slug=slug), str, str)
    with pytest.raises(ValueError, match="each argument"):
        forgets.rows("a", "b")
    with pytest.raises(ValueError):
        BY_SLUG.rows("a", "b")
