"""Why two `DataModule`s of one myfy application have two types.

The kernel keeps its modules in mappings from type to module: of two modules of one type only the last is configured.
So each module gets a type of its own, which is equal to the declared one, but not to the other module's. A module
that says `requires = [DataModule]` then finds the first.
"""

from __future__ import annotations

from typing import Any


class ModuleType(type):
    """The type of module types: each is equal to the one it was declared as."""

    declared: type

    def __new__(cls, name: str, bases: tuple[type, ...], names: dict[str, object]) -> ModuleType:
        """A declared type; `type_of_its_own` makes the others."""
        made = super().__new__(cls, name, bases, names)
        made.declared = made
        return made

    def __eq__(cls, other: object) -> bool:
        return cls is other or other is cls.declared or (isinstance(other, ModuleType) and other.declared is cls)

    def __hash__(cls) -> int:
        return type.__hash__(cls.declared)


def type_of_its_own(module_type: ModuleType) -> Any:
    """A type for one module, which is declared as `module_type`."""
    declared = module_type.declared
    own = ModuleType(declared.__name__, (declared,), {"__module__": declared.__module__, "__doc__": declared.__doc__})
    own.declared = declared
    return own
