"""Documents about claims, with which devices join."""

CLAIM_FIELDS = """
  id status labels { name value } group issuedAt issuedBy expiresAt device { id name }
  profile { name }
"""

ISSUE = """
mutation DeviceClaimsIssue($count: Int!, $expiresIn: Int!, $labels: [LabelInput!], $group: String,
                           $profile: ID, $key: String) {
  deviceClaimsIssue(count: $count, expiresIn: $expiresIn, labels: $labels, group: $group,
                    deviceProfileId: $profile, idempotencyKey: $key) {
    claims { id code expiresAt } eventPosition userErrors { field message code }
  }
}"""

LIST = f"""
query DeviceClaims($first: Int!, $after: String, $status: DeviceClaimStatus, $asOf: Moment,
                   $waitFor: BigInt) {{
  deviceClaims(first: $first, after: $after, status: $status, asOf: $asOf, waitFor: $waitFor) {{
    edges {{ node {{ {CLAIM_FIELDS} }} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""

WITHDRAW = f"""
mutation DeviceClaimWithdraw($id: ID!) {{
  deviceClaimWithdraw(deviceClaimId: $id) {{
    deviceClaim {{ {CLAIM_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""
