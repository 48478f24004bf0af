"""Accounts that servers become where we are root, and the folders and files that are theirs alone."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path
from typing import TypedDict

from servers.failures import BinaryMissing, FolderUnreachable


class Account(TypedDict, total=False):
    """What `subprocess` takes to change users; empty keeps ours."""

    user: int
    group: int
    extra_groups: list[int]


def account_of(user: str | None, *groups: int) -> Account:
    """The account of this name with its groups and some more. Ours where no name is given, or where we are not root and cannot change.

    Raises: KeyError (there is no such account).
    """
    if user is None or os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [*os.getgrouplist(user, entry.pw_gid), *groups]}


def unprivileged_user(user: str) -> str | None:
    """`user` if we are root, else None: the server then runs as ourselves. Raises: BinaryMissing."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(user)
    except KeyError:
        raise BinaryMissing(f"there is no user {user}, which its Debian package or our set-up makes; run `make setup`") from None
    return user


def make_folder(folder: Path, user: str | None = None, mode: int = 0o700) -> None:
    """A folder, private by default, that belongs to `user` where we are root, else to us; proves that this user can reach and write it.

    Where it belongs to another account (an earlier version ran as root), everything in it changes its owner too. The folder may be a
    link to another disk, but not where another account than root could have made that link. Raises: FolderUnreachable.
    """
    entry = None if user is None else pwd.getpwnam(user)
    uid, gid = (os.geteuid(), os.getegid()) if entry is None else (entry.pw_uid, entry.pw_gid)
    where = str(folder) if folder.resolve() == folder else f"{folder} ({folder.resolve()})"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _own(folder, mode, uid, gid)
    except OSError as error:
        # of a network disk with root_squash root can change nothing, but it may have been prepared
        if entry is None or not os.access(folder, os.F_OK) or folder.stat().st_uid != uid:
            raise FolderUnreachable(
                f"{where} cannot be prepared: {error.strerror}. It may be a link only in a folder of root, and to a disk that is mounted; "
                f"where root may change nothing on that disk, run there: chown -R {uid}:{gid} {folder.resolve()}"
            ) from error
    if entry is not None and not may(user, "-w", folder):
        raise FolderUnreachable(
            f"{where} cannot be reached by user {user}, as whom this runs under root; "
            "choose a data folder whose parents others may enter, for example /var/lib/gtvision"
        )


def may(user: str | None, how: str, path: str | Path) -> bool:
    """Whether the account may read (`-r`) or write (`-w`) what is there."""
    return subprocess.run(["/usr/bin/test", how, path], cwd="/", check=False, **account_of(user)).returncode == 0


def _own(folder: Path, mode: int, uid: int, gid: int) -> None:
    """Works on what was opened, not on its name, which another account may put a link behind meanwhile. Raises: OSError."""
    strange = os.O_NOFOLLOW if os.geteuid() == 0 and folder.parent.stat().st_uid != 0 else 0
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | strange)
    try:
        os.fchmod(opened, mode)
        if os.fstat(opened).st_uid != uid:
            for _, folders, files, parent in os.fwalk(dir_fd=opened):
                for name in (*folders, *files):
                    os.chown(name, uid, gid, dir_fd=parent, follow_symlinks=False)
            # last, so that an interruption is mended by the next start
            os.fchown(opened, uid, gid)
    finally:
        os.close(opened)
