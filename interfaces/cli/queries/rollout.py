"""Documents about rollouts."""

EVIDENCE_FIELDS = """
  position
  tally { devices queued open confirmed bad skipped canceled reverted notTakenBack success }
  rule { kind outcomes failures value limit stops }
  gates { metric new old newDevices oldDevices limitRatio passes }
"""
ROLLOUT_FIELDS = f"""
  id name status reason message wave phase phaseUntil waveSizes watchUntil author
  draftedAt approvedAt approvedBy startedAt endedAt changed position releaseId release plan
  waves {{ wave devices phase startedAt soakUntil promotedAt promotedBy }}
  updateCounts {{ state count }}
  evidence {{ {EVIDENCE_FIELDS} }}
"""
UPDATE_FIELDS = """
  id deviceId device { name online } wave state attempt code problem detail running findings
  offeredAt settledAt updatedAt
"""

FIND = f"""
query RolloutFind($id: ID!, $asOf: Moment, $waitFor: BigInt) {{
  rollout(id: $id, asOf: $asOf, waitFor: $waitFor) {{ {ROLLOUT_FIELDS} }}
}}"""

LIST = """
query RolloutList(
  $first: Int!, $after: String, $status: RolloutStatus, $asOf: Moment, $waitFor: BigInt
) {
  rollouts(first: $first, after: $after, status: $status, asOf: $asOf, waitFor: $waitFor) {
    edges { node {
      id name status reason wave waveSizes draftedAt author position changed
      updateCounts { state count }
    } }
    pageInfo { hasNextPage endCursor }
  }
}"""

NAMES = """
query RolloutNames($first: Int!) { rollouts(first: $first) { nodes { name } } }"""

UPDATES = f"""
query RolloutUpdates(
  $first: Int!, $after: String, $id: ID!, $state: UpdateState, $wave: Int, $asOf: Moment
) {{
  rollout(id: $id, asOf: $asOf) {{
    updates(first: $first, after: $after, state: $state, wave: $wave) {{
      edges {{ node {{ {UPDATE_FIELDS} }} }}
      pageInfo {{ hasNextPage endCursor }}
    }}
  }}
}}"""

PROGRESSED = f"""
subscription RolloutProgressed($id: ID!, $after: BigInt) {{
  rolloutProgressed(rolloutId: $id, after: $after) {{
    rollout {{ id name status reason message wave phase phaseUntil waveSizes
      evidence {{ {EVIDENCE_FIELDS} }} }}
    update {{ {UPDATE_FIELDS} }}
    event {{ position topic recordedAt }}
  }}
}}"""


def _act(mutation: str, name: str, more: str = "", given: str = "") -> str:
    """A mutation on one rollout."""
    return f"""
mutation {name}($id: ID!{more}) {{
  {mutation}(rolloutId: $id{given}) {{
    rollout {{ {ROLLOUT_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""


DRAFT = f"""
mutation RolloutDraft(
  $name: String!, $release: ReleaseInput!, $target: RolloutTargetInput!,
  $plan: RolloutPlanInput, $key: String
) {{
  rolloutDraft(
    name: $name, release: $release, target: $target, plan: $plan, idempotencyKey: $key
  ) {{
    rollout {{ {ROLLOUT_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""
ASK = _act("rolloutAskApproval", "RolloutAskApproval")
APPROVE = _act("rolloutApprove", "RolloutApprove")
PAUSE = _act("rolloutPause", "RolloutPause", ", $message: String", ", message: $message")
RESUME = _act("rolloutResume", "RolloutResume")
PROMOTE = _act("rolloutPromote", "RolloutPromote")
ABORT = _act(
    "rolloutAbort",
    "RolloutAbort",
    ", $revert: Boolean!, $message: String",
    ", revert: $revert, message: $message",
)
RETRY = _act("rolloutRetry", "RolloutRetry", ", $devices: [ID!]", ", deviceIds: $devices")
FORCE = _act("rolloutForce", "RolloutForce", ", $device: ID!", ", deviceId: $device")

PREVIEW = """
query RolloutPreview($id: ID!) {
  rolloutPreview(rolloutId: $id) {
    devices online bytes estimatedSeconds assumptions installedAlready
    waves { wave devices online estimatedSeconds }
    leftOut { deviceId name why } conflicts { deviceId name rolloutId rolloutName }
  }
}"""
REPLAY = """
query RolloutReplay($id: ID!, $rule: StopRuleInput!, $asOf: Moment) {
  rolloutReplay(rolloutId: $id, rule: $rule, asOf: $asOf) {
    outcomes failures stopsAt exposed spared finding { kind outcomes failures value limit stops }
  }
}"""
