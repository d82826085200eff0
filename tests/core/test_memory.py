"""What a server of pages has at its start is not looked through again at every heavy page."""

import gc
import sys
from importlib import import_module

from django.conf import settings


def test_the_web_server_settles_with_its_views_imported():
    gc.unfreeze()
    sys.modules.pop("evcms.asgi", None)
    import_module("evcms.asgi")
    assert gc.get_freeze_count() > 50_000
    assert settings.ROOT_URLCONF in sys.modules
