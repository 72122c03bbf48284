"""Arguments: `overrides=` in code, typed, and `--set KEY=VALUE`, read as text (contract C3.2, C7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from myfy_data.layers.fixes import removal
from myfy_data.layers.key_spec import fold_name
from myfy_data.layers.layer import ARGUMENT_RANK, Layer
from myfy_data.layers.variables.coercion import verbatim
from myfy_data.layers.variables.reader import TextReader, Variable, put
from myfy_data.origins import KeyPath, Origin, parse_key

ARGUMENT = Origin("argument")


@dataclass(frozen=True, slots=True)
class ArgumentReader:
    """Makes one layer of all arguments.

    Attributes:
        reader: reads text, and holds the known keys and the findings.
        declared: the profiles that files declare, by folded name; arguments may name them as variables do.
    """

    reader: TextReader
    declared: Mapping[str, str]

    def layer(self, overrides: Mapping[str, object], sets: Sequence[str]) -> Layer:
        """The layer of typed `overrides`, nested or with dotted keys, and of `KEY=VALUE` texts."""
        layer = Layer("argument", ARGUMENT_RANK, locate=_at_argument)
        for path, value in self._leaves(overrides):
            if not self._is_usable(path, value):
                continue
            if put(layer, path, verbatim(value, self.reader.base_dir), self.reader.key_spec):
                self._refuse(path, "is set twice by arguments", "leave one of the two out")
        for text in sets:
            self._put_text(layer, text)
        return layer

    def _leaves(self, table: Mapping[str, object], above: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
        for key, value in table.items():
            # Keys of a free table are the driver's: a dot in one is part of it.
            ours = not self.reader.key_spec.free & set(above)
            path = self._fitted((*above, *parse_key(str(key)))) if ours else (*above, str(key))
            if isinstance(value, Mapping) and value:
                yield from self._leaves(value, path)
            else:
                yield path, value

    def _fitted(self, path: KeyPath) -> KeyPath:
        """The path with its profile's name as the files spell it."""
        if path[0] != "profiles" or len(path) < 2:
            return path
        return ("profiles", self.declared.get(fold_name(path[1]), path[1]), *path[2:])

    def _is_usable(self, path: KeyPath, value: object) -> bool:
        if path == ("environment",):
            self._refuse(path, "cannot be said here, because it decides which files are read", _ENVIRONMENT_FIX)
            return False
        if path[0] == "profiles" and len(path) < 3 and not isinstance(value, Mapping):
            self._refuse(path, "is no setting", f"name a setting of it: {'.'.join((*path, 'main')[:2])}.pool_size")
            return False
        return path != ("profiles",)  # an empty mapping there says nothing

    def _put_text(self, layer: Layer, text: str) -> None:
        key, equals, value = text.partition("=")
        path = self._fitted(parse_key(key.strip()))
        if not equals or not key.strip():
            self.reader.findings.problem("--set", (), "expected KEY=VALUE", fix="--set pool_size=5")
        elif self._is_usable(path, value):
            # A key that is unknown is kept as text, so that it is told with all others, and with its near name.
            self.reader.put(layer, path, Variable(key, value, ARGUMENT))

    def _refuse(self, path: KeyPath, message: str, fix: str) -> None:
        self.reader.findings.problem(ARGUMENT, path, message, fix=fix or removal(ARGUMENT))


def _at_argument(path: KeyPath) -> Origin:  # noqa: ARG001 - as every layer's `locate`
    return ARGUMENT


def at_override(path: KeyPath) -> Origin:  # noqa: ARG001 - as above
    """Where `override` of myfy.core says a default (contract C15)."""
    return Origin("override")


_ENVIRONMENT_FIX = 'give the environment by its own argument: environment="production", or --environment production'
