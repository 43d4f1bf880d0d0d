"""Any moment can be asked for: what the schema gives of objects and lists takes `asOf`."""

from graphql import GraphQLObjectType, GraphQLSchema, get_named_type, is_input_type

from interfaces.graphql.schema import make_schema

NOT_HISTORY = {
    "sessions": "where one is signed in now: rows that end, and no events",
    "deviceProfileTemplates": "constants of the program",
    "deviceTwinDiff": "two moments of its own",
    "optimizationPasses": "constants of the program",
    "scorers": "constants of the program",
    "system": "how this installation is now: its version, its followers",
    "optimizationRecommendation": "advice of the program, on what is asked",
    "rolloutPreview": "what would happen now",
    "toolchains": "constants of the program, and who has them now",
    "workers": "who carries out jobs now",
}


def test_every_query_field_takes_a_moment() -> None:
    query = _schema().query_type
    assert query is not None
    lacking = {
        name
        for name, field in query.fields.items()
        if isinstance(get_named_type(field.type), GraphQLObjectType)
        or not is_input_type(field.type)
        if "asOf" not in field.args
    }
    assert lacking == NOT_HISTORY.keys()


def test_a_moment_is_given_at_the_root_and_holds_for_all_inside() -> None:
    schema = _schema()
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    inner = {
        f"{type_.name}.{name}"
        for type_ in schema.type_map.values()
        if isinstance(type_, GraphQLObjectType) and type_ not in roots
        for name, field in type_.fields.items()
        if "asOf" in field.args
    }
    assert inner == set()


def _schema() -> GraphQLSchema:
    return make_schema()._schema
