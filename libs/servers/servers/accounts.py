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


def give_to(path: Path, user: str | None) -> None:
    """Changes the owner of one path; nothing for our own account."""
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


def make_folder(folder: Path, user: str | None = None) -> None:
    """A private folder (0700), owned by `user` when we are root; proves that this user can reach and write it.

    Where it belongs to another account (an earlier version ran as root), everything in it changes its owner too. Raises: FolderUnreachable.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    if user is None:
        return
    if folder.stat().st_uid != pwd.getpwnam(user).pw_uid:
        for parent, folders, files in os.walk(folder):
            for name in (*folders, *files):
                give_to(Path(parent) / name, user)
        # last, so that an interruption is mended by the next start
        give_to(folder, user)
    if subprocess.run(["/usr/bin/test", "-w", str(folder)], cwd="/", check=False, **account_of(user)).returncode != 0:
        raise FolderUnreachable(
            f"{folder} cannot be reached by user {user}, as whom this runs under root; "
            "choose a data folder whose parents others may enter, for example /var/lib/gtvision"
        )
