"""Every option of every command is heard as often as it is given, or refused (contract C14.5)."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from myfy_data.cli.app import app
from tests.unit.cli.conftest import Run

_SAMPLES = {"float range": "1", "integer": "1", "integer range": "1", "float": "1"}


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command of the tree, with the words that lead to it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


def options() -> Iterator[tuple[tuple[str, ...], click.Option]]:
    """Every option of the tree that is not there to be answered at once, such as `--help`."""
    for path, command in commands(app):
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.is_eager:
                yield path, parameter


def words(option: click.Option) -> list[str]:
    """An option as it is typed, once."""
    return [option.opts[-1]] if option.is_flag else [option.opts[-1], _SAMPLES.get(option.type.name, "word")]


def case(path: tuple[str, ...], option: click.Option) -> str:
    """How a test of an option is called."""
    return " ".join([*path, option.opts[-1]])


ONCE = [(path, option) for path, option in options() if not option.multiple]
OFTEN = [(path, option) for path, option in options() if option.multiple]


@pytest.mark.parametrize(("path", "option"), ONCE, ids=[case(*one) for one in ONCE])
def test_an_option_that_counts_once_is_refused_when_it_is_given_twice(
    run: Run, path: tuple[str, ...], option: click.Option
) -> None:
    done = run(*path, *words(option), *words(option))

    assert done.code == 2
    assert "may be given once, and is given 2 times" in done.err


@pytest.mark.parametrize(("path", "option"), OFTEN, ids=[case(*one) for one in OFTEN])
def test_an_option_that_may_be_repeated_keeps_every_value(path: tuple[str, ...], option: click.Option) -> None:
    command = dict(commands(app))[path]
    context = click.Context(command, resilient_parsing=True)

    command.parse_args(context, [option.opts[-1], "one", option.opts[-1], "two"])

    assert context.params[str(option.name)] == ("one", "two")


def test_both_sides_of_a_switch_are_refused_together(run: Run) -> None:
    done = run("db", "revision", "-m", "x", "--autogenerate", "--empty")

    assert done.code == 2
    assert "--autogenerate/--empty may be given once" in done.err


def test_help_may_be_asked_for_twice(run: Run) -> None:
    assert run("config", "check", "--help", "--help").code == 0
