"""Our executor: graphql-core's, with plain fields answered inline (see `columns`).

It answers exactly as graphql-core's own does, errors and their order included;
`tests/interfaces/graphql/test_executor.py` compares the two. On top, an operation has 30 s, and no
error suggests names that the asker did not know.

What is planned for a selection is kept with its document, so that the next request finds it. That
needs a document without directives: `@skip` and `@include` make a selection depend on variables.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
)
from graphql.execution.collect_fields import CollectedFields, FieldDetailsList, GroupedFieldSet
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from interfaces.graphql.columns import Columns, Reader, attribute_of, reader_of

DEADLINE = 30.0
TIMED_OUT = "TIMED_OUT"


class _Plan:
    """A selection of an object type: its plain fields, and the others. `selected` is kept so that
    its id, by which plans are found, is not given to another."""

    __slots__ = ("columns", "others", "selected")

    def __init__(self, selected: GroupedFieldSet, columns: Columns, others: GroupedFieldSet):
        self.selected, self.columns, self.others = selected, columns, others

    def merged(self, plain: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
        """Both, in the order of the query."""
        found = plain | others
        return {name: found[name] for name in self.selected if name in found}


class Plans:
    """What was planned for the selections of one document, by the nodes that select."""

    __slots__ = ("of_selections", "readers", "subfields")

    def __init__(self) -> None:
        self.subfields: dict[tuple[Any, ...], CollectedFields] = {}
        self.of_selections: dict[tuple[str, int], _Plan] = {}
        self.readers: dict[tuple[Any, ...], Reader | None] = {}


class PlannedDocument(DocumentNode):
    """A document that keeps its plans."""

    plans: Plans

    @classmethod
    def of(cls, document: DocumentNode) -> DocumentNode:
        """The document with room for plans, if they can be kept."""
        if document.loc is None or "@" in document.loc.source.body:
            return document
        planned = cls(definitions=document.definitions, loc=document.loc)
        object.__setattr__(planned, "plans", Plans())
        return planned


class PlainFieldsInline(StrawberryGraphQLCoreExecutionContext):
    """Executes one operation."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._plans = Plans()

    @classmethod
    def build(cls, schema: GraphQLSchema, document: DocumentNode, *args: Any, **kwargs: Any) -> Any:
        executor = super().build(schema, document, *args, **{**kwargs, "hide_suggestions": True})
        if isinstance(executor, cls) and isinstance(document, PlannedDocument):
            executor._plans = document.plans
        return executor

    def execute_operation(self, serially: bool | None = None) -> Any:
        """One operation, or one event of a subscription. A command that has begun is not given up:
        it ends, and then the time is up."""
        result = super().execute_operation(serially)
        return self._in_time(result) if self.is_awaitable(result) else result

    async def _in_time(self, result: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(DEADLINE):
                return await result
        except TimeoutError:
            message = f"The operation took longer than {DEADLINE:g} s. Ask for less at once."
            return ExecutionResult(None, [GraphQLError(message, extensions={"code": TIMED_OUT})])

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: Any,
    ) -> Any:
        execute = super().execute_fields
        if path is None:  # the root's fields have resolvers, all of them
            return execute(parent_type, source_value, path, grouped_field_set, position_context)
        plan = self._plan(parent_type, grouped_field_set)
        if not plan.columns:
            return execute(parent_type, source_value, path, grouped_field_set, position_context)
        try:
            (plain,) = plan.columns.of((source_value,))
        except Exception:  # whatever it was, graphql-core meets it again and tells it
            return execute(parent_type, source_value, path, grouped_field_set, position_context)
        if not plan.others:
            return plain
        others = execute(parent_type, source_value, path, plan.others, position_context)
        if isinstance(others, dict):
            return plan.merged(plain, others)
        return self._merged(plan, plain, others)

    async def _merged(
        self, plan: _Plan, plain: dict[str, Any], others: Awaitable[dict[str, Any]]
    ) -> dict[str, Any]:
        return plan.merged(plain, await others)

    def complete_iterable_value(
        self,
        item_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        items: Iterable[Any],
        position_context: Any,
    ) -> Any:
        if isinstance(items, list | tuple) and items:
            reader = self._reader(item_type, field_details_list)
            if reader is not None:
                try:
                    return reader(items)
                except Exception:  # graphql-core meets it again and tells it
                    pass
        return super().complete_iterable_value(
            item_type, field_details_list, info, path, items, position_context
        )

    def collect_subfields(
        self, return_type: GraphQLObjectType, field_details_list: FieldDetailsList
    ) -> CollectedFields:
        key = (return_type.name, *(id(details.node) for details in field_details_list))
        known = self._plans.subfields.get(key)
        if known is None:
            known = super().collect_subfields(return_type, field_details_list)
            self._plans.subfields[key] = known
        return known

    def _reader(self, type_: GraphQLOutputType, details: FieldDetailsList) -> Reader | None:
        """How a column of a field's values, or of the items in them, is completed."""
        key = (id(type_), *(id(one.node) for one in details))
        if key not in self._plans.readers:
            self._plans.readers[key] = reader_of(type_, lambda of: self._plain(of, details))
        return self._plans.readers[key]

    def _plain(self, object_type: GraphQLObjectType, details: FieldDetailsList) -> Columns | None:
        """The columns of a selection, if it has nothing else."""
        plan = self._plan(object_type, self.collect_subfields(object_type, details)[0])
        return None if plan.others else plan.columns

    def _plan(self, object_type: GraphQLObjectType, selected: GroupedFieldSet) -> _Plan:
        key = (object_type.name, id(selected))
        plan = self._plans.of_selections.get(key)
        if plan is None:
            plan = self._plans.of_selections[key] = self._planned(object_type, selected)
        return plan

    def _planned(self, object_type: GraphQLObjectType, selected: GroupedFieldSet) -> _Plan:
        columns, others = Columns(object_type), {}
        for name, details in selected.items():
            field_name = details[0].node.name.value
            if field_name == "__typename":
                columns.add_constant(name, object_type.name)
            elif not self._add(columns, name, object_type.fields.get(field_name), details):
                others[name] = details
        return _Plan(selected, columns, others)

    def _add(
        self, columns: Columns, name: str, field: GraphQLField | None, details: FieldDetailsList
    ) -> bool:
        """Whether the field is plain, and has been added."""
        attribute = None if field is None else attribute_of(field)
        if field is None or attribute is None:
            return False
        reader = self._reader(field.type, details)
        if reader is None:
            return False
        columns.add(name, attribute, reader)
        return True
