import { RateLimiterMemory } from "rate-limiter-flexible";

/** Counts by a key; true while there is room. */
export function limiter(points: number, seconds: number): (key: string) => Promise<boolean> {
  const counter = new RateLimiterMemory({ points, duration: seconds });
  return (key) =>
    counter.consume(key).then(
      () => true,
      () => false,
    );
}
