"""What answers the path of the page."""

from __future__ import annotations

from urllib.parse import parse_qs

from myfy_data.endpoints.dev.guard import refusal
from myfy_data.endpoints.dev.page import policy, render, style
from myfy_data.endpoints.dev.report import Watched, collect
from myfy_data.endpoints.dev.requests import RequestLog
from myfy_data.endpoints.http import NO_STORE, Answer, Response, Scope, json_response


def dev_answers(path: str, data: Watched, log: RequestLog) -> dict[str, Answer]:
    """What answers the page, by path."""
    css = style()
    headers = (
        *NO_STORE,
        ("content-security-policy", policy(css)),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
    )

    async def answer(scope: Scope) -> Response:
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        asked = (query["profile"][0], query["plan"][0]) if {"profile", "plan"} <= query.keys() else None
        refused = refusal(scope, asks_server=asked is not None)
        if refused is not None:
            return refused
        told = await collect(data, log, asked)
        if "json" in query:
            return json_response(200, told)
        return Response(200, render(told, css).encode(), "text/html; charset=utf-8", headers)

    return {path: answer}
