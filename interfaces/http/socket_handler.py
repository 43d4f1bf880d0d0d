"""One WebSocket that speaks `graphql-transport-ws`: who is at the other end, and what it follows.

What a client sends is checked before it is believed (4400 names what is wrong). A subscription
tells its past by itself, joins those who follow alike, and goes back to telling by itself when it
has fallen behind them (see shared_results); at each step it knows the position that it told last.
"""

import logging
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import orjson
from graphql import GraphQLError
from starlette.websockets import WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from domain.principal import Principal
from domain.refusal import Refusal
from interfaces.graphql.context import Context, Following
from interfaces.http.shared_results import Alike, Asked, FellBehind
from interfaces.http.signed_in import OpenSocket
from interfaces.http.socket_protocol import LAST_WORDS, clipped

TRY_AGAIN, FORBIDDEN, INIT_TIMEOUT, TOO_MANY_INITS, BROKEN = 1013, 4403, 4408, 4429, 4500
LONGEST_ID = 128
MOST_OPERATIONS = 100

if TYPE_CHECKING:
    from interfaces.http.graphql_socket import GraphQLSockets

log = logging.getLogger(__name__)

_Operation = Operation[Context, None]


class SocketAdapter(ASGIWebSocketAdapter):
    """Sending and closing, whatever state the connection is in."""

    async def send_json(self, message: Any) -> None:
        await self.send_text(self.view.encode_json_string(message))

    async def send_text(self, text: str) -> None:
        """Returns when there is room for more; raises WebSocketDisconnected."""
        try:
            await self.ws.send_text(text)
        except (WebSocketDisconnect, RuntimeError) as error:
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        if self.ws.application_state is WebSocketState.CONNECTED:
            try:
                await self.ws.close(code=code, reason=clipped(reason))
            except (WebSocketDisconnect, RuntimeError):
                pass  # it was gone before


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """One connection; `view` is the GraphQLSockets it came to."""

    view: "GraphQLSockets"
    websocket: SocketAdapter
    context: Context
    _signed_in: OpenSocket | None = None

    async def handle(self) -> None:
        scope = self.websocket.ws.scope
        scope.get("extensions", {})[LAST_WORDS] = self._last_words
        address = (scope.get("client") or ("", 0))[0]
        self._told: dict[str, Following] = {}
        self._numbers = count(1)  # of operations: each has a request id of its own
        await self.view.silent.add(self, address, self._too_many_silent)
        try:
            await super().handle()
        except Exception:
            log.exception("a WebSocket failed")
            await self.websocket.close(BROKEN, "Something broke on our side. Connect again.")

    async def shutdown(self) -> None:
        self.view.silent.remove(self)
        if self._signed_in is not None:
            self.view.signed_in.remove(self._signed_in)
        await super().shutdown()

    async def handle_message(self, message: Any) -> None:
        problem = _malformed(message)
        if problem:
            await self.handle_invalid_message(problem)
        else:
            await super().handle_message(message)

    async def handle_connection_init(self, message: Any) -> None:
        if self.connection_timed_out:
            return
        self.view.silent.remove(self)
        if self.connection_init_received:
            await self.websocket.close(TOO_MANY_INITS, "One connection_init is enough.")
            return
        self.connection_init_received = True
        if self.connection_init_timeout_task:
            self.connection_init_timeout_task.cancel()
        self.context.connection_params = message.get("payload") or {}
        try:
            self.context.principal = await self._who()
        except Refusal as refusal:
            await self.websocket.close(FORBIDDEN, refusal.message)
            return
        except Exception as error:
            log.warning("nobody can sign in: %s", error)
            await self.websocket.close(TRY_AGAIN, "Nobody can sign in now. Try again in a moment.")
            return
        self._signed_in = OpenSocket(self.context.principal, self._who, self._ended)
        self.view.signed_in.add(self._signed_in)
        await self.send_message({"type": "connection_ack"})
        self.connection_acknowledged = True

    async def handle_subscribe(self, message: Any) -> None:
        full = len(self.operations) >= MOST_OPERATIONS
        if self.connection_acknowledged and full and message["id"] not in self.operations:
            error = GraphQLError(
                f"{len(self.operations)} operations run on this connection, which is the most. "
                "Complete one first, or open another connection.",
                extensions={"code": "TOO_MANY_OPERATIONS"},
            )
            await self.send_message(
                {"id": message["id"], "type": "error", "payload": [error.formatted]}
            )
        else:
            await super().handle_subscribe(message)

    async def run_operation(self, operation: _Operation) -> None:
        asked = Asked(operation.query, operation.variables, operation.operation_name)
        try:
            try:
                await self._answer(operation, asked)
            except GraphQLError as error:  # it could not even be parsed
                await operation.send_initial_errors([error])
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except WebSocketDisconnected:
            pass  # the connection is being taken down already
        except Exception:
            log.exception("an operation on a WebSocket failed")
            await self.websocket.close(BROKEN, "Something broke on our side. Connect again.")
        finally:
            self._told.pop(operation.id, None)

    async def _answer(self, operation: _Operation, asked: Asked) -> None:
        """Tells all of it: the past, then with the others, then what was missed meanwhile."""
        position: int | None = None
        alike = Alike.of(asked, self.context.caller)
        request_id = f"{self.context.request_id}.{next(self._numbers)}"
        while not operation.completed:
            following = Following(resume=position, join=alike is not None)
            self._told[operation.id] = following
            context = replace(
                self.context,
                following=following,
                request_id=request_id,
                # Going on where it was cut is the same operation, which was paid for.
                spending=self.context.spending if position is None else None,
            )
            results = await self.view.execute(asked, context)
            async with aclosing(results):
                async for result in results:
                    await self._tell(operation, result)
            if alike is None or not following.caught_up:
                return
            try:
                await self._tell_with_others(operation, alike, asked, following)
                return
            except FellBehind as behind:
                position, alike = following.position, None if behind.alone else alike

    async def _tell_with_others(
        self, operation: _Operation, alike: Alike, asked: Asked, following: Following
    ) -> None:
        """Returns at the end of the subscription. Raises FellBehind."""
        position = following.position
        assert position is not None
        prefix = f'{{"id":{orjson.dumps(operation.id).decode()},"type":"next","payload":'
        async with (
            self.view.sharing.joined(alike, asked, self.context, position) as shared,
            aclosing(shared.after(position)) as results,
        ):
            async for told, payload in results:
                await self.websocket.send_text(f"{prefix}{payload}}}")
                following.position = told

    async def _tell(self, operation: _Operation, result: object) -> None:
        if isinstance(result, PreExecutionError):
            await operation.send_initial_errors(result.errors or [])
        elif isinstance(result, ExecutionResult):
            await operation.send_next(result)
        else:
            await self._reject_incremental_delivery(operation)

    def _last_words(self) -> Iterable[str]:
        """What a client that does not read will find when it reads again."""
        for id, following in self._told.items():
            if following.position is not None:
                error = GraphQLError(
                    "You read too slowly. Subscribe again, after this position.",
                    extensions={"code": "SLOW_SUBSCRIBER", "position": following.position},
                )
                message = {"id": id, "type": "error", "payload": [error.formatted]}
                yield orjson.dumps(message).decode()

    async def _who(self) -> Principal:
        return await self.view.principal_of(self.websocket.ws, self.context.connection_params)

    async def _ended(self, reason: str) -> None:
        await self.websocket.close(FORBIDDEN, reason)

    async def _too_many_silent(self) -> None:
        await self.websocket.close(INIT_TIMEOUT, "Too many connections wait to say who they are.")


def _malformed(message: Any) -> str | None:
    """What is wrong with a message, by the protocol."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return "A message is a JSON object with a “type”."
    type, id, payload = message["type"], message.get("id"), message.get("payload")
    if type in ("connection_init", "ping", "pong"):
        good = payload is None or isinstance(payload, dict)
        return None if good else f"The payload of {type} is an object."
    if type not in ("subscribe", "complete"):
        return f"There is no message type “{type[:40]}”."
    if not isinstance(id, str) or not 0 < len(id) <= LONGEST_ID:
        return f"The “id” is a text of 1 to {LONGEST_ID} characters."
    return None if type == "complete" else _malformed_request(payload)


def _malformed_request(payload: Any) -> str | None:
    if not isinstance(payload, dict) or not isinstance(payload.get("query"), str):
        return "The payload of subscribe is an object with a “query”."
    if not isinstance(payload.get("variables"), dict | None):
        return "The “variables” are an object."
    if not isinstance(payload.get("operationName"), str | None):
        return "The “operationName” is a text."
    return None
