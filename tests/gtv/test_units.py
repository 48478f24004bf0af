"""Tests of the processes that the stack starts, and of their accounts."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fixtures import needs

from chassis.settings import load
from gtv.failures import GtvError
from gtv.home import Home
from gtv.plan import Plan, make_plan
from gtv.settings import Settings
from gtv.units import UnitBuilder
from servers import free_port
from servers.files import write_private

ACCOUNT = "nobody"


@pytest.fixture
def plan(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    if os.geteuid() != 0:
        needs.lacks("root")
    for program in ("nginx", "haproxy"):
        needs.program(program)
    for name in ("EDGE", "EDGE_HTTP"):
        monkeypatch.setenv(f"GTV_PORTS_{name}", str(free_port()))
    home = Home(data_folder / "stack")
    home.prepare()
    made = make_plan(load(Settings), home)
    made.__dict__["account"] = ACCOUNT  # where set-up has made no other account
    home.give_to(ACCOUNT)
    return made


def test_nothing_of_the_stack_runs_as_root(plan: Plan) -> None:
    builder = UnitBuilder(plan, demo=True)
    # servers are left out: the classes of libs/servers name the accounts of their packages
    mine = [process for process in plan.table.process if process.kind != "server"]
    users = {unit.name: unit.spec().user for process in mine for unit in builder.of(process)}
    assert users.pop("haproxy") in {"haproxy", ACCOUNT}
    assert set(users.values()) == {ACCOUNT}
    assert {"identity", "identity-migrate", "bootstrap", "media", "console", "demo-cameras"} <= set(users)


def test_streaming_may_use_the_edges_socket(plan: Plan) -> None:
    [edge] = [process for process in plan.table.process if process.kind == "edge"]
    [unit] = UnitBuilder(plan).of(edge)
    spec = unit.spec()
    [group] = spec.groups
    assert f"mode 660 gid {group} level user" in (plan.home.edge / "haproxy.cfg").read_text()


def test_a_store_of_the_operators_that_the_account_cannot_write_is_a_sentence(plan: Plan, data_folder: Path) -> None:
    objects = data_folder / "objects of ours"
    asking = replace(plan, composition=replace(plan.composition, inherited={"OBJECTS_URL": objects.as_uri()}))
    asking.__dict__["account"] = ACCOUNT
    (objects / "crops").mkdir(parents=True)
    for closed in (objects, objects / "crops"):
        with pytest.raises(GtvError, match=f"cannot write {closed} .*chown -R {ACCOUNT}: {objects}"):
            asking.prepare_account()
        shutil.chown(closed, ACCOUNT)
    asking.prepare_account()


def test_a_file_of_the_operators_that_the_account_cannot_read_is_a_sentence(plan: Plan, data_folder: Path) -> None:
    providers = data_folder / "providers.toml"
    write_private(providers, "")
    asking = replace(plan, composition=replace(plan.composition, inherited={"OIDC_PROVIDERS": str(providers)}))
    asking.__dict__["account"] = ACCOUNT
    with pytest.raises(GtvError, match=f"cannot read {providers} .OIDC_PROVIDERS.*chgrp"):
        asking.prepare_account()
    shutil.chown(providers, ACCOUNT)
    asking.prepare_account()
