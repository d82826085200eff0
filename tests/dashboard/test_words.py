"""Names, days and audit entries as people read them."""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from evcms.core import audit
from evcms.core.models import AuditEntry, Organization
from evcms.templatetags import audits, words
from sessions.models import IdToken
from tests.stations.conftest import make_access


@pytest.mark.parametrize(
    ("language", "said"), [("en", "1 Oct 2026"), ("de", "01.10.2026"), ("nl", "1-10-2026"), ("fr", "01/10/2026")]
)
def test_a_stored_day_is_read_in_the_readers_language_and_never_in_the_american_order(language, said):
    with translation.override(language):
        assert words.day("2026-10-01T00:16+02:00") == words.day(date(2026, 10, 1)) == said


def test_a_month_is_the_organizations_month_not_that_of_greenwich():
    assert words.month(datetime(2026, 9, 30, 22, 0, tzinfo=UTC), "Europe/Amsterdam") == "October 2026"


@pytest.mark.parametrize(("station", "beside"), [("Kade 6", ""), ("K-0006", "Kade"), ("", "Kade")])
def test_a_site_is_not_said_twice(station, beside):
    class Row(SimpleNamespace):
        def __str__(self):
            return self.name

    row = Row(name="", station=Row(name=station, site=Row(name="Kade")))
    assert words.site_beside(row) == beside


def test_the_audit_log_says_what_was_made_and_lists_in_words(db):
    organization = Organization.objects.create(name="Audit", slug="audit")
    access = make_access(organization)
    plugs = [{"evse": 1, "plug": "IEC_62196_T2", "cable": False}, {"evse": 2, "plug": "CHADEMO", "cable": True}]
    audit.record(access, "station.created", organization, after={"name": "Kade 1", "vendor": None, "plugs": plugs})
    told = dict(audits.told(AuditEntry.objects.get(action="station.created")))
    assert told == {"name": "Kade 1", "plugs": "evse 1, plug IEC_62196_T2, cable no; evse 2, plug CHADEMO, cable yes"}


def test_a_guests_token_is_no_name():
    token = SimpleNamespace(guest=True)
    row = SimpleNamespace(driver=None, id_token=token, token_value="W8VBFKZJ")
    assert "a guest" in words.who(row)
    assert 'title="W8VBFKZJ"' in words.who(row)
    known = SimpleNamespace(driver="<b>Anna", id_token=token, token_value="W8VBFKZJ")
    assert "&lt;b&gt;Anna" in words.who(known)


def test_a_kind_of_entry_is_said_in_words_and_a_new_one_as_it_is_called():
    assert words.entry_word("statement_paid") == "a statement was paid"
    assert words.entry_word("new_thing") == "new thing"


@pytest.mark.django_db
def test_an_audit_entry_tells_amounts_moments_and_only_what_changed():
    organization = Organization.objects.create(slug="kade", name="Kade")
    access = make_access(organization)
    entry = audit.record(
        access, "statement.paid", organization, amount_minor=549292, at="2026-11-29T01:00:00+00:00", sold=False,
        before={"name": "Kade", "power": 5}, after={"name": "Kade 2", "power": 5}, odd={"a": [1]},
        energy_mwh=53_390_000,
        note="2026, late",
    )  # fmt: skip
    told = dict(audits.told(entry))
    assert audits.action(entry.action) == "Statement paid"
    assert told["amount"] == "5,492.92 €"
    assert told["at"].startswith("29 Nov")
    assert (told["sold"], told["note"]) == ("no", "2026, late")
    assert told["name"] == "Kade → Kade 2"
    assert "power" not in told
    assert (told["odd"], told["energy"]) == ("a 1", "53.390 kWh")


def test_a_commands_sentence_comes_first_and_its_answer_is_folded():
    command = SimpleNamespace(
        name="Restart", state="accepted", sentence="The station agreed: Accepted.", fields=[("Type", "soft")],
        answer='{"status": "Accepted"}', sent_at=None, origin="Mila",
    )  # fmt: skip
    page = render_to_string("components/command_answer.html", {"command": command})
    assert page.index("The station agreed") < page.index("<details") < page.index("soft") < page.index("<pre")
    assert page.index("</pre>") < page.index("</details>")


def test_a_guests_token_is_told_by_its_end_and_a_card_links_to_itself(db):
    guest = IdToken(value="W8VBFKZJ", guest=True)
    assert str(guest) == "guest …FKZJ"
    said = words.card(SimpleNamespace(id_token=guest, token_value="W8VBFKZJ"))
    assert ">guest …FKZJ<" in said
    assert 'title="W8VBFKZJ"' in said
    assert ">guest …FKZJ<" in words.card(SimpleNamespace(kind="scan", token_value="W8VBFKZJ"))  # an attempt
    card = IdToken(value="04A1", label="Anna's")
    said = words.card(SimpleNamespace(id_token=card, token_value="04A1"))
    assert "/tokens/?q=04A1" in said
    assert "Anna&#x27;s" in said
    assert words.card(SimpleNamespace(kind="tap", token_value="")) == '<span class="ev-mono">–</span>'
