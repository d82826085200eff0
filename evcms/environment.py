"""Reads the environment: turns strings from outside into values, with a clear sentence when it cannot."""

import base64
import hashlib
import os
import secrets
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
DATABASE_SCHEMES = {"sqlite", "postgres", "postgresql", "pgsql"}
TRUE, FALSE = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def flag(name: str, default: bool = False) -> bool:
    """Raises ImproperlyConfigured for a word that is neither yes nor no."""
    value = os.environ.get(name)
    if value is None:
        return default
    if value.strip().lower() in TRUE:
        return True
    if value.strip().lower() in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0 (yes/no, true/false, on/off), not {value!r}.")


def whole(name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
    """Raises ImproperlyConfigured for what is not a whole number between `least` and `most`."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None
    if not least <= number <= most:
        raise ImproperlyConfigured(f"{name} must be between {least} and {most}, not {number}.")
    return number


def one_of(name: str, default: str, among: tuple[str, ...]) -> str:
    """Raises ImproperlyConfigured for what is not among these words (in capitals, however it is written)."""
    value = text(name, default).upper()
    if value not in among:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(among)}, not {text(name)!r}.")
    return value


def database(name: str, default: str) -> dict[str, Any]:
    """Django's entry for an address such as postgres://user:password@host:5432/name. Any: Django's own values.

    Raises ImproperlyConfigured with a sentence that never repeats the password.
    """
    address = text(name, default)
    scheme = address.partition(":")[0]
    if scheme not in DATABASE_SCHEMES or "://" not in address:
        raise ImproperlyConfigured(f"{name} must begin with sqlite:// or postgres://.")
    try:
        found = dict(dj_database_url.parse(address, conn_max_age=0))
    except ValueError:
        raise ImproperlyConfigured(
            f"{name} cannot be read: write it as {scheme}://user:password@host:5432/name, the port a number, "
            "and other signs in the password as %40 (for @), %2F (for /)."
        ) from None
    if not found["NAME"]:
        raise ImproperlyConfigured(f"{name} names no database: write it behind the host, as {scheme}://…/evcms.")
    return found


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def data_dir() -> Path:
    """Where files that change live: database, secrets, logs, uploads (EVCMS_DATA_DIR, default var/)."""
    return Path(text("EVCMS_DATA_DIR", str(BASE_DIR / "var")))


def usable_data_dir() -> Path:
    """The same, made when it is missing. Raises ImproperlyConfigured when nothing can be written there."""
    folder = data_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(_no_folder(folder, error.strerror or str(error))) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ImproperlyConfigured(_no_folder(folder, "Permission denied"))
    return folder


def _no_folder(folder: Path, why: str) -> str:
    return f"EVCMS_DATA_DIR must be a folder that we may write to; {str(folder)!r} is not ({why})."


def secret(name: str, filename: str, size: int = 48) -> str:
    """The secret from the environment, else from its 0600 file, which the first start writes (`size` random bytes)."""
    value = text(name)
    if value:
        return value
    path = data_dir() / "secrets" / filename
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_once(path, secrets.token_urlsafe(size))
    return path.read_text().strip()


def demo_webhook_secret() -> str:
    """What signs the webhook of the demo's partner, as Standard Webhooks writes it; the demo's inbox knows it, too."""
    random = secret("EVCMS_DEMO_WEBHOOK_KEY", "demo_webhook_key")
    return "whsec_" + base64.b64encode(hashlib.sha256(random.encode()).digest()).decode()


def embedded_redis_url(port: int) -> str:
    """The embedded signal server's address. Its password keeps other users of this machine out."""
    return f"redis://:{secret('EVCMS_REDIS_PASSWORD', 'redis_password')}@127.0.0.1:{port}/0"


def _write_once(path: Path, value: str) -> None:
    """Two processes may start at once: the file appears whole, and the first writer wins."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(value)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
