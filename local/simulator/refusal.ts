/** The answer that a refusal is told in: the same refusal reads differently every time. */
export type Occasion = {
  /** Counts answers. */
  readonly serial: number;
  readonly now: number;
  readonly callerIp: string;
};

/** Why one of the platforms does not do what it was asked to. */
export abstract class Refusal extends Error {
  abstract readonly errcode: number;

  /** The message as this answer words it. */
  abstract errmsg(occasion: Occasion): string;
}
