/** Tests that need the devices of the lab's machine. */
import { inTime } from "../contract/in_time.ts";

/** Whether this is the lab's machine. */
export const inLab: boolean = Deno.env.get("LABVM") === "1";
/** JavaScript is some thirty times slower there. */
export const DEADLINE_MS = 120_000;
/** What a title says elsewhere. */
export const HINT = "deno task lab";

/** Registers a test. */
export function lab(name: string, fn: () => Promise<void>, here: boolean = inLab): void {
  Deno.test({
    name: here ? name : `${name} (${HINT})`,
    ignore: !here,
    fn: () => inTime(DEADLINE_MS, fn),
  });
}
