import * as z from 'zod';
import type { Operator } from './operator.ts';

/** One command of the control plane: checks its JSON or query, and returns the body of the answer. */
export type Command = (operator: Operator, json: unknown, query: URLSearchParams) => object;

export type Commands = Readonly<Record<string, Command>>;

/** A command that has nothing to tell. */
export function done(work: (operator: Operator, json: unknown) => void): Command {
  return (operator, json) => {
    work(operator, json);
    return {};
  };
}

export const nonEmpty = z.string().min(1);
export const ipList = z.array(
  z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'not an IP address or CIDR range'),
);
