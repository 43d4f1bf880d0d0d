"""Tracing by OpenTelemetry, sent by OTLP over HTTP; imported only where an endpoint is set.

Ids are derived, see `application.ports.tracing`: the 128 bits of a correlation id that is a UUID
(else of its hash) are the trace's id, the first 64 bits of the hash of an event's reference are its
span's. Which traces are kept is told by the trace's id too, so that all processes agree; by its low
56 bits, since the others of a UUID are not random.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from uuid import UUID

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes

from application.ports.tracing import After, Fact, Kind, Note
from domain.aggregate import Event

_RANDOM_BITS = 56
_KINDS = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}
_W3C = TraceContextTextMapPropagator()


def trace_id_of(correlation_id: str) -> int:
    try:
        return UUID(correlation_id).int or 1
    except ValueError:
        return int.from_bytes(sha256(correlation_id.encode()).digest()[:16]) or 1


def span_id_of(reference: str) -> int:
    return int.from_bytes(sha256(reference.encode()).digest()[:8]) or 1


class _DerivedIds(RandomIdGenerator):
    """The ids that are due in this context, else random ones."""

    def __init__(self) -> None:
        self.trace: ContextVar[int | None] = ContextVar("trace", default=None)
        self.span: ContextVar[int | None] = ContextVar("span", default=None)

    def generate_trace_id(self) -> int:
        return self.trace.get() or super().generate_trace_id()

    def generate_span_id(self) -> int:
        return self.span.get() or super().generate_span_id()


class _ShareOfTraces(Sampler):
    """Keeps a share of all traces, the same ones in every process."""

    def __init__(self, share: float) -> None:
        self._bound = round(share * 2**_RANDOM_BITS)

    def should_sample(
        self,
        parent_context: contexts.Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: trace.TraceState | None = None,
    ) -> SamplingResult:
        kept = trace_id % 2**_RANDOM_BITS < self._bound
        return SamplingResult(Decision.RECORD_AND_SAMPLE if kept else Decision.DROP, attributes)

    def get_description(self) -> str:
        return "a share of all traces, by their id"


class OtlpTracing:
    """Implements `application.ports.tracing.Tracing`. The endpoint, headers and timeouts are those
    of the standard variables (OTEL_EXPORTER_OTLP_…), which the exporter reads itself."""

    def __init__(self, service: str, instance: str, share: float = 1.0) -> None:
        self._ids = _DerivedIds()
        self._provider = TracerProvider(
            sampler=_ShareOfTraces(share),
            resource=Resource.create({"service.name": service, "service.instance.id": instance}),
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("edgewise")

    def close(self) -> None:
        """Sends what was not sent yet."""
        self._provider.shutdown()

    @contextmanager
    def span(
        self, name: str, after: After | None = None, kind: Kind = "internal", **facts: Fact
    ) -> Iterator[Note]:
        with (
            self._due(after) as parent,
            self._tracer.start_as_current_span(
                name, parent, _KINDS[kind], _spelled(facts)
            ) as opened,
        ):
            yield lambda fact, value: opened.set_attribute(f"edgewise.{fact}", value)

    def past(self, name: str, after: After, began: float, **facts: Fact) -> None:
        with self._due(after) as parent:
            begun = round(began * 1e9)
            over = self._tracer.start_span(
                name, parent, attributes=_spelled(facts), start_time=begun
            )
        over.end()

    def happened(self, event: Event) -> None:
        facts: dict[str, Fact] = {
            "tenant": str(event.cause.tenant_id),
            "event": event.reference,
            "actor": event.cause.actor,
        }
        token = self._ids.span.set(span_id_of(event.reference))
        now = time.time_ns()
        try:
            with self._due(After(event.cause.correlation_id)) as parent:
                told = self._tracer.start_span(
                    event.TOPIC, parent, attributes=_spelled(facts), start_time=now
                )
            told.end(now)
        finally:
            self._ids.span.reset(token)

    def traceparent(self) -> str | None:
        carrier: dict[str, str] = {}
        _W3C.inject(carrier)
        return carrier.get("traceparent")

    @contextmanager
    def _due(self, after: After | None) -> Iterator[contexts.Context | None]:
        """The context to begin a span in. None is the one that is open here."""
        if after is None or trace.get_current_span().get_span_context().is_valid:
            yield None
            return
        trace_id = trace_id_of(after.correlation_id)
        token = self._ids.trace.set(trace_id)
        try:
            yield _named(after, trace_id)
        finally:
            self._ids.trace.reset(token)


def _named(after: After, trace_id: int) -> contexts.Context:
    if after.traceparent is not None:
        carried = _W3C.extract({"traceparent": after.traceparent}, contexts.Context())
        if trace.get_current_span(carried).get_span_context().is_valid:
            return carried
    if after.reference is None:
        return contexts.Context()
    before = SpanContext(
        trace_id, span_id_of(after.reference), is_remote=True, trace_flags=TraceFlags(1)
    )
    return trace.set_span_in_context(NonRecordingSpan(before), contexts.Context())


def _spelled(facts: dict[str, Fact]) -> dict[str, Fact]:
    return {f"edgewise.{name}": value for name, value in facts.items()}
