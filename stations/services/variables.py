"""Configuration keys and variables as stations report them."""

from collections.abc import Sequence

from django.db import transaction

from evcms.core import clock
from stations.models import Variable
from stations.texts import fit
from stations.vocabulary import VariableReport

KEY = (
    "station", "component", "component_instance", "evse", "connector", "variable", "variable_instance", "attribute",
)  # fmt: skip
NEWS = ("value", "mutability", "data_type", "unit", "updated_at")
BATCH = 500
LARGEST_NUMBER = 32_767
SECRETS = {("", "AuthorizationKey"), ("SecurityCtrlr", "BasicAuthPassword"), ("WebPaymentsCtrlr", "SharedSecret")}


def variables_reported(*, station_id: int, reports: Sequence[VariableReport]) -> int:
    """Keeps the last value of each variable; the last of a repeated one wins. Returns how many there were.

    A report without type or unit (GetVariables) does not wipe what an inventory said of them.
    """
    now = clock.now()
    rows: dict[tuple[object, ...], Variable] = {}
    for report in reports:
        row = Variable(
            station_id=station_id,
            component=fit(report.component, 50),
            component_instance=fit(report.component_instance, 50),
            evse=_number(report.evse),
            connector=_number(report.connector),
            variable=fit(report.variable, 50),
            variable_instance=fit(report.variable_instance, 50),
            attribute=fit(report.attribute, 10) or "Actual",
            value=_value(report),
            mutability=fit(report.mutability, 12),
            data_type=fit(report.data_type, 16),
            unit=fit(report.unit, 16),
            updated_at=now,
        )
        rows[tuple(getattr(row, name) for name in KEY[1:])] = row
    with transaction.atomic():
        for whole in (True, False):
            some = [row for row in rows.values() if bool(row.data_type or row.mutability) is whole]
            _store(some, NEWS if whole else ("value", "updated_at"))
    return len(rows)


def _value(report: VariableReport) -> str | None:
    """Secrets are write-only, whatever a station reports."""
    if report.value is None or (report.component, report.variable) in SECRETS:
        return None
    return fit(report.value, 2500)


def _number(value: int | None) -> int:
    """0 is the station (or EVSE) as a whole, and what no column can hold."""
    return value if value is not None and 0 < value <= LARGEST_NUMBER else 0


def _store(rows: list[Variable], news: tuple[str, ...]) -> None:
    if rows:
        Variable.objects.bulk_create(
            rows, batch_size=BATCH, update_conflicts=True, unique_fields=KEY, update_fields=news
        )
