// The client of npm's graphql-ws: node graphql_ws.mjs URL TOKEN NAME
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { exercise } from "./exercise.mjs";

const [, , url, token] = process.argv;
const sockets = new Set();
class Cuttable extends WebSocket {
  constructor(...given) {
    super(...given);
    sockets.add(this);
    this.on("close", () => sockets.delete(this));
  }
}
const client = createClient({
  url,
  webSocketImpl: Cuttable,
  connectionParams: { authorization: `Bearer ${token}` },
  keepAlive: 500,
  retryAttempts: 0, // the test resumes by itself, with the last position
});

await exercise({
  cuts: 0,
  ask: (query, variables) =>
    new Promise((resolve, reject) => {
      let answer;
      client.subscribe(
        { query, variables },
        {
          next: ({ data, errors }) => (errors ? reject(errors) : (answer = data)),
          error: reject,
          complete: () => resolve(answer),
        },
      );
    }),
  follow(query, variables, { next, ended }) {
    return client.subscribe(
      { query, variables },
      { next: ({ data }) => next(data), error: ended, complete: ended },
    );
  },
  cut() {
    this.cuts += 1;
    for (const socket of sockets) socket.terminate();
  },
});
