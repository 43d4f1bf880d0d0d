"""Documents about tenants, their keys and what they have spent."""

TENANT_FIELDS = """
  id name plan createdAt limits { models optimizations benchmarks largestModelBytes }
"""

KEY_FIELDS = "id label role platform createdAt createdBy revokedAt"

VIEWER = f"""
query Viewer {{
  viewer {{ actor role platform tenant {{ {TENANT_FIELDS} }} flags {{ name enabled }} }}
}}"""

QUOTA = """
query Quota($asOf: Moment, $waitFor: BigInt) {
  quotas(asOf: $asOf, waitFor: $waitFor) { id kind period used limit resetsAt }
  viewer(asOf: $asOf) { tenant { name plan limits { largestModelBytes } } }
}"""

QUOTA_UNITS = """
query QuotaUnits($first: Int!, $asOf: Moment, $waitFor: BigInt) {
  quotas(asOf: $asOf, waitFor: $waitFor) {
    id kind period used limit resetsAt
    units(first: $first) {
      edges { node { subject spentAt returnedAt returnedReason spentBy { position streamId version
                     topic actor } } }
    }
  }
}"""

KEY_LIST = f"""
query KeyList($first: Int!, $after: String, $asOf: Moment, $waitFor: BigInt) {{
  apiKeys(first: $first, after: $after, asOf: $asOf, waitFor: $waitFor) {{
    edges {{ node {{ {KEY_FIELDS} }} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""

KEY_ISSUE = f"""
mutation KeyIssue($label: String!, $role: Role!, $tenantId: ID, $key: String) {{
  apiKeyIssue(label: $label, role: $role, tenantId: $tenantId, idempotencyKey: $key) {{
    apiKey {{ {KEY_FIELDS} }} secret eventPosition userErrors {{ field message code }}
  }}
}}"""

KEY_REVOKE = f"""
mutation KeyRevoke($id: ID!) {{
  apiKeyRevoke(apiKeyId: $id) {{
    apiKey {{ {KEY_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""

REGISTER = f"""
mutation TenantRegister($name: String!, $plan: Plan!, $key: String) {{
  tenantRegister(name: $name, plan: $plan, idempotencyKey: $key) {{
    tenant {{ {TENANT_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""

PLAN = f"""
mutation TenantPlan($id: ID!, $plan: Plan!) {{
  tenantPlanChange(tenantId: $id, plan: $plan) {{
    tenant {{ {TENANT_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""

FLAG = f"""
mutation TenantFlag($id: ID!, $flag: String!, $enabled: Boolean) {{
  tenantFlagSet(tenantId: $id, flag: $flag, enabled: $enabled) {{
    tenant {{ {TENANT_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""
