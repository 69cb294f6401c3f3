/** What the doctor finds, and how the reader mends what is wrong. */

/** What was found out about one thing. */
export interface Finding {
  /** What it is called. */
  readonly name: string;
  /**
   * `none`: there is no such device, which is no fault; `missing`: it is wanted; `denied`: it is here and may
   * not be used; `unknown`: nobody could look.
   */
  readonly state: "here" | "none" | "missing" | "denied" | "unknown";
  /** What it can do, or what stands in the way. */
  readonly detail: string;
  /** What it is for, in a few words. */
  readonly use?: string;
  /** What mends it. */
  readonly mend?: Mend;
  /** Without it there is no video at all. */
  readonly required?: boolean;
}

/** What is to be done; what is alike is put on one line. */
export interface Mend {
  /** A group of the system that the user joins. */
  readonly group?: string;
  /** What `scripts/setup.sh` is asked for, on Linux. */
  readonly setup?: "demo" | "test";
  /** The package of Debian and its kin. */
  readonly apt?: string;
  /** The package of Homebrew. */
  readonly brew?: string;
}

/** Findings that belong together. */
export interface Group {
  /** Its head. */
  readonly title: string;
  /** What was found; the first word of each stands in a column. */
  readonly findings: readonly Finding[];
}

/** Nobody could look, for this reason. */
export function unknown(name: string, error: unknown): Finding {
  const detail = error instanceof Error ? error.message : String(error);
  return { name, state: "unknown", detail };
}
