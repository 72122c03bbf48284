"""The scripts that judge a run would notice what they are there to notice."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
MYFY_NEEDS = "myfy needs Python 3.12 or later"


def script(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


check_skips = script(".ci/check_skips.py")
check_wheel = script(".ci/check_wheel.py")
check_sizes = script("scripts/check_sizes.py")
lowest = script(".ci/lowest.py")
newest = script(".ci/newest.py")


def report(*cases: str) -> ET.Element:
    return ET.fromstring(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")


RAN = '<testcase classname="a" name="ran"/>'
SKIPPED = '<testcase classname="a" name="b"><skipped type="pytest.skip" message="{}"/></testcase>'
XFAILED = '<testcase classname="a" name="c"><skipped type="pytest.xfail" message="later"/></testcase>'


def test_a_skip_is_a_complaint_with_its_reason() -> None:
    assert check_skips.complaints(report(RAN, SKIPPED.format("no server")), "") == ["a::b was skipped: no server"]


def test_the_allowed_reason_is_no_complaint() -> None:
    assert check_skips.complaints(report(RAN, SKIPPED.format(MYFY_NEEDS)), MYFY_NEEDS) == []


def test_another_reason_than_the_allowed_one_is_a_complaint() -> None:
    assert check_skips.complaints(report(RAN, SKIPPED.format("no server")), MYFY_NEEDS)


def test_an_empty_reason_is_not_allowed_by_default() -> None:
    assert check_skips.complaints(report(RAN, SKIPPED.format("")), "")


def test_an_expected_failure_is_no_skip() -> None:
    assert check_skips.complaints(report(RAN, XFAILED), "") == []


def test_a_run_without_a_test_is_a_complaint() -> None:
    assert check_skips.complaints(report(SKIPPED.format(MYFY_NEEDS)), MYFY_NEEDS) == ["no test ran"]


def test_ci_allows_the_skip_that_the_fixtures_give() -> None:
    allowed = (ROOT / ".ci/step").read_text(encoding="utf-8")
    given = (ROOT / "tests/conftest.py").read_text(encoding="utf-8")

    assert f'echo "{MYFY_NEEDS}"' in allowed
    assert f'"{MYFY_NEEDS}"' in given


def test_what_runs_on_one_lane_only_is_there() -> None:
    found = re.search(r'^ONCE="([^"]*)"', (ROOT / ".ci/step").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None

    assert [pattern for pattern in found[1].split() if not list(ROOT.glob(pattern))] == []


def test_a_skip_in_a_real_report_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\ndef test_a(): pass\ndef test_b(): pytest.skip('no server')\n", encoding="utf-8"
    )
    pytest_command = [sys.executable, "-m", "pytest", "-q", "--rootdir", str(tmp_path), "--junitxml=report.xml"]
    subprocess.run(pytest_command, cwd=tmp_path, check=True, capture_output=True)

    assert check_skips.main([str(tmp_path / "report.xml")]) == 1


def test_a_wheel_with_both_packages_is_fine() -> None:
    assert list(check_wheel.complaints([*check_wheel.NEEDED, "myfy_data-0.2.0.dist-info/METADATA"])) == []


@pytest.mark.parametrize("extra", ["myfy/__init__.py", "tests/conftest.py"])
def test_a_file_that_belongs_to_others_is_noticed_in_a_wheel(extra: str) -> None:
    assert list(check_wheel.complaints([*check_wheel.NEEDED, extra])) == [f"{extra} does not belong in the wheel"]


def test_a_wheel_without_the_type_marker_is_noticed() -> None:
    names = [name for name in check_wheel.NEEDED if not name.endswith("py.typed")]

    assert list(check_wheel.complaints(names)) == ["myfy_data/py.typed is missing"]


@pytest.mark.parametrize(
    ("requirement", "constraint"),
    [
        ("sqlalchemy[asyncio]>=2.0.43,<2.2", "sqlalchemy==2.0.43"),
        ("rich>=13.9.4", "rich==13.9.4"),
        ("myfy-core>=0.1.2a94,<0.2; python_version >= '3.12'", 'myfy-core==0.1.2a94 ; python_version >= "3.12"'),
    ],
)
def test_a_requirement_becomes_its_lowest_version(requirement: str, constraint: str) -> None:
    assert lowest.lowest(Requirement(requirement)) == constraint


def test_a_requirement_without_a_lower_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="rich has no lower bound"):
        lowest.lowest(Requirement("rich<15"))


@pytest.mark.parametrize(
    ("requirement", "without"),
    [
        ("sqlalchemy[asyncio]>=2.0.58,<2.2", "sqlalchemy[asyncio]>=2.0.58.dev0"),
        ("myfy-core>=0.1.2a94,<0.2; python_version >= '3.12'", 'myfy-core>=0.1.2a94.dev0 ; python_version >= "3.12"'),
    ],
)
def test_the_newest_of_a_requirement_may_be_a_pre_release_and_beyond_our_bound(requirement: str, without: str) -> None:
    assert newest.newest(Requirement(requirement)) == without
    assert Requirement(without).specifier.contains("3.0b1")


def test_the_newest_lane_names_the_tests_that_broke() -> None:
    failed = '<testcase classname="a" name="d"><failure message="no"/></testcase>'
    broken = '<testcase classname="a" name="e"><error message="no"/></testcase>'

    assert newest.failures(report(RAN, failed, broken, XFAILED)) == ["a::d", "a::e"]


def function_of(lines: int) -> str:
    return "def f():\n    '''Say so.'''\n" + "    x = 1\n" * lines


@pytest.mark.parametrize(("lines", "fails"), [(25, None), (26, False), (60, False), (61, True)])
def test_a_long_function_warns_and_a_very_long_one_fails(lines: int, fails: bool | None) -> None:
    found = [alarm.fails for alarm in check_sizes.alarms(Path("a.py"), function_of(lines))]

    assert found == ([] if fails is None else [fails])


@pytest.mark.parametrize(("lines", "fails"), [(300, None), (301, False), (400, False), (401, True)])
def test_a_long_file_warns_and_a_very_long_one_fails(lines: int, fails: bool | None) -> None:
    found = [alarm.fails for alarm in check_sizes.alarms(Path("a.py"), "x = 1\n" * lines)]

    assert found == ([] if fails is None else [fails])
