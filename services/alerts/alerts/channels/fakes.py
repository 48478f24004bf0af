"""Fakes of the ports. The same tests run on them and on the real ones."""

from __future__ import annotations

from alerts.channels.domain import Answer, Message, OpenChannel, Outcome


class FakeSender:
    """A Sender that collects. `answers` are given in turn; then every message is delivered."""

    def __init__(self, *answers: Answer) -> None:
        self.sent: list[tuple[OpenChannel, Message]] = []
        self.answers = list(answers)

    async def send(self, channel: OpenChannel, message: Message) -> Answer:
        self.sent.append((channel, message))
        return self.answers.pop(0) if self.answers else Answer(Outcome.DELIVERED, "entregue")
