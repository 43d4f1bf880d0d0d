"""Ids of traces and spans are derived, so that every process knows them without being told."""

from uuid import UUID, uuid4

import pytest

from application.ports.tracing import After
from infrastructure.observing.otlp import OtlpTracing, _ShareOfTraces, span_id_of, trace_id_of


def test_a_correlation_id_that_is_a_uuid_is_the_traces_id() -> None:
    id = uuid4()
    assert trace_id_of(str(id)) == id.int
    assert trace_id_of("my-request-1") == trace_id_of("my-request-1") != trace_id_of("other")
    assert 0 < trace_id_of("my-request-1") < 2**128
    assert trace_id_of(str(UUID(int=0))) != 0
    assert 0 < span_id_of(f"{id}/1") != span_id_of(f"{id}/2")


def test_the_share_of_traces_kept_is_a_share_of_uuids() -> None:
    """Four bits of a UUID are the same in all of them; they must not decide."""
    sampler = _ShareOfTraces(0.3)
    decisions = [sampler.should_sample(None, uuid4().int, "x").decision for _ in range(3000)]
    kept = sum(decision.is_sampled() for decision in decisions)
    assert 700 < kept < 1100
    assert all(_ShareOfTraces(1).should_sample(None, uuid4().int, "x").decision for _ in range(99))


def test_a_span_follows_what_is_open_here_else_what_led_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    tracing = OtlpTracing("edgewise", "test")
    id = uuid4()
    assert tracing.traceparent() is None
    with tracing.span("outer", After(str(id))):
        outer = tracing.traceparent()
        assert outer is not None
        assert outer.split("-")[1] == id.hex
        with tracing.span("inner", After("something else")):
            inner = tracing.traceparent()
            assert inner is not None
            assert inner.split("-")[1] == id.hex
            assert inner != outer
    with tracing.span("message", After("other", traceparent=outer)):
        assert (tracing.traceparent() or "").split("-")[1] == id.hex
    with tracing.span("odd message", After(str(id), traceparent="nonsense")):
        assert (tracing.traceparent() or "").split("-")[1] == id.hex
    assert tracing.traceparent() is None
