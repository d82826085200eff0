"""What `make test` and `make lint` do: every check in turn, an honest exit code, one closing line.

Order: quick checks first, and beside them, on the other core, what the suites would wait for (see `Ready`); the suite
on SQLite; then whatever is marked `postgres` on a real PostgreSQL. All of it runs even when an early part fails, so
that one run tells everything.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from tests.fixtures.browser import chromium
from tests.fixtures.postgres_files import postgres_files
from tests.fixtures.processes import BASE

PYTHON = sys.executable
KINDS = ("failed", "passed", "skipped", "error")
LINT = {
    "ruff": [PYTHON, "-m", "ruff", "check", "--quiet", "."],
    "mypy": [PYTHON, "-m", "mypy", "evcms", "stations", "sessions", "billing", "alerts"],
    "import contracts": [PYTHON, "-m", "pytest", "tests/test_imports.py", "-q", "--no-header"],
}
CHECKS = {
    "manage.py check": [PYTHON, "manage.py", "check", "--fail-level", "ERROR"],
    "makemigrations --check": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
}


@dataclass
class Result:
    name: str
    good: bool
    seconds: float
    counts: dict[str, int] = field(default_factory=dict)


def main():
    begin = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="evcms-checks-"))
    try:
        if "--lint" in sys.argv:
            results = [step(name, argv, folder) for name, argv in LINT.items()]
        else:
            results = everything(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return tell(results, time.monotonic() - begin)


def everything(folder):
    with Ready(folder) as ready:
        quick = {name: argv for name, argv in LINT.items() if name != "import contracts"} | CHECKS
        results = [step(name, argv, folder) for name, argv in quick.items()]
        provide_chromium()
        address = ready.wait()
        return [*results, suite_on_sqlite(folder), suite_on_postgres(folder, address)]


class Ready:
    """What each of ten workers would else make again or wait for, made once beside the quick checks.

    - Bytecode of the tests, which a fresh checkout has none of: 12 s of each worker.
    - The migrated templates of both databases (tests/fixtures/database.py).
    - A PostgreSQL server, which ends when its standard input does.

    Nothing here judges: what fails is made by the first who needs it, and told there.
    """

    def __init__(self, folder):
        self.env = environment(folder)

    def __enter__(self):
        self.making = [
            self.begin(PYTHON, "-m", "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider"),
            self.begin(PYTHON, "-m", "tests.fixtures.database"),
        ]
        then = f'"{PYTHON}" -m tests.fixtures.database; echo "$DATABASE_URL"; exec cat'
        pipe = subprocess.PIPE
        self.server = self.begin(
            PYTHON, "-m", "tests.fixtures.postgres", "sh", "-c", then, stdin=pipe, stdout=pipe, stderr=None
        )
        return self

    def begin(self, *argv, **pipes):
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL) | pipes
        return subprocess.Popen(argv, cwd=BASE, env=self.env, text=True, **pipes)

    def wait(self):
        """The server's DATABASE_URL, "" without one."""
        for process in self.making:
            process.wait()
        return self.server.stdout.readline().strip()

    def __exit__(self, *error):
        for process in self.making:
            process.kill()
            process.wait()
        self.server.communicate()


def environment(folder):
    """Bytecode may be written: a process that compiles everything it imports costs twice as much."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "EVCMS_TESTING": "1", "EVCMS_DATA_DIR": str(folder)}


def step(name, argv, folder, **env):
    print(f"\n── {name} " + "─" * (100 - len(name)), flush=True)
    begin = time.monotonic()
    code = subprocess.run(argv, cwd=BASE, env=environment(folder) | env, check=False).returncode
    seconds = time.monotonic() - begin
    print(f"{name}: {'good' if code == 0 else f'FAILED (exit code {code})'} in {seconds:.0f} s", flush=True)
    return Result(name, code == 0, seconds)


def suite_on_sqlite(folder):
    return suite("tests on SQLite", ["-m", "not long"], folder)


def suite_on_postgres(folder, address):
    """Database, concurrency, wire and one story again, on a server of their own."""
    name = "tests on PostgreSQL"
    if not address:
        print(f"{name}: FAILED, there is no server: see above.", flush=True)
        return Result(name, good=False, seconds=0)
    return suite(name, ["-m", "postgres and not long", *postgres_files()], folder, DATABASE_URL=address)


def suite(name, which, folder, **env):
    report = folder / f"{name.replace(' ', '-')}.xml"
    argv = [PYTHON, "-m", "pytest", "-q", "-n", "5", "--dist", "worksteal", "--durations=15"]
    argv += ["--durations-min=1", f"--junit-xml={report}", "--max-worker-restart=2", *which]
    result = step(name, argv, folder, **env)
    result.counts = count(report)
    if not any(result.counts.values()):
        result.good = False
    return result


def count(report):
    """How many tests passed, failed, were skipped or broke."""
    if not report.exists():
        return {}
    root = ElementTree.parse(report).getroot()
    found = dict.fromkeys(KINDS, 0)
    for case in root.iter("testcase"):
        told = {child.tag for child in case}
        kind = "failed" if "failure" in told else "error" if "error" in told else None
        found[kind or ("skipped" if "skipped" in told else "passed")] += 1
    return found


def provide_chromium():
    """Browser tests want the system's Chromium: installed when we may, else they say why they skip."""
    if chromium():
        return
    if os.getuid() != 0 or not shutil.which("apt-get"):
        print("Browser tests are skipped, there is no Chromium: sudo apt install chromium.", flush=True)
        return
    print("Installing Chromium from Debian's packages for the browser tests …", flush=True)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in ("update -qq", "install -y -qq --no-install-recommends chromium"):
        argv = ["apt-get", *words.split()]
        if subprocess.run(argv, env=env, stdout=subprocess.DEVNULL, check=False).returncode:
            print("Chromium could not be installed: browser tests are skipped.", flush=True)
            return


def tell(results, seconds):
    """A table of the steps, then one closing line that sums up both runs of pytest."""
    print()
    for result in results:
        print(f"{'good  ' if result.good else 'FAILED'} {result.seconds:6.0f} s  {result.name}")
    total = {kind: sum(result.counts.get(kind, 0) for result in results) for kind in KINDS}
    broken = [result.name for result in results if not result.good]
    words = [f"{number} {kind}" for kind, number in total.items() if number]
    if broken:
        words.append(f"not good: {', '.join(broken)}")
    line = f" {', '.join(words)} in {seconds:.2f}s "
    print(f"{line:=^100}", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
