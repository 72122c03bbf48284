"""`config show`: the values in force, or the layers they come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from myfy_data.cli import output
from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.completion import complete_profiles
from myfy_data.cli.options import LoadOptions, load_options, settings_of

if TYPE_CHECKING:
    from myfy_data.layers.layer import LayerStatus
    from myfy_data.settings.data_settings import DataSettings
    from myfy_data.settings.effective import Row

_STATES = {"found": "green", "absent": "dim", "not read": "yellow"}


@click.command(cls=StrictCommand)
@click.option("--origin", is_flag=True, help="Begin each line with the place that the value comes from.")
@click.option(
    "--layers", is_flag=True, help="List the layers, low to high, instead of the values; with --origin, both."
)
@click.option("--profile", metavar="NAME", help="Show one profile only.", shell_complete=complete_profiles)
@click.option("--no-defaults", is_flag=True, help="Leave out what no layer set.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print a list of {key, value, source, file, line, column, variable}."
)
@load_options
def show(
    options: LoadOptions, *, origin: bool, layers: bool, profile: str | None, no_defaults: bool, as_json: bool
) -> int:
    """Show the values in force, one per line, secrets as ***.

    Every key that has a value is shown, defaults included; the JSON also has the keys without one, as null.
    """
    report = options.inspect()
    if layers:
        _show_layers(report.layers, as_json=as_json)
    settings = settings_of(report)
    if not layers:
        _show_values(settings, profile, origin=origin, defaults=not no_defaults, as_json=as_json)
    elif origin and not as_json:
        output.write([[]])
        _show_values(settings, profile, origin=True, defaults=not no_defaults, as_json=False)
    return 0


def render(rows: Sequence[Row], *, origin: bool) -> Iterator[output.Line]:
    """The lines of the values; defaults are dim, so that what is set stands out."""
    lines = [(str(row.origin), _value(row)) for row in rows]
    if not origin:
        return iter([text] for _, text in lines)
    return output.columns([((place, "cyan"), text) for place, text in lines])


def layer_rows(layers: Sequence[LayerStatus]) -> list[dict[str, object]]:
    """The layers as `--layers --json` gives them."""
    return [{"name": layer.name, "state": layer.state, "reason": layer.reason} for layer in layers]


def _show_values(settings: DataSettings, profile: str | None, *, origin: bool, defaults: bool, as_json: bool) -> None:
    from myfy_data.settings.effective import effective_rows

    rows = [row for row in effective_rows(settings, profile) if defaults or not row.is_default]
    if as_json:
        output.write_json([row.as_json() for row in rows])
    else:
        output.write(render([row for row in rows if row.value not in (None, {})], origin=origin))


def _show_layers(layers: Sequence[LayerStatus], *, as_json: bool) -> None:
    if as_json:
        output.write_json(layer_rows(layers))
        return
    output.write(output.columns([(layer.name, (_state(layer), _STATES[layer.state])) for layer in layers]))


def _state(layer: LayerStatus) -> str:
    return f"{layer.state}: {layer.reason}" if layer.reason else layer.state


def _value(row: Row) -> output.Span:
    from myfy_data.settings.effective import written

    text = f"{row.key} = {written(row.value)}"
    if row.derived_from:
        text += f"  (derived from {row.derived_from})"
    return (text, "dim") if row.is_default else text
