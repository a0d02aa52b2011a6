"""The package is built from the tree, the same twice, and without anything that lintian reports."""

import os
import re
import subprocess

import building

HARDENING = {"postern": "usr/sbin/postern", "posternctl": "usr/bin/posternctl"}


def test_two_builds_give_the_same_bytes(builds):
    first, second = builds
    names = sorted(path.name for path in first.glob("*.deb"))
    assert len(names) == 2 and names == sorted(path.name for path in second.glob("*.deb"))
    for name in names:
        building.run("cmp", first / name, second / name)


def test_lintian_reports_nothing(builds, tmp_path):
    (changes,) = builds[0].glob("*.changes")
    # It leaves files there.
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", changes], capture_output=True, text=True,
                          check=False, env={**os.environ, "TMPDIR": str(tmp_path)})
    assert (done.returncode, done.stdout) == (0, ""), done


def test_the_version_is_that_of_configure(deb):
    assert building.run("dpkg-deb", "-f", deb, "Version").strip() == building.VERSION


def test_the_programs_are_hardened(deb, tmp_path):
    building.run("dpkg-deb", "-x", deb, tmp_path)
    for path in HARDENING.values():
        header = building.run("readelf", "-Whld", tmp_path / path)
        assert re.search(r"Type: +DYN .Position-Independent", header), "PIE"
        assert "GNU_RELRO" in header and "BIND_NOW" in header
        assert re.search(r"GNU_STACK .* RW +0x", header), "an executable stack"
        assert "__stack_chk_fail" in building.run("nm", "-D", tmp_path / path)
        assert re.search(r"__\w+_chk\b", building.run("nm", "-D", tmp_path / path).replace("__stack_chk", "")), "FORTIFY"


def test_the_settings_are_conffiles_and_set_no_socket(deb, tmp_path):
    building.run("dpkg-deb", "-R", deb, tmp_path)
    files = {f"/{path.relative_to(tmp_path)}" for path in (tmp_path / "etc").rglob("*") if path.is_file()}
    conffiles = set((tmp_path / "DEBIAN/conffiles").read_text().splitlines())
    assert files == conffiles and "/etc/postern/postern.conf" in files and "/etc/postern/lists/access.domains" in files
    text = (tmp_path / "etc/postern/postern.conf").read_text()
    assert not [line for line in text.splitlines() if line and line[0] not in "#[" ]
    assert not (tmp_path / "etc/default").exists()


def test_the_profile_of_apparmor_can_be_compiled(deb, tmp_path):
    building.run("dpkg-deb", "-x", deb, tmp_path)
    building.run("apparmor_parser", "--skip-kernel-load", "--skip-cache", tmp_path / "etc/apparmor.d/usr.sbin.postern")
