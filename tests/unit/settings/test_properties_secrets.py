"""No secret shows in any text the package makes out of configuration (contract C3.8, C3.11, style habit 6)."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import assume, given, settings
from hypothesis import strategies as st

import myfy_data
from myfy_data import ConfigError, DataSettings, load_settings
from myfy_data.layers.loader import LoadRequest
from myfy_data.settings.loader import LoadReport, inspect_settings
from tests.unit.settings.secret_slots import (
    BROKEN_URLS,
    FILES_ONLY,
    MISTAKES,
    SERVER,
    SLOTS,
    WAYS,
    Project,
    filed,
    in_file,
    quoted,
)

QUICK = settings(max_examples=60)
PACKAGE = str(Path(myfy_data.__file__).parent)
CORE = "kanarie"
"""What stands at both ends of every canary, so that a half of one is found too."""

_SIGNS = st.text("@:/?#%[]$ \"'{}=&,\\éxZ", max_size=6)
_ENDS = st.sampled_from(["", " "])  # of a password, spaces are part
CANARIES = st.builds("{1}{0}{2}{0}{3}".format, st.just(CORE), _SIGNS, _SIGNS, _ENDS)
MULTILINE = st.builds("{1}{0}{2}\n{0}".format, st.just(CORE), _SIGNS, _SIGNS)


class _Log(logging.Handler):
    def __init__(self) -> None:
        super().__init__(level=logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def told_by(project: Project) -> dict[str, str]:
    """Every text that the package makes of a project, by what it is."""
    root_logger = logging.getLogger()
    log, level = _Log(), root_logger.level
    root_logger.addHandler(log)
    root_logger.setLevel(logging.DEBUG)
    try:
        with TemporaryDirectory() as directory:
            request = project.request(Path(directory).resolve())
            report = inspect_settings(request)
            texts = {"report": f"{report!r} {report}", "request": repr(request), **_told_by_load(request, report)}
    finally:
        root_logger.removeHandler(log)
        root_logger.setLevel(level)
    return {**texts, "log": "\n".join(log.texts)}


def _told_by_load(request: LoadRequest, report: LoadReport) -> dict[str, str]:
    texts = {f"problem {at}": f"{problem} {problem!r}" for at, problem in enumerate(report.problems)}
    texts |= {f"warning {at}": f"{warning} {warning!r}" for at, warning in enumerate(report.warnings)}
    try:
        loaded = load_settings(request.start, environ=request.environ, overrides=request.overrides)
    except ConfigError as error:
        return {**texts, "error": f"{error} {error!r} {error.args}", "traceback": traceback_of(error)}
    return {**texts, **told_by_settings(loaded)}


def traceback_of(error: BaseException) -> str:
    """The traceback with the locals of the package's own frames, and of every error behind it."""
    told = []
    pending: list[traceback.TracebackException | None] = [
        traceback.TracebackException.from_exception(error, capture_locals=True)
    ]
    while pending:
        part = pending.pop()
        if part is None:
            continue
        told += list(part.format_exception_only())
        told += [f"{frame.name} {frame.locals}" for frame in part.stack if frame.filename.startswith(PACKAGE)]
        pending += [part.__cause__, part.__context__]
    return "\n".join(told)


def told_by_settings(loaded: DataSettings) -> dict[str, str]:
    texts = {"settings": f"{loaded!r} {loaded} {loaded.model_dump()} {loaded.model_dump_json()}"}
    for name, profile in loaded.profiles.items():
        texts[name] = f"{profile!r} {profile} {profile.model_dump()} {profile.model_dump_json()}"
        texts[f"{name} URL"] = f"{profile.url} {profile.url!r} {profile.database_url} {profile.database_url!r}"
        for key in type(profile).model_fields:
            if key != "environment":
                texts[f"{name} {key}"] = str([*loaded.explain(f"profiles.{name}.{key}")])
    return texts


def leaks(project: Project) -> dict[str, str]:
    """The texts that hold a canary, or a half of one."""
    return {what: text for what, text in told_by(project).items() if CORE in text}


@given(st.sampled_from(sorted(SLOTS)), st.one_of(CANARIES, MULTILINE))
@settings(QUICK, max_examples=100)
def test_a_secret_is_kept_exactly_and_never_shown(slot: str, canary: str) -> None:
    build, found = SLOTS[slot]
    project = build(canary)
    with TemporaryDirectory() as directory:
        request = project.request(Path(directory))
        loaded = load_settings(request.start, environ=request.environ, overrides=request.overrides)
    assert (found(loaded), leaks(project)) == (canary, {})


@given(CANARIES, st.sampled_from(["", "\n", "\r\n"]))
@settings(QUICK, max_examples=20)
def test_the_content_of_a_password_file_is_never_shown(canary: str, end: str) -> None:
    assert leaks(in_file(f'{SERVER}password_file = "p"\n', p=canary + end)) == {}


@given(st.sampled_from(sorted(SLOTS)), st.sampled_from(sorted(MISTAKES)), st.one_of(CANARIES, MULTILINE))
@settings(QUICK, max_examples=200)
def test_no_mistake_beside_a_secret_shows_it(slot: str, mistake: str, canary: str) -> None:
    project = SLOTS[slot][0](canary)
    MISTAKES[mistake](canary, project)
    assert leaks(project) == {}


@given(st.sampled_from(sorted(set(SLOTS) - FILES_ONLY)), CANARIES, st.integers(0, 400), st.booleans())
@settings(QUICK, max_examples=150)
def test_a_file_that_is_cut_anywhere_shows_nothing(slot: str, canary: str, cut: int, is_yaml: bool) -> None:
    project = SLOTS[slot][0](canary)
    if is_yaml:
        inner = f"    main:\n      password: {filed(canary)}\n      connect_args: {{password: {filed(canary)}, a: 1}}\n"
        del project.files["myfy.toml"]
        project.files["myfy.yaml"] = f"data:\n  profiles:\n{inner}"
    name = "myfy.yaml" if is_yaml else "myfy.toml"
    whole = project.files[name]
    project.files[name] = whole[: cut % (len(whole) + 1)]
    assert leaks(project) == {}


@given(st.sampled_from(BROKEN_URLS), st.sampled_from(sorted(WAYS)), CANARIES, st.booleans())
@settings(QUICK, max_examples=250)
def test_a_url_that_cannot_be_used_shows_nothing_of_its_password(
    form: str, way: str, canary: str, is_quoted: bool
) -> None:
    # A single word is repeated as the driver, the port or the size that it stands for.
    assume(not (form.startswith("{}") and canary.strip().isalnum()))
    assume(not (form == "{}" and way in ("port", "pool_size in the environment")))
    # What stands behind the one '@' of a URL is its host.
    assume(is_quoted or form != "postgresql://app:{}" or "@" not in canary)
    assert leaks(WAYS[way](form.format(quoted(canary) if is_quoted else canary))) == {}
