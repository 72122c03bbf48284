"""Three people join the club, and a worker writes the letters."""

from __future__ import annotations

import asyncio

import httpx
from myfy.tasks import TaskQueue, TasksSettings, TaskWorker

from app import app, asgi, write_letter
from myfy.data import SessionFactory


async def main() -> None:
    """Start the club, let people join, let the letters be written, stop it."""
    async with asgi.router.lifespan_context(asgi):
        get = app.container.get
        worker = TaskWorker(
            container=app.container,
            settings=get(TasksSettings),
            queue=get(TaskQueue),
            session_factory=get(SessionFactory),
        )
        working = asyncio.create_task(worker.run())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(asgi), base_url="http://club") as client:
            for email in ("ada@club.example", "ada@club.example", "bob@nowhere.example"):
                answer = await client.post("/members", json={"email": email, "password": "a long password"})
                print(email, answer.status_code, answer.json().get("detail", "welcome"))
                if answer.is_success:
                    result = await write_letter.get_result(answer.json()["letter"])
                    print("the task is", result.status.value, (await client.get(f"/letters/{result.value}")).json())
            print("the letter after it:", (await client.get("/letters/2")).json())
        working.cancel()
        await asyncio.wait([working])


asyncio.run(main())
