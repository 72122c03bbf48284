"""Private names of other packages: declared for each, verified when the package is loaded (contract C16.1; ADR 25).

A private name may be gone in the next release, and a protection with it. So each package has one declaration, beside
the room that uses it; the room verifies it before it builds on it, and what is missing is told with the line that
installs a version which works. That line comes from our own requirements.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from myfy_data.errors import MissingPackageError, UnsupportedPackageError
from myfy_data.function_code import is_coroutine, names_in

Kind = Literal["method", "coroutine", "attribute", "instance attribute", "word"]
"""What a name stands for. A method is any callable; an instance attribute is set by the methods of its class; a word
is a key, or a name, in the code of the function or of the class that owns it."""


@dataclass(frozen=True, slots=True)
class PrivateName:
    """A name that a package does not promise to keep.

    Attributes:
        owner: where it stands: `package.module` or `package.module:Class`.
        name: the name.
        kind: what it stands for.
        purpose: what it is used for, in a few words.
        is_protection: whether something that must not happen would happen without it.
        callers: functions of the package that must use it, written as the owner is: a hook of ours that nothing
            calls protects nothing.
        is_optional: whether some versions, or some kinds of the object, lack it, and nothing is lost there.
    """

    owner: str
    name: str
    kind: Kind
    purpose: str
    is_protection: bool = False
    callers: tuple[str, ...] = ()
    is_optional: bool = False

    def __str__(self) -> str:
        owner = self.owner.replace(":", ".")
        return f"{owner}.{self.name}" if self.kind != "word" else f"{self.name!r} in {owner}"


@dataclass(frozen=True, slots=True)
class BadVersions:
    """Versions that are known not to work, alone or together.

    Attributes:
        ranges: for each distribution concerned the first bad version, and the first one above that is good again
            (empty: none is known). All of them must apply.
        reason: what does not work.
        install: requirements that mend it, as pip takes them; ours when empty.
    """

    ranges: tuple[tuple[str, str, str], ...]
    reason: str
    install: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PackageContract:
    """What is used of a package beyond what it promises.

    Attributes:
        package: the name to import.
        distribution: the name to install, as our own requirements write it.
        names: the private names.
        companions: distributions whose versions must fit, too; they stand in the line that installs.
        known_bad: versions that are refused.
    """

    package: str
    distribution: str
    names: tuple[PrivateName, ...] = ()
    companions: tuple[str, ...] = ()
    known_bad: tuple[BadVersions, ...] = ()


verified: set[PackageContract] = set()
"""Whose names were found in this process."""


def verify(contract: PackageContract, profile: str = "") -> None:
    """Make sure, once in a process, that an imported package has the names that are used.

    Args:
        contract: the package's.
        profile: the profile that needs it, if it is one's.

    Raises:
        UnsupportedPackageError: names are missing, or this version is known not to work.
    """
    if contract in verified:
        return
    refuse_bad_versions(contract, profile)
    look = functools.cache(names_in)  # for this once: each class is looked at for several names
    missing = [name for name in contract.names if not (name.is_optional or is_there(name, look))]
    if missing:
        raise _lacking(contract, missing, profile)
    verified.add(contract)


def refuse_bad_versions(contract: PackageContract, profile: str = "") -> None:
    """Refuse versions that are known not to work, before they are imported: they may be why that fails.

    Raises:
        UnsupportedPackageError: the versions that are installed are among them.
    """
    for bad in contract.known_bad:
        if all(_is_within(*one) for one in bad.ranges):
            others = [name for name, _, _ in bad.ranges if name != contract.distribution]
            told = "".join(f"with {name} {installed_version(name)} " for name in others)
            install = _pip(bad.install) if bad.install else ""
            raise unsupported(contract, f"{told}does not work: {bad.reason}", profile, install=install)


def verify_instance(contract: PackageContract, owner: str, instance: object, profile: str = "") -> None:
    """Make sure that an object of a package has the attributes that are used, before it is used.

    Args:
        contract: the package's.
        owner: the object's class, as the declared names write it.
        instance: the object.
        profile: the profile that needs it, if it is one's.

    Raises:
        UnsupportedPackageError: attributes are missing.
    """
    missing = [
        name
        for name in contract.names
        if name.kind == "instance attribute"
        and name.owner == owner
        and not name.is_optional
        and not hasattr(instance, name.name)
    ]
    if missing:
        raise _lacking(contract, missing, profile)


def is_there(name: PrivateName, look: Callable[[object], set[str]] = names_in) -> bool:
    """Whether a package has a name, of the kind that is declared, and still uses it where that is declared."""
    try:
        owner = _resolve(name.owner)
    except (ImportError, AttributeError):
        return False
    found = getattr(owner, name.name, None)
    if name.kind in ("method", "coroutine"):
        right = callable(found) and (name.kind == "method" or is_coroutine(found))
    elif name.kind == "attribute":
        right = hasattr(owner, name.name)
    else:
        right = hasattr(owner, name.name) or name.name in look(owner)
    return right and all(_uses(caller, name.name, look) for caller in name.callers)


def _lacking(contract: PackageContract, missing: list[PrivateName], profile: str) -> UnsupportedPackageError:
    told = ", ".join(f"{name} ({name.purpose})" for name in missing)
    return unsupported(contract, f"lacks {told}", profile)


def unsupported(
    contract: PackageContract, reason: str, profile: str = "", *, install: str = ""
) -> UnsupportedPackageError:
    """The error for a package that does not do what is built on.

    Args:
        contract: the package's.
        reason: what is wrong; the package's name and version come before.
        profile: the profile that needs it, if it is one's.
        install: the command that mends it; installs what we require unless given.
    """
    version = installed_version(contract.distribution)
    install = install or install_line(contract)
    return UnsupportedPackageError(contract.distribution, version, reason, install=install, profile=profile)


def unusable(contract: PackageContract, error: Exception, profile: str = "") -> UnsupportedPackageError:
    """The error for a package that is installed and cannot be imported; of other errors than import's, no text."""
    words = re.sub(r" \([^()]*[/\\][^()]*\)$", "", " ".join(str(error).split()))  # without the file's path
    told = words if isinstance(error, ImportError) else f"{type(error).__name__} in its code"
    repair = f"{install_line(contract)} --force-reinstall"
    return unsupported(contract, f"cannot be imported: {told}", profile, install=repair)


def is_absent(package: str, error: Exception) -> bool:
    """Whether an import failed because the package itself, and not something that it needs, is not installed."""
    return isinstance(error, ModuleNotFoundError) and error.name == package


def import_package(contract: PackageContract, missing: MissingPackageError, profile: str = "") -> ModuleType:
    """Import and verify a package.

    Args:
        contract: the package's.
        missing: what to raise when it is not installed.
        profile: the profile that needs it, if it is one's.

    Raises:
        MissingPackageError: it is not installed.
        UnsupportedPackageError: it cannot be imported, or lacks what is used of it.
    """
    if contract not in verified:
        refuse_bad_versions(contract, profile)
    try:
        module = importlib.import_module(contract.package)
    except Exception as error:
        raise (missing if is_absent(contract.package, error) else unusable(contract, error, profile)) from error
    verify(contract, profile)
    return module


def install_line(contract: PackageContract) -> str:
    """The command that installs versions which work, from our own requirements."""
    return _pip(tuple(requirement(name) for name in (contract.distribution, *contract.companions)))


def requirement(distribution: str) -> str:
    """What we require of a distribution, as pip takes it; its bare name where we were not installed."""
    from importlib import metadata  # noqa: PLC0415 - costs milliseconds, and only failures need it

    try:
        lines = metadata.requires("myfy-data") or ()
    except metadata.PackageNotFoundError:
        return distribution
    for line in lines:
        name, bounds = re.split(r"(?=[<>=!~ ;]|$)", line.partition(";")[0].strip(), maxsplit=1)
        if _normal(name.partition("[")[0]) == _normal(distribution):
            return name + ",".join(sorted(bounds.split(","), key=lambda bound: bound.startswith("<")))
    return distribution


def installed_version(distribution: str) -> str:
    """The version that is installed; empty when that cannot be told."""
    from importlib import metadata  # noqa: PLC0415 - as above

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _pip(requirements: tuple[str, ...]) -> str:
    return "pip install " + " ".join(f'"{one}"' for one in requirements)


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _is_within(distribution: str, first: str, above: str) -> bool:
    version = installed_version(distribution)
    return bool(version) and _release(first) <= _release(version) and (not above or _release(version) < _release(above))


def _release(version: str) -> tuple[int, ...]:
    numbers = re.split(r"[^\d.]", version, maxsplit=1)[0]  # without a, b, rc, dev
    return tuple(int(part) for part in re.findall(r"\d+", re.sub(r"(\.0+)+\.?$", "", numbers)))


def _resolve(path: str) -> object:
    module, _, names = path.partition(":")
    found: Any = importlib.import_module(module)
    for name in filter(None, names.split(".")):
        found = getattr(found, name)
    return found


def _uses(path: str, name: str, look: Callable[[object], set[str]]) -> bool:
    try:
        return name in look(_resolve(path))
    except (ImportError, AttributeError):
        return False
