"""The asynchronous client: :class:`AsyncTriggersClient`, on asyncio.

Its methods are the operations of ``operations/``. Neighbours: ``client.py`` has the same methods, as blocking calls.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from types import TracebackType
from typing import Concatenate, Generic, ParamSpec, TypeVar

import httpx

from airflow_triggers_client import operations
from airflow_triggers_client.credentials import Supply, credentials_of
from airflow_triggers_client.exchange import Steps
from airflow_triggers_client.models import Fire, Page
from airflow_triggers_client.operations.batches import (
    MAX_BATCH,
    Batcher,
    FireReport,
    Item,
    ProgressCallback,
    Reading,
    fire_batch,
    iterator_of,
)
from airflow_triggers_client.operations.listing import LARGEST_PAGE, Listing
from airflow_triggers_client.retries import Retries
from airflow_triggers_client.service import Service
from airflow_triggers_client.signatures import as_method
from airflow_triggers_client.transport import KEEPALIVE_SECONDS, AsyncDriver, without_cookies

P = ParamSpec("P")
T = TypeVar("T")


class AsyncPages(Generic[T]):
    """A list of the API, read page by page while you iterate over it.

    >>> async for session in client.sessions(configuration="questionnaire"):  # doctest: +SKIP
    ...     print(session.uid)
    """

    def __init__(self, client: AsyncTriggersClient, listing: Listing[T]) -> None:
        self._client, self._listing = client, listing

    async def __aiter__(self) -> AsyncIterator[T]:
        cursor = self._listing.cursor
        while True:
            page = await self._client._run(
                self._listing.page(self._client._service, cursor=cursor, size=LARGEST_PAGE)
            )
            for item in page.items:
                yield item
            cursor = page.next
            if cursor is None:
                return

    async def first(self, count: int) -> Page[T]:
        """The first ``count`` items at most, and the cursor of the next ones."""
        return await self._client._run(self._listing.first(self._client._service, count=count))


def _method(
    operation: Callable[Concatenate[Service, P], Steps[T]],
) -> Callable[Concatenate[AsyncTriggersClient, P], Awaitable[T]]:
    """The operation as a method with an awaitable result."""

    async def method(self: AsyncTriggersClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._run(operation(self._service, *args, **kwargs))

    return as_method(method, operation, drop=1, returns="{}")


def _list(listing: Callable[P, Listing[T]]) -> Callable[Concatenate[AsyncTriggersClient, P], AsyncPages[T]]:
    """The list as a method with pages as its result."""

    def method(self: AsyncTriggersClient, /, *args: P.args, **kwargs: P.kwargs) -> AsyncPages[T]:
        return AsyncPages(self, listing(*args, **kwargs))

    return as_method(method, listing, drop=0, returns="AsyncPages[{}]")


class AsyncTriggersClient:
    """A client of the triggers API for asyncio. Several tasks may share one.

    The parameters are those of :class:`~airflow_triggers_client.TriggersClient`; ``http`` is an asynchronous client. A
    function for ``token`` may be asynchronous.

    >>> async with AsyncTriggersClient("http://localhost:8080", token="…") as client:  # doctest: +SKIP
    ...     await client.fire("respondent-17", "pageReceived", {"page": 1}, configuration="questionnaire")
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | Supply | None = None,
        username: str | None = None,
        password: str | None = None,
        retries: Retries | None = None,
        timeout: float = 60.0,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._service = Service(credentials_of(token, username, password), retries or Retries())
        self._own_http = None
        if http is None:
            http = self._own_http = httpx.AsyncClient(limits=httpx.Limits(keepalive_expiry=KEEPALIVE_SECONDS))
            without_cookies(http)
        self._driver = AsyncDriver(url, timeout, http)

    def __repr__(self) -> str:
        return f"<AsyncTriggersClient of {self._driver.url}>"

    async def __aenter__(self) -> AsyncTriggersClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections to the server."""
        if self._own_http is not None:
            await self._own_http.aclose()

    async def _run(self, steps: Steps[T]) -> T:
        return await self._driver.run(steps)

    sessions = _list(operations.sessions.sessions)
    session = _method(operations.sessions.session)
    create_session = _method(operations.sessions.create_session)
    update_configuration = _method(operations.sessions.update_configuration)
    delete_session = _method(operations.sessions.delete_session)

    fire = _method(operations.fires.fire)

    async def fire_many(
        self,
        fires: Iterable[Fire] | AsyncIterable[Fire],
        *,
        batch_size: int = MAX_BATCH,
        progress: ProgressCallback | None = None,
    ) -> FireReport:
        """Fire many triggers, into any sessions; each session gets its fires in the order given.

        The client sends them in requests of ``batch_size``, one after the other, while it reads the iterable. A refused
        fire does not stop the others. Each fire is idempotent: it counts once, even if it is sent again.

        :param fires: any iterable, asynchronous or not; give the fires idempotency keys if your program may make them
            again.
        :param progress: called after each request; an awaitable result is awaited.
        :raises FiringInterrupted: when the server stays unavailable; it has the unsettled fires. Also when the iterable
            raises an error, after the fires before it were sent: the error is its ``__cause__``.
        """
        report, batcher, reading = FireReport(), Batcher(batch_size), Reading()

        async def send(items: list[Item]) -> None:
            state = await self._run(fire_batch(self._service, items, report))
            answer = progress(state) if progress is not None else None
            if inspect.isawaitable(answer):
                await answer

        async for fire in reading.through_asynchronous(_asynchronous(fires)):
            for items in batcher.add(fire):
                await send(items)
        if last_batch := batcher.rest():
            await send(last_batch)
        reading.check(batcher, report)
        return report

    fires = _list(operations.history.fires)
    instances = _list(operations.instances.instances)
    instance_counts = _method(operations.instances.instance_counts)
    instance = _method(operations.instances.instance)
    session_instances = _list(operations.instances.session_instances)
    replay = _method(operations.instances.replay)
    skip = _method(operations.instances.skip)
    set_status = _method(operations.instances.set_status)
    set_metadata = _method(operations.instances.set_metadata)
    resolve_logs = _method(operations.instances.resolve_logs)
    delayed_fires = _list(operations.delayed_fires.delayed_fires)
    cancel_delayed_fire = _method(operations.delayed_fires.cancel_delayed_fire)
    retry_delayed_fire = _method(operations.delayed_fires.retry_delayed_fire)
    history = _list(operations.history.history)
    why = _method(operations.history.why)
    unheard = _list(operations.history.unheard)
    session_hooks = _list(operations.history.session_hooks)
    failed_hooks = _list(operations.parked.failed_hooks)
    all_delayed_fires = _list(operations.parked.all_delayed_fires)
    failed_asset_events = _list(operations.parked.failed_asset_events)
    retry_asset_event = _method(operations.parked.retry_asset_event)
    call_hook = _method(operations.history.call_hook)
    configurations = _list(operations.configurations.configurations)
    configuration = _method(operations.configurations.configuration)
    validate_configuration = _method(operations.configurations.validate_configuration)
    extensions = _method(operations.configurations.extensions)
    make_bulk_act = _method(operations.bulk_acts.make_bulk_act)
    preview_bulk_act = _method(operations.bulk_acts.preview_bulk_act)
    bulk_acts = _list(operations.bulk_acts.bulk_acts)
    bulk_act = _method(operations.bulk_acts.bulk_act)
    bulk_outcomes = _list(operations.bulk_acts.bulk_outcomes)
    cancel_bulk_act = _method(operations.bulk_acts.cancel_bulk_act)
    migrate_sessions = _method(operations.configurations.migrate_sessions)
    health = _method(operations.health.health)
    wait_for = _method(operations.waiting.wait_for)


def _asynchronous(fires: Iterable[Fire] | AsyncIterable[Fire]) -> AsyncIterator[Fire]:
    return aiter(fires) if isinstance(fires, AsyncIterable) else _walk(iterator_of(fires))


async def _walk(fires: Iterator[Fire]) -> AsyncIterator[Fire]:
    for fire in fires:
        yield fire
