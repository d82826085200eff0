"""The description of the API: complete, true, and readable in a browser under our content policy."""

import pytest
from django.test import Client

from evcms.api.description import commands_text, example, examples
from stations import operations


@pytest.fixture
def described(client, db):
    return client.get("/api/schema/?format=json").json()


def each(described):
    return [(path, method, one) for path, methods in described["paths"].items() for method, one in methods.items()]


def test_every_operation_has_a_summary_a_tag_with_words_and_its_refusals(described):
    tags = {tag["name"] for tag in described["tags"] if tag["description"]}
    for path, method, one in each(described):
        assert one["summary"], (path, method)
        assert set(one["tags"]) <= tags
        assert {"400", "401", "403"} <= set(one["responses"])
        assert "{" not in path or "404" in one["responses"]


def test_every_filter_is_described(described):
    own = {"component", "variable", "running", "online", "shown", "station", "action", "direction", "page", "page_size"}
    for path, _method, one in each(described):
        for parameter in one.get("parameters", []):
            if parameter["in"] == "query" and parameter["name"] in own:
                assert parameter.get("description"), (path, parameter["name"])


def test_energy_and_power_say_their_units(described):
    for name, schema in described["components"]["schemas"].items():
        for field, said in schema.get("properties", {}).items():
            if field.endswith(("_mwh", "_w")):
                assert "W" in said["description"], (name, field)


@pytest.mark.parametrize("name", operations.OPERATIONS)
def test_the_example_of_each_operation_can_be_sent_as_it_stands(name):
    operation = operations.OPERATIONS[name]
    operation.build(example(operation))
    assert f"### {name}" in commands_text()
    assert all(f"`{field.name}`" in commands_text() for field in operation.fields)


def test_the_commands_are_described_with_a_raw_example_their_states_and_how_to_poll(described):
    one = described["paths"]["/api/v1/stations/{identity}/commands/"]["post"]
    assert set(one["requestBody"]["content"]["application/json"]["examples"]) == set(examples())
    assert "raw" in examples()
    assert all(f"`{state}`" in one["description"] for state in ("queued", "callerror", "timeout", "unsupported"))
    assert "/variables/" in one["description"]
    assert "Location" in one["description"]


def test_the_introduction_tells_of_tokens_pages_filters_units_and_errors(described):
    said = described["info"]["description"]
    assert all(word in said for word in ("Authorization: Bearer", "page_size", "Filters", "mWh", "detail"))


def test_the_page_keeps_our_own_policy(db):
    page = Client().get("/api/docs/")
    assert "unsafe" not in page["Content-Security-Policy"]
    assert "<style" not in page.content.decode()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_browser_shows_the_page_and_logs_no_error(live_server, page):
    said = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto(f"{live_server.url}/api/docs/")
    page.get_by_text("Send a command").first.click()
    page.get_by_text("change-availability").first.wait_for()
    assert said == []
