"""The journal is append-only for real: the database refuses to change or delete what was posted."""

from typing import Any

from django.db import migrations

TABLES = ("billing_journalentry", "billing_journalline")
REFUSAL = "the journal is append-only: post it back instead"
POSTGRES = f"""
CREATE OR REPLACE FUNCTION journal_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


def seal(apps: Any, schema_editor: Any) -> None:
    """Any: what RunPython gives. TRUNCATE stays possible on PostgreSQL: who may do that may drop the table, too."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRES)
    for table in TABLES:
        for statement in _statements(schema_editor.connection.vendor, table):
            schema_editor.execute(statement)


def _statements(vendor: str, table: str) -> list[str]:
    if vendor == "postgresql":
        when = f"BEFORE UPDATE OR DELETE ON {table}"
        return [f"CREATE OR REPLACE TRIGGER {table}_stays {when} FOR EACH ROW EXECUTE FUNCTION journal_stays()"]
    return [
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb.upper()} ON {table} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        for verb in ("update", "delete")
    ]


def unseal(apps: Any, schema_editor: Any) -> None:
    """Any: what RunPython gives."""
    for table in TABLES:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_stays ON {table}")
        else:
            for verb in ("update", "delete"):
                schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{verb}")


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_squashed_0006_proof_runs")]
    operations = [migrations.RunPython(seal, unseal, elidable=False)]
