"""What the demo's page of things to try is made of."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Link:
    words: str
    url: str


@dataclass(frozen=True)
class Way:
    """One thing to try: what to do in order, where, and what happens then."""

    title: str
    steps: list[str]
    links: list[Link] = field(default_factory=list)
    expect: list[str] = field(default_factory=list)
