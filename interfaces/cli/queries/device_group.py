"""Documents about device groups."""

GROUP_FIELDS = """
  id name labels { name value } online group text profile { id name } count createdAt createdBy
"""

FIND = f"""
query DeviceGroupFind($id: ID, $name: String, $asOf: Moment, $waitFor: BigInt) {{
  deviceGroup(id: $id, name: $name, asOf: $asOf, waitFor: $waitFor) {{ {GROUP_FIELDS} }}
}}"""

DEVICES = """
query DeviceGroupDevices($first: Int!, $after: String, $id: ID!, $asOf: Moment) {
  deviceGroup(id: $id, asOf: $asOf) {
    devices(first: $first, after: $after) {
      edges { node {
        id name labels { name value } group online onlineChangedAt offlineReason agent changed
        decommissioned position certificate { serial expiresAt } twin { inSync }
      } }
      pageInfo { hasNextPage endCursor }
    }
  }
}"""

LIST = f"""
query DeviceGroupList($first: Int!, $after: String, $asOf: Moment, $waitFor: BigInt) {{
  deviceGroups(first: $first, after: $after, asOf: $asOf, waitFor: $waitFor) {{
    edges {{ node {{ {GROUP_FIELDS} }} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""

DEFINE = f"""
mutation DeviceGroupDefine($name: String!, $query: DeviceGroupQueryInput!, $key: String) {{
  deviceGroupDefine(name: $name, query: $query, idempotencyKey: $key) {{
    deviceGroup {{ {GROUP_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""

REVISE = f"""
mutation DeviceGroupRevise($id: ID!, $query: DeviceGroupQueryInput!) {{
  deviceGroupRevise(deviceGroupId: $id, query: $query) {{
    deviceGroup {{ {GROUP_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""

DELETE = """
mutation DeviceGroupDelete($id: ID!) {
  deviceGroupDelete(deviceGroupId: $id) {
    deviceGroup { id } eventPosition userErrors { field message code }
  }
}"""
