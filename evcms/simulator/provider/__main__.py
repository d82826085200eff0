"""`python -m evcms.simulator.provider`: the double as a process."""

import argparse
import sys
from pathlib import Path

from evcms.simulator.provider.server import NotAllowed, check_allowed, serve


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evcms.simulator.provider", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8420, help="0 takes a free one (default 8420)")
    parser.add_argument("--database", default="var/provider.sqlite3", help="its own SQLite file")
    parser.add_argument("--public-url", help="its address as browsers see it (default: host and port)")
    parser.add_argument("--merchant", default="Charging network", help="the name on the payment page")
    parser.add_argument("--webhook-url", help="where events are posted")
    parser.add_argument("--webhook-secret", help="signs them (whsec_…)")
    chosen = parser.parse_args(arguments)
    try:
        check_allowed()
        Path(chosen.database).parent.mkdir(parents=True, exist_ok=True)
        serve(**vars(chosen))
    except NotAllowed as refusal:
        print(refusal, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"Cannot listen on {chosen.host}:{chosen.port}: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
