"""Every write of this room. See ARCHITECTURE.md for the contract; one file for each part of it."""

from .attempts import expire_attempts, fail, in_vain, plug_in_by, request_start, request_stop
from .corrections import correct_begin, correct_end, correct_energy
from .drivers import create_driver, edit_driver, erase_driver, erase_own
from .ending import close, end, end_many
from .freeby import fit_freeby
from .groups import create_group, delete_group, join_group, rename_group
from .judging import judge_attempts
from .recording import record, record_many, update, update_many
from .reservations import cancel_reservation, expire_reservations, reserve
from .retention import forget_people, prune_samples
from .reviews import decide_cause, resolve_discrepancy
from .rollups import count_days
from .signing_in import add_own_token, ask_sign_in, enter, read_link, remove_own_token, rename
from .squeezes import estimate_demand, looked_while_busy
from .starting import start, start_many
from .sweeps import close_lost_sessions
from .tokens import Tap, authorize, authorize_many, create_token, delete_token, edit_token, guest_token, paid_token
from .watches import reach_times, watch, watch_by_id

__all__ = [
    "Tap",
    "add_own_token",
    "ask_sign_in",
    "authorize",
    "authorize_many",
    "cancel_reservation",
    "close",
    "close_lost_sessions",
    "correct_begin",
    "correct_end",
    "correct_energy",
    "count_days",
    "create_driver",
    "create_group",
    "create_token",
    "decide_cause",
    "delete_group",
    "delete_token",
    "edit_driver",
    "edit_token",
    "end",
    "end_many",
    "enter",
    "erase_driver",
    "erase_own",
    "estimate_demand",
    "expire_attempts",
    "expire_reservations",
    "fail",
    "fit_freeby",
    "forget_people",
    "guest_token",
    "in_vain",
    "join_group",
    "judge_attempts",
    "looked_while_busy",
    "paid_token",
    "plug_in_by",
    "prune_samples",
    "reach_times",
    "read_link",
    "record",
    "record_many",
    "remove_own_token",
    "rename",
    "rename_group",
    "request_start",
    "request_stop",
    "reserve",
    "resolve_discrepancy",
    "start",
    "start_many",
    "update",
    "update_many",
    "watch",
    "watch_by_id",
]
