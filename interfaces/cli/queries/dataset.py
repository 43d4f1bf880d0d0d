"""Documents about datasets."""

DATASET_FIELDS = """
  id name purpose versions createdAt createdBy updatedAt position changed
  latest { number sha256 bytes rows arrays labelCounts createdAt }
"""

FIND = """
query DatasetFind($id: ID, $name: String, $asOf: Moment, $waitFor: BigInt) {
  dataset(id: $id, name: $name, asOf: $asOf, waitFor: $waitFor) { id name purpose versions }
}"""

SHOW = f"""
query DatasetShow($id: ID, $name: String, $asOf: Moment, $waitFor: BigInt) {{
  dataset(id: $id, name: $name, asOf: $asOf, waitFor: $waitFor) {{ {DATASET_FIELDS} }}
}}"""

LIST = f"""
query DatasetList($first: Int!, $after: String, $purpose: DatasetPurpose, $asOf: Moment,
                  $waitFor: BigInt) {{
  datasets(first: $first, after: $after, purpose: $purpose, asOf: $asOf, waitFor: $waitFor) {{
    edges {{ node {{ {DATASET_FIELDS} }} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""

REGISTER = """
mutation DatasetRegister($name: String!, $purpose: DatasetPurpose!, $key: String) {
  datasetRegister(name: $name, purpose: $purpose, idempotencyKey: $key) {
    dataset { id name purpose versions } eventPosition userErrors { field message code }
  }
}"""

VERSION_UPLOAD = f"""
mutation DatasetVersionUpload($datasetId: ID!, $uploadId: ID!) {{
  datasetVersionUpload(datasetId: $datasetId, uploadId: $uploadId) {{
    dataset {{ {DATASET_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""

DELETE = """
mutation DatasetDelete($datasetId: ID!) {
  datasetDelete(datasetId: $datasetId) {
    dataset { id name } eventPosition userErrors { field message code }
  }
}"""
