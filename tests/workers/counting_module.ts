/** For the tests: a module with a variable that lasts. */
let calls = 0;

/** Says how often it was called, and with what. */
export default function (value: number): string {
  calls++;
  return `${calls}: ${value}`;
}
