"""A connection of the type ``triggers`` whose clients reach the REST application in the test's own process.

Neighbours: ``api.py`` has the application.
"""

from __future__ import annotations

import httpx

from airflow_triggers import TriggersHook
from airflow_triggers_client import AsyncTriggersClient, Retries, TriggersClient
from tests.support.api import mounted_api

URL = "http://testserver"


def connect(monkeypatch, *, away=()):
    """Let every hook's clients ask the mounted application, as the user ``admin``.

    :param away: statuses with which the next requests are answered instead.
    """
    api, answers = mounted_api(monkeypatch), iter(away)

    def answer_away():
        status = next(answers, None)
        return None if status is None else httpx.Response(status, json={"reason": "Away", "detail": "Away."})

    class Transport(httpx.BaseTransport):
        def handle_request(self, request):
            return answer_away() or api.client()._transport.handle_request(request)

    class AsyncTransport(httpx.ASGITransport):
        async def handle_async_request(self, request):
            return answer_away() or await super().handle_async_request(request)

    options = {"token": "admin", "retries": Retries(patience=0)}

    async def aget_conn(hook):
        return AsyncTriggersClient(URL, http=httpx.AsyncClient(transport=AsyncTransport(api.root)), **options)

    monkeypatch.setattr(
        TriggersHook,
        "get_conn",
        lambda hook: TriggersClient(URL, http=httpx.Client(transport=Transport()), **options),
    )
    monkeypatch.setattr(TriggersHook, "aget_conn", aget_conn)
    return api
