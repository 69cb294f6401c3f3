/// <reference lib="dom" />
/** Requests to a robot's server or a signaling service, whose failures are sentences for a person. */

import { ConnectionLost, NegotiationError } from "../errors.ts";

/** A server has said no, or nothing; the message is one sentence to be shown. */
export class Refused extends ConnectionLost {
  /** The class's name. */
  override readonly name = "Refused";
  /** Of HTTP: 401 wants a token, 404 knows no such robot; 0 when nobody answered. */
  readonly status: number;

  /** @param status of HTTP, or 0 */
  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** How to ask. */
export interface Question {
  /** Shown to the server, if there is one. */
  readonly token?: string | null;
  /** Is posted as JSON; without it the server is only asked. */
  readonly body?: object;
  /** Nobody wants the answer any more. */
  readonly signal: AbortSignal;
}

/** The JSON object that the server answers. */
export async function ask(url: string, { token, body, signal }: Question): Promise<object> {
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  const request: RequestInit = { cache: "no-store", signal, headers };
  if (body) {
    request.method = "POST";
    request.body = JSON.stringify(body);
    headers["content-type"] = "application/json";
  }
  let reply: Response, text: string;
  try {
    reply = await fetch(url, request);
    text = await reply.text();
  } catch {
    throw nobodyAnswers(url);
  }
  if (!reply.ok) throw new Refused(sentenceOf(reply, text), reply.status);
  try {
    return JSON.parse(text) as object;
  } catch {
    throw new NegotiationError("The robot's answer is not a description of a connection.");
  }
}

/** The sentence for silence. */
export function nobodyAnswers(url: string): Refused {
  const { host } = new URL(url, location.href);
  return new Refused(`The robot does not answer at ${host}. Is it switched on?`, 0);
}

/** The server says in one sentence what is wrong; a proxy in between may say a whole page. */
function sentenceOf(reply: Response, text: string): string {
  const isText = (reply.headers.get("content-type") ?? "text/plain").startsWith("text/plain");
  const sentence = text.trim();
  if (isText && sentence && sentence.length <= 300) return sentence;
  return `The robot refused the connection (HTTP ${reply.status}).`;
}
