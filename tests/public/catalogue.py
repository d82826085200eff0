"""Reads what translators wrote and what drivers' code asks for, without gettext's tools."""

import ast
import gettext
import re
from dataclasses import dataclass, field
from functools import cache
from itertools import chain

from django.conf import settings
from django.utils import translation
from django.utils.translation.template import templatize

from alerts.vocabulary import Digest, Problem, Step
from billing.vocabulary import FundingSource, Refusal
from sessions.vocabulary import FailureCause, SessionState
from stations.models import PlugType
from stations.vocabulary import ConnectorStatus, Shown

ROOT = settings.BASE_DIR
LANGUAGES = ("de", "nl", "fr", "es")
DRIVER_FILES = (
    "templates/public/*.html",
    "templates/public/account/*.html",
    "templates/alerts/mail/account_closed/*",
    "templates/alerts/mail/debt/*",
    "templates/alerts/mail/statement/*",
    "sessions/services/signing_in.py",
    "billing/services/cards.py",
    "billing/services/holds.py",
    "billing/services/collections.py",
    "billing/services/autocharge.py",
    "templates/base/*.html",
    "templates/base/forms/*.html",
    "templates/[45]*.html",
    "templates/alerts/confirm.html",
    "templates/alerts/unsubscribe.html",
    "templates/alerts/erased.html",
    "templates/alerts/mine.html",
    "templates/alerts/_topic.html",
    "templates/alerts/_place.html",
    "templates/alerts/mail/_foot.*",
    "templates/alerts/mail/maintenance*/*",
    "templates/alerts/mail/price/*",
    "alerts/causes_of_stop.py",
    "alerts/services/reports.py",
    "templates/alerts/mail/layout.html",
    "templates/alerts/mail/digest/*",
    "templates/alerts/mail/test/*",
    *(
        f"templates/alerts/mail/{name}/*"
        for name in ("broken", "car_seen", "card_refused", "code", "confirm", "free", "receipt", "released", "started")
    ),
    "templates/components/map*.html",
    "templates/components/messages.html",
    "templates/components/empty_state.html",
    "templates/components/chart.html",
    "templates/components/skeleton.html",
    "evcms/public/**/*.py",
    "evcms/core/figures.py",
    "evcms/templatetags/figures.py",
    "alerts/services/subscriptions.py",
    "alerts/services/people.py",
    "alerts/services/codes.py",
    "alerts/services/browsers.py",
    "alerts/services/following.py",
    "alerts/services/trying.py",
    "alerts/channels/sms/address.py",
    "alerts/channels/push/*.py",
    "alerts/views/codes.py",
    "templates/alerts/code.html",
    "alerts/views/wishes.py",
    "billing/wording.py",
    "billing/queries/accounts.py",
    "billing/queries/glance.py",
    "billing/queries/prices.py",
    "billing/receipts/*.py",
    "billing/services/payments.py",
    "billing/services/screens.py",
    "billing/services/settlement.py",
)
VOCABULARY = (
    Problem,
    Step,
    Digest,
    Shown,
    ConnectorStatus,
    SessionState,
    FailureCause,
    Refusal,
    PlugType,
    FundingSource,
)
CALLS = {"_", "gettext", "gettext_lazy", "ngettext", "pgettext"}
LITERAL = r"""((?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))"""
IN_TEMPLATE = re.compile(rf"\b(gettext|ngettext|pgettext|_)\(u?{LITERAL}(?:,\s*u?{LITERAL})?", re.S)
PLACEHOLDER = re.compile(r"%\(\w+\)\w+|%%(?:span|n|free|total|places)\b|%%")


@dataclass
class Entry:
    """One message; `key` as the compiled catalogue spells it (context, \\x04, text)."""

    key: str
    plural: str = ""
    forms: dict[int, str] = field(default_factory=dict)
    flags: str = ""

    @property
    def translated(self):
        return bool(self.forms) and all(self.forms.values())


def path(language, kind):
    return ROOT / "evcms" / "locale" / language / "LC_MESSAGES" / f"django.{kind}"


@cache
def entries(language):
    """The .po file, by key, the header under ""."""
    blocks = path(language, "po").read_text().strip().split("\n\n")
    return {entry.key: entry for entry in map(_entry, blocks) if entry}


def _entry(block):
    said, flags, name = {}, "", ""
    for line in block.splitlines():
        if line.startswith("#"):
            flags += line if line.startswith("#,") else ""
            continue
        word, _space, rest = line.partition(" ")
        if word.startswith("msg"):
            name, line = word, rest
        said[name] = said.get(name, "") + ast.literal_eval(line)
    if "msgid" not in said:
        return None
    key = f"{said['msgctxt']}\x04{said['msgid']}" if "msgctxt" in said else said["msgid"]
    forms = {int(name[7:-1] or 0) if "[" in name else 0: text for name, text in said.items() if "msgstr" in name}
    return Entry(key, said.get("msgid_plural", ""), forms, flags)


def compiled(language):
    """The .mo file, as gettext loads it: (key, plural form or None) → text."""
    with path(language, "mo").open("rb") as file:
        loaded = gettext.GNUTranslations(file)._catalog
    return {key if isinstance(key, tuple) else (key, None): text for key, text in loaded.items() if key}


@cache
def asked():
    """Keys of every text that drivers' pages, mails and receipts may say."""
    files = chain.from_iterable(ROOT.glob(pattern) for pattern in DRIVER_FILES)
    return {key: file for file in sorted(files) if file.is_file() for key in _asked_by(file)}


def _asked_by(file):
    text = file.read_text()
    return _in_python(ast.parse(text)) if file.suffix == ".py" else _in_template(templatize(text, origin=str(file)))


def _in_python(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            words = [each.value for each in node.args if isinstance(each, ast.Constant)]
            if words:
                yield "\x04".join(words[:2]) if node.func.id == "pgettext" else words[0]


def _in_template(text):
    for name, first, second in IN_TEMPLATE.findall(text):
        one = ast.literal_eval(first)
        yield f"{one}\x04{ast.literal_eval(second)}" if name == "pgettext" else one


def placeholders(text):
    return sorted(set(PLACEHOLDER.findall(text)))


@cache
def vocabulary():
    """English words of states, plugs, causes and refusals that pages show."""
    with translation.override("en"):
        return {str(member.label): kind for kind in VOCABULARY for member in kind}


def leftovers(language, text):
    """English of the drivers' texts that still stands in `text`: whole messages, or what is between placeholders."""
    return {words for words in english(language) if words in text and _stands_in(words, text)}


@cache
def english(language):
    """What the drivers' texts say in English and nowhere in `language`."""
    own = " ".join(_words("\n".join(form for entry in entries(language).values() for form in entry.forms.values())))
    found = {words for key in asked() | vocabulary() for words in _words(key.rpartition("\x04")[2]) if len(words) > 3}
    return {words for words in found if not (words in own and _stands_in(words, own))}


def _words(text):
    """What is said between placeholders, line ends and punctuation at the ends."""
    pieces = re.split(r"%\(\w+\)\w+|%%\w*|\n|</?strong>", text)
    return [piece.strip(" .,:;?()") for piece in pieces]


def _stands_in(words, text):
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text) is not None
