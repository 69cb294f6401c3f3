/**
 * Says which devices, libraries and programs are here, what each can do, and the line that mends what is
 * missing. Looks only where it was allowed to, and says where it was not. Exits with 1 when there can be no
 * video at all.
 *
 *     deno task doctor
 */

import { Asking } from "./doctor/asking.ts";
import type { Finding, Group } from "./doctor/finding.ts";
import { type Probe, type ProbeName, PROBES } from "./doctor/probes.ts";
import { report } from "./doctor/report.ts";

const WORKER = new URL("./doctor/worker.ts", import.meta.url);

/** What a probe found, or why it found nothing. */
async function examine(name: ProbeName, asking: Asking): Promise<readonly Finding[]> {
  const { what, ffi, nothing = "none found", elsewhere }: Probe = PROBES[name];
  const say = (state: Finding["state"], detail: string) => [{ name: what, state, detail }];
  const lacks = refusal(ffi);
  if (lacks !== null) return say("unknown", `not looked: needs ${lacks}`);
  if (elsewhere !== undefined && Deno.build.os !== "linux") return say("none", elsewhere);
  const answer = await asking.ask(name);
  if ("problem" in answer) return say("unknown", answer.problem);
  return answer.findings.length > 0 ? answer.findings : say("none", nothing);
}

/** The permission that is not given. */
function refusal(ffi: boolean): string | null {
  const given = (permission: Deno.PermissionDescriptor) =>
    Deno.permissions.querySync(permission).state === "granted";
  if (ffi && !given({ name: "ffi" })) return "--allow-ffi";
  return given({ name: "read", path: WORKER }) ? null : "--allow-read=.";
}

if (import.meta.main) {
  const { os, target } = Deno.build;
  using asking = new Asking(() => new Worker(WORKER, { type: "module" }));
  const deno: Finding = { name: "Deno", state: "here", detail: Deno.version.deno, use: target };
  const groups = new Map<string, Group & { findings: Finding[] }>();
  for (const name of Object.keys(PROBES) as ProbeName[]) {
    const { title } = PROBES[name];
    const group = groups.get(title) ?? { title, findings: title === "Programs" ? [deno] : [] };
    group.findings.push(...await examine(name, asking));
    groups.set(title, group);
  }
  console.log(
    report([...groups.values()], { os, color: !Deno.noColor && Deno.stdout.isTerminal() }),
  );
  const hopeless = [...groups.values()].some(({ findings }) =>
    findings.some(({ state, required }) => required && state === "missing")
  );
  Deno.exit(hopeless ? 1 : 0); // also while a driver still does not answer
}
