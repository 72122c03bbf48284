"""Every sentence of the rules between settings is provoked by a case whose fix is pasted (contract C3.11, C16.3)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.contract.other_packages.provider_urls import URLS
from tests.contract.other_packages.refused_lines import NEEDS_A_CONTEXT, POSTGRESQL, REFUSED
from tests.contract.other_packages.test_check_and_engine import AUTHORITY, HEADER, checked
from tests.golden.cases import CASES
from tests.golden.project import golden_file
from tests.golden.sentences import sentences
from tests.pasting import paste
from tests.sandbox import Sandbox

SAID_ELSEWHERE = {
    "DISCARD ALL drops every prepared statement, so none is kept": "unit/engines/test_options.py",
    "no package that is installed brings the plugin {}": "test_check_and_engine.py",
    "move it out of {}, as {}": "test_check_and_engine.py: a key file in the URL",
    "an ssl.SSLContext, which is given in code": "TLS has keys of its own: that is told in its place",
    "in profile {}: {}": "the place of a problem, where it has none of its own",
    "stands beside no `credentials`, so nothing reads it": "its fix names a function, which start-up then imports",
    "another value": "what a type of pydantic's is told as, which no setting has",
    "the pools of several servers are watched together, so they are the profile's own": "a class, given in code",
}
"""Which test says it, or why no file can."""


def messages_of(project: Sandbox, text: str) -> Iterator[str]:
    """What is told of a file, and of each that its fixes lead to."""
    for _ in range(12):
        project.write("myfy.toml", text)
        found = checked()
        if not found:
            return
        yield from (f"{problem.message}\n{problem.fix}" for problem in found)
        text = paste(text, found[-1].fix, int(found[-1].place.split(":")[1]))


def test_every_sentence_of_a_rule_is_told_by_a_case_whose_fix_is_pasted(project: Sandbox) -> None:
    project.write("ca.pem", AUTHORITY)
    lines = [(url, line) for url, line, _, _ in REFUSED] + [(provider.url, "") for provider in URLS.values()]
    told = [golden_file(name).read_text(encoding="utf-8") for name in CASES]
    for url, line in lines:
        told += messages_of(project, f"{HEADER}database_url = {json.dumps(url)}\n{line}\n")
    for option in NEEDS_A_CONTEXT:
        project.write("myfy.toml", f'{HEADER}database_url = "{POSTGRESQL}?{option}"\n')
        told += [f"{problem.message}\n{problem.fix}" for problem in checked()]
    text = "\n".join(told)

    rules = {sentence for sentence in sentences() if sentence.module.startswith("settings/validation/")}
    unsaid = {sentence.text for sentence in rules if not sentence.is_said_in(text)}

    # What stands in lists of names is no sentence.
    assert {each for each in unsaid if "armscii8" not in each} == SAID_ELSEWHERE.keys()
