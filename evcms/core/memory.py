"""What Python's collector of circles need not look at."""

import gc
from importlib import import_module

from django.conf import settings


def settle() -> None:
    """Call when a process of pages stands: its modules, models and views stay, and are never looked through again.

    A full collection of them takes a fifth of a second, which a page that reads thousands of rows paid each time.
    """
    import_module(settings.ROOT_URLCONF)  # and all views with it
    gc.collect()
    gc.freeze()
