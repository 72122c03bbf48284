"""What the adapters use of the web frameworks beyond what these promise (contract C16.1; ADR 25)."""

from __future__ import annotations

from myfy_data.package_contract import PackageContract, PrivateName

EXCEPTION_HANDLERS = "starlette.exception_handlers"
"""The key of Starlette's scope under which the application's exception handlers stand."""

_ROLL_BACK = "rolls a failed request back"
_ROUTER = "starlette.routing:Router"
_ROUTE = "litestar.routes:HTTPRoute"

STARLETTE = PackageContract(
    "starlette",
    "starlette",
    names=(
        PrivateName(
            "starlette._exception_handler:wrap_app_handling_exceptions",
            EXCEPTION_HANDLERS,
            "word",
            _ROLL_BACK,
            is_protection=True,
            callers=(
                "starlette.middleware.exceptions:ExceptionMiddleware.__call__",
                "starlette._exception_handler:wrap_app_handling_exceptions",
            ),
        ),
        PrivateName(
            "starlette.routing",
            "wrap_app_handling_exceptions",
            "method",
            _ROLL_BACK,
            is_protection=True,
            callers=("starlette.routing:request_response",),
        ),
        PrivateName("starlette._utils", "is_async_callable", "method", "calls exception handlers as Starlette does"),
        PrivateName(
            _ROUTER,
            "middleware_stack",
            "instance attribute",
            "stands around the router",
            is_protection=True,
            callers=(f"{_ROUTER}.__call__",),
        ),
        PrivateName(
            _ROUTER,
            "lifespan_context",
            "instance attribute",
            "starts and stops the module",
            callers=(f"{_ROUTER}.lifespan",),
        ),
        PrivateName(
            _ROUTER,
            "lifespan",
            "coroutine",
            "tells a forgotten setup at start",
            callers=(f"{_ROUTER}.app",),
        ),
        PrivateName(
            "starlette.applications:Starlette",
            "middleware_stack",
            "instance attribute",
            "knows whether the application has started",
        ),
    ),
)

FASTAPI = PackageContract(
    "fastapi",
    "fastapi",
    names=(
        PrivateName(
            "fastapi.routing:request_response", "wrap_app_handling_exceptions", "word", _ROLL_BACK, is_protection=True
        ),
        PrivateName("fastapi.routing:APIRoute", "dependant", "instance attribute", "checks the profiles of handlers"),
        PrivateName(
            "fastapi.routing:_IncludedRouter",
            "original_router",
            "instance attribute",
            "checks the profiles of handlers",
            is_optional=True,  # before it came, a router's routes were those of the application
        ),
    ),
    companions=("starlette",),
)

LITESTAR = PackageContract(
    "litestar",
    "litestar",
    names=(
        PrivateName(_ROUTE, "handle", "coroutine", "stands around the handlers", is_protection=True),
        PrivateName(_ROUTE, "route_handlers", "instance attribute", "checks the sessions of handlers"),
        PrivateName(
            "litestar.handlers:HTTPRouteHandler", "resolve_dependencies", "method", "checks the sessions of handlers"
        ),
        PrivateName(
            "litestar.handlers:HTTPRouteHandler", "parsed_fn_signature", "attribute", "checks the sessions of handlers"
        ),
        PrivateName("litestar.di:Provide", "parsed_fn_signature", "attribute", "checks the sessions of handlers"),
    ),
)

HOSTS = {contract.package: contract for contract in (STARLETTE, FASTAPI, LITESTAR)}
