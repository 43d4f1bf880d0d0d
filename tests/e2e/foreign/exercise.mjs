// What every client does: a query, a mutation, and a subscription that is cut and resumed.
// `client` is { ask(query, variables), follow(query, variables, sink) -> stop, cut() }.

const QUERY = "{ viewer { role } }";
const MUTATION = `mutation ($name: String!) {
  modelRegister(name: $name, task: OTHER) { eventPosition userErrors { code } }
}`;
const SUBSCRIPTION = `subscription ($after: BigInt) {
  eventsAppended(after: $after) { position }
}`;

/** Follows until `enough` says so, and again after every cut; returns all positions told. */
async function resumed(client, enough) {
  const told = [];
  while (!enough(told)) {
    await new Promise((resolve) => {
      const stop = client.follow(SUBSCRIPTION, { after: told.at(-1) ?? 0 }, {
        next: (data) => {
          told.push(data.eventsAppended.position);
          if (enough(told)) stop();
          else if (told.length % 3 === 0) client.cut();
        },
        ended: resolve,
      });
    });
  }
  return told;
}

export async function exercise(client) {
  const viewer = await client.ask(QUERY, {});
  const names = [1, 2, 3].map((number) => `${process.argv[4]} ${number}`);
  const positions = [];
  for (const name of names) {
    const { modelRegister } = await client.ask(MUTATION, { name });
    if (modelRegister.userErrors.length) throw new Error(JSON.stringify(modelRegister.userErrors));
    positions.push(modelRegister.eventPosition);
  }
  const told = await resumed(client, (so_far) => so_far.at(-1) >= positions.at(-1));
  console.log(JSON.stringify({ role: viewer.viewer.role, told, cuts: client.cuts }));
  process.exit(0);
}
