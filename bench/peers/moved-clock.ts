/** The time of this process is what its parent says: SDKs ask `Date` whether a token is still good. */

const RealDate = Date;
let nowMs = RealDate.now();

class MovedDate extends RealDate {
  constructor(...parts: [] | [string | number | Date]) {
    if (parts.length === 0) super(nowMs);
    else super(...parts);
  }

  static override now(): number {
    return nowMs;
  }
}

/** To be called before the SDK is loaded, which may keep a `Date` of its own. */
export function moveClockTo(instantMs: number): void {
  nowMs = instantMs;
  globalThis.Date = MovedDate as DateConstructor;
}
