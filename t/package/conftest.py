"""What the tests of the Debian package share: two builds, and a Debian to install it in."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import building  # noqa: E402
import debian_root  # noqa: E402


@pytest.fixture(name="builds", scope="session")
def fixture_builds(tmp_path_factory):
    """The folders of two builds, in places and with environments that differ."""
    for program in ("dpkg-buildpackage", "dh", "dh_apparmor", "lintian", "debootstrap"):
        if subprocess.run(["which", program], capture_output=True, check=False).returncode != 0:
            pytest.skip(f"{program} is not installed")
    top = tmp_path_factory.mktemp("package")
    with ThreadPoolExecutor() as pool:
        first = pool.submit(building.build, top / "first", "-F")
        second = pool.submit(building.build, top / "a-longer-name-of-a-folder" / "second", "-b", TZ="Asia/Tokyo", USER="somebody",
                             LC_ALL="C")
    return first.result(), second.result()


@pytest.fixture(name="deb", scope="session")
def fixture_deb(builds):
    return building.package(builds[0])


@pytest.fixture(name="debian", scope="session")
def fixture_debian(deb):
    """A Debian with everything that the package depends on."""
    if os.getuid() != 0:
        pytest.skip("this needs root")
    return debian_root.made(deb)


@pytest.fixture(name="in_debian", scope="session")
def fixture_in_debian(debian, deb, tmp_path_factory):
    """A function that runs a script, in which the package is /given/postern.deb, in a new copy of a Debian."""
    def call(script, *files):
        folder = tmp_path_factory.mktemp("debian")
        link = folder / "postern.deb"
        link.symlink_to(deb)
        output, status = debian_root.run_in(debian, folder, script, [link, building.ROOT / "debian/tests", building.ROOT / "README.md",
                                                                     building.ROOT / "t/walk", *files])
        assert status == 0, output[-12000:]
        return output

    return call
