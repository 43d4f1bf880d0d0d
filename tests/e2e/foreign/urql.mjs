// The client of npm's urql, which carries subscriptions by graphql-ws: node urql.mjs URL TOKEN NAME
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { exercise } from "./exercise.mjs";

const [, , url, token] = process.argv;
const sockets = new Set();
const followed = new Set();
class Cuttable extends WebSocket {
  constructor(...given) {
    super(...given);
    sockets.add(this);
    this.on("close", () => {
      sockets.delete(this);
      // urql says nothing of a cut that comes while it subscribes: the socket does.
      for (const over of followed) setTimeout(over, 100);
    });
  }
}
const carrier = createClient({
  url,
  webSocketImpl: Cuttable,
  connectionParams: () => ({ authorization: `Bearer ${token}` }),
  retryAttempts: 0,
});
const client = new Client({
  url: url.replace(/^ws/, "http"),
  fetchOptions: { headers: { authorization: `Bearer ${token}` } },
  exchanges: [
    subscriptionExchange({
      enableAllOperations: true, // queries and mutations go over the socket too
      forwardSubscription: (request) => ({
        subscribe: (sink) => ({
          unsubscribe: carrier.subscribe({ ...request, query: request.query ?? "" }, sink),
        }),
      }),
    }),
    fetchExchange,
  ],
});
const answered = async (source) => {
  const { data, error } = await source.toPromise();
  if (error) throw error;
  return data;
};

await exercise({
  cuts: 0,
  ask: (query, variables) =>
    answered(/^mutation/.test(query) ? client.mutation(query, variables) : client.query(query, variables)),
  follow(query, variables, { next, ended }) {
    const over = () => {
      followed.delete(over);
      unsubscribe();
      ended();
    };
    const { unsubscribe } = client.subscription(query, variables).subscribe((result) => {
      if (result.error) over();
      else next(result.data);
    });
    followed.add(over);
    return over;
  },
  cut() {
    this.cuts += 1;
    for (const socket of sockets) socket.terminate();
  },
});
