"""The versions' tables belong together: a version that says a message otherwise says it so in a batch, too."""

from itertools import pairwise

from evcms.ocpp import v16, v21, v201


def test_a_bulk_form_is_of_a_message_that_has_a_handler():
    for version in (v16, v201, v21):
        assert version.MANY.keys() <= version.HANDLERS.keys()


def test_a_handler_of_its_own_has_a_bulk_form_of_its_own():
    for older, newer in pairwise((v201, v21)):
        changed = {name for name, fn in newer.HANDLERS.items() if older.HANDLERS.get(name, fn) is not fn}
        inherited = {name for name in changed & older.MANY.keys() if newer.MANY[name] is older.MANY[name]}
        assert not inherited
