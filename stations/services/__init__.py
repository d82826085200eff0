"""Every write of this room. See ARCHITECTURE.md for the contract; one file for each part of it."""

from .approvals import approve, reject
from .availability import derive_availability
from .availability_days import count_availability_days
from .boots import booted
from .bulk import cancel_bulk, confirm_bulk, draft_bulk, prune_drafts, refusal, run_bulk
from .commands import (
    command_answered,
    command_failed,
    command_sent,
    describe,
    expire_commands,
    send,
    wait_for_command,
)
from .configuration import (
    archive_site,
    archive_sites,
    archive_station,
    create_site,
    create_station,
    edit_site,
    edit_station,
    restore_station,
    set_connectors,
    set_password,
)
from .exclusions import add_exclusion, drop_terms, set_terms, void_exclusion
from .firmware import firmware_replaced, firmware_reported, firmware_seen, lose_firmware
from .followed import link_of
from .grants import grant_site, revoke_site
from .imports import cancel_import, confirm_import, prune_imports, run_imports, stage_import
from .links import (
    connected,
    disconnected,
    gateway_alive,
    gateway_ended,
    gateway_started,
    quarantine,
    refuse_handshake,
    seen,
    sole_organization,
    sweep_gateways,
)
from .logs import log_promised, log_reported, lose_logs
from .maintenance import cancel_maintenance, change_maintenance, plan_maintenance, run_maintenance
from .monitoring import (
    StreamValue,
    events_reported,
    many_events_reported,
    monitors_cleared,
    monitors_reported,
    monitors_reset,
    no_monitors,
    stream_closed,
    stream_opened,
    stream_reported,
)
from .notes import add_note, may_remove_note, remove_note
from .plans import end_plan, extend_plans, plan_recurring
from .qr import set_up_dynamic_qr, verify_dynamic_qr
from .retention import prune_files, prune_fleeting, prune_messages, prune_reports
from .security import securities_reported, security_reported
from .statements import make_statement, make_statements
from .statuses import (
    SessionWord,
    ensure_connector,
    ensure_connectors,
    session_status,
    session_statuses,
    status_reported,
    statuses_reported,
)
from .tags import change_tags, prune_tags, set_tags
from .taking import take_connectors
from .uploads import NoSuchLink, UsedLink, add_firmware, archive_firmware, log_awaited, log_received
from .variables import variables_reported
from .views import remove_view, save_view, see_first

__all__ = [
    "NoSuchLink",
    "SessionWord",
    "StreamValue",
    "UsedLink",
    "add_exclusion",
    "add_firmware",
    "add_note",
    "approve",
    "archive_firmware",
    "archive_site",
    "archive_sites",
    "archive_station",
    "booted",
    "cancel_bulk",
    "cancel_import",
    "cancel_maintenance",
    "change_maintenance",
    "change_tags",
    "command_answered",
    "command_failed",
    "command_sent",
    "confirm_bulk",
    "confirm_import",
    "connected",
    "count_availability_days",
    "create_site",
    "create_station",
    "derive_availability",
    "describe",
    "disconnected",
    "draft_bulk",
    "drop_terms",
    "edit_site",
    "edit_station",
    "end_plan",
    "ensure_connector",
    "ensure_connectors",
    "events_reported",
    "expire_commands",
    "extend_plans",
    "firmware_replaced",
    "firmware_reported",
    "firmware_seen",
    "gateway_alive",
    "gateway_ended",
    "gateway_started",
    "grant_site",
    "link_of",
    "log_awaited",
    "log_promised",
    "log_received",
    "log_reported",
    "lose_firmware",
    "lose_logs",
    "make_statement",
    "make_statements",
    "many_events_reported",
    "may_remove_note",
    "monitors_cleared",
    "monitors_reported",
    "monitors_reset",
    "no_monitors",
    "plan_maintenance",
    "plan_recurring",
    "prune_drafts",
    "prune_files",
    "prune_fleeting",
    "prune_imports",
    "prune_messages",
    "prune_reports",
    "prune_tags",
    "quarantine",
    "refusal",
    "refuse_handshake",
    "reject",
    "remove_note",
    "remove_view",
    "restore_station",
    "revoke_site",
    "run_bulk",
    "run_imports",
    "run_maintenance",
    "save_view",
    "securities_reported",
    "security_reported",
    "see_first",
    "seen",
    "send",
    "session_status",
    "session_statuses",
    "set_connectors",
    "set_password",
    "set_tags",
    "set_terms",
    "set_up_dynamic_qr",
    "sole_organization",
    "stage_import",
    "status_reported",
    "statuses_reported",
    "stream_closed",
    "stream_opened",
    "stream_reported",
    "sweep_gateways",
    "take_connectors",
    "variables_reported",
    "verify_dynamic_qr",
    "void_exclusion",
    "wait_for_command",
]
