"""Every case by its name, which is also the name of its golden file."""

from __future__ import annotations

from tests.golden.cases.addresses import ADDRESSES
from tests.golden.cases.clusters import CLUSTERS
from tests.golden.cases.credentials import CREDENTIALS
from tests.golden.cases.files import FILES
from tests.golden.cases.interpolation import INTERPOLATION
from tests.golden.cases.keys import KEYS
from tests.golden.cases.options import OPTIONS
from tests.golden.cases.profiles import PROFILES
from tests.golden.cases.syntax import SYNTAX
from tests.golden.cases.values import VALUES
from tests.golden.cases.variables import VARIABLES
from tests.golden.cases.warnings import WARNINGS
from tests.golden.project import Case

GROUPS = (
    KEYS,
    VALUES,
    PROFILES,
    INTERPOLATION,
    ADDRESSES,
    CLUSTERS,
    OPTIONS,
    CREDENTIALS,
    VARIABLES,
    FILES,
    SYNTAX,
    WARNINGS,
)

CASES: dict[str, Case] = {name: case for group in GROUPS for name, case in group.items()}
