"""What the test kit prints as a fix is pasted into the test, or into its project, and helps (contract C3.11)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from tests.fixes.trial import as_printed
from tests.kit.conftest import Server
from tests.kit.project import APP, METADATA, KitProject

FIX = '@pytest.mark.data(isolation="database")'
MARK = "# mark\n"


@dataclass(frozen=True)
class InATest:
    """A test that fails with a fix, and where that goes.

    Attributes:
        fix: as the source has it, `{}` for what is filled in.
        body: of the test file.
        old: what is replaced.
        pasted: what of the fix is.
        new: what stands there then, `{}` for that.
    """

    fix: str
    body: str
    old: str = MARK
    pasted: str = "(@pytest.*)"
    new: str = "{}\n"

    def text(self, number: int) -> str:
        """The test, by a name of its own."""
        return self.body.replace("test_it", f"test_{number}")

    def mended(self, number: int, told: str) -> str:
        """The test after its fix was pasted as it was printed."""
        found = re.search(r"^E +fix: (.*)", told, re.MULTILINE)
        assert found, told
        fix = found[1]
        assert as_printed(self.fix).match(fix), (fix, told)
        part = re.search(self.pasted, fix)
        assert part, fix
        assert self.old in self.body
        return self.text(number).replace(self.old, self.new.format(part[1]))


ON_POSTGRESQL = (
    InATest(
        '@pytest.mark.data({}), or myfy_data_profiles = "{}"',
        f'{MARK}async def test_it(data):\n    assert await names("audit") == []\n',
        pasted=r"(@pytest.mark.data\(.*?\))",
    ),
    InATest(
        "await session.commit(), or {}",
        "async def test_it(session):\n    await session.execute(text('COMMIT'))\n",
        "await session.execute(text('COMMIT'))",
        r"(await .*?),",
        "{}",
    ),
    InATest(
        FIX,
        f"{MARK}async def test_it(data):\n"
        '    engine = module.get_engine().execution_options(isolation_level="AUTOCOMMIT")\n'
        "    async with engine.connect() as connection:\n"
        '        await connection.execute(text("SELECT 1"))\n',
    ),
    InATest(
        "commit or end the first session before the second begins, or {}",
        f"{MARK}async def test_it(data):\n    async with module.session() as one, module.session() as two:\n"
        '        await one.execute(text("SELECT 1"))\n        await two.execute(text("SELECT 2"))\n',
    ),
    InATest(FIX, f"{MARK}async def test_it(data):\n    with data.faults():\n        assert await names() == []\n"),
    InATest(
        'faults.at("COMMIT", "lose_answer")',
        f"from myfy_data import CommitOutcomeUnknown\n{FIX}\nasync def test_it(data):\n"
        "    with data.faults() as faults, pytest.raises(CommitOutcomeUnknown):\n"
        '        faults.at("COMMIT", "loose_answer")\n        await store("a")\n',
        'faults.at("COMMIT", "loose_answer")',
        "(faults.*)",
        "{}",
    ),
    InATest(
        FIX,
        "@pytest.mark.data(isolation='databse')\nasync def test_it(data):\n    assert await names() == []\n",
        "@pytest.mark.data(isolation='databse')\n",
    ),
    InATest(
        "scope='function', or store them in a migration",
        "import pytest_asyncio\n@pytest_asyncio.fixture(scope='module', loop_scope='module')\nasync def wide():\n"
        "    await store('wide')\n@pytest.mark.asyncio(loop_scope='module')\nasync def test_it(wide, data):\n"
        "    assert await names() == ['wide']\n",
        "scope='module', loop",
        "(scope='function')",
        "{}, loop",
    ),
)


ON_SQLITE = InATest(
    'data.refuse(sqlstate="40001")',
    "async def test_it(data):\n"
    '    with data.faults():\n        with pytest.raises(Exception):\n            await store("a")\n',
    "data.faults()",
    "(data.*)",
    "{}",
)


def test_each_fix_of_a_test_helps(kit_project: KitProject, postgresql: Server) -> None:
    """One run with all of them, and one with what each was told."""
    kit_project.profile(postgresql.url())
    kit_project.profile(postgresql.url("audit"), "audit")
    with (kit_project.root / "myfy.toml").open("a") as file:
        file.write('[data]\ndefault = "main"\n')
    every = dict(enumerate(ON_POSTGRESQL))
    before = kit_project.run("\n\n".join(trial.text(number) for number, trial in every.items()))
    assert "passed" not in before.outcomes.values(), before.output

    mended = [trial.mended(number, before.told(f"test_{number}")) for number, trial in every.items()]
    after = kit_project.run("\n\n".join(mended))

    assert after.passed, after.output


def test_the_fix_where_no_network_leads_helps(kit_project: KitProject) -> None:
    kit_project.profile("sqlite:///./shop_test.db")
    before = kit_project.run(ON_SQLITE.text(0))

    after = kit_project.run(ON_SQLITE.mended(0, before.told("test_0")))

    assert after.passed, after.output


NOTHING = "async def test_it(data):\n    assert await names() == []\n"

IN_THE_PROJECT = {
    'myfy_data_app = "app:data"': (METADATA + 'myfy_data_app = "app:store"\n', 'myfy_data_app = "app:store"'),
    'myfy_data_schema = "none"': (APP + 'myfy_data_schema = "migrations"\n', 'myfy_data_schema = "migrations"'),
    'myfy_data_schema = "metadata:app.models:Base.metadata"': (
        APP + 'myfy_data_schema = "metadata:app.models:Item"\n',
        'myfy_data_schema = "metadata:app.models:Item"',
    ),
}


@pytest.mark.parametrize("fix", IN_THE_PROJECT)
def test_each_fix_of_the_options_helps(kit_project: KitProject, fix: str) -> None:
    options, wrong = IN_THE_PROJECT[fix]
    kit_project.profile("sqlite:///./shop_test.db")
    kit_project.write("app/__init__.py", "from app.main import data, store\n")
    test = NOTHING if "none" not in fix else "async def test_it(data):\n    pass\n"
    before = kit_project.run(test, options=options)
    assert not before.passed
    assert f"fix: {fix}" in before.output

    after = kit_project.run(test, options=options.replace(wrong, fix))

    assert after.passed, after.output


def test_the_fix_for_the_database_of_another_environment_helps(kit_project: KitProject) -> None:
    kit_project.models("sqlite")
    kit_project.write("myfy.toml", '[data.profiles.main]\ndriver = "sqlite"\ndatabase = "shop.db"\n')
    before = kit_project.run(NOTHING)
    found = re.search(r"fix: (config/test\.toml): (\[.*\]) (database = .*)", before.output)
    assert found, before.output

    kit_project.write(found[1], f"{found[2]}\n{found[3]}\n")

    assert kit_project.again().passed
