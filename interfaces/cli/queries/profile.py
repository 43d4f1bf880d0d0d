"""Documents about device profiles."""

PROFILE_FIELDS = """
  id name template architecture cores memoryBytes runtimes accelerators
"""

TEMPLATES = f"""
query ProfileTemplates {{ deviceProfileTemplates {{ {PROFILE_FIELDS} }} }}"""

LIST = f"""
query ProfileList($first: Int!, $after: String, $asOf: Moment, $waitFor: BigInt) {{
  deviceProfiles(first: $first, after: $after, asOf: $asOf, waitFor: $waitFor) {{
    edges {{ node {{ {PROFILE_FIELDS} }} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""

DEFINE = f"""
mutation ProfileDefine($name: String!, $hardware: HardwareInput!, $key: String) {{
  deviceProfileDefine(name: $name, hardware: $hardware, idempotencyKey: $key) {{
    deviceProfile {{ {PROFILE_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""

REVISE = f"""
mutation ProfileRevise($id: ID!, $hardware: HardwareInput!) {{
  deviceProfileRevise(deviceProfileId: $id, hardware: $hardware) {{
    deviceProfile {{ {PROFILE_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""

DELETE = """
mutation ProfileDelete($id: ID!) {
  deviceProfileDelete(deviceProfileId: $id) {
    deviceProfile { id name } eventPosition userErrors { field message code }
  }
}"""
