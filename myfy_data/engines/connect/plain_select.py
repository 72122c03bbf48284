"""What can only read: a SELECT of which every element that was rendered is on a list (ADR 0011).

It may run before BEGIN on PostgreSQL, and once more on another connection on MySQL. The verdict is made while
SQLAlchemy compiles the statement, on the elements that it renders, and kept by the compiled statement: mapped
properties, loader criteria and type expressions are elements by then, and a statement out of SQLAlchemy's cache is not
judged again. Text that no element of SQLAlchemy's own has rendered (`@compiles`) is read as well. In doubt a statement
does more: that costs a round trip, and the other mistake would cost atomicity.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.engine import ExecutionContext
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.sql.selectable import SelectBase, TextualSelect
from sqlalchemy.types import TypeDecorator, UserDefinedType

FUNCTIONS = frozenset(
    ["avg", "coalesce", "count", "dense_rank", "lower", "max", "min", "nullif", "rank", "row_number", "sum", "upper"]
)
"""Functions of PostgreSQL's own that can only compute, and whose result does not hang on the transaction."""

_KINDS = """
    alias between_op_binary binary bindparam case cast clauselist collation column compound_select cte element_list
    empty_set_expr empty_set_op_expr expression_clauselist extract false fromclause funcfilter function grouping join
    label label_reference lambda_element lateral null order_by_list over select select_statement_grouping subquery
    table textual_label_reference true tuple type_coerce typeclause unary values
    """
_ELEMENTS = frozenset(_KINDS.split())
"""What may be rendered, by the names of the compiler's methods. Operators have their own rule."""

_OPERATOR = re.compile(r"(?!custom_op)\w+_(?:binary|unary_operator|unary_modifier|operand)")

_HARMLESS_LITERAL = re.compile(r"\*|'%'|\d+")
"""As in `count(*)`, `contains()` and `EXISTS (SELECT 1)`."""

_KEYWORDS = """
    ALL AND ANY AS BY CASE CAST CHAR DISTINCT ELSE EXCEPT EXISTS EXTRACT FILTER FROM HAVING IN INTERSECT JOIN LATERAL
    LIKE MATERIALIZED NOT NUMERIC ON OR OVER SELECT THEN UNION VALUES VARCHAR WHEN WHERE
"""
_BEFORE_PARENTHESIS = re.compile(r"([^\s(),]+)\s*\(")
_HARMLESS_BEFORE_PARENTHESIS = frozenset(_KEYWORDS.split()) | {name.upper() for name in FUNCTIONS}
_NEEDS_TRANSACTION = re.compile(
    r"\b(?:FOR|INTO|INSERT|UPDATE|DELETE|MERGE|TRUNCATE|CALL|TABLESAMPLE|CURRENT_\w+|LOCALTIME\w*)\b|--|/\*|;",
    re.IGNORECASE,
)
_OPERATOR_SIGNS = re.compile(r"[-+*/<>=~!@#%^&|`?]+")
_HARMLESS_SIGNS = frozenset(["=", "<", ">", "<=", ">=", "<>", "!=", "+", "-", "*", "/", "%", "||"])
_EXPRESSION_START = frozenset("-+*/<>=%|")


if TYPE_CHECKING:

    class _Compiler(SQLCompiler):
        """Any dialect's."""

else:
    _Compiler = object


class ReadingCompiler(_Compiler):
    """What `reading_compiler` puts before a dialect's compiler: it notes what could do more than read."""

    _does_more = False
    _verdict: bool | None = None

    @property
    def only_reads(self) -> bool:
        """Whether the statement can only read; cached."""
        if self._verdict is None:
            made_of = self.statement
            is_select = isinstance(made_of, SelectBase) and not isinstance(made_of, TextualSelect)
            self._verdict = is_select and not self._does_more and _reads_like_a_select(self.string)
        return self._verdict

    def visit_select(self, select_stmt: Any, *args: object, **kwargs: object) -> str:
        """Render a SELECT; whatever was added to it as a piece of text does more."""
        added = (select_stmt._prefixes, select_stmt._suffixes, select_stmt._hints, select_stmt._statement_hints)  # noqa: SLF001 - as SQLAlchemy's compiler does
        if any(added) or _is_customized(select_stmt):
            self._does_more = True
        rendered: str = super().visit_select(select_stmt, *args, **kwargs)  # type: ignore[no-untyped-call]  # as SQLAlchemy wrote it
        return rendered

    def for_update_clause(self, select: object, **kw: object) -> Any:
        """Render a lock, which must be held until the transaction ends."""
        self._does_more = True
        return super().for_update_clause(select, **kw)  # type: ignore[no-untyped-call]  # as SQLAlchemy wrote it

    def visit_column(self, column: Any, *args: Any, **kwargs: Any) -> str:
        """Render a column; a literal one is text, those that SQLAlchemy makes itself excepted."""
        is_text = column.is_literal and not _HARMLESS_LITERAL.fullmatch(column.name)
        if is_text or isinstance(column.type, UserDefinedType) or _is_customized(column):
            self._does_more = True
        rendered: str = super().visit_column(column, *args, **kwargs)
        return rendered

    def visit_function(self, func: Any, *args: Any, **kwargs: Any) -> str:
        """Render a call; only functions on our list, without a schema and without quotes, merely compute."""
        name = func.name
        foreign = func.packagenames or (isinstance(name, quoted_name) and name.quote) or name.lower() not in FUNCTIONS
        if foreign or not type(func).__module__.startswith("sqlalchemy.") or _is_customized(func):
            self._does_more = True
        rendered: str = super().visit_function(func, *args, **kwargs)
        return rendered

    def visit_typeclause(self, typeclause: Any, **kw: object) -> str:
        """Render the type of a CAST; one of the user's own casts by a function of the user's own."""
        if not _is_builtin(typeclause.type):
            self._does_more = True
        rendered: str = super().visit_typeclause(typeclause, **kw)  # type: ignore[no-untyped-call]  # as SQLAlchemy wrote it
        return rendered

    def render_bind_cast(self, type_: object, dbapi_type: object, sqltext: str) -> str:
        """Render the type of a parameter, as above."""
        if not _is_builtin(type_):
            self._does_more = True
        rendered: str = super().render_bind_cast(type_, dbapi_type, sqltext)  # type: ignore[no-untyped-call]  # as SQLAlchemy wrote it
        return rendered


def _noting(render: Callable[..., str], *, does_more: bool) -> Callable[..., str]:
    """A method that renders as `render` does, and notes that the element does more, or may because it is customized."""

    def visit(self: ReadingCompiler, element: object, *args: object, **kwargs: object) -> str:
        if does_more or _is_customized(element):
            self._does_more = True
        return render(self, element, *args, **kwargs)

    return visit


@functools.cache
def reading_compiler(base: type[SQLCompiler]) -> type[SQLCompiler]:
    """A dialect's compiler that knows whether what it rendered can only read.

    Every method of it that renders an element tells, those of releases to come included.
    """
    watched: dict[str, Any] = {}
    for method in dir(base):
        kind = method.removeprefix("visit_")
        if kind != method and method not in vars(ReadingCompiler):
            known = kind in _ELEMENTS or _OPERATOR.fullmatch(kind) is not None
            watched[method] = _noting(getattr(base, method), does_more=not known)
    return type(f"Reading{base.__name__}", (ReadingCompiler, base), watched)


def only_reads(context: ExecutionContext, statement: str) -> bool:
    """Whether a statement is a plain SELECT, sent as SQLAlchemy compiled it."""
    compiled = context.compiled
    if not isinstance(compiled, ReadingCompiler) or context.cursor.server_side:
        return False
    return compiled.only_reads and statement == context.statement


def _is_customized(element: object) -> bool:
    """Whether `@compiles` has given the element's class another text."""
    return hasattr(type(element), "_compiler_dispatcher")


def _is_builtin(type_: object) -> bool:
    if isinstance(type_, TypeDecorator):
        return _is_builtin(type_.impl_instance)
    own = type(type_).__module__.startswith("sqlalchemy.") and not isinstance(type_, UserDefinedType | DOMAIN)
    return own and not _is_customized(type_)


def _reads_like_a_select(sql: str) -> bool:
    """Whether the text of a statement has nothing in it that our list of elements would not have rendered."""
    if not sql.lstrip("(").startswith(("SELECT ", "WITH ")) or _NEEDS_TRANSACTION.search(sql):
        return False
    if not all(sign in _HARMLESS_SIGNS for sign in _OPERATOR_SIGNS.findall(sql)):
        return False
    words = _BEFORE_PARENTHESIS.findall(sql)
    return all(word.upper() in _HARMLESS_BEFORE_PARENTHESIS or word[-1] in _EXPRESSION_START for word in words)
