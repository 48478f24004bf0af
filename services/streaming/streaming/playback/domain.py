"""Sessions of viewers of recordings, and playlists over recorded files (RFC 8216). Pure: no I/O, no clock."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import ClassVar
from uuid import UUID

from gtvision.errors import Forbidden, GTVisionError, Invalid, NotFound, Unauthenticated
from gtvision.tenancy import Caller, Role
from gtvision.time import isoformat
from streaming.recordings.parts import Group, Parts

LONGEST_RANGE = timedelta(hours=24)
TICKET_LIFETIME = timedelta(seconds=60)
SESSION_LIFETIME = timedelta(hours=12)
_SECRET_BYTES = 32


class RangeTooLong(Invalid):
    """A playback session covers 24 hours at most."""

    code: ClassVar[str] = "range_too_long"


class NoRecording(NotFound):
    """Nothing is recorded in this range."""

    code: ClassVar[str] = "no_recording"


class TicketRefused(Unauthenticated):
    """The ticket is not valid, or not any more. Who shows it is not told why; the ledger is."""

    code: ClassVar[str] = "ticket_refused"
    why: ClassVar[str] = "unknown"


class TicketExpired(TicketRefused):
    """It was not used in time."""

    why: ClassVar[str] = "expired"


class TicketUsed(TicketRefused):
    """It was used before."""

    why: ClassVar[str] = "used"


class OtherCamera(TicketRefused):
    """It is for another camera."""

    why: ClassVar[str] = "other_camera"


class SessionUnknown(Unauthenticated):
    """There is no such playback session, or not any more."""

    code: ClassVar[str] = "playback_session_unknown"


class OutsideSession(Forbidden):
    """The playback session is for something else."""

    code: ClassVar[str] = "outside_session"


def new_secret() -> str:
    """Returns 256 random bits, as 43 characters that need no escaping in a URL."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def hash_of(secret: str) -> str:
    """Returns what is stored of a ticket or key. It needs no salt: nobody guesses 256 bits."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class PlaybackSession:
    """What a viewer may watch: a range of one camera's recordings, until it expires or the login `login_id` is ended."""

    session_id: UUID
    tenant_id: UUID
    camera_id: UUID
    since: datetime
    until: datetime
    user_id: UUID
    role: Role
    login_id: UUID
    groups: frozenset[UUID] | None
    """The camera groups that the viewer is limited to; None: to none."""
    purpose: str | None
    expires_at: datetime
    given_at: datetime
    """When the token was made that asked for it: what its rights were then."""
    address: str | None = None
    """Of the client that opened it."""

    @classmethod
    def of(cls, caller: Caller, session_id: UUID, camera_id: UUID, since: datetime, until: datetime, **more: object) -> PlaybackSession:
        return cls(
            session_id=session_id,
            tenant_id=caller.tenant_id,
            camera_id=camera_id,
            since=since,
            until=until,
            user_id=caller.user_id,
            role=caller.role,
            login_id=caller.session_id,
            groups=caller.camera_groups,
            given_at=datetime.fromtimestamp(caller.issued_at, UTC),
            **more,  # type: ignore[arg-type]
        )

    @property
    def caller(self) -> Caller:
        """The viewer, without scopes."""
        issued_at = self.given_at.timestamp()
        return Caller(self.tenant_id, self.user_id, self.role, frozenset(), self.login_id, self.groups, issued_at=issued_at)

    def narrowed(self, since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
        """Returns a range inside that of the session. Raises: Invalid, where nothing is left."""
        begin, end = max(since or self.since, self.since), min(until or self.until, self.until)
        if end <= begin:
            raise Invalid("`to` must be after `from`, and both inside the session's range.")
        return begin, end


@dataclass(frozen=True, slots=True)
class Offer:
    """A session with the ticket that opens it, once, before `expires_at`. `told` are the refusals of the ticket that are on record."""

    session: PlaybackSession
    expires_at: datetime
    is_used: bool
    told: frozenset[str]

    def check(self, camera_id: UUID, now: datetime) -> None:
        """Whether its ticket opens it where it is shown for a camera. Raises: TicketRefused."""
        if camera_id != self.session.camera_id:
            raise OtherCamera
        if self.is_used:
            raise TicketUsed
        if self.expires_at <= now:
            raise TicketExpired


def why_refused(refused: GTVisionError) -> str:
    """Returns how metrics and the ledger call a refusal."""
    return refused.why if isinstance(refused, TicketRefused) else refused.code


def check_range(since: datetime, until: datetime) -> None:
    """Raises: Invalid, RangeTooLong."""
    if until <= since:
        raise Invalid("`to` must be after `from`.")
    if until - since > LONGEST_RANGE:
        raise RangeTooLong


# --- playlists ----------------------------------------------------------------------------------------------------------

SILENT = "silent_"
"""Before a file's name: the file without its sound."""
_PLAYABLE_SOUND = frozenset({"mp4a", "Opus", "fLaC"})
"""Sample entries that browsers play; what the media server makes of G.711 (`ipcm`) makes them refuse the pictures too."""
_GROWING_TARGET_S = 6
"""A playlist that grows may not change its target duration: groups of key frames that come often enough stay below."""


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """What the index knows of a recorded file. `parts` are encoded (`recordings.parts`); None where they were never looked for."""

    path: PurePosixPath
    parts: bytes | None


@dataclass(frozen=True, slots=True)
class PlayedFile:
    """A recorded file of a playlist. `at` is the instant of its own 0; `uri` is relative to the playlist."""

    uri: str
    at: datetime
    parts: Parts = field(repr=False)

    def groups_within(self, since: datetime, until: datetime) -> Sequence[Group]:
        """The groups that show the range, from the last key frame at or before `since` on."""
        first, last, groups = _ms(since - self.at), _ms(until - self.at), self.parts.groups
        start = max((index for index, group in enumerate(groups) if group.start_ms + group.key_ms <= first), default=0)
        following = groups[start + 1] if start + 1 < len(groups) else None
        if groups and groups[start].end_ms <= first and (following is None or following.start_ms > first):
            start += 1  # in between is nothing
        return [group for group in groups[start:] if group.start_ms < last]

    @property
    def sound(self) -> tuple[str, ...]:
        """The sample entries of its tracks beside the video."""
        return self.parts.codecs[1:]

    @property
    def ends_at(self) -> datetime:
        return self.at + timedelta(milliseconds=self.parts.groups[-1].end_ms) if self.parts.groups else self.at


def playlist(files: Sequence[PlayedFile], since: datetime, until: datetime, *, is_complete: bool) -> str:
    """Returns a playlist of the range. One that is not complete grows. Raises: NoRecording, where there would be nothing in it."""
    shown = [(file, groups) for file in files if (groups := file.groups_within(since, until))]
    if not shown:
        raise NoRecording
    shown = _harmonised(shown)
    longest_ms = max(group.duration_ms for _, groups in shown for group in groups)
    target_s = max(-(-longest_ms // 1_000), 1 if is_complete else _GROWING_TARGET_S)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{target_s}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        f"#EXT-X-PLAYLIST-TYPE:{'VOD' if is_complete else 'EVENT'}",
    ]
    for number, (file, groups) in enumerate(shown):
        if number:
            lines.append("#EXT-X-DISCONTINUITY")  # the timestamps begin anew with each file
        lines.append(f'#EXT-X-MAP:URI="{file.uri}",BYTERANGE="{file.parts.init_size}@0"')
        lines.extend(_segments(file, groups))
    if is_complete:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


_NEXT_FILE = re.compile(r"(?<=#EXT-X-DISCONTINUITY\n)(#EXT-X-MAP:\S+,BYTERANGE=\"(\d+)@0\"\n(?:#.+\n)*?#EXT-X-BYTERANGE:)(\d+)@\2\n")


def for_vlc(playlist_text: str) -> str:
    """The same playlist, in which each file but the first is sent with its init section.

    VLC 3 begins anew at a discontinuity and asks for no init section, so that it would stop at the end of the first file.
    """
    return _NEXT_FILE.sub(lambda found: f"{found[1]}{int(found[2]) + int(found[3])}@0\n", playlist_text)


def _harmonised(shown: list[tuple[PlayedFile, Sequence[Group]]]) -> list[tuple[PlayedFile, Sequence[Group]]]:
    """Leaves the sound out where browsers cannot play it, and where files differ in it, since a player's buffer takes no others."""
    kinds = {file.sound for file, _ in shown}
    if len(kinds) == 1 and _PLAYABLE_SOUND.issuperset(*kinds):
        return shown
    return [(replace(file, uri=SILENT + file.uri) if file.sound else file, groups) for file, groups in shown]


def _segments(file: PlayedFile, groups: Sequence[Group]) -> Iterator[str]:
    expected: int | None = None
    for group in groups:
        if group.start_ms != expected:
            if expected is not None:
                yield "#EXT-X-DISCONTINUITY"  # the camera's clock jumped
            yield f"#EXT-X-PROGRAM-DATE-TIME:{_instant(file.at + timedelta(milliseconds=group.start_ms))}"
        yield f"#EXTINF:{group.duration_ms / 1_000:.3f},"
        yield f"#EXT-X-BYTERANGE:{group.size}@{group.offset}"
        yield file.uri
        expected = group.end_ms


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1_000:03d}Z"


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def playback_url(camera_id: UUID, ticket: str) -> str:
    """Returns where the edge takes a ticket."""
    return f"/playback/cam_{camera_id}/open?ticket={ticket}"


def range_query(since: datetime, until: datetime) -> str:
    """Returns the range as a query, to narrow a playlist."""
    return f"from={isoformat(since)}&to={isoformat(until)}"
