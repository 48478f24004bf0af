"""Tests that folders belong to the account that works in them, and that programs started by root run as another account."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from tests.fixtures import needs

from servers import BinaryMissing, FolderUnreachable, ProcessSpec
from servers.accounts import make_folder, unprivileged_user
from servers.children import spawn_piped

OTHER = "nobody"


@pytest.fixture
def other() -> pwd.struct_passwd:
    if os.geteuid() != 0:
        needs.lacks("root")
    return pwd.getpwnam(OTHER)


def test_what_root_left_in_a_folder_changes_its_owner(data_folder: Path, other: pwd.struct_passwd) -> None:
    folder = data_folder / "recordings"
    (folder / "cam/day").mkdir(parents=True)
    (folder / "cam/day/film.mp4").write_text("film")
    (folder / "cam/link").symlink_to("/etc/passwd")
    for _ in range(2):
        make_folder(folder, OTHER)
        for path in (folder, *folder.rglob("*")):
            assert path.lstat().st_uid == other.pw_uid
        assert folder.stat().st_mode & 0o777 == 0o700
    assert Path("/etc/passwd").stat().st_uid == 0


def test_a_folder_that_the_account_cannot_reach_is_refused(tmp_path: Path, other: pwd.struct_passwd) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(FolderUnreachable, match="cannot be reached by user nobody"):
        make_folder(tmp_path / "data", other.pw_name)


def test_a_folder_that_is_a_link_to_another_disk_belongs_to_the_account(data_folder: Path, other: pwd.struct_passwd) -> None:
    disk = data_folder / "disk"
    disk.mkdir(mode=0o700)
    (disk / "film.mp4").write_text("film")
    link = data_folder / "recordings"
    link.symlink_to(disk)
    make_folder(link, OTHER)
    assert {path.stat().st_uid for path in (disk, disk / "film.mp4")} == {other.pw_uid}
    assert link.is_symlink()


def test_what_programs_made_that_ran_as_root_once_more_changes_its_owner(data_folder: Path, other: pwd.struct_passwd) -> None:
    folder = data_folder / "recordings"
    make_folder(folder, OTHER)
    make_folder(folder)
    (folder / "film.mp4").write_text("film")
    make_folder(folder, OTHER)
    assert (folder / "film.mp4").stat().st_uid == other.pw_uid


def test_root_follows_no_link_that_another_account_could_have_made(data_folder: Path, other: pwd.struct_passwd) -> None:
    outside = data_folder / "etc"
    outside.mkdir(mode=0o755)
    make_folder(data_folder / "server", OTHER)
    (data_folder / "server/log").symlink_to(outside)
    with pytest.raises(FolderUnreachable, match="only in a folder of root"):
        make_folder(data_folder / "server/log", OTHER)
    assert (outside.stat().st_uid, outside.stat().st_mode & 0o777) == (0, 0o755)


def test_a_link_to_a_disk_that_is_away_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "recordings").symlink_to(tmp_path / "away")
    with pytest.raises(FolderUnreachable, match=r"recordings \(.*away\) cannot be prepared.*mounted"):
        make_folder(tmp_path / "recordings")


def test_a_missing_account_is_a_sentence() -> None:
    if os.geteuid() != 0:
        assert unprivileged_user("no-such-account") is None
        return
    with pytest.raises(BinaryMissing, match="make setup"):
        unprivileged_user("no-such-account")


def test_a_program_becomes_the_account_with_its_groups_and_may_open_its_output_by_name(other: pwd.struct_passwd) -> None:
    code = "import os\nwith open('/dev/stdout', 'w') as out: print(os.getuid(), os.getgid(), 12345 in os.getgroups(), file=out)"
    spec = ProcessSpec(["/usr/bin/python3", "-c", code], Path("/"), {}, OTHER, (12345,))
    child, pipe = spawn_piped(spec)
    with pipe:
        said = pipe.read()
    assert child.wait(300) == 0, said
    assert said.split() == [str(other.pw_uid).encode(), str(other.pw_gid).encode(), b"True"]
