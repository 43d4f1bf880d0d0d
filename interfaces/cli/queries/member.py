"""Documents about members and invitations."""

MEMBERS = """
query Members($first: Int!, $after: String, $waitFor: BigInt) {
  members(first: $first, after: $after, waitFor: $waitFor) {
    edges { node { userId name email role joinedAt } }
    pageInfo { hasNextPage endCursor }
  }
}"""

INVITATIONS = """
query Invitations($first: Int!, $after: String, $waitFor: BigInt) {
  invitations(first: $first, after: $after, waitFor: $waitFor) {
    edges { node { id email role status expiresAt invitedAt invitedBy } }
    pageInfo { hasNextPage endCursor }
  }
}"""

INVITE = """
mutation MemberInvite($email: String!, $role: Role!, $key: String) {
  memberInvite(email: $email, role: $role, idempotencyKey: $key) {
    invitation { id email role expiresAt } url eventPosition userErrors { field message code }
  }
}"""

WITHDRAW = """
mutation InvitationWithdraw($id: ID!) {
  invitationWithdraw(invitationId: $id) {
    invitation { id status } eventPosition userErrors { field message code }
  }
}"""

ROLE = """
mutation MemberRoleChange($id: ID!, $role: Role!) {
  memberRoleChange(userId: $id, role: $role) {
    member { userId name role } eventPosition userErrors { field message code }
  }
}"""

REMOVE = """
mutation MemberRemove($id: ID!) {
  memberRemove(userId: $id) { eventPosition userErrors { field message code } }
}"""
