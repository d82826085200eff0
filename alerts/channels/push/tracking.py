"""Push services tell nothing later; that a message was tapped the page's worker tells, with the notification's id."""

from alerts.channels.message import Told
from alerts.vocabulary import ChannelName, Outcome


def opened(public_id: str) -> Told:
    return Told(channel=ChannelName.PUSH, outcome=Outcome.OPENED, id=public_id, detail="tapped")
