"""Documents about models and their artifacts."""

from interfaces.cli.queries.artifact import ARTIFACT_FIELDS

MODEL_FIELDS = """
  id name task status versions createdAt createdBy updatedAt position changed
"""

LIST = f"""
query ModelList($first: Int!, $after: String, $status: ModelStatus, $contains: String,
                $asOf: Moment, $waitFor: BigInt) {{
  models(first: $first, after: $after, status: $status, nameContains: $contains, asOf: $asOf,
         waitFor: $waitFor) {{
    edges {{ node {{ {MODEL_FIELDS} aliases {{ name artifact {{ id variant version }} }} }} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""

FIND = """
query ModelFind($id: ID, $name: String, $asOf: Moment, $waitFor: BigInt) {
  model(id: $id, name: $name, asOf: $asOf, waitFor: $waitFor) { id name task status versions }
}"""

SHOW = f"""
query ModelShow($id: ID, $name: String, $asOf: Moment, $waitFor: BigInt) {{
  model(id: $id, name: $name, asOf: $asOf, waitFor: $waitFor) {{
    {MODEL_FIELDS}
    aliases {{ name movedAt movedBy artifact {{ id variant version }} }}
    artifacts(first: 100) {{
      edges {{ node {{ {ARTIFACT_FIELDS} }} }}
      pageInfo {{ hasNextPage endCursor }}
    }}
  }}
}}"""

REGISTER = """
mutation ModelRegister($name: String!, $task: Task!, $key: String) {
  modelRegister(name: $name, task: $task, idempotencyKey: $key) {
    model { id name task status versions } eventPosition userErrors { field message code }
  }
}"""

VERSION_UPLOAD = f"""
mutation ModelVersionUpload($modelId: ID!, $uploadId: ID!) {{
  modelVersionUpload(modelId: $modelId, uploadId: $uploadId) {{
    artifact {{ {ARTIFACT_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""


def _on_model(mutation: str) -> str:
    return f"""
mutation Change($modelId: ID!) {{
  {mutation}(modelId: $modelId) {{
    model {{ id name status }} eventPosition userErrors {{ field message code }}
  }}
}}"""


ARCHIVE = _on_model("modelArchive")
RESTORE = _on_model("modelRestore")
DELETE = _on_model("modelDelete")

ALIAS_MOVE = """
mutation ModelAliasMove($modelId: ID!, $alias: String!, $artifactId: ID!) {
  modelAliasMove(modelId: $modelId, alias: $alias, artifactId: $artifactId) {
    model { id name aliases { name artifact { id variant version } } }
    eventPosition userErrors { field message code }
  }
}"""

ALIAS_REMOVE = """
mutation ModelAliasRemove($modelId: ID!, $alias: String!) {
  modelAliasRemove(modelId: $modelId, alias: $alias) {
    model { id name aliases { name } } eventPosition userErrors { field message code }
  }
}"""
