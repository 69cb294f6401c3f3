/** Runs the body of a test. When it hangs, the test fails, and the others still have their turn. */
export async function inTime<T>(deadlineMs: number, body: () => Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took more than ${deadlineMs} ms`)), deadlineMs);
  });
  return await Promise.race([late, body()]).finally(() => clearTimeout(timer));
}
