"""What is used of myfy beyond what it promises (contract C16.1; ADR 25)."""

from __future__ import annotations

from myfy_data.package_contract import PackageContract, PrivateName

_ROUTER = "myfy.web.routing:Router"
_HANDLERS = "myfy.web.handlers:HandlerExecutor"

MYFY_CORE = PackageContract(
    "myfy.core",
    "myfy-core",
    names=(
        PrivateName(
            "myfy.core.di:Container",
            "_providers",
            "instance attribute",
            "knows what is registered",
            callers=("myfy.core.di:Container.register", "myfy.core.di:Container.get"),
        ),
    ),
)

MYFY_WEB = PackageContract(
    "myfy.web",
    "myfy-web",
    names=(
        PrivateName(
            _ROUTER,
            "get_routes",
            "method",
            "stands around the handlers",
            is_protection=True,
            callers=("myfy.web.asgi:ASGIApp",),
        ),
        PrivateName(
            _ROUTER,
            "_routes",
            "instance attribute",
            "shares the application's routes",
            callers=(f"{_ROUTER}.get_routes",),
        ),
        PrivateName(_ROUTER, "_is_body_type", "method", "tells the request's body from settings"),
        PrivateName(_HANDLERS, "_make_response", "method", "answers as myfy does"),
    ),
)
