"""Words that staff or an owner changed: a small language, plain values, and built-in words where a part is empty."""

import pytest
from django.core.exceptions import ValidationError
from django.utils.html import escape

from alerts import samples
from alerts.models import MessageTemplate
from alerts.services import wording
from alerts.services.notifications import notify
from evcms.core.access import Role
from tests.alerts.conftest import make_access

pytestmark = pytest.mark.django_db(transaction=True)
CONTEXT = {"organization": "Harbour", "person": "Anna"}


def save(owner, template="test", language="en", organization="own", **parts):
    house = owner.organization if organization == "own" else None
    access = owner if house else None
    return wording.save(
        access=access, user=owner.user, organization=house, template=template, language=language, **parts
    )


def test_changed_parts_are_used_and_empty_ones_stay_built_in(owner):
    save(owner, subject="Hello from {{ organization }}", short="Hi {{ person|upper }}")
    row = notify(key="k", template="test", to="a@b.org", context=CONTEXT, organization_id=owner.organization.pk)
    assert (row.subject, row.short) == ("Hello from Harbour", "Hi ANNA")
    assert "sends you this test message" in row.text


def test_the_organization_s_words_go_before_those_of_all(owner, rival):
    save(owner, organization="all", subject="For all", text="All's text")
    save(owner, subject="Own")
    mine = wording.render("test", CONTEXT, "en", owner.organization.pk)
    theirs = wording.render("test", CONTEXT, "en", rival.pk)
    assert (mine.subject, mine.text, theirs.subject) == ("Own", "All's text\n", "For all")
    assert wording.render("test", CONTEXT, "de", rival.pk).subject != "For all"


def test_changed_text_is_escaped_in_the_html_part_and_its_links_work(owner):
    save(owner, text="{{ person }} <b> https://example.org/x")
    words = wording.render("test", {**CONTEXT, "person": "<script>"}, "en", owner.organization.pk)
    assert "<script>" not in words.html
    assert '<a href="https://example.org/x"' in words.html


@pytest.mark.parametrize(
    "text",
    [
        "{% load static %}",
        "{% include 'base/skeleton.html' %}",
        "{% extends 'base/skeleton.html' %}",
        "{% debug %}",
        "{% for a in person %}{% endfor %}",
        "{{ person.__class__ }}",
        "{{ nobody }}",
        "{{ person|safe_seq }}",
        "{% if person %}",
        "{{",
        "x" * 5001,
    ],
)
def test_words_that_cannot_be_used_are_refused_with_a_sentence(owner, text):
    if text == "{{":
        assert wording.fill(text, CONTEXT) == "{{"  # just two characters
        return
    with pytest.raises(ValidationError, match=r"\w+ .*"):
        save(owner, text=text)
    assert not MessageTemplate.objects.exists()


def test_values_are_plain_so_that_no_method_of_a_row_can_be_called(owner):
    with pytest.raises(ValidationError):
        wording.fill("{{ organization.delete }}", {"organization": owner.organization})
    assert wording.fill("{{ organization.slug }}", {"organization": owner.organization}) == "city"


def test_words_that_broke_since_they_were_saved_do_not_stop_the_message(owner):
    row = save(owner, subject="Hello")
    MessageTemplate.objects.filter(pk=row.pk).update(subject="{{ gone }}")
    assert "Test message" in wording.render("test", CONTEXT, "en", owner.organization.pk).subject


@pytest.mark.parametrize("template", wording.built_in())
def test_every_built_in_message_has_samples_for_its_preview_and_a_short_form(template):
    words = wording.preview(template, samples.context_of(template), "en", {})
    assert words.subject
    assert words.text.strip()
    assert words.short
    assert (samples._folder(template) / "short.txt").exists()


@pytest.mark.parametrize("template", wording.built_in())
def test_the_editor_lists_every_value_of_the_built_in_words_and_each_can_be_written(template):
    rows = wording.values(template)
    said = " ".join(written for written, _sample in rows)
    tables = {"changes", "parts"}
    assert [name for name in samples.variables(template) if name not in said and name not in tables] == []
    assert all(sample for written, sample in rows if written.startswith("{{"))
    assert "\x00" not in wording.fill(said, samples.context_of(template))


@pytest.mark.parametrize("lasting", [True, False])
def test_the_words_of_a_free_connector_can_be_rebuilt_from_the_listed_values(client, owner, lasting):
    context = samples.context_of("free") | {"lasting": lasting}
    client.force_login(owner.user)
    page = client.get("/notifications/wording/words/?template=free&language=en").content.decode()
    own = """{{ where }}

It has been free since {{ since|clock_time:zone }}. You are the first to hear; at {{ until|clock_time:zone }} we tell
 the next in line. First come, first served.
{% if not lasting %}You were told once, as you asked; ask again on that page.{% endif %}

To the connector: {{ page }}

No more messages about this: {{ unsubscribe }}{% if mine %}
All your messages: {{ mine }}{% endif %}""".replace("tell\n", "tell")
    for written in ("since|clock_time:zone", "until|clock_time:zone", "if lasting", "unsubscribe", "mine"):
        assert written in page
    built_in = wording.preview("free", context, "en", {})
    assert wording.fill(own, context) == built_in.text.strip()
    assert "No more messages about this: https://" in built_in.text
    assert "Words of the message “Free”" in page


@pytest.mark.parametrize("text", ['{{ since|at_zone:"no/where" }}', "{{ since|at_zone:nobody }}", "{{ since|join }}"])
def test_a_filter_with_a_value_that_is_none_is_refused_with_a_sentence(owner, text):
    with pytest.raises(ValidationError, match=r"\w+ .*"):
        save(owner, template="free", text=text)


def test_the_editor_previews_saves_and_says_what_is_wrong(client, owner):
    client.force_login(owner.user)
    assert b"test" in client.get("/notifications/wording/").content
    asked = "?template=test&language=en"
    url = f"/notifications/wording/words/{asked}"
    assert b"organization" in client.get(url).content
    seen = client.post(
        f"/notifications/wording/preview/{asked}", {"subject": "Ahoy {{ organization }}"}
    ).content.decode()
    assert "Ahoy Harbour Charging" in seen
    assert "no value named" in client.post(url, {"text": "{{ nobody }}"}).content.decode()
    assert client.post(url, {"subject": "Ahoy"}).status_code == 302
    assert MessageTemplate.objects.get().subject == "Ahoy"
    assert client.get("/notifications/wording/words/?template=nothing&language=en").status_code == 404


def test_words_of_a_code_have_to_say_it(owner):
    with pytest.raises(ValidationError, match="must say the code"):
        save(owner, template="code", short="Hello from {{ organization }}")
    save(owner, template="code", subject="Yours", short="{{ organization }}: {{ code }}")
    words = wording.render(
        "code", {"code": "123456", "organization": "Harbour", "minutes": 10}, "en", owner.organization.pk
    )
    assert words.short == "Harbour: 123456"


def test_each_house_writes_its_own_words_and_only_who_manages_people(client, owner, organization, rival):
    theirs = make_access(rival)
    save(theirs, subject="Theirs")
    client.force_login(owner.user)
    asked = "?template=test&language=en"
    page = client.get(f"/notifications/wording/words/{asked}").content.decode()
    assert "Theirs" not in page
    assert "Test message of Harbour Charging" in page  # what stays when nothing is written
    client.post(f"/notifications/wording/words/{asked}", {"subject": "Ours"})
    assert set(MessageTemplate.objects.values_list("organization__name", "subject")) == {
        ("City Charging", "Ours"),
        ("Rival", "Theirs"),
    }
    assert "en" in client.get("/notifications/wording/").content.decode().partition("Ours")[0]
    client.force_login(make_access(organization, Role.OPERATOR).user)
    for path in ("/notifications/wording/", f"/notifications/wording/words/{asked}"):
        assert client.get(path).status_code == 403
    assert client.post(f"/notifications/wording/preview/{asked}", {"subject": "x"}).status_code == 403


@pytest.mark.parametrize("language", ["de", "nl", "fr", "es"])
def test_a_preview_speaks_the_language_that_is_edited(client, owner, language):
    client.force_login(owner.user)
    seen = client.get(f"/notifications/wording/words/?template=free&language={language}").content.decode()
    words = wording.preview("free", samples.context_of("free"), language, {})
    assert escape(words.subject) in seen
    assert words.subject != wording.preview("free", samples.context_of("free"), "en", {}).subject
