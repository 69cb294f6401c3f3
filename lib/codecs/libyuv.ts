/** Placeholder until the next commit. */ export {};
