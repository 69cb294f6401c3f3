// The machine that both ends can reach: it brings robot and page together, and sees neither picture nor command.
//
//     deno run --allow-net tutorials/05_server.ts [--port 8080]
//
// --allow-net   serves the page and the signaling service at http://localhost:8080
import { parseArgs } from "node:util";
import { Hono } from "@hono/hono";
import { createSignaling, robotPage } from "rtcbot";

const options = { port: { type: "string", default: "8080" } } as const;
const { values: flags } = parseArgs({ args: Deno.args, options });

const signaling = createSignaling({ log: console.log });
const page = robotPage({ title: "Rover", connectPath: "/rover", icePath: "/rover/ice" });

const app = new Hono();
app.get("/", (c) => c.html(page));
app.route("/", signaling.app); // the robot waits at /rover, the page asks there
Deno.serve({ port: Number(flags.port) }, app.fetch);
