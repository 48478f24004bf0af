"""Accounts that servers become where we are root, and the folders and files that are theirs alone."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from servers.failures import BinaryMissing, FolderUnreachable


@dataclass(frozen=True)
class Account:
    """What `subprocess` takes to change users; all None keeps ours."""

    user: int | None = None
    group: int | None = None
    extra_groups: list[int] | None = None


def account_of(user: str | None, *groups: int) -> Account:
    """The account of this name with its groups and some more. Ours where no name is given, or where we are not root and cannot change.

    Raises: KeyError (there is no such account).
    """
    if user is None or os.geteuid() != 0:
        return Account()
    entry = pwd.getpwnam(user)
    return Account(entry.pw_uid, entry.pw_gid, [*os.getgrouplist(user, entry.pw_gid), *groups])


def unprivileged_user(user: str) -> str | None:
    """`user` if we are root, else None: the server then runs as ourselves. Raises: BinaryMissing."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(user)
    except KeyError:
        raise BinaryMissing(f"there is no user {user}, which its Debian package or our set-up makes; run `make setup`") from None
    return user


def may(user: str | None, test: str, path: Path) -> bool:
    """Whether this user passes `test -r`, `-w` or `-x` for a path, the folders above it included."""
    account = account_of(user)
    argv = ["/usr/bin/test", f"-{test}", str(path)]
    done = subprocess.run(
        argv, env={}, cwd="/", check=False, user=account.user, group=account.group, extra_groups=account.extra_groups, capture_output=True
    )
    return done.returncode == 0


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
    if not may(user, "w", folder):
        raise FolderUnreachable(
            f"{folder} cannot be reached by user {user}, as whom this runs under root; "
            "choose a data folder whose parents others may enter, for example /var/lib/gtvision"
        )
