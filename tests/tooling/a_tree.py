"""A small process tree for the supervisor's tests: `python -m tests.tooling.a_tree <folder> <parts as JSON>`."""

import json
import sys
from pathlib import Path

from evcms.supervisor import state
from evcms.supervisor.console import Console
from evcms.supervisor.parts import Part
from evcms.supervisor.tree import Supervisor

folder = Path(sys.argv[1])
parts = [
    Part(
        name=said["name"],
        argv=(sys.executable, "-c", said["code"], str(folder)),
        port=said.get("port"),
        after=tuple(said.get("after", ())),
        stop_timeout=said.get("stop_timeout", 3),
    )
    for said in json.loads(sys.argv[2])
]
with state.lock(folder / "run"):
    ended = state.end_left_overs(folder / "run")
    print("left over:", ", ".join(ended) or "nothing", flush=True)
    Supervisor(parts, Console(folder / "log"), folder / "run").run()
