#!/usr/bin/env python
"""EVCMS's command line."""

import os
import sys


def main() -> None:
    """A setting that cannot be read is said in its sentence, without a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evcms.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from evcms.supervisor import plan

    try:
        if sys.argv[1:2] == ["up"]:
            plan.prepare(demo="--demo" in sys.argv)
        _ = settings.DATABASES
    except ImproperlyConfigured as error:
        sys.exit(f"EVCMS cannot start: {error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
