"""Fixes of what an application of Starlette, FastAPI or Litestar meets, and of Python code that asks for a plan."""

from __future__ import annotations

from tests.fixes.trial import SQLITE, Run, Trial, code, part, program
from tests.migrating import MODELS
from tests.sandbox import Sandbox

TWO = {
    "myfy.toml": '[data]\ndefault = "main"\n' + SQLITE + SQLITE.replace("main", "analytics").replace("app", "events")
}
BLOCK = r"`(async with .*?:)`"
ASKING = "async with nullcontext(get_session(request)) as session:"

STARLETTE = """\
from contextlib import nullcontext
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from myfy_data import DataModule
from myfy_data.integrations.starlette import get_session, setup
from tests.hosts.client import connect, request as ask, started
data = DataModule()
"""
FORGOTTEN = (
    "setup(app, data) where the app is made; where sessions come another way: `app.state.myfy_data_setup = False`"
)
SOCKET = "async def socket(request):\n    await request.accept()\n"
STREAM = """\
async def endpoint(request):
    mine = get_session(request)
    async def lines():
        async with nullcontext(mine) as session:
            yield str(await session.scalar(text("SELECT 1")))
    return StreamingResponse(lines())
app = Starlette(routes=[Route("/", endpoint)])
setup(app, data)
"""
ANSWERED = """
async with started(app):
    answer = await ask(app, "/")
if answer.raised is not None:
    raise answer.raised
"""
MIDDLEWARE = """\
class Counts:
    def __init__(self, app):
        self.app = app
    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            request = Request(scope)
            ASKING
                await session.execute(text("SELECT 1"))
        await self.app(scope, receive, send)
async def endpoint(request):
    return PlainTextResponse("")
from starlette.requests import Request
app = Starlette(routes=[Route("/", endpoint)], middleware=[Middleware(Counts)])
setup(app, data)
""".replace("ASKING", ASKING)
ENDPOINT = """\
async def endpoint(request):
    get_session(request)
    return PlainTextResponse("")
app = Starlette(routes=[Route("/", endpoint)])
#
"""
LITESTAR = """\
import warnings
warnings.simplefilter("ignore", DeprecationWarning)
from litestar import Litestar, get
from litestar.di import Provide
from sqlalchemy.ext.asyncio import AsyncSession
from myfy_data import DataModule
from myfy_data.integrations.litestar import DataPlugin
from tests.hosts.client import request as ask, started
data = DataModule()
@get("/")
async def endpoint(session: AsyncSession) -> str:
    return str(session)
"""
OWN = 'Litestar([endpoint], dependencies={"session": Provide(lambda: None, sync_to_thread=False)}, plugins=[%s])\n'
EXPLAINED = """\
from myfy_data import DataModule
data = DataModule()
async with data:
    await data.explain("DROP TABLE users")
"""


def after_start(_: Sandbox, run: Run, fix: str) -> Run:
    """The fix is a call to make where the application is made, and no more where it was made too late."""
    text = run.program.replace("    setup(app, data)\n", "    pass\n")
    return program(text.replace("#", fix))


def on_a_file(sandbox: Sandbox, run: Run, _: str) -> Run:
    """The fix is another database."""
    sandbox.write("myfy.toml", SQLITE)
    return run


def one_plugin(_: Sandbox, run: Run, fix: str) -> Run:
    """The fix names a parameter of handlers, in place of a second plugin."""
    text = run.program.replace(', DataPlugin(DataModule("analytics"))', "")
    return program(
        text.replace("endpoint(session: AsyncSession)", f"endpoint({fix}: AsyncSession)").replace(
            "str(session)", f"str({fix})"
        )
    )


IN_STARLETTE = (
    Trial(
        FORGOTTEN,
        program(STARLETTE + ENDPOINT + ANSWERED),
        part(r"(setup\(app, data\))", code("#")),
    ),
    Trial(
        FORGOTTEN,
        program(STARLETTE + ENDPOINT.replace("get", "request is None and get") + ANSWERED),
        part(r"`(app\.state\..*)`", code("#")),
    ),
    Trial(
        "call setup(app, data) where the app is made",
        program(
            STARLETTE
            + ENDPOINT.replace("    get_session(request)\n", "")
            + "async with started(app):\n    setup(app, data)\n"
        ),
        part(r"(setup\(app, data\))", after_start),
    ),
    Trial(
        "setup(app, data) where the app is made; in a middleware: `async with data.session() as session:`",
        program(STARLETTE + MIDDLEWARE + ANSWERED),
        part(BLOCK, code(ASKING)),
    ),
    Trial(
        "open one for each step: `async with data.session() as session:`",
        program(
            f"{STARLETTE}{SOCKET}    {ASKING}\n        await session.execute(text('SELECT 1'))\n"
            "app = Starlette(routes=[WebSocketRoute('/', socket)])\nsetup(app, data)\n"
            "async with started(app):\n    await connect(app, '/')\n"
        ),
        part(BLOCK, code(ASKING)),
    ),
    Trial(
        "in a stream or a background task, open one there: `async with data.session() as session:`",
        program(STARLETTE + STREAM + ANSWERED),
        part(BLOCK, code("async with nullcontext(mine) as session:")),
    ),
    Trial(
        'another path for one of them, such as health="/-/health"',
        program(
            STARLETTE
            + ENDPOINT.replace('"/"', '"/health"').replace("#", 'setup(app, data, health="/health")')
            + ANSWERED.replace('"/"', '"/health"')
        ),
        part("(health=.*)", code('health="/health"')),
    ),
    Trial(
        "one module, in which each database is a profile: data.session('analytics')",
        program(STARLETTE + ENDPOINT.replace("#", "setup(app, data)\nsetup(app, DataModule('analytics'))") + ANSWERED),
        part(r"(data\.session\(.*\))", code("setup(app, DataModule('analytics'))", "async with {}:\n    pass")),
        TWO,
    ),
)

IN_LITESTAR = (
    Trial(
        'DataPlugin(data, session_key="db_session"), or another name for yours',
        program(LITESTAR + OWN % "DataPlugin(data)"),
        part(r"(DataPlugin\(.*?\))", code("DataPlugin(data)")),
    ),
    Trial(
        "one plugin with one module, in which each database is a profile: `analytics_session`",
        program(
            LITESTAR
            + 'app = Litestar([endpoint], plugins=[DataPlugin(data), DataPlugin(DataModule("analytics"))])\n'
            + ANSWERED
        ),
        part("`(.*)`", one_plugin),
        TWO,
    ),
)

IN_CODE = (
    Trial(
        "explain it on a file",
        program(EXPLAINED.replace("DROP TABLE users", "SELECT 1")),
        on_a_file,
        {"myfy.toml": SQLITE.replace("/./app.db", "")},
    ),
    Trial(
        "give the statement, or one of the fingerprints in data.slow_queries()",
        program(EXPLAINED.replace("DROP TABLE users", "0123456789abcdef")),
        part(r"(data\.slow_queries\(\))", code('await data.explain("0123456789abcdef")')),
    ),
    Trial(
        "myfy-data db init --profile {}; or in development: "
        "DataModule(auto_create_tables=True, metadata=Base.metadata)",
        program("""\
from sqlalchemy import select
from app.models import Base, User
from myfy_data import DataModule
data = DataModule()
async with data, data.session() as session:
    await session.scalars(select(User))
"""),
        part(r"(DataModule\(.*\))", code("DataModule()")),
        {"myfy.toml": SQLITE, "app/models.py": MODELS},
    ),
)

TRIALS = (*IN_STARLETTE, *IN_LITESTAR, *IN_CODE)
