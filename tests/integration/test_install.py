# SPDX-License-Identifier: MIT
"""cmake --install puts all in its place: files, the systemd units, the man page, the completion of bash."""

import os
import pathlib
import re
import shutil
import stat
import subprocess

import pytest
from conftest import ROOT, clean_environment

BUILD = ROOT / os.environ.get("WEIR_BUILD_DIR", "build/dev")


def run(*words, **options):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, **options)


def need(program):
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"no {program}")
    return path


def install(prefix, *options, **environment):
    # cmake lists what it installed in the build folder, which belongs to all tests: the same each time, so be it.
    result = run("cmake", "--install", BUILD, "--prefix", prefix, *options, env={**os.environ, **environment}, umask=0o022)
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def prefix(binary, tmp_path_factory):
    if shutil.which("cmake") is None or not (BUILD / "cmake_install.cmake").exists():
        pytest.skip("no cmake, or no build of it")
    folder = tmp_path_factory.mktemp("prefix")
    before = run("git", "-C", ROOT, "status", "--porcelain", "packaging").stdout
    install(folder)
    assert run("git", "-C", ROOT, "status", "--porcelain", "packaging").stdout == before
    return folder


def unit_values(path):
    """{"ExecStart": ["..."], ...}, comments left out."""
    values = {}
    for line in path.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            values.setdefault(key, []).append(value)
    return values


SYSTEM, USER = "lib/systemd/system/weir.service", "lib/systemd/user/weir.service"


class TestFiles:
    def test_each_in_its_place(self, prefix):
        found = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()}
        doc = "share/doc/weir"
        assert {
            "bin/weir",
            "libexec/weir/pinterest-emulator",
            SYSTEM,
            USER,
            "lib/sysusers.d/weir.conf",
            "share/man/man1/weir.1",
            "share/bash-completion/completions/weir",
            f"{doc}/README.md",
            f"{doc}/CHANGELOG.md",
            f"{doc}/LICENSE",
            f"{doc}/docs/service.md",
            f"{doc}/docs/dag-files.md",
            f"{doc}/scheduler/template/README.md",
            f"{doc}/examples/systemd/strict.conf",
            f"{doc}/examples/pinterest/pinterest_batch.yaml",
            f"{doc}/examples/pinterest/sql/load.sql",
        } <= found
        places = ("bin/weir", "libexec/weir/", "lib/systemd/", "lib/sysusers.d/", "share/man/man1/", doc + "/")
        assert [path for path in found if not path.startswith((*places, "share/bash-completion/"))] == []
        assert [path for path in found if "/sample/" in path or "/results/" in path] == []

    def test_only_programs_are_executable_and_others_may_not_write(self, prefix):
        for path in prefix.rglob("*"):
            mode = path.stat().st_mode
            if path.is_file():
                is_program = path.suffix == ".sh" or path.parent.name == "bin" or path.parent.parent.name == "libexec"
                assert is_program or not mode & 0o111, path
            assert not mode & (stat.S_IWGRP | stat.S_IWOTH), path

    def test_the_installed_program_runs_and_its_example_is_sound(self, prefix, home):
        example = prefix / "share/doc/weir/examples/pinterest"
        environment = clean_environment(home)
        result = run(prefix / "bin/weir", "version", env=environment)
        assert result.returncode == 0 and result.stdout.strip()
        result = run(prefix / "bin/weir", "dags", "validate", example, env=environment)
        assert result.returncode == 0, result.stderr

    def test_strip_takes_the_debug_information(self, prefix, tmp_path):
        need("strip")
        install(tmp_path / "stripped", "--strip")
        sections = run(need("readelf"), "-SW", tmp_path / "stripped/bin/weir").stdout
        assert ".text" in sections and ".debug_info" not in sections and ".symtab" not in sections

    def test_destdir_is_in_no_file(self, prefix, tmp_path):
        install("/usr", DESTDIR=str(tmp_path))
        assert unit_values(tmp_path / "usr" / SYSTEM)["ExecStart"] == ["/usr/bin/weir scheduler"]


class TestUnits:
    @pytest.mark.parametrize("name", [SYSTEM, USER])
    def test_starts_a_program_that_is_there(self, prefix, name):
        text = (prefix / name).read_text()
        words = unit_values(prefix / name)["ExecStart"][0].split()
        assert pathlib.Path(words[0]) == prefix / "bin/weir" and os.access(words[0], os.X_OK)
        assert "@" not in text
        help_text = run(*words, "--help").stdout
        assert help_text.startswith(f"weir {words[1]}: ")

    @pytest.mark.parametrize("name", [SYSTEM, USER])
    def test_tasks_outlive_it(self, prefix, name):
        values = unit_values(prefix / name)
        assert values["Type"] == ["notify"] and values["NotifyAccess"] == ["main"] and "WatchdogSec" in values
        assert values["KillMode"] == ["process"], "a restart would kill the tasks"
        assert values["OOMPolicy"] == ["continue"], "one greedy task would stop the service"
        assert not values.keys() & {"PrivateTmp", "RuntimeDirectory", "DynamicUser"}, "deleted under the tasks"

    def test_tasks_may_do_what_its_user_may(self, prefix):
        binding = re.compile(
            "NoNewPrivileges|Capability|SystemCall|Restrict[A-Z].*s$|Restrict(Realtime|SUIDSGID)|Protect|Private"
            "|LockPersonality|MemoryDeny|ReadOnly|Inaccessible|IPAddress"
        )
        assert [key for key in unit_values(prefix / SYSTEM) if binding.match(key) and key != "RestartSec"] == []

    def test_home_is_that_of_the_user(self, prefix):
        values = unit_values(prefix / SYSTEM)
        user = next(
            line.split()
            for line in (prefix / "lib/sysusers.d/weir.conf").read_text().splitlines()
            if line.startswith("u ")
        )
        assert values["User"] == [user[1]] and values["StateDirectory"] == ["weir"]
        assert "WEIR_HOME=/var/lib/weir" in values["Environment"] and user[-1] == "/var/lib/weir"

    @pytest.mark.parametrize("profile", ["default", "strict"])
    def test_systemd_understands_it(self, prefix, tmp_path, profile):
        unit = tmp_path / "weir.service"
        shutil.copy(prefix / SYSTEM, unit)
        if profile == "strict":
            (tmp_path / "weir.service.d").mkdir()
            shutil.copy(prefix / "share/doc/weir/examples/systemd/strict.conf", tmp_path / "weir.service.d")
        result = run(need("systemd-analyze"), "verify", "--man=no", unit)
        about_us = [line for line in (result.stdout + result.stderr).splitlines() if "weir" in line or "strict" in line]
        assert about_us == [] and result.returncode == 0, result.stderr

    def test_systemd_understands_the_user_file(self, prefix, tmp_path):
        result = run(need("systemd-sysusers"), "--dry-run", prefix / "lib/sysusers.d/weir.conf")
        if "dry-run" in result.stderr:
            pytest.skip("this systemd-sysusers has no --dry-run")
        assert result.returncode == 0 and "Failed" not in result.stderr, result.stderr


class TestManPage:
    def test_renders_without_a_warning(self, prefix):
        result = run(need("groff"), "-man", "-Tutf8", "-ww", prefix / "share/man/man1/weir.1")
        assert result.returncode == 0 and result.stderr == ""
        assert "EXIT STATUS" in re.sub(r".\x08|\x1b\[[0-9;]*m", "", result.stdout)

    def test_names_every_verb(self, prefix):
        page = (prefix / "share/man/man1/weir.1").read_text().replace("\\-", "-")
        missing = [verb for verb in verbs(prefix) if verb not in page]
        assert missing == [], "packaging/weir.1 does not name them"


def verbs(prefix):
    text = run(prefix / "bin/weir", "--help").stdout
    return [" ".join(re.findall(r"^[a-z-]+(?: [a-z-]+)?\b", line[2:38])) for line in text.splitlines() if line[:2] == "  "]


class TestCompletion:
    @pytest.fixture
    def complete(self, prefix, home, write_dag):
        write_dag("orders", "tasks: {a: {command: 'true'}}\n")
        write_dag("returns", "tasks: {a: {command: 'true'}}\n")
        script = """
            source "$1" || exit 1
            shift
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
            complete -p weir >/dev/null || exit 1
            _weir weir "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" || exit 1
            printf '%s\\n' "${COMPREPLY[@]}"
        """

        def call(*words):
            file = prefix / "share/bash-completion/completions/weir"
            result = run(
                need("bash"), "-u", "-c", script, "bash", file, prefix / "bin/weir", *words, env=clean_environment(home)
            )
            assert result.returncode == 0 and result.stderr == "", result.stderr
            return result.stdout.split()

        return call

    def test_groups_and_verbs(self, complete, prefix):
        assert complete("da") == ["dags"]
        assert set(complete("")) == {verb.split()[0] for verb in verbs(prefix)}
        assert set(complete("dags", "")) == {verb.split()[1] for verb in verbs(prefix) if verb.startswith("dags ")}
        assert complete("-o", "json", "tasks", "states") == ["states-for-dag-run"]

    def test_options_and_their_values(self, complete):
        assert complete("dags", "clear", "orders", "--only-f") == ["--only-failed"]
        assert complete("scheduler", "--no") == ["--no-wait"]
        assert complete("dags", "list", "-o", "j") == ["json"]

    def test_dags_where_a_dag_is_meant(self, complete):
        assert complete("run", "o") == ["orders"]
        assert complete("dags", "show", "") == ["orders", "returns"]
        assert complete("dags", "list", "") == [] and complete("tasks", "logs", "orders", "") == []

    def test_passes_shellcheck(self, prefix):
        result = run(need("shellcheck"), "-s", "bash", prefix / "share/bash-completion/completions/weir")
        assert result.returncode == 0, result.stdout
