"""The deployment's layers: process environment, `.env` and secret files, all made of named text (C3.6, C3.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from myfy_data.layers.fixes import SECRET_FILE, assignment, removal
from myfy_data.layers.key_spec import PREFIX, KeySpec, Kind
from myfy_data.layers.layer import DEPLOYMENT_RANK, Findings, Layer, Tree
from myfy_data.layers.merge import merge, overlaps
from myfy_data.layers.unknown_keys import check_names
from myfy_data.layers.variables.coercion import TextError, read_secret_text, read_text, verbatim
from myfy_data.layers.variables.fitting import CONTROL, Fitter, Misfit, is_ours, is_service_link
from myfy_data.origins import KeyPath, Origin
from myfy_data.redaction import looks_secret, redact_value


@dataclass(frozen=True, slots=True)
class Variable:
    """One named text; `value` is left out of `repr`, because it may be a secret."""

    name: str
    value: str = field(repr=False)
    origin: Origin

    @property
    def secret(self) -> str:
        """The value as a password; a secret file was read as one already."""
        return self.value if self.origin.source.startswith(SECRET_FILE) else read_secret_text(self.value)


@dataclass(frozen=True, slots=True)
class TextReader:
    """Turns named texts into values of a layer; what cannot be used goes to `findings`.

    Attributes:
        vocabulary: the known keys.
        base_dir: what relative paths are relative to; None when the working directory is gone.
        findings: where problems and notes go.
    """

    key_spec: KeySpec
    base_dir: Path | None
    findings: Findings

    def layer(self, name: str, variables: Sequence[Variable], fitter: Fitter) -> Layer:
        """The layer that these variables make."""
        said: dict[KeyPath, Origin] = {}
        layer = Layer(name, DEPLOYMENT_RANK, locate=partial(_said_at, said, name))
        for variable in variables:
            if self.findings.is_full:
                break
            path = self._fit(variable, fitter)
            if path is None or not self._is_first(variable, path, said):
                continue
            if path != ("config",):
                self.put(layer, path, variable)
            said[path] = variable.origin  # after `put`, which may have to name the earlier origin
        if any(variable.value.lstrip().startswith("{") for variable in variables):
            check_names(layer, self.key_spec, self.findings)  # JSON may hold any name
        return layer

    def _fit(self, variable: Variable, fitter: Fitter) -> KeyPath | None:
        if is_service_link(variable.name, variable.value):
            note = "ignored: Kubernetes sets it for a Service of that name"
            self.findings.warning(variable.origin, (), note, fix="set enableServiceLinks: false in the pod's spec")
            return None
        key = variable.name[len(PREFIX) :].lower()
        if key in CONTROL:
            return self._steering(variable, key)
        try:
            return fitter.fit(variable.name)
        except Misfit as misfit:
            fix = misfit.fix or removal(variable.origin)
            self.findings.problem(variable.origin, (), misfit.message, fix=fix, kind=misfit.kind)
            return None

    def _steering(self, variable: Variable, key: str) -> KeyPath | None:
        """`environment` and `config` say which layers are read, so a source that is itself such a layer may not."""
        source = variable.origin.source
        allowed = source == "environment" or (key == "environment" and not source.startswith(SECRET_FILE))
        if allowed and variable.value.strip():
            return (key,)
        message = "is set but empty" if allowed else "cannot be said here, because it decides which sources are read"
        self.findings.problem(variable.origin, (), message, fix=removal(variable.origin))
        return None

    def _is_first(self, variable: Variable, path: KeyPath, said: dict[KeyPath, Origin]) -> bool:
        if path in said:
            self._refuse_twice(variable.origin, path, said[path])
        return path not in said

    def _refuse_twice(self, origin: Origin, path: KeyPath, other: Origin) -> None:
        facts = (f"also by {other}",) if other != origin else ()
        self.findings.problem(origin, path, "is set twice", facts=facts, fix=removal(origin))

    def put(self, layer: Layer, path: KeyPath, variable: Variable) -> None:
        """Set the value that `variable` says for `path`, unless it is empty or cannot be read."""
        kind = self._kind(path)
        # A password may be made of spaces; no other value is.
        if not (variable.value if path[-1] == "password" else variable.value.strip()):
            self._empty(variable, path)
            return
        try:
            value = variable.secret if path[-1] == "password" else read_text(kind, variable.value)
        except TextError as error:
            self._unreadable(variable, path, error)
            return
        if taken := put(layer, path, verbatim(value, self.base_dir), self.key_spec):
            self._refuse_twice(variable.origin, path, layer.locate(taken))

    def _kind(self, path: KeyPath) -> Kind:
        if path[0] in self.key_spec.root:
            return self.key_spec.root_kind(path) or Kind.TEXT
        key = path[2:] if path[0] == "profiles" else path
        return (self.key_spec.kind(key) if key else None) or Kind.TEXT

    def _empty(self, variable: Variable, path: KeyPath) -> None:
        origin, key = variable.origin, path[2:] if path[0] == "profiles" else path
        if key[0] in self.key_spec.identity or path[0] in self.key_spec.root.keys() - self.key_spec.root_tables.keys():
            fix = f"{removal(origin)}, or give it a value"
            self.findings.problem(origin, path, "is set but empty", fix=fix)
        else:
            self.findings.warning(origin, path, "is empty and was ignored", fix=removal(origin))

    def _unreadable(self, variable: Variable, path: KeyPath, error: TextError) -> None:
        origin, kind = variable.origin, self._kind(path)
        # JSON may hold a password at any depth, and a secret file is one: neither is ever shown.
        hidden = kind in _NEVER_SHOWN or origin.source.startswith(SECRET_FILE) or any(map(looks_secret, path))
        got = "***" if hidden else repr(str(redact_value("", variable.value))[:60])
        fix = assignment(origin, path, _SAMPLES.get(kind, "value"))
        self.findings.problem(origin, path, f"expected {error.expected}, got {got}", fix=fix)


_NEVER_SHOWN = (Kind.JSON, Kind.JSON_VALUE, Kind.TABLE)
_SAMPLES: dict[Kind, Any] = {
    Kind.INTEGER: 5,
    Kind.NUMBER: 30,
    Kind.BOOLEAN: True,
    Kind.JSON: '{"name": "value"}',
    Kind.JSON_VALUE: '"text"',
    Kind.TABLE: "{}",
    Kind.LIST: ["a", "b"],
}


def _said_at(said: dict[KeyPath, Origin], name: str, path: KeyPath) -> Origin:
    """The origin of `path`; JSON makes keys below the one that a variable names, and tables stand above one."""
    for length in range(len(path), 0, -1):
        if path[:length] in said:
            return said[path[:length]]
    return next((origin for key, origin in said.items() if key[: len(path)] == path), Origin(name))


def put(layer: Layer, path: KeyPath, value: Any, key_spec: KeySpec) -> KeyPath | None:
    """Set the value at `path` in the part of the layer that it belongs to.

    Returns:
        None; or the path that says something already, and then nothing was set.
    """
    if path[0] == "profiles":
        above, inner = path[:2], path[2:]
        tree = layer.profiles.setdefault(path[1], {})
    else:
        above, inner = (), path
        tree = layer.root if path[0] in key_spec.root else layer.flat
    addition: Tree = value if not inner else {}
    for key in reversed(inner):
        addition = value = {key: value}
    taken = next(overlaps(tree, addition), None)
    if taken is not None:
        return (*above, *taken)
    tree.update(merge(tree, addition, lambda path: None))
    return None


def process_variables(environ: Mapping[str, str]) -> list[Variable]:
    """Our variables of the process environment, in the order of their names."""
    # By names first: reading a value of `os.environ` decodes it, and most are not ours.
    names = sorted(name for name in environ if is_ours(name))
    return [Variable(name, environ[name], Origin("environment", variable=name)) for name in names]
