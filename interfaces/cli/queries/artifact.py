"""Documents about artifacts: what they are, how they compare, where their files are."""

ARTIFACT_FIELDS = """
  id modelId version variant format bytes passed createdAt position sourceId jobId proof
  signature {
    inputs { name dtype shape } outputs { name dtype shape } parameters opset operators
  }
  benchmark {
    jobId p50Ms p90Ms p99Ms throughput loadMs peakMemoryBytes evidence measuredAt
  }
"""

OF_MODEL = f"""
query ArtifactList($modelId: ID!, $version: Int, $first: Int!, $after: String, $asOf: Moment,
                   $waitFor: BigInt) {{
  model(id: $modelId, asOf: $asOf, waitFor: $waitFor) {{
    id name
    aliases {{ name artifact {{ id }} }}
    artifacts(first: $first, after: $after, version: $version) {{
      edges {{ node {{ {ARTIFACT_FIELDS} }} }}
      pageInfo {{ hasNextPage endCursor }}
    }}
  }}
}}"""

REFERENCES = """
query ArtifactReferences($modelId: ID!, $first: Int!, $after: String, $asOf: Moment,
                         $waitFor: BigInt) {
  model(id: $modelId, asOf: $asOf, waitFor: $waitFor) {
    aliases { name artifact { id } }
    artifacts(first: $first, after: $after) {
      edges { node { id variant version position } }
      pageInfo { hasNextPage endCursor }
    }
  }
}"""

SHOW = f"""
query ArtifactShow($id: ID!, $asOf: Moment, $waitFor: BigInt) {{
  artifact(id: $id, asOf: $asOf, waitFor: $waitFor) {{
    {ARTIFACT_FIELDS}
    files {{ path sha256 bytes }}
    benchmarks(first: 20) {{
      edges {{ node {{ jobId p50Ms p90Ms p99Ms throughput loadMs peakMemoryBytes evidence
                       measuredAt details }} }}
    }}
  }}
}}"""

COMPARE = f"""
query ArtifactCompare($ids: [ID!]!, $asOf: Moment, $waitFor: BigInt) {{
  artifacts(ids: $ids, asOf: $asOf, waitFor: $waitFor) {{ {ARTIFACT_FIELDS} }}
}}"""

FILES = """
query ArtifactFiles($id: ID!, $expiresIn: Int!) {
  artifact(id: $id) {
    id variant version files { path sha256 bytes downloadUrl(expiresIn: $expiresIn) }
  }
}"""

REMOVE = """
mutation ArtifactRemove($modelId: ID!, $artifactId: ID!) {
  artifactRemove(modelId: $modelId, artifactId: $artifactId) {
    model { id name } eventPosition userErrors { field message code }
  }
}"""
