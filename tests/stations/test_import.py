"""Tables: looked at first, line by line, and stored only when every line is good."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from evcms.core.access import Role
from evcms.core.models import AuditEntry
from stations import queries, services, table
from stations.models import Connector, Site, Station
from stations.services import imports
from stations.vocabulary import Approval
from tests.dashboard.conftest import browser, words

from .conftest import make_access, make_station

GOOD = """site,city,latitude,longitude,station,station_name,evse,connector,plug,max_power_w,cable
Plein,Delft,52.01,4.36,PLEIN-01,Pillar,1,1,IEC_62196_T2,22000,no
Plein,,,,PLEIN-01,,2,1,IEC_62196_T2_COMBO,150000,yes
Plein,,,,PLEIN-02,,,,,,
Markt,Delft,52.02,-0.12,,,,,,,
"""


def brought(access, text):
    """A table that was looked at."""
    content = text if isinstance(text, bytes) else text.encode()
    run = services.stage_import(access=access, name="stations.csv", content=content)
    services.run_imports()
    run.refresh_from_db()
    return run


def load(access, text):
    """And stored, when it is good."""
    run = services.confirm_import(access=access, run=brought(access, text))
    services.run_imports()
    run.refresh_from_db()
    return run


def complaints(access, text):
    return list(brought(access, text).faults.values_list("line", "column"))


def counts(run):
    return run.rows, run.made, run.changed


def nothing_to_do(run):
    return run.state == "done" and not any([*run.made.values(), *run.changed.values()])


def test_a_dry_run_tells_all_and_stores_nothing(owner):
    result = brought(owner, GOOD)
    assert (result.state, result.due_at) == ("checked", None)
    assert result.made == {"sites": 2, "stations": 2, "connectors": 2}
    assert not Site.objects.exists()
    assert not AuditEntry.objects.exists()


def test_the_import_does_what_the_dry_run_said_and_twice_does_nothing(owner):
    promised = brought(owner, GOOD)
    done = load(owner, GOOD)
    assert counts(done) == counts(promised)
    assert (done.state, bytes(done.content), done.due_at) == ("done", b"", None)
    assert Station.objects.get(identity="PLEIN-01").site.name == "Plein"
    assert Connector.objects.get(evse__number=2).max_power_w == 150_000
    assert Site.objects.get(name="Markt").longitude == -0.12
    assert nothing_to_do(load(owner, GOOD))
    assert Station.objects.count() == 2


def test_known_rows_change_where_a_cell_says_something_else(owner):
    load(owner, GOOD)
    result = load(owner, "site;station;station_name\nplein;PLEIN-01;North pillar\n")
    assert result.changed == {"sites": 0, "stations": 1, "connectors": 0}
    station = Station.objects.get(identity="PLEIN-01")
    assert (station.name, station.connectors.count()) == ("North pillar", 2)


def test_every_bad_line_is_told_with_its_column_and_nothing_is_stored(owner):
    text = (
        "site,latitude,longitude,time_zone,station,security_profile,evse,connector,plug,max_power_w\n"
        "A,52,4,Mars/Base,,,,,,\n"
        "B,north,4,,,,,,,\n"
        "C,,,,,,,,,\n"
        "D,52,4,,bad identity,,,,,\n"
        "E,52,4,,E-1,9,,,,\n"
        "F,52,4,,F-1,,1,1,USB,\n"
        "G,52,4,,G-1,,1,1,,11 kW\n"
        "H,52,4,,H-1,,1,1,,\n"
        "H,52,4,,H-1,,1,1,,\n"
        ",52,4,,I-1,,,,,\n"
        "J,52,4,,,,1,,,\n"
    )
    assert complaints(owner, text) == [
        (2, "time_zone"),
        (3, "latitude"),
        (4, "latitude"),
        (4, "longitude"),
        (5, "station"),
        (6, "security_profile"),
        (7, "plug"),
        (8, "max_power_w"),
        (10, "connector"),
        (11, "site"),
        (12, "station"),
    ]
    load(owner, text)
    assert not Site.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "site\n",
        "station\nA\n",
        "site,colour\nA,red\n",
        "site,site\nA,B\n",
        "site\nA,B\n",
        'site\n"A',
        "\0\0\n",
        "\n\n",
    ],
)
def test_what_is_no_such_table_is_refused_with_a_sentence(owner, text):
    try:
        run = load(owner, text)
    except ValidationError as refused:
        assert refused.messages[0].endswith(".")  # noqa: PT017
    else:
        assert run.state == "wrong"
        assert run.error.endswith(".") or run.faults.exists()
    assert not Site.objects.exists()


def test_other_encodings_and_huge_files_are_refused(owner, monkeypatch):
    assert "UTF-8" in load(owner, "site\nKäde\n".encode("cp850")).error
    monkeypatch.setattr(table, "MOST_ROWS", 20)
    assert "20 rows" in load(owner, "site\n" + "A\n" * 21).error
    monkeypatch.setattr(table, "MOST_BYTES", 1_000_000)
    with pytest.raises(ValidationError, match="larger"):
        load(owner, b"x" * 1_000_001)


def test_complaints_are_bounded(owner, monkeypatch):
    monkeypatch.setattr(imports, "MOST_COMPLAINTS", 20)
    run = load(owner, "site\n" + "A\n" * 200)
    assert 20 <= run.faults.count() <= 22
    assert run.done < run.rows


def test_others_cannot_import_and_nobody_takes_anothers_station(organization, rival, station):
    for access in (make_access(organization, Role.VIEWER), make_access(organization, all_sites=False)):
        with pytest.raises(PermissionDenied):
            load(access, GOOD)
    text = "site,latitude,longitude,station\nMine,1,1,KADE-01\n"
    assert complaints(make_access(rival), text) == [(2, "station")]
    Station.objects.update(approval=Approval.QUARANTINED)
    assert complaints(make_access(organization), text) == [(2, "station")]


def test_what_is_exported_can_be_imported_and_is_no_formula(owner, site, organization):
    Site.objects.filter(pk=site.pk).update(name="=HYPERLINK(1)", address="+31", longitude=-3.5)
    make_station("-CMD|calc", site, connectors=1, name="@SUM")
    text = "".join(table.write(queries.visible_sites(owner), queries.stations(owner), queries.connectors(owner)))
    line = text.splitlines()[1]
    assert "'=HYPERLINK(1),'+31" in line
    assert ",-3.5," in line
    assert "'-CMD|calc,'@SUM" in line
    assert nothing_to_do(load(owner, text))
    other = load(make_access(organization), text.replace("-CMD|calc", "-NEW"))
    assert other.made == {"sites": 0, "stations": 1, "connectors": 1}
    assert Station.objects.get(identity="-NEW").name == "@SUM"


def test_a_file_of_a_spreadsheet_with_semicolons_and_a_mark(owner):
    content = "\ufeffsite;latitude;longitude\r\nKäde;52,1;4,3\r\n".encode()
    load(owner, content)
    assert Site.objects.get().latitude == 52.1


def test_all_mistakes_of_one_line_are_told_together(owner):
    text = (
        "site,latitude,longitude,time_zone,station,security_profile,evse,connector,plug,max_power_w\n"
        "A,north,4,Mars/Base,BAD-1,nine,1,1,SCHUKO3,strong\n"
        "B,52,4,,BAD/2,1,one,1,SCHUKO3,1\n"
    )
    assert set(complaints(owner, text)) == {
        (2, "latitude"), (2, "time_zone"), (2, "security_profile"), (2, "plug"), (2, "max_power_w"),
        (3, "station"), (3, "evse"), (3, "plug"),
    }  # fmt: skip
    assert not Site.objects.exists()


@pytest.mark.parametrize(
    ("how", "told"), [("cp1252", "Windows-1252"), ("utf-16", "UTF-16"), ("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8")]
)
def test_what_excel_writes_is_read_and_it_is_said_how(owner, how, told):
    run = load(owner, "site;latitude;longitude\r\nStraße „Käde“ – Nord;52,1;4,3\r\n".encode(how))
    assert Site.objects.get().name == "Straße „Käde“ – Nord"
    assert (run.encoding, run.letters) == (told, "Straße, Käde")


@pytest.mark.parametrize("how", ["cp850", "mac-roman", "cp437"])
def test_letters_that_cannot_be_told_are_a_sentence_and_no_gibberish(owner, how):
    assert "save it as 'CSV UTF-8'" in load(owner, "site\nKäde Köln\n".encode(how)).error


def test_a_line_with_too_many_cells_does_not_hide_the_others(owner):
    text = "site,latitude,longitude\nA,52,4,x\nB,north,4\nC,52,east,,\n"
    assert complaints(owner, text) == [(2, ""), (3, "latitude"), (4, "longitude")]


def test_first_lines_as_others_write_them(owner):
    head = "Site-Name;Postal Code;lat;LNG;Station;Station Name;maxPowerW;EVSE"
    load(owner, f"{head}\nPlein;2611;52,1;4,3;P-1;Pillar;22000;1\n")
    assert (Site.objects.get().postal_code, Station.objects.get().name) == ("2611", "Pillar")
    assert Connector.objects.get().max_power_w == 22_000
    assert "each column once" in load(owner, "site;lat;latitude\nA;1;1\n").error


@pytest.mark.parametrize(
    ("cell", "why"),
    [("-5", "is below 0"), ("9" * 20, "is too large"), ("1.5", "is no whole number"), ("٣", "is no whole number")],
)
def test_a_number_that_cannot_be_is_refused_with_the_true_reason(cell, why):
    with pytest.raises(ValidationError, match=why):
        table.value_of("max_power_w", cell)


def test_what_is_there_already_and_would_change_is_told_before_it_is_stored(owner):
    load(owner, GOOD)
    run = brought(
        owner,
        "site,city,station,station_name,evse,max_power_w,tags\n"
        "Plein,Den Haag,PLEIN-01,North,1,11000,old\n"
        "Markt,,PLEIN-02,,,,\n"
        "Markt,,M-1,,1,,\n",
    )
    told = run.changes.values_list("line", "kind", "name", "column", "before", "after")
    assert list(told) == [
        (3, "station", "PLEIN-02", "site", "Plein", "Markt"),  # a station that moves stands first
        (4, "station", "M-1", "", "", ""),
        (2, "site", "Plein", "city", "Delft", "Den Haag"),
        (2, "station", "PLEIN-01", "name", "Pillar", "North"),
        (2, "station", "PLEIN-01", "tags", "", "old"),
        (2, "connector", "PLEIN-01 1.1", "max_power_w", "22000", "11000"),
    ]
    page = words(browser(owner).get(f"/setup/stations/import/{run.pk}/"))
    assert "1 station that exists moves to another site" in page
    assert "Den Haag" in page


def test_lines_that_contradict_each_other_are_refused_with_both_numbers(owner):
    load(owner, GOOD)
    text = (
        "site,city,latitude,longitude,station,station_name\n"
        "Neu,Delft,52,4,N-1,One\n"
        "NEU,delft,52.0,4,N-2,\n"
        "Neu,,,,N-1,Two\n"
        "Plein,,,,N-1,\n"
    )
    run = brought(owner, text)
    assert list(run.faults.values_list("line", "column")) == [(3, "city"), (4, "station_name"), (5, "site")]
    assert "Line 2 says “Delft”, this one “delft”" in run.faults.first().text


def test_what_was_stored_is_one_step_away(owner):
    load(owner, GOOD)
    run = load(owner, "site,station,tags\nPlein,PLEIN-02,new\nMarkt,M-1,\n")
    client = browser(owner)
    page = words(client.get(f"/setup/stations/import/{run.pk}/"))
    link = f"/stations/?imported={run.pk}"
    assert link in page
    listed = words(client.get(link))
    assert "PLEIN-02" in listed
    assert "M-1" in listed
    assert "PLEIN-01" not in listed
    assert "Brought by the file" in listed


@pytest.mark.parametrize("head", ["connector,plug,power_type,max_power_w", "evse,plug,power_type,max_power_w"])
def test_who_names_connectors_or_evses_alone_counts_as_ocpp_1_6_does_and_reads_so_before(owner, head):
    text = (
        f"site,latitude,longitude,station,{head}\nW,52,4,WEST-01,1,CHADEMO,DC,50000\nW,,,WEST-01,2,CHADEMO,DC,50000\n"
    )
    run = brought(owner, text)
    assert run.made == {"sites": 1, "stations": 1, "connectors": 2}
    told = run.changes.filter(kind="connector").values_list("line", "name", "column", "after")
    ours = [(2, "WEST-01 1.1", "evse", "1"), (3, "WEST-01 2.1", "evse", "2")]
    assert list(told) == (ours if head.startswith("connector") else [])
    load(owner, text)
    stored = Connector.objects.values_list("evse__number", "number", "plug", "max_power_w")
    assert sorted(stored) == [(1, 1, "CHADEMO", 50_000), (2, 1, "CHADEMO", 50_000)]
    assert nothing_to_do(load(owner, text))


def test_no_cell_is_dropped_in_silence(owner):
    text = (
        "site,latitude,longitude,station,vendor,evse,connector,plug,evse_id\n"
        "A,52,4,A-1,,,,CHADEMO,\n"
        "A,,,A-2,,,,,NL*ABC*E1\n"
        "A,,,,Acme,,,,\n"
        "A,,,,,,,CHADEMO,\n"
    )
    assert complaints(owner, text) == [(2, "evse"), (3, "evse"), (4, "station"), (5, "station"), (5, "evse")]


def test_one_round_tells_every_mistake_of_a_line_and_the_column_that_is_none(owner, rival):
    make_station("TAKEN", Site.objects.create(organization=rival, name="R", latitude=1, longitude=1), connectors=0)
    text = (
        "site,latitude,longitude,station,foo,security_profile,connector,plug,max_power_w,evse_id\n"
        "West,52,4,WEST 1,x,9,1,Type2,22kW,\n"
        "West,95,4,WEST-2,,,0,,-5,\n"
        f"New,,200,TAKEN,,nine,1,Type2,,{'E' * 60}\n"
        ",95,4,,,,,,,\n"
        "West,,,W-3,,,1,,,\n"
        f"West,,,W-3,,,1,Type2,,{'E' * 60}\n"
    )
    run = brought(owner, text)
    found = list(run.faults.values_list("line", "column"))
    assert found[0] == (1, "foo")
    assert sorted(found[1:]) == [
        (2, "max_power_w"), (2, "plug"), (2, "security_profile"), (2, "station"),
        (3, "connector"), (3, "latitude"), (3, "latitude"), (3, "max_power_w"),
        (4, "evse_id"), (4, "latitude"), (4, "longitude"), (4, "plug"), (4, "security_profile"), (4, "station"),
        (5, "latitude"), (5, "site"),
        (7, "connector"), (7, "evse_id"), (7, "plug"),
    ]  # fmt: skip
    assert not Site.objects.filter(name="West").exists()


def test_the_lists_export_is_told_where_the_readable_one_is():
    with pytest.raises(ValidationError, match="What is here, in the same shape"):
        list(table.rows("identity,name,site,approval,online\nMH-1,One,Kade,accepted,yes\n"))
