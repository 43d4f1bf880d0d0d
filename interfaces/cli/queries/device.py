"""Documents about devices: looking, describing, their twins, their commands, and live."""

DEVICE_FIELDS = """
  id name labels { name value } group online onlineChangedAt offlineReason agent decommissioned
  registeredAt position changed profile { id name } certificate { serial expiresAt }
  twin { desired desiredVersion reported reportedVersion delta inSync }
"""
COMMAND_FIELDS = """
  id deviceId kind arguments status result error sentAt sentBy expiresAt endedAt position changed
"""
EVENT_FIELDS = """
  position streamId version topic recordedAt occurredAt actor causationId correlationId data
"""

FIND = f"""
query DeviceFind($id: ID, $name: String, $asOf: Moment, $waitFor: BigInt) {{
  device(id: $id, name: $name, asOf: $asOf, waitFor: $waitFor) {{ {DEVICE_FIELDS} }}
}}"""

SHOW = f"""
query DeviceShow($id: ID, $name: String, $asOf: Moment, $waitFor: BigInt) {{
  device(id: $id, name: $name, asOf: $asOf, waitFor: $waitFor) {{
    {DEVICE_FIELDS} facts
    update {{ state problem rolloutId }} installedBy {{ name }}
    commands(first: 10) {{ nodes {{ {COMMAND_FIELDS} }} }}
    certificates(first: 10) {{ nodes {{ serial issuedAt expiresAt revokedAt reason }} }}
  }}
}}"""

LIST = f"""
query DeviceList($first: Int!, $after: String, $filter: DeviceFilter, $asOf: Moment,
                 $waitFor: BigInt) {{
  devices(first: $first, after: $after, filter: $filter, asOf: $asOf, waitFor: $waitFor) {{
    edges {{ node {{ {DEVICE_FIELDS} }} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""

TELEMETRY = """
query DeviceTelemetry($id: ID!, $first: Int!, $kind: String) {
  device(id: $id) { telemetry(first: $first, kind: $kind) {
    at receivedAt source kind body logId number
  } }
}"""

NAMES = """
query DeviceNames($first: Int!, $filter: DeviceFilter) {
  devices(first: $first, filter: $filter) { nodes { name } }
}"""

HEAD = """
query DeviceHead { system { head } }"""

DESCRIBE = f"""
mutation DeviceDescribe($id: ID!, $name: String, $labels: [LabelInput!], $group: String,
                        $profile: ID) {{
  deviceDescribe(deviceId: $id, name: $name, labels: $labels, group: $group,
                 deviceProfileId: $profile) {{
    device {{ {DEVICE_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""

TWIN_SET = f"""
mutation DeviceTwinSet($id: ID!, $patch: JSON!, $version: Int) {{
  deviceTwinSet(deviceId: $id, patch: $patch, version: $version) {{
    device {{ {DEVICE_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""

MODEL_RUN = f"""
mutation DeviceModelRun($id: ID!, $artifact: ID!) {{
  deviceModelRun(deviceId: $id, artifactId: $artifact) {{
    device {{ {DEVICE_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""

TWIN_DIFF = """
query DeviceTwinDiff($id: ID!, $from: Moment!, $to: Moment) {
  deviceTwinDiff(deviceId: $id, from: $from, to: $to) {
    fromPosition toPosition desired reported
    before { desired desiredVersion reported reportedVersion }
    after { desired desiredVersion reported reportedVersion }
  }
}"""

SEND = f"""
mutation DeviceCommandSend($id: ID!, $kind: DeviceCommandKind!, $arguments: JSON,
                           $expiresIn: Int!, $key: String) {{
  deviceCommandSend(deviceId: $id, kind: $kind, arguments: $arguments, expiresIn: $expiresIn,
                    idempotencyKey: $key) {{
    deviceCommand {{ {COMMAND_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""

COMMAND_LOGS = """
query DeviceCommandLogs($id: ID!, $waitFor: BigInt) {
  deviceCommand(id: $id, waitFor: $waitFor) { logs { sha256 bytes downloadUrl } }
}"""

REVOKE = f"""
mutation DeviceCertificatesRevoke($id: ID!, $reason: String!) {{
  deviceCertificatesRevoke(deviceId: $id, reason: $reason) {{
    device {{ {DEVICE_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""

DECOMMISSION = f"""
mutation DeviceDecommission($id: ID!) {{
  deviceDecommission(deviceId: $id) {{
    device {{ {DEVICE_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""

CHANGED = f"""
subscription DeviceChanged($id: ID!, $after: BigInt) {{
  deviceChanged(deviceId: $id, after: $after) {{
    device {{ {DEVICE_FIELDS} }} event {{ {EVENT_FIELDS} }}
  }}
}}"""

FLEET_CHANGED = f"""
subscription DevicesChanged($after: BigInt) {{
  devicesChanged(after: $after) {{
    device {{ {DEVICE_FIELDS} }} event {{ {EVENT_FIELDS} }}
  }}
}}"""

COMMAND_PROGRESSED = f"""
subscription DeviceCommandProgressed($id: ID!, $after: BigInt) {{
  deviceCommandProgressed(commandId: $id, after: $after) {{ {COMMAND_FIELDS} }}
}}"""
