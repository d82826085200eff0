"""Plain inserts and statements: the same rows as the ORM's, and nobody who watches is passed by."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.forms.models import model_to_dict

from evcms.core import clock, sql
from evcms.core.inserts import Insert
from evcms.core.models import Delivery, DeliveryState, Event, Organization
from evcms.core.prepared import Prepared
from evcms.core.sqltime import stored

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
AT = datetime(2026, 3, 29, 1, 30, 15, 123456, tzinfo=UTC)


def an_event(**more):
    return Event(name="Lit", payload={"lamp": 1, "colour": "grün", "none": None}, created_at=AT, **more)


def test_a_plain_insert_stores_what_the_orm_would_store():
    with transaction.atomic():
        plain = Insert(Event).one(an_event())
    own = an_event()
    own.save()
    rows = [model_to_dict(Event.objects.get(pk=row.pk), exclude=["id"]) for row in (plain, own)]
    assert rows[0] == rows[1]
    assert not plain._state.adding


def test_rows_get_their_keys_in_their_order():
    events = [Event(name=f"n{number}", payload={}) for number in range(230)]
    with transaction.atomic():
        Insert(Event).keyed(events)
    assert [Event.objects.get(pk=row.pk).name for row in events] == [row.name for row in events]


def test_many_rows_keep_defaults_and_members_of_vocabularies():
    with transaction.atomic():
        event = Insert(Event).one(an_event())
        Insert(Delivery).many(
            [Delivery(event_id=event.pk, subscriber=name, state=DeliveryState.DEAD, due_at=AT) for name in ("a", "b")]
        )
    rows = Delivery.objects.filter(event=event).order_by("subscriber")
    assert [(row.subscriber, row.state, row.attempts, row.due_at, row.done_at) for row in rows] == [
        ("a", "dead", 0, AT, None),
        ("b", "dead", 0, AT, None),
    ]


def test_a_row_is_what_the_constructor_makes():
    said = {"name": "Lit", "payload": {"lamp": 1}, "created_at": AT}
    quick, own = Insert(Event).row(**said), Event(**said)
    names = [field.attname for field in Event._meta.concrete_fields]
    assert [getattr(quick, name) for name in names] == [getattr(own, name) for name in names]
    assert quick._state.adding
    with pytest.raises(TypeError, match="Event has no lamp"):
        Insert(Event).row(lamp=1)


def test_defaults_are_made_anew_for_each_row():
    first, second = Insert(Organization).row(name="A", slug="a"), Insert(Organization).row(name="B", slug="b")
    assert first.created_at <= second.created_at
    assert first.created_at is not second.created_at


def test_what_the_database_refuses_is_djangos_integrity_error():
    with transaction.atomic():
        event = Insert(Event).one(an_event())
        Insert(Delivery).one(Delivery(event_id=event.pk, subscriber="a"))
    with pytest.raises(IntegrityError), transaction.atomic():
        Insert(Delivery).one(Delivery(event_id=event.pk, subscriber="a"))


def test_moments_of_any_zone_are_stored_in_utc_and_naive_ones_refused():
    east = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    with transaction.atomic():
        row = Insert(Event).one(Event(name="x", payload={}, created_at=east))
    assert Event.objects.get(pk=row.pk).created_at == AT
    with pytest.raises(ValueError, match="no zone"):
        stored(datetime(2026, 1, 1))


def test_a_prepared_row_is_the_row_that_the_orm_reads():
    organization = Organization.objects.create(name="Here", slug="here")
    by_slug = Prepared(lambda slug: Organization.objects.filter(slug=slug), str)
    with transaction.atomic():
        quick = by_slug.get("here")
    own = Organization.objects.get(pk=organization.pk)
    names = [field.attname for field in Organization._meta.concrete_fields]
    assert [getattr(quick, name) for name in names] == [getattr(own, name) for name in names]
    assert quick == own
    assert (quick._state.db, quick._state.adding) == (own._state.db, own._state.adding)


def test_statements_are_counted_and_wrapped_as_djangos_own(django_assert_num_queries):
    seen = []

    def watch(execute, statement, params, many, context):
        seen.append(statement)
        return execute(statement, params, many, context)

    with transaction.atomic():
        with connection.execute_wrapper(watch):
            assert sql.fetch("SELECT %s + 1", [41])[0][0] == 42
        assert seen == ["SELECT %s + 1"]
        with django_assert_num_queries(1):
            sql.fetch("SELECT %s + 1", [41])


def test_a_broken_transaction_takes_no_more_statements():
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            sql.fetch("SELECT 1", [])
        transaction.set_rollback(False)


def test_a_percent_sign_in_a_statement_stands_for_itself():
    now = clock.now()
    with transaction.atomic():
        Insert(Event).one(Event(name="x", payload={}, created_at=now))
        assert sql.fetch("SELECT count(*) FROM core_event WHERE name LIKE 'x%%' AND name = %s", ["x"])[0][0] == 1
